/// Watches whether values still fall into their bins as a reference said, without an end.
///
/// The odds are those of ``DriftBet``, but the estimate forgets: a value weighs less by a thousandth with
/// each later one, so what is learned is the last thousand or so, and each value brings fresh capital as in
/// ``ChangeDetector``: `log M ← log(M + 1) + log(p̂(x)/q(x)) − tolerance`. With several features watched at
/// once, each waits for `averageRunLength × features`, and the first false alarm of any is as rare as asked.
///
/// Changes that nobody would act on are let through: the standard tolerance ignores a population stability
/// index below 0.01. A drift is a reason to look, not to roll back: only a worse outcome is that.
package struct DriftDetector: Equatable, Sendable {
    /// Nats by which a bin may be likelier than its reference.
    package static let standardTolerance = 0.005
    /// Values between two false alarms of all features together.
    package static let standardRunLength = 1e6
    /// The part of a value's weight that the next one leaves.
    private static var keeping: Double { 1 - 1.0 / 1_000 }

    package let reference: Shares
    /// See ``DriftBet/tolerance``.
    package let tolerance: Double
    /// The statistic, in nats, that is an alarm: log(averageRunLength × features).
    package let threshold: Double
    /// Values since the start or the last ``reset()``.
    package private(set) var observations: Int
    private var estimate: SharesEstimate
    /// Meaningless while nothing was observed.
    private var logCapital: Double

    /// Returns nil unless `0 ≤ tolerance < ∞`, `1 < averageRunLength < ∞` and `features ≥ 1`.
    package init?(
        reference: Shares,
        tolerance: Double = standardTolerance,
        averageRunLength: Double = standardRunLength,
        features: Int = 1
    ) {
        guard tolerance >= 0, tolerance.isFinite, averageRunLength > 1, averageRunLength.isFinite,
            features >= 1
        else { return nil }
        self.reference = reference
        self.tolerance = tolerance
        threshold = logarithm(averageRunLength) + logarithm(Double(features))
        observations = 0
        estimate = SharesEstimate(bins: reference.count)
        logCapital = 0
    }

    /// The logarithm of M, in nats; −∞ before the first value.
    package var logStatistic: Double { observations > 0 ? logCapital : -.infinity }

    package var hasAlarmed: Bool { logStatistic >= threshold }

    /// Takes in one value by its bin, and says whether there is such a bin.
    @discardableResult
    package mutating func settle(bin: Int) -> Bool {
        guard reference.values.indices.contains(bin) else { return false }
        take(growth: odds(bin), count: 1)
        estimate.addForgetting(bin, keeping: Self.keeping)
        return true
    }

    /// Takes in a tick of values, counted by bin, all judged by the estimates of its start.
    ///
    /// The tick's capital is committed at its start and its values are forgotten as if they had been spread
    /// evenly over it; a tick of one value is the formula above.
    ///
    /// - Parameter counts: One for each bin.
    /// - Returns: False, and nothing is taken, unless there is one count ≥ 0 for each bin.
    @discardableResult
    package mutating func settle(_ counts: [Int]) -> Bool {
        guard counts.count == reference.count, counts.allSatisfy({ $0 >= 0 }) else { return false }
        let total = counts.reduce(0) { $0.addingSaturated($1) }
        guard total != 1 else { return settle(bin: counts.firstIndex(of: 1) ?? 0) }
        guard total > 0 else { return true }
        var growth = 0.0
        for (bin, count) in counts.enumerated() where count > 0 { growth += Double(count) * odds(bin) }
        take(growth: growth, count: total)
        estimate.addForgetting(counts, total: total, keeping: Self.keeping)
        return true
    }

    /// Starts anew, as after an alarm that was acted on.
    package mutating func reset() {
        observations = 0
        logCapital = 0
        estimate = SharesEstimate(bins: reference.count)
    }

    private func odds(_ bin: Int) -> Double {
        logarithm(estimate.share(bin, prior: reference) / reference.values[bin]) - tolerance
    }

    private mutating func take(growth: Double, count: Int) {
        let fresh = logarithm(Double(count))
        logCapital = (observations > 0 ? logarithmOfSum(logCapital, fresh) : fresh) + growth
        observations = observations.addingSaturated(count)
    }
}

extension DriftDetector: Codable {
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        reference = try values.decode(Shares.self, forKey: .reference)
        tolerance = try values.decode(Double.self, forKey: .tolerance)
        threshold = try values.decode(Double.self, forKey: .threshold)
        observations = try values.decode(Int.self, forKey: .observations)
        estimate = try values.decode(SharesEstimate.self, forKey: .estimate)
        logCapital = try values.decode(Double.self, forKey: .logCapital)
        guard tolerance >= 0, tolerance.isFinite, threshold > 0, threshold.isFinite, observations >= 0,
            logCapital.isFinite, estimate.counts.count == reference.count
        else { throw DecodingError.invalid("not the state of a drift detector", from: decoder) }
    }
}
