/// What a guard says of the evidence so far.
package enum Verdict: String, Codable, CaseIterable, Sendable {
    /// Enough was seen, and nothing in it speaks of harm.
    case pass
    /// Harm is proven at the level the policy allows.
    case breach
    /// Too little was seen, or what was seen is suspicious.
    case undecided
    /// Nothing was seen where something should have been. Blindness is not success.
    case blind
    /// Nothing is held against it here: its metric does not exist in this step, or has no guard.
    case unjudged
}

/// One guard's verdict with the numbers behind it, as people read them.
///
/// For a guard against stable, `value` is the rise of the bad rate over stable's and `limit` its margin; for
/// an absolute one, the candidate's bad rate and its maximum; for a never-event, how often it happened.
package struct GuardReport: Hashable, Codable, Sendable {
    package let name: String
    package let metric: Metric
    package let verdict: Verdict
    /// Nil while nothing has been seen.
    package let value: Double?
    /// Always-valid at 99 %; nil until each arm has shown enough (STATS: 30 answers, 5 events).
    package let lower: Double?
    package let upper: Double?
    package let limit: Double
    /// Outcomes of the candidate that the judgement rests on.
    package let candidateSamples: Int
    /// The same of stable; 0 for a guard that does not compare with it.
    package let stableSamples: Int
    /// Natural logarithm of the guard's evidence against the candidate; 0 is none.
    package let logEvidence: Double

    enum CodingKeys: String, CodingKey {
        case name, metric, verdict, value, lower, upper, limit
        case candidateSamples = "n"
        case stableSamples = "n_stable"
        case logEvidence = "log_e"
    }

    package init(
        name: String,
        metric: Metric,
        verdict: Verdict,
        value: Double?,
        lower: Double?,
        upper: Double?,
        limit: Double,
        candidateSamples: Int,
        stableSamples: Int,
        logEvidence: Double
    ) {
        self.name = name
        self.metric = metric
        self.verdict = verdict
        self.value = value
        self.lower = lower
        self.upper = upper
        self.limit = limit
        self.candidateSamples = candidateSamples
        self.stableSamples = stableSamples
        self.logEvidence = logEvidence
    }
}
