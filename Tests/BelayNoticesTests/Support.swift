import BelayCore
import BelayNotices
import BelayTesting
import Foundation
import Synchronization
import Testing

/// Servers that answer as they are told, by host, and keep what they were sent.
final class Switchboard: OutgoingHTTP {
    private struct Content {
        var answers: [String: [Result<Int, OutgoingFailure>]] = [:]
        var requests: [OutgoingRequest] = []
    }

    private let content = Mutex(Content())

    /// The host's next answers, each once; the last one stays.
    func answer(_ host: String, _ answers: Result<Int, OutgoingFailure>...) {
        content.withLock { $0.answers[host] = answers }
    }

    var requests: [OutgoingRequest] { content.withLock { $0.requests } }

    func send(_ request: OutgoingRequest) async throws(OutgoingFailure) -> OutgoingAnswer {
        let host = URL(string: request.url)?.host ?? ""
        let answer = content.withLock { content -> Result<Int, OutgoingFailure> in
            content.requests.append(request)
            guard let first = content.answers[host]?.first else { return .success(200) }
            if (content.answers[host]?.count ?? 0) > 1 { content.answers[host]?.removeFirst() }
            return first
        }
        return OutgoingAnswer(status: try answer.get(), body: [])
    }
}

extension OutgoingRequest {
    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
    }

    var list: [[String: Any]] {
        (try? JSONSerialization.jsonObject(with: Data(body))) as? [[String: Any]] ?? []
    }

    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// A ledger that grows by commands, an outbox in a file, and a herald that can die and come back.
final class Town {
    private struct Scene {
        var world = World()
        var reports: [ReleaseID: [GuardReport]] = [:]
        var now: Int64 = 1_000_000
    }

    /// Shared with the herald's closures.
    private final class Stage: Sendable {
        let scene = Mutex(Scene())
    }

    static let secrets = [
        "HOOK": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "PD": "routing-key", "SLACK": "https://slack/T/B/X",
        "AM": "token",
    ]

    let board = Switchboard()
    let folder = NSTemporaryDirectory() + "outbox-\(UUID().uuidString)"
    private let stage = Stage()
    private let policy: Policy
    private(set) var outbox: Outbox
    private(set) var herald: Herald

    init(notify: [NotifyTarget]) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        policy = Self.policy(notify)
        var world = World()
        try world.serve("fraud", bytes: "one", at: 1000)
        try world.perform(.changePolicy(Build.endpoint("fraud"), policy), at: 1500)
        try world.perform(.register(Build.version("fraud", bytes: "two")), at: 2000)
        let built = world
        stage.scene.withLock { $0.world = built }
        // What made the town is history; its herald begins with what comes now.
        outbox = try Outbox(path: "\(folder)/outbox.sqlite", position: built.entries.count)
        herald = Self.herald(outbox, board, stage)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private static func herald(_ outbox: Outbox, _ board: Switchboard, _ stage: Stage) -> Herald {
        Herald(
            outbox: outbox,
            http: board,
            secrets: SecretReader { secret in
                if case .environment(let name) = secret { secrets[name] } else { nil }
            },
            server: "http://belay:7700",
            entries: { after, limit in
                stage.scene.withLock { Array($0.world.entries.dropFirst(after).prefix(limit)) }
            },
            view: { stage.scene.withLock { Herald.View(state: $0.world.state, reports: $0.reports) } },
            now: { Timestamp(milliseconds: stage.scene.withLock { $0.now }) }
        )
    }

    static func policy(_ notify: [NotifyTarget]) -> Policy {
        let base = Build.policy("fraud")
        guard
            let policy = Policy(
                model: base.model,
                serving: base.serving,
                plan: base.plan,
                guards: base.guards,
                labels: base.labels,
                rollback: base.rollback,
                notify: notify
            )
        else { preconditionFailure("a policy with targets is as legal as one without") }
        return policy
    }

    /// As after kill -9: nothing is left but the files and the ledger.
    func restart() throws {
        try outbox.close()
        outbox = try Outbox(path: "\(folder)/outbox.sqlite", position: 0)
        herald = Self.herald(outbox, board, stage)
    }

    func world<Value: Sendable>(_ change: @Sendable (inout World) throws -> Value) rethrows -> Value {
        try stage.scene.withLock { try change(&$0.world) }
    }

    func report(_ reports: [ReleaseID: [GuardReport]]) { stage.scene.withLock { $0.reports = reports } }

    var now: Timestamp { Timestamp(milliseconds: stage.scene.withLock { $0.now }) }

    func wait(_ duration: Duration) {
        stage.scene.withLock { $0.now += duration.wholeMilliseconds }
    }

    /// Starts a release of `fraud@2`.
    func release() throws -> ReleaseID {
        let policy = policy
        return try world { try $0.release("fraud", 2, policy: policy, at: 3000) }
    }

    func round() async throws {
        try await herald.listen()
        try await herald.sendDue()
    }

    func deliveries(_ states: Delivery.State...) async throws -> [Delivery] {
        try await outbox.deliveries(
            in: states.isEmpty ? Set(Delivery.State.allCases) : Set(states),
            model: nil,
            notice: nil,
            limit: 1000
        )
    }
}

func target(
    _ via: NotifyTarget.Way,
    _ url: NotifyTarget.Address? = nil,
    secret: String? = nil,
    events: [String] = [],
    severity: String? = nil,
    format: NotifyTarget.Format = .standardWebhooks,
    allowsPrivate: Bool = false
) -> NotifyTarget {
    NotifyTarget(
        via: via,
        url: url,
        secret: secret.map { .environment($0) },
        events: events,
        severity: severity,
        format: format,
        allowsPrivate: allowsPrivate
    )
}

func breach(_ name: String = "error_rate", _ verdict: Verdict = .breach) -> GuardReport {
    GuardReport(
        name: name,
        metric: .errorRate,
        verdict: verdict,
        value: 0.0081,
        lower: 0.0052,
        upper: 0.011,
        limit: 0.005,
        candidateSamples: 2140,
        stableSamples: 19_411,
        logEvidence: 6.2
    )
}
