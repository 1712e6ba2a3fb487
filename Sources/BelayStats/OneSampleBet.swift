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
        settle([(1, max(bad, 0)), (0, max(good, 0))])
    }

    /// Takes in one tick of graded outcomes.
    package mutating func settle(_ cells: [Cell]) {
        settle(Cell.merged(cells))
    }

    private mutating func settle(_ outcomes: [(value: Double, count: Int)]) {
        let total = outcomes.reduce(0) { $0.addingSaturated($1.count) }
        guard total > 0 else { return }
        let growth = stakes.map { stake in
            outcomes.reduce(0) { sum, outcome in
                sum + Double(outcome.count) * logarithmOfOnePlus(stake * (outcome.value - limit))
            }
        }
        mixture.settle(count: total, growth: growth)
    }

    /// The deviation of a rate at the limit is the largest that any outcome in 0 … 1 with that mean can have.
    private var stakes: [Double] {
        let deviation = (limit * (1 - limit)).squareRoot()
        return Mixture.boldness.map { min($0 / deviation, Mixture.largestLoss / limit) }
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

        /// Sorted by value, so that the order of delivery does not change a bit of the result.
        fileprivate static func merged(_ cells: [Cell]) -> [(value: Double, count: Int)] {
            var merged: [(value: Double, count: Int)] = []
            for cell in cells.sorted(by: { $0.value < $1.value }) {
                if let last = merged.last, last.value == cell.value {
                    merged[merged.count - 1].count = last.count.addingSaturated(cell.count)
                } else {
                    merged.append((cell.value, cell.count))
                }
            }
            return merged
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
