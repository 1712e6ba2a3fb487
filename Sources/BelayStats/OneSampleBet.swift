/// A bet that the candidate's mean badness exceeds a fixed limit, whatever the stable version does.
///
/// This serves promises made in absolute terms ("flag at most 0.5 % of answers"). Under the limit μ₀ the
/// product of `1 + λ(Y − μ₀)` is a nonnegative supermartingale, so it reaches 1/alpha with probability at
/// most alpha (betting on bounded means: Waudby-Smith and Ramdas, arXiv 2010.09686). Unlike ``AllocationBet``
/// it is not shielded from incidents that hit both versions: an outage upstream does break the promise.
package struct OneSampleBet: Equatable, Sendable {
    /// The mean badness that is still acceptable, between 0 and 1.
    package let limit: Double
    private var mixture: Mixture

    /// Returns nil unless `0 < limit < 1`.
    ///
    /// A limit of 0 needs no statistics, since the first event breaks it, and a limit of 1 cannot be broken.
    package init?(limit: Double, drip: Bool = true) {
        guard limit > 0, limit < 1 else { return nil }
        self.limit = limit
        mixture = Mixture(drip: drip)
    }

    package var observations: Int { mixture.observations }

    /// The logarithm of the evidence that the limit is exceeded, in nats.
    package var logEvidence: Double { mixture.logEvidence }

    /// The largest ``logEvidence`` at the end of any tick.
    package var maximumLogEvidence: Double { mixture.maximumLogEvidence }

    /// Takes in one tick of events that are either bad or good; a negative count counts as zero.
    package mutating func settle(bad: Int, good: Int) {
        settle(OneSampleStakes.Outcomes(bad: bad, good: good))
    }

    /// Takes in one tick of graded outcomes.
    package mutating func settle(_ cells: [Cell]) { settle(OneSampleStakes.Outcomes(cells)) }

    /// Takes in one outcome, as a tick of its own.
    ///
    /// - Parameter value: Badness, 0 … 1; anything else is passed over.
    package mutating func settle(_ value: Double) {
        guard (0...1).contains(value) else { return }
        mixture.settle(count: 1, growth: OneSampleStakes(limit: limit).growth(value))
    }

    private mutating func settle(_ outcomes: OneSampleStakes.Outcomes) {
        guard outcomes.total > 0 else { return }
        mixture.settle(count: outcomes.total, growth: OneSampleStakes(limit: limit).growth(outcomes))
    }
}

extension OneSampleBet {
    /// How often one outcome was seen in one tick.
    package struct Cell: Equatable, Sendable {
        /// Badness of the outcome, 0 … 1.
        package let value: Double
        package let count: Int

        /// Returns nil for a value outside 0 … 1, NaN included, or a negative count.
        package init?(value: Double, count: Int) {
            guard (0...1).contains(value), count >= 0 else { return nil }
            self.value = value
            self.count = count
        }
    }
}

extension OneSampleBet: Codable {
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        limit = try values.decode(Double.self, forKey: .limit)
        mixture = try values.decode(Mixture.self, forKey: .mixture)
        guard limit > 0, limit < 1 else {
            throw DecodingError.invalid("a limit must lie between 0 and 1", from: decoder)
        }
    }
}
