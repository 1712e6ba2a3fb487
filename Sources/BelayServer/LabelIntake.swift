import BelayControl
import BelayCore
import BelayInference
import BelayInferenceLog
import Foundation

/// Takes labels, finds the answers they speak of, and turns them into evidence for the version that answered.
///
/// Partial success is normal: every label is kept or rejected on its own, with the reason. Sending a file
/// twice is harmless.
struct LabelIntake: Sendable {
    static let mostLabels = 100_000
    /// The log also has answers to write in between.
    private static let lookedUpAtOnce = 500
    static let mostBytes = 32 << 20

    /// One label as it comes over the wire.
    struct Body: Decodable {
        let id: String
        let model: String
        let value: LabelValue
        let at: String?
        let kind: String?
    }

    let log: InferenceLog
    let labels: LabelStore
    let evidence: EvidenceBox
    let conductor: Conductor
    let now: @Sendable () -> Timestamp
    let counts = LabelCounts()

    /// Takes one JSON object, a JSON array of them, or one object a line (NDJSON).
    func accept(_ body: [UInt8]) async throws -> LabelsView {
        let bodies = try Self.split(body)
        var rejected: [LabelsView.Rejected] = []
        var records: [LabelRecord] = []
        let state = await conductor.state
        let answers = try await answers(to: bodies)
        for (index, body) in bodies.enumerated() {
            do {
                records.append(try record(body, in: state, answers: answers))
            } catch let fault as LabelFault {
                rejected.append(.init(line: index + 1, code: fault.code, detail: fault.detail))
            }
        }
        let outcomes = try await labels.accept(records)
        for (record, outcome) in zip(records, outcomes) {
            if let key = record.evidence(given: outcome) { evidence.add(key, 1) }
            if outcome != .repeated, let version = record.version {
                counts.add(VersionID(record.model, version))
            }
        }
        return LabelsView(
            accepted: records.count,
            counted: outcomes.count(where: \.counts),
            repeated: outcomes.count { $0 == .repeated },
            rejected: rejected
        )
    }

    /// The labels of a request; one that cannot be read keeps its place and its fault.
    private static func split(_ body: [UInt8]) throws -> [Result<Body, LabelFault>] {
        let data = Data(body)
        let first = body.first { !($0 == 0x20 || $0 == 0x0a || $0 == 0x0d || $0 == 0x09) }
        var bodies: [Result<Body, LabelFault>] = []
        if first == UInt8(ascii: "[") {
            do {
                bodies = try JSONDecoder().decode([Lenient].self, from: data).map(\.result)
            } catch {
                throw LabelsError.notJSON
            }
        } else if let only = try? JSONDecoder().decode(Lenient.self, from: data) {
            bodies = [only.result]
        } else {
            bodies = body.split(separator: 0x0a).lazy
                .filter { line in line.contains { $0 > 0x20 } }
                .prefix(mostLabels + 1)
                .map { line in
                    do {
                        return try JSONDecoder().decode(Lenient.self, from: Data(line)).result
                    } catch {
                        return .failure(.unreadable("the line is not JSON"))
                    }
                }
        }
        guard !bodies.isEmpty else { throw LabelsError.empty }
        guard bodies.count <= mostLabels else { throw LabelsError.tooMany }
        return bodies
    }

    /// Looks up each model's answers at once: one reading of the log for a batch instead of one a label.
    private func answers(to bodies: [Result<Body, LabelFault>]) async throws -> [ModelName: [String:
        AnswerRecord]]
    {
        let readable = bodies.compactMap { try? $0.get() }
        var found: [ModelName: [String: AnswerRecord]] = [:]
        for (text, group) in Dictionary(grouping: readable, by: \.model) {
            guard let model = ModelName(text) else { continue }
            var answers: [String: AnswerRecord] = [:]
            let ids = group.map(\.id)
            for start in stride(from: 0, to: ids.count, by: Self.lookedUpAtOnce) {
                let some = ids[start..<min(start + Self.lookedUpAtOnce, ids.count)]
                answers.merge(try await log.find(ids: some, model: model)) { first, _ in first }
            }
            found[model] = answers
        }
        return found
    }

    private func record(
        _ body: Result<Body, LabelFault>,
        in state: State,
        answers: [ModelName: [String: AnswerRecord]]
    ) throws -> LabelRecord {
        let body = try body.get()
        guard let name = ModelName(body.model), let model = state.models[name] else {
            throw LabelFault.unknownModel(body.model)
        }
        guard let kind = LabelKind(rawValue: body.kind ?? LabelKind.outcome.rawValue) else {
            throw LabelFault.unknownKind(body.kind ?? "")
        }
        let at = try body.at.map { text in
            guard let time = Timestamp(text) else { throw LabelFault.badTime(text) }
            return time
        }
        guard let answer = answers[name]?[body.id] else {
            throw LabelFault.unknownAnswer(body.id)
        }
        guard answer.status < 400 else { throw LabelFault.answerWasAnError(body.id, answer.status) }
        let chosen = state.endpoints[EndpointID(name, in: .prod)]?.effectivePolicy.labels.output
        let wrong = kind == .feedback ? nil : try isWrong(body.value, answer, model, chosen: chosen)
        // Whoever fell back was answered by a version that the coin had not chosen: evidence for nobody.
        let isEvidence = answer.fallback == nil
        return LabelRecord(
            id: body.id,
            model: name,
            kind: kind,
            value: canonical(body.value),
            at: at,
            receivedAt: now(),
            version: answer.version,
            release: isEvidence ? answer.release : nil,
            arm: answer.arm,
            share: answer.share,
            unit: answer.unit,
            wrong: wrong
        )
    }

    private func isWrong(
        _ value: LabelValue,
        _ answer: AnswerRecord,
        _ model: Model,
        chosen: String?
    ) throws -> Bool {
        guard let signature = model.versions[answer.version]?.signature,
            let output = signature.prediction(chosen: chosen)
        else { throw LabelFault.noPrediction }
        do throws(InferenceError) {
            let response = try OIPResponse.decode(answer.response, limits: .standard)
            guard let prediction = response.outputs.first(where: { $0.name == output.name }) else {
                throw InferenceError.labelMismatch("The answer does not contain the output '\(output.name)'.")
            }
            return try !judgeLabel(value, against: prediction.tensor)
        } catch {
            throw LabelFault.notComparable(error.explanation.summary)
        }
    }

    private func canonical(_ value: LabelValue) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try? encoder.encode([value])
        return String(decoding: (data ?? Data("[null]".utf8)).dropFirst().dropLast(), as: UTF8.self)
    }
}

/// One label of a batch, which may be wrong without spoiling its neighbours.
private struct Lenient: Decodable {
    let result: Result<LabelIntake.Body, LabelFault>

    init(from decoder: any Decoder) throws {
        do {
            result = .success(try LabelIntake.Body(from: decoder))
        } catch let DecodingError.keyNotFound(key, _) {
            result = .failure(.unreadable("the key '\(key.stringValue)' is missing"))
        } catch {
            result = .failure(.unreadable("a label is {\"id\", \"model\", \"value\", \"at\"?, \"kind\"?}"))
        }
    }
}

/// Why one label was not taken.
enum LabelFault: Error, Equatable, Sendable {
    case unreadable(String)
    case unknownModel(String)
    case unknownKind(String)
    case badTime(String)
    case unknownAnswer(String)
    case answerWasAnError(String, Int)
    case noPrediction
    case notComparable(String)

    var code: String {
        switch self {
        case .unreadable: "label.unreadable"
        case .unknownModel: "label.unknown-model"
        case .unknownKind: "label.unknown-kind"
        case .badTime: "label.bad-time"
        case .unknownAnswer: "label.unknown-answer"
        case .answerWasAnError: "label.answer-was-an-error"
        case .noPrediction: "label.no-prediction"
        case .notComparable: "label.not-comparable"
        }
    }

    var detail: String {
        switch self {
        case .unreadable(let why): why
        case .unknownModel(let model): "no model is called '\(model.prefix(80))'"
        case .unknownKind(let kind):
            "'\(kind.prefix(80))' is no kind of label; write outcome, feedback, expected or corrected"
        case .badTime(let text): "'\(text.prefix(80))' is not a time like 2026-11-23T14:25:03Z"
        case .unknownAnswer(let id):
            "no answer with the id '\(id.prefix(128))' is in the inference log; send the label again later"
        case .answerWasAnError(let id, let status): "the answer '\(id)' was an error (\(status))"
        case .noPrediction:
            "the model has several outputs; name the one to compare in `labels.output` of the policy"
        case .notComparable(let why): why
        }
    }
}

/// Why a whole batch was not taken.
enum LabelsError: Error, Equatable, Sendable {
    case notJSON
    case empty
    case tooMany
}

extension LabelsError: Explainable {
    var category: FailureCategory { self == .tooMany ? .tooLarge : .invalid }

    var explanation: Explanation {
        switch self {
        case .notJSON:
            Explanation(
                code: "labels.not-json",
                summary: "The body is not a JSON array.",
                remedy: "Send one label, an array of labels, or one label a line."
            )
        case .empty:
            Explanation(
                code: "labels.empty",
                summary: "The body holds no label.",
                remedy: "Send {\"id\": …, \"model\": …, \"value\": …}, an array of such, or one a line."
            )
        case .tooMany:
            Explanation(
                code: "labels.too-many",
                summary: "The body holds more than \(LabelIntake.mostLabels) labels.",
                remedy: "Send them in several requests."
            )
        }
    }
}

extension LabelRecord {
    /// What the label adds to the counts, given what became of it.
    ///
    /// A label for a unit that has been counted in its release is a sample, but no evidence: what is known of
    /// the unit leaves no coin to bet on, which is what a share of none or all says.
    fileprivate func evidence(given outcome: LabelAcceptance) -> EvidenceKey? {
        guard let key = evidence else { return nil }
        switch outcome {
        case .evidence: return key
        case .unitCounted:
            return EvidenceKey(
                release: key.release,
                series: key.series,
                slice: key.slice,
                arm: key.arm,
                share: key.arm == .candidate ? .all : .none,
                code: key.code
            )
        case .unjoined, .repeated, .revised: return nil
        }
    }
}
