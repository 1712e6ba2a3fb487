/// What a guard looks at.
package enum Metric: String, Codable, CaseIterable, Sendable {
    /// A request that the version failed to answer: it erred, timed out or was overloaded.
    case errorRate = "error_rate"
    /// A labelled answer that agreed with its label; counted as its opposite, wrong answers.
    case accuracy
    /// An answer with NaN, infinity, or another type or shape than the signature promises.
    case invalidOutput = "invalid_output"
    /// The circuit breaker of an instance opened twice within a minute; the gateway counts each such event
    /// once, as bad.
    case circuitBreaker = "circuit_breaker"
    /// A shadow's answer that differs from the one that was served; every compared pair is counted.
    case disagreement
    /// A request that a shadow failed to answer; every request that was copied to it is counted.
    case shadowError = "shadow_error"

    /// Whether a single occurrence is one too many.
    package var isNeverEvent: Bool { self == .invalidOutput || self == .circuitBreaker }

    /// Whether shadows count it: for the arm candidate, with the share of all.
    ///
    /// The coin of a shadow decides what is copied, not who answers, so its outcomes are no evidence for a
    /// comparison of the arms. Each pair is a sample of its own.
    package var isOfShadows: Bool { self == .disagreement || self == .shadowError }

    /// Whether a step of this kind can show it: errors and labels speak of answers that somebody got.
    package func applies(to kind: Plan.Step.Kind) -> Bool {
        switch self {
        case .invalidOutput, .circuitBreaker: true
        case .errorRate, .accuracy: kind == .canary
        case .disagreement, .shadowError: kind == .shadow
        }
    }
}

/// One kind of outcome: equal keys share one factor of the bet, so only their number matters.
package struct EvidenceKey: Hashable, Codable, Sendable {
    package let release: ReleaseID
    package let metric: Metric
    package let arm: Arm
    /// The candidate's probability at the moment the request was routed, given what was known of its unit:
    /// none or all for a unit that had been tossed before, whose outcome is a sample but no evidence.
    package let share: Share
    package let bad: Bool

    package init(release: ReleaseID, metric: Metric, arm: Arm, share: Share, bad: Bool) {
        self.release = release
        self.metric = metric
        self.arm = arm
        self.share = share
        self.bad = bad
    }
}

/// Counts of coded outcomes.
///
/// Adding is commutative, so loops, gateways and restarts merge in any order.
package struct EvidenceCounts: Equatable, Sendable {
    package private(set) var counts: [EvidenceKey: Int] = [:]

    package init() {}

    package var isEmpty: Bool { counts.isEmpty }

    /// Adds `number` outcomes; a sum that would overflow stays at its maximum.
    package mutating func add(_ key: EvidenceKey, _ number: Int) {
        guard number > 0 else { return }
        counts[key] = counts[key, default: 0].addingSaturated(number)
    }

    package mutating func merge(_ other: EvidenceCounts) {
        for (key, number) in other.counts { add(key, number) }
    }

    /// The counts of one release.
    package func of(_ release: ReleaseID) -> EvidenceCounts {
        var part = EvidenceCounts()
        part.counts = counts.filter { $0.key.release == release }
        return part
    }
}

extension Int {
    /// The sum of two counts, held at the maximum instead of trapping.
    func addingSaturated(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
