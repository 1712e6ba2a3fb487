/// A bet that values no longer fall into their bins as a reference said they would.
///
/// Before each value the shares p̂ of the bins are estimated from the values before it, and capital is staked
/// on them against the reference q: `log E += log(p̂(x)/q(x)) − tolerance`. If no bin is more likely than
/// `e^tolerance` times its reference, E is a nonnegative supermartingale and P(E ever ≥ 1/alpha) ≤ alpha;
/// beyond that, it grows by KL(p‖q) − tolerance a value once p is learned. A population stability index of
/// 0.1 is a KL of about 0.05.
///
/// This form remembers everything, and serves a trial that ends. ``DriftDetector`` forgets, and serves a
/// watch without an end.
package struct DriftBet: Equatable, Sendable, Codable {
    /// What each bin is expected to receive.
    package let reference: Shares
    /// How much more likely a bin may be than its reference, in nats, ≥ 0.
    package let tolerance: Double
    package private(set) var observations: Int
    /// The logarithm of the evidence of a drift beyond the tolerance, in nats.
    package private(set) var logEvidence: Double
    /// The largest ``logEvidence`` at the end of any tick.
    package private(set) var maximumLogEvidence: Double
    private var estimate: SharesEstimate

    /// Returns nil unless `0 ≤ tolerance < ∞`.
    package init?(reference: Shares, tolerance: Double = DriftDetector.standardTolerance) {
        guard tolerance >= 0, tolerance.isFinite else { return nil }
        self.reference = reference
        self.tolerance = tolerance
        observations = 0
        logEvidence = 0
        maximumLogEvidence = 0
        estimate = SharesEstimate(bins: reference.count)
    }

    /// Takes in one value by its bin, and says whether there is such a bin.
    @discardableResult
    package mutating func settle(bin: Int) -> Bool {
        guard reference.values.indices.contains(bin) else { return false }
        take(growth: odds(bin), count: 1)
        estimate.add(bin, 1)
        return true
    }

    /// Takes in a tick of values, counted by bin, all judged by the estimates of its start.
    ///
    /// - Parameter counts: One for each bin.
    /// - Returns: False, and nothing is taken, unless there is one count ≥ 0 for each bin.
    @discardableResult
    package mutating func settle(_ counts: [Int]) -> Bool {
        guard counts.count == reference.count, counts.allSatisfy({ $0 >= 0 }) else { return false }
        var growth = 0.0
        for (bin, count) in counts.enumerated() where count > 0 { growth += Double(count) * odds(bin) }
        for (bin, count) in counts.enumerated() where count > 0 { estimate.add(bin, count) }
        take(growth: growth, count: counts.reduce(0) { $0.addingSaturated($1) })
        return true
    }

    private func odds(_ bin: Int) -> Double {
        logarithm(estimate.share(bin, prior: reference) / reference.values[bin]) - tolerance
    }

    private mutating func take(growth: Double, count: Int) {
        logEvidence += growth
        maximumLogEvidence = max(maximumLogEvidence, logEvidence)
        observations = observations.addingSaturated(count)
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        reference = try values.decode(Shares.self, forKey: .reference)
        tolerance = try values.decode(Double.self, forKey: .tolerance)
        observations = try values.decode(Int.self, forKey: .observations)
        logEvidence = try values.decode(Double.self, forKey: .logEvidence)
        maximumLogEvidence = try values.decode(Double.self, forKey: .maximumLogEvidence)
        estimate = try values.decode(SharesEstimate.self, forKey: .estimate)
        guard tolerance >= 0, tolerance.isFinite, observations >= 0, logEvidence.isFinite,
            maximumLogEvidence.isFinite, estimate.counts.count == reference.count
        else { throw DecodingError.invalid("not the state of a drift bet", from: decoder) }
    }
}
