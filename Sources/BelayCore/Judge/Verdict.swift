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
    /// What keeps a guard from judging, or from passing.
    package enum Reason: String, Hashable, Codable, CaseIterable, Sendable {
        /// Nothing was seen in this step.
        case missing
        /// What was seen is older than it may be.
        case stale
        /// Less was seen than the step or the metric asks for.
        case tooFew = "too_few"
        /// Requests were not split as the router says they were, so the arms do not compare.
        case split
        /// The arms did not get labels for the same part of their answers, so labels do not compare.
        case coverage
        /// There is nothing to hold it against: no reference, no threshold yet, or no stable version.
        case noReference = "no_reference"
        /// A person has waived it.
        case waived
        /// What was seen of known units speaks of harm, though they are no evidence.
        case looksBad = "looks_bad"
        /// The step asks for a proof that the candidate is within the margin, and there is none yet.
        case unproven
    }

    package let name: String
    package let metric: Metric
    /// What value, interval and limit are; nil in reports of earlier builds.
    package let versus: Versus?
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
    /// The same for the candidate being within the margin; nil where no step asks for it.
    package let logAdvance: Double?
    /// Why it is blind or undecided, or passes without data; nil otherwise.
    package let reason: Reason?
    /// The part of the requests in which it looks worst, for a guard that slices.
    package let slice: RequestSlice?
    /// The input that drifted most, for a guard that watches all of them.
    package let feature: String?
    /// Outcomes in this step, where they are too few; nil otherwise.
    package let seen: Int?
    /// How many there must be then.
    package let needed: Int?
    /// What a monitor elsewhere said instead of a number, where that is what is missing.
    package let problem: String?

    enum CodingKeys: String, CodingKey {
        case name, metric, versus, verdict, value, lower, upper, limit, reason, slice, feature, seen, needed,
            problem
        case candidateSamples = "n"
        case stableSamples = "n_stable"
        case logEvidence = "log_e"
        case logAdvance = "log_advance"
    }

    package init(
        name: String,
        metric: Metric,
        versus: Versus? = nil,
        verdict: Verdict,
        value: Double?,
        lower: Double?,
        upper: Double?,
        limit: Double,
        candidateSamples: Int,
        stableSamples: Int,
        logEvidence: Double,
        logAdvance: Double? = nil,
        reason: Reason? = nil,
        slice: RequestSlice? = nil,
        feature: String? = nil,
        seen: Int? = nil,
        needed: Int? = nil,
        problem: String? = nil
    ) {
        self.name = name
        self.metric = metric
        self.versus = versus
        self.verdict = verdict
        self.value = value
        self.lower = lower
        self.upper = upper
        self.limit = limit
        self.candidateSamples = candidateSamples
        self.stableSamples = stableSamples
        self.logEvidence = logEvidence
        self.logAdvance = logAdvance
        self.reason = reason
        self.slice = slice
        self.feature = feature
        self.seen = seen
        self.needed = needed
        self.problem = problem
    }
}
