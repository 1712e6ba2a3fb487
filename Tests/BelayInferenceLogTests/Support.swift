import BelayCore
import BelayInferenceLog
import Dispatch
import Foundation
import Synchronization
import Testing

/// A folder that lives as long as the value that owns it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "belay-inference-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The names in it, sorted.
    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }

    /// The names of the log's segments in it, sorted.
    var segments: [String] {
        get throws { try names.filter { $0.contains("Z-") && $0.hasSuffix(".sqlite") } }
    }

    /// Whether any file in it holds the text.
    func holds(_ text: String) throws -> Bool {
        try names.contains { name in
            try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")).range(of: Data(text.utf8)) != nil
        }
    }

    /// What would be left if the process that writes here were killed now.
    func crashImage() throws -> TemporaryFolder {
        let image = try TemporaryFolder()
        for name in try names {
            try FileManager.default.copyItem(atPath: "\(path)/\(name)", toPath: "\(image.path)/\(name)")
        }
        return image
    }
}

/// Holds the writer's thread at a point until the test lets it go on.
final class Gate: Sendable {
    private let arrivals = DispatchSemaphore(value: 0)
    private let permits = DispatchSemaphore(value: 0)

    /// Called by the thread that is to be held.
    func pass() {
        arrivals.signal()
        permits.wait()
    }

    func waitForArrival() { arrivals.wait() }

    func open(times: Int) { for _ in 0..<times { permits.signal() } }
}

/// What was said to whom, in order.
final class Told: Sendable {
    private let words = Mutex<[String: [Bool]]>([:])

    func add(_ name: String, _ word: Bool) { words.withLock { $0[name, default: []].append(word) } }

    var all: [String: [Bool]] { words.withLock { $0 } }
}

struct Fixture {
    let fraud: ModelName
    let churn: ModelName
    let two: VersionNumber
    let tenPercent: Share
    let start: Timestamp

    init() throws {
        fraud = try #require(ModelName("fraud"))
        churn = try #require(ModelName("churn"))
        two = try #require(VersionNumber(2))
        tenPercent = try #require(Share(partsPerMillion: 100_000))
        start = try #require(Timestamp("2026-11-23T14:25:03.118Z"))
    }

    func answer(
        _ id: String,
        model: ModelName? = nil,
        kind: AnswerKind = .served,
        at: Timestamp? = nil,
        release: Int? = nil,
        arm: Arm = .stable,
        unit: UInt64? = nil,
        subject: UnitHash? = nil,
        status: Int = 200,
        request: [UInt8] = [1, 2],
        response: [UInt8] = [3]
    ) -> AnswerRecord {
        AnswerRecord(
            id: id,
            kind: kind,
            at: at ?? start,
            model: model ?? fraud,
            version: two,
            release: release.map { ReleaseID($0) },
            arm: arm,
            share: tenPercent,
            unit: unit.map { UnitHash($0) },
            subject: subject,
            latencyMicroseconds: 812,
            status: status,
            fallback: nil,
            request: request,
            response: response
        )
    }

    /// A label and what it shows: right or wrong as a truth, a thumb as feedback.
    func label(
        _ id: String,
        _ value: String,
        kind: LabelKind = .outcome,
        at: Timestamp? = nil,
        source: String? = nil,
        note: String? = nil,
        isFinal: Bool = true,
        release: Int? = 1,
        arm: Arm = .candidate,
        share: Share? = nil,
        unit: UInt64? = nil,
        epochs: ClosedRange<Int> = 0...0,
        wrong: Bool? = false,
        outcomes: [LabelOutcome]? = nil
    ) -> LabelRecord {
        let shown = LabelOutcome(series: kind.isTruth ? .labels : .flags, code: wrong == true ? 1 : 0)
        let isOpinion = kind == .feedback
        return LabelRecord(
            LabelStatement(
                id: id,
                model: fraud,
                kind: kind,
                value: value,
                at: at,
                receivedAt: start,
                source: source,
                note: note,
                isFinal: isFinal
            ),
            answer: LabelledAnswer(
                version: two,
                at: start,
                arm: arm,
                release: release.map { ReleaseID($0) },
                share: share ?? tenPercent,
                unit: unit.map { UnitHash($0) },
                epochs: epochs
            ),
            outcomes: outcomes ?? (wrong == nil ? [] : [shown]),
            wrong: isOpinion ? nil : wrong
        )
    }

    /// A label whose answer was not found.
    func stray(_ id: String, _ value: String, receivedAt: Timestamp? = nil) -> LabelRecord {
        LabelRecord(
            LabelStatement(
                id: id,
                model: fraud,
                kind: .outcome,
                value: value,
                at: nil,
                receivedAt: receivedAt ?? start
            ),
            answer: nil
        )
    }

    /// The key of what labels of the candidate show.
    func key(
        _ series: Series,
        _ code: Int,
        release: Int = 1,
        slice: RequestSlice? = nil,
        arm: Arm = .candidate,
        share: Share? = nil
    ) -> EvidenceKey {
        EvidenceKey(
            release: ReleaseID(release),
            series: series,
            slice: slice,
            arm: arm,
            share: share ?? tenPercent,
            code: code
        )
    }
}

extension LogLimits {
    /// The standard limits with some of them changed.
    static func changed(_ change: (inout LogLimits) -> Void) -> LogLimits {
        var limits = LogLimits.standard
        change(&limits)
        return limits
    }
}
