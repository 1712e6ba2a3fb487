/// One guard's verdict.
///
/// `value`, `interval` and `limit` are in `unit`, in the metric's own sense: an accuracy that fell by two
/// points is −0.02.
package struct GuardView: Codable, Equatable, Sendable {
    package let name: String
    package let metric: String
    package let verdict: String
    /// `fraction` of one, `ms`, `per_second`, `psi`, `events` or, for losses, scores and queries, `number`.
    package let unit: String
    /// What `value` is: `none` the candidate's own figure, `stable` its difference from stable's,
    /// `stable_relative` that difference as a part of stable's, `badness` how bad its outcomes are, from 0 to
    /// 1.
    package let versus: String
    @ExplicitNull package private(set) var value: Double?
    /// Lower and upper end, always valid at 99 %.
    @ExplicitNull package private(set) var interval: [Double]?
    package let limit: Double
    /// Outcomes of the candidate behind the value.
    package let n: Int
    package let nStable: Int
    /// Natural logarithm of the evidence against the candidate; 0 is none, and 4.61 is 100 to 1.
    package let logEvidence: Double
    /// Why it can say no more; one of ``GuardReport/Reason``'s words.
    @ExplicitNull package private(set) var reason: String?
    /// The same in a sentence, with what to do.
    @ExplicitNull package private(set) var detail: String?
    /// The part of the requests in which it looks worst, `country=DE`, for a guard that slices.
    @ExplicitNull package private(set) var slice: String?
    /// The input that drifted most, for a guard that watches all of them.
    @ExplicitNull package private(set) var feature: String?

    enum CodingKeys: String, CodingKey {
        case name, metric, verdict, unit, versus, value, interval, limit, n, reason, detail, slice, feature
        case nStable = "n_stable"
        case logEvidence = "log_e"
    }

    package init(
        name: String,
        metric: String,
        verdict: String,
        unit: String,
        versus: String,
        value: Double?,
        interval: [Double]?,
        limit: Double,
        n: Int,
        nStable: Int,
        logEvidence: Double = 0,
        reason: String? = nil,
        detail: String? = nil,
        slice: String? = nil,
        feature: String? = nil
    ) {
        self.name = name
        self.metric = metric
        self.verdict = verdict
        self.unit = unit
        self.versus = versus
        self.value = value
        self.interval = interval
        self.limit = limit
        self.n = n
        self.nStable = nStable
        self.logEvidence = logEvidence
        self.reason = reason
        self.detail = detail
        self.slice = slice
        self.feature = feature
    }
}

package struct GateView: Codable, Equatable, Sendable {
    package let gate: String
    package let outcome: String
    package let detail: String

    package init(gate: String, outcome: String, detail: String) {
        self.gate = gate
        self.outcome = outcome
        self.detail = detail
    }
}

package struct HoldView: Codable, Equatable, Sendable {
    package let by: String
    package let why: String?
    package let since: String
    /// `guard:NAME`, `deadline` or `exposure` when the judge holds it; null for a person.
    @ExplicitNull package private(set) var cause: String?

    package init(by: String, why: String?, since: String, cause: String? = nil) {
        self.by = by
        self.why = why
        self.since = since
        self.cause = cause
    }
}

/// A release with everything a person asks of it.
package struct ReleaseView: Codable, Equatable, Sendable {
    package let id: String
    package let model: String
    package let candidate: Int
    /// The version that served when the release was proposed.
    @ExplicitNull package private(set) var stable: Int?
    /// `gating`, `refused`, `shadow`, `canary`, `watching`, `settled` or `rolled_back`.
    package let phase: String
    /// 1 for the first step; null outside the steps.
    @ExplicitNull package private(set) var step: Int?
    package let steps: Int
    /// Per cent of requests that the candidate gets now; in a shadow step, as copies.
    package let share: Double
    @ExplicitNull package private(set) var held: HoldView?
    package let gates: [GateView]
    package let guards: [GuardView]
    /// `request` or `guard:NAME` once rolled back.
    @ExplicitNull package private(set) var cause: String?
    package let proposedBy: String
    package let proposedAt: String
    @ExplicitNull package private(set) var endedAt: String?
    @ExplicitNull package private(set) var reason: String?
    /// How much traffic its steps will need; only in the answer to the call that proposes it.
    package var forecast: ForecastView?

    enum CodingKeys: String, CodingKey {
        case id, model, candidate, stable, phase, step, steps, share, held, gates, guards, cause, reason
        case forecast
        case proposedBy = "proposed_by"
        case proposedAt = "proposed_at"
        case endedAt = "ended_at"
    }

    package init(
        id: String,
        model: String,
        candidate: Int,
        stable: Int?,
        phase: String,
        step: Int?,
        steps: Int,
        share: Double,
        held: HoldView?,
        gates: [GateView],
        guards: [GuardView],
        cause: String?,
        proposedBy: String,
        proposedAt: String,
        endedAt: String?,
        reason: String?
    ) {
        self.id = id
        self.model = model
        self.candidate = candidate
        self.stable = stable
        self.phase = phase
        self.step = step
        self.steps = steps
        self.share = share
        self.held = held
        self.gates = gates
        self.guards = guards
        self.cause = cause
        self.proposedBy = proposedBy
        self.proposedAt = proposedAt
        self.endedAt = endedAt
        self.reason = reason
    }
}

package struct ReleaseList: Codable, Equatable, Sendable {
    package let releases: [ReleaseView]

    package init(releases: [ReleaseView]) { self.releases = releases }
}
