/// The range that a displayed quantity is confined to.
package struct Interval: Equatable, Sendable, Codable {
    package let lower: Double
    package let upper: Double

    /// Nothing observed, nothing excluded: the widest difference two means of badness can have.
    package static let unknown = Interval(lower: -1, upper: 1)
    /// The same for a single mean of badness.
    package static let unknownMean = Interval(lower: 0, upper: 1)

    package init(lower: Double, upper: Double) {
        self.lower = lower
        self.upper = upper
    }
}

/// What is known of one arm's badness within one ramp step.
package struct ArmSummary: Equatable, Sendable {
    package let count: Int
    /// Mean badness, 0 … 1.
    package let mean: Double
    /// Variance of one outcome, 0 … 1.
    package let variance: Double
    /// Outcomes that say something: the bad ones of a rate, all of them for a continuous metric.
    package let events: Int

    /// Returns nil for a number outside its range, NaN included, or unless `0 ≤ events ≤ count`.
    package init?(count: Int, mean: Double, variance: Double, events: Int) {
        guard events >= 0, events <= count, (0...1).contains(mean), (0...1).contains(variance) else {
            return nil
        }
        self.count = count
        self.mean = mean
        self.variance = variance
        self.events = events
    }

    /// Summarises a rate; nil unless `0 ≤ bad ≤ count` and something was counted.
    package init?(bad: Int, count: Int) {
        guard count > 0 else { return nil }
        let rate = Double(bad) / Double(count)
        self.init(count: count, mean: rate, variance: rate * (1 - rate), events: bad)
    }
}

/// Intervals for people to look at, which stay honest although people look at them all the time.
///
/// A normal-mixture confidence sequence (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon, arXiv
/// 1810.08240) covers the truth at every moment at once with probability about 1 − alpha. It is asymptotic,
/// so nothing is claimed before 30 outcomes per arm and 5 events, and no decision is taken on it:
/// ``AllocationBet`` decides. Summaries must come from one ramp step each; pooling steps compares different
/// hours (Simpson's paradox).
package enum ConfidenceSequence {
    private static let fewestOutcomes = 30
    private static let fewestEvents = 5

    /// Confines how much worse the candidate is than the stable version.
    ///
    /// - Parameters:
    ///   - candidate: Outcomes of the candidate within one ramp step.
    ///   - stable: Outcomes of the stable version over the same requests.
    ///   - alpha: Probability, 0 … 1, that the sequence ever excludes the truth.
    ///   - effect: The difference worth detecting, > 0: there the interval is tightest.
    /// - Returns: The difference `candidate − stable` in badness, within −1 … 1; positive is worse.
    ///   ``Interval/unknown`` before the burn-in (5 events in both arms together), without any spread, or for
    ///   an alpha or effect out of range.
    package static func difference(
        candidate: ArmSummary,
        stable: ArmSummary,
        alpha: Double,
        effect: Double
    ) -> Interval {
        let events = candidate.events.addingSaturated(stable.events)
        guard min(candidate.count, stable.count) >= fewestOutcomes, events >= fewestEvents else {
            return .unknown
        }
        let variance =
            candidate.variance / Double(candidate.count) + stable.variance / Double(stable.count)
        let centre = candidate.mean - stable.mean
        return interval(centre, variance, alpha, effect, within: .unknown)
    }

    /// Confines one arm's own mean badness.
    ///
    /// - Parameters:
    ///   - arm: Outcomes of one version.
    ///   - alpha: Probability, 0 … 1, that the sequence ever excludes the truth.
    ///   - effect: The deviation worth detecting, > 0: there the interval is tightest.
    /// - Returns: The mean badness, within 0 … 1; ``Interval/unknownMean`` where nothing can be claimed.
    package static func mean(of arm: ArmSummary, alpha: Double, effect: Double) -> Interval {
        guard arm.count >= fewestOutcomes, arm.events >= fewestEvents else { return .unknownMean }
        return interval(arm.mean, arm.variance / Double(arm.count), alpha, effect, within: .unknownMean)
    }

    /// The normal-mixture boundary around an estimate, for a mixing variance of `effect²`.
    private static func interval(
        _ centre: Double,
        _ variance: Double,
        _ alpha: Double,
        _ effect: Double,
        within bounds: Interval
    ) -> Interval {
        let mixing = effect * effect
        guard alpha > 0, alpha < 1, effect > 0, mixing > 0, mixing.isFinite, variance > 0 else {
            return bounds
        }
        let both = variance + mixing
        let logRatio = logarithm(both) - logarithm(variance) - 2 * logarithm(alpha)
        let reach = (variance * (both / mixing) * logRatio).squareRoot()
        return Interval(lower: max(centre - reach, bounds.lower), upper: min(centre + reach, bounds.upper))
    }
}
