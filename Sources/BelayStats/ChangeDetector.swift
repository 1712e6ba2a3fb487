/// Watches a mean that has been good so far, and says when it no longer is.
///
/// A bet such as ``OneSampleBet`` loses its capital while all is well and must win it back when things
/// change. Here every outcome brings one unit of fresh capital instead, staked like the rest:
/// `M ← (M + 1)(1 + λ(Y − limit))`, the Shiryaev–Roberts statistic of five bettors (e-detectors: Shin,
/// Ramdas and Rinaldo, arXiv 2203.03532). While the mean is within the limit, M less the number of outcomes
/// is a supermartingale, so the mean number of outcomes until M reaches A is at least A: false alarms are
/// rare, but over a long enough time they happen. Where one false alarm costs a rollback, use a bet.
///
/// ```swift
/// var detector = ChangeDetector(limit: 0.012, averageRunLength: 1e6)
/// detector?.settle(bad: 7, good: 993)
/// if detector?.hasAlarmed == true { detector?.reset() }
/// ```
package struct ChangeDetector: Equatable, Sendable {
    /// The mean badness that is still acceptable, between 0 and 1: what was measured, and a tolerance.
    package let limit: Double
    /// Outcomes between two false alarms, on average at least; > 1.
    package let averageRunLength: Double
    /// Outcomes since the start or the last ``reset()``.
    package private(set) var observations: Int
    /// Meaningless while nothing was observed, when the capital is nought.
    private var logCapital: PerBettor

    /// Returns nil unless `0 < limit < 1` and `1 < averageRunLength < ∞`.
    package init?(limit: Double, averageRunLength: Double) {
        guard limit > 0, limit < 1, averageRunLength > 1, averageRunLength.isFinite else { return nil }
        self.limit = limit
        self.averageRunLength = averageRunLength
        observations = 0
        logCapital = PerBettor(repeating: 0)
    }

    /// The logarithm of M, in nats; −∞ before the first outcome.
    package var logStatistic: Double { observations > 0 ? logCapital.logarithmOfMean : -.infinity }

    /// What ``logStatistic`` is compared with, in nats.
    package var threshold: Double { logarithm(averageRunLength) }

    package var hasAlarmed: Bool { logStatistic >= threshold }

    /// Takes in one tick of events that are either bad or good; a negative count counts as zero.
    ///
    /// The tick's whole capital, one unit for each outcome, is committed at its start; a tick of one outcome
    /// is the formula above. An alarm is looked for at the end of a tick, and stays only as long as M does:
    /// look after each.
    package mutating func settle(bad: Int, good: Int) {
        settle(OneSampleStakes.Outcomes(bad: bad, good: good))
    }

    /// Takes in one tick of graded outcomes.
    package mutating func settle(_ cells: [OneSampleBet.Cell]) { settle(OneSampleStakes.Outcomes(cells)) }

    /// Takes in one outcome, as a tick of its own.
    ///
    /// - Parameter value: Badness, 0 … 1; anything else is passed over.
    package mutating func settle(_ value: Double) {
        guard (0...1).contains(value) else { return }
        settle(count: 1, growth: OneSampleStakes(limit: limit).growth(value))
    }

    /// Starts anew, as after an alarm that was acted on.
    package mutating func reset() {
        observations = 0
        logCapital = PerBettor(repeating: 0)
    }

    private mutating func settle(_ outcomes: OneSampleStakes.Outcomes) {
        guard outcomes.total > 0 else { return }
        settle(count: outcomes.total, growth: OneSampleStakes(limit: limit).growth(outcomes))
    }

    private mutating func settle(count: Int, growth: PerBettor) {
        let fresh = logarithm(Double(count))
        for index in PerBettor.indices {
            let capital = observations > 0 ? logarithmOfSum(logCapital[index], fresh) : fresh
            logCapital[index] = capital + growth[index]
        }
        observations = observations.addingSaturated(count)
    }
}

extension ChangeDetector {
    /// How far above a measured rate the limit should lie: a tenth of the rate, or two standard deviations of
    /// its measurement, whichever is more.
    ///
    /// A detector that is told a limit closer to the truth than the truth is known finds its own error.
    ///
    /// - Parameters:
    ///   - rate: The mean badness that was measured, 0 … 1.
    ///   - observations: How many outcomes it was measured on.
    /// - Returns: The tolerance, > 0; nil for a number out of range or without any observation.
    package static func tolerance(rate: Double, observations: Int) -> Double? {
        guard (0...1).contains(rate), observations > 0 else { return nil }
        let count = Double(observations)
        // Half an outcome more of each kind: a measured rate of 0 or 1 has an error too.
        let smoothed = (rate * count + 0.5) / (count + 1)
        let spread = rate > 0 && rate < 1 ? rate * (1 - rate) : smoothed * (1 - smoothed)
        return max(0.1 * rate, 2 * (spread / count).squareRoot())
    }
}

/// Before the first outcome the capital is stored as `[]`: it has no logarithm.
extension ChangeDetector: Codable {
    private enum CodingKeys: String, CodingKey { case limit, averageRunLength, observations, logCapital }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let detector = ChangeDetector(
            limit: try values.decode(Double.self, forKey: .limit),
            averageRunLength: try values.decode(Double.self, forKey: .averageRunLength)
        )
        let observations = try values.decode(Int.self, forKey: .observations)
        let capital = try values.decode([Double].self, forKey: .logCapital)
        guard var detector, observations >= 0, capital.allSatisfy(\.isFinite),
            observations > 0 ? capital.count == PerBettor.count : capital.isEmpty
        else { throw DecodingError.invalid("not the state of a change detector", from: decoder) }
        detector.observations = observations
        detector.logCapital = PerBettor(capital) ?? detector.logCapital
        self = detector
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(limit, forKey: .limit)
        try values.encode(averageRunLength, forKey: .averageRunLength)
        try values.encode(observations, forKey: .observations)
        try values.encode(observations > 0 ? logCapital.numbers : [], forKey: .logCapital)
    }
}
