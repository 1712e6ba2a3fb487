import BelayControl
import BelayCore
import BelayNotices
import Foundation

/// One alert of Alertmanager's webhook, version 4, as far as it concerns Belay.
struct OutsideAlert: Decodable, Equatable, Sendable {
    let status: String
    let labels: [String: String]
    let annotations: [String: String]?
    let startsAt: String
    let fingerprint: String?

    var name: String { String((labels["alertname"] ?? "an alert").prefix(80)) }

    /// The same for every repetition of one alert, other for the next time that it fires.
    var key: String {
        let mark = fingerprint ?? labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined()
        return "\(String(mark.prefix(200)))@\(startsAt.prefix(40))"
    }
}

/// What a monitor outside may do: take a version out, or hold a release.
///
/// An alert pulls once, however often it is repeated and whatever dies in between. It may always take out a
/// candidate. It may take out a stable version only while nothing has been rolled back there since a person
/// last allowed automatic releases: alerts look back in time, and after a rollback they still show what is
/// over. Two of them must not go down the line of versions by themselves.
struct Rope: Sendable {
    enum Action: String, Sendable {
        case rollback, hold
    }

    private static let mostEntriesLooked = 10_000

    let conductor: Conductor
    let outbox: Outbox
    let entries: @Sendable (_ after: Int, _ limit: Int) async throws -> [Entry]
    let now: @Sendable () -> Timestamp

    func pull(_ alert: OutsideAlert) async throws -> PullView {
        guard alert.status == "firing" else { return view(alert, nil, nil, "ignored", "it is over") }
        // Belay's own notices come round by way of an Alertmanager that it tells.
        guard alert.labels["belay_event"] == nil else {
            return view(alert, nil, nil, "ignored", "Belay itself has told of it")
        }
        guard let text = alert.labels["belay_model"] else {
            return view(alert, nil, nil, "ignored", "it has no label belay_model")
        }
        guard let model = ModelName(text) else {
            return view(alert, nil, nil, "refused", "belay_model is not the name of a model")
        }
        guard let environment = EnvironmentName(alert.labels["belay_env"] ?? "prod") else {
            return view(alert, model, nil, "refused", "belay_env is not the name of an environment")
        }
        guard let action = Action(rawValue: alert.labels["belay_action"] ?? "rollback") else {
            return view(alert, model, nil, "refused", "belay_action is rollback or hold")
        }
        let endpoint = EndpointID(model, in: environment)
        let state = await conductor.state
        switch try await outbox.pull(alert.key, at: now(), sequence: state.sequence) {
        case .done(let outcome): return view(alert, model, action, "repeated", outcome)
        case .begun(let after) where try await wasRecorded(alert, after: after):
            try await outbox.pulled(alert.key, "done")
            return view(alert, model, action, "repeated", "done")
        case .new, .begun: break
        }
        do {
            let detail = try await act(action, at: endpoint, for: alert)
            try await outbox.pulled(alert.key, detail)
            return view(alert, model, action, "done", detail)
        } catch let refusal as any Explainable where refusal.category != .unavailable {
            // The next repetition may find it otherwise.
            try await outbox.pulled(alert.key, nil)
            return view(alert, model, action, "refused", refusal.explanation.summary)
        }
    }

    private func act(_ action: Action, at endpoint: EndpointID, for alert: OutsideAlert) async throws
        -> String
    {
        let actor = Actor.person("alertmanager")
        let state = await conductor.state
        let running = state.activeRelease(at: endpoint)
        switch action {
        case .hold:
            guard let running else { throw RopeRefusal.nothingRuns(endpoint) }
            guard running.hold == nil else { return "\(running.id) was held already" }
            try await conductor.perform(.hold(running.id), by: actor, reason: reason(alert))
            return "\(running.id) is held"
        case .rollback:
            if running.map({ $0.share == .all }) ?? true,
                case .suspended(let since) = state.endpoints[endpoint]?.automatic
            {
                throw RopeRefusal.alreadyPulled(endpoint, since: since)
            }
            let performed = try await conductor.rollback(
                endpoint,
                to: nil,
                by: actor,
                reason: reason(alert)
            )
            for case .release(.rolledBack(let rollback)) in performed.events {
                return "\(endpoint.model)@\(rollback.from) was taken out; "
                    + (rollback.to.map { "\($0) serves" } ?? "nothing serves")
            }
            return "it had just been taken out"
        }
    }

    /// The key is in the record, so that the record itself tells whether this was done.
    private func reason(_ alert: OutsideAlert) -> String {
        let summary = alert.annotations?["summary"].map { ": \($0.prefix(200))" } ?? ""
        return "alert \(alert.name) fired\(summary) [\(alert.key)]"
    }

    private func wasRecorded(_ alert: OutsideAlert, after sequence: Int) async throws -> Bool {
        let entries = try await entries(sequence, Self.mostEntriesLooked)
        return entries.contains { $0.reason?.hasSuffix("[\(alert.key)]") ?? false }
    }

    private func view(
        _ alert: OutsideAlert,
        _ model: ModelName?,
        _ action: Action?,
        _ outcome: String,
        _ detail: String
    ) -> PullView {
        PullView(
            alert: alert.name,
            model: model?.text,
            action: action?.rawValue ?? "none",
            outcome: outcome,
            detail: detail
        )
    }
}

/// Why a monitor may not do what it asked for.
enum RopeRefusal: Error, Equatable, Sendable {
    case nothingRuns(EndpointID)
    case alreadyPulled(EndpointID, since: Timestamp)
}

extension RopeRefusal: Explainable {
    var category: FailureCategory { .conflict }

    var explanation: Explanation {
        switch self {
        case .nothingRuns(let endpoint):
            Explanation(
                code: "hook.nothing-runs",
                summary: "No release of \(endpoint.model) runs that could be held.",
                remedy: "Leave out belay_action to have what serves rolled back instead."
            )
        case .alreadyPulled(let endpoint, let since):
            Explanation(
                code: "hook.already-rolled-back",
                summary:
                    "\(endpoint.model) was rolled back at \(since); what follows is for a person to say.",
                remedy: "`belay rollback \(endpoint.model)`, or `belay automatic on \(endpoint.model)`."
            )
        }
    }
}
