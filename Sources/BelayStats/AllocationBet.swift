/// An allocation bet: capital staked, at fair odds or worse, on the candidate being the worse version.
///
/// The router tossed a coin of known bias for every request. Let A be 1 for the candidate, w the probability
/// of that, and Y the badness of the outcome. If the candidate is not worse, `(A − w)(Y − m)` has mean ≤ 0
/// for any m fixed beforehand, hence the product of `1 + λ(A − w)(Y − m)` is a nonnegative supermartingale E
/// and P(E ever ≥ 1/alpha) ≤ alpha, however often one looks (Ville). Only the router's coins are relied on:
/// error rates may wander with the hour and the share may ramp, which ruins tests that pool the arms.
///
/// For two rates, the right m and λ make each factor the likelihood ratio of Turner, Ly and Grünwald (2024,
/// JSPI 230) with the arms weighted by w. Here m is the running mean and λ comes from five fixed stakes in
/// units of the running standard deviation; see ``Mixture``.
///
/// ```swift
/// var bet = AllocationBet(.rate(margin: .none))
/// bet.settle(tick)  // cells of counts, once per tick
/// bet.logEvidence >= 4.61  // 1/alpha reached at alpha = 1 %
/// ```
///
/// A bet is never reset when the share changes, nor restarted because it went badly: both spend alpha again.
package struct AllocationBet: Equatable, Sendable {
    /// Which claim the capital is staked on.
    package enum Direction: String, Codable, Sendable {
        /// Evidence that the candidate is worse than the margin allows.
        case rollback
        /// Evidence that the candidate is within the margin.
        case advance
    }

    package let settings: Settings
    private var sumOfValues: Double
    private var sumOfSquares: Double
    private var mixture: Mixture

    package init(_ settings: Settings) {
        self.settings = settings
        sumOfValues = 0
        sumOfSquares = 0
        mixture = Mixture(drip: settings.drip)
    }

    /// Outcomes that carried information, over all ticks.
    package var observations: Int { mixture.observations }

    /// The logarithm of the evidence E now, in nats; a decision at error rate alpha waits for −log(alpha).
    ///
    /// Capital that has not dripped yet is left out, so a bet with drip starts at log 0.8.
    package var logEvidence: Double { mixture.logEvidence }

    /// The largest ``logEvidence`` at the end of any tick; `min(1, exp(−maximum))` is an anytime p-value.
    package var maximumLogEvidence: Double { mixture.maximumLogEvidence }

    /// Takes in the counted outcomes of one tick.
    ///
    /// The mean, the deviation and the stakes are those of the tick's start, so equal outcomes share a factor
    /// and a count is all that is needed of them. They depend on earlier ticks only, which is what validity
    /// asks; a longer tick merely bets on older estimates. Cells are merged and sorted first: their order,
    /// and whether several counters or one delivered them, does not change a bit of the result.
    ///
    /// Cells with a share of 0 or 1 are passed over, uncounted: no coin was tossed.
    ///
    /// - Complexity: O(n log n) in the number of cells, with five logarithms for each.
    package mutating func settle(_ cells: [Cell]) {
        let outcomes = Cell.merged(cells.filter(\.isInformative))
        guard !outcomes.isEmpty else { return }
        var tick = Tick(mean: mean, deviation: deviation)
        for outcome in outcomes { take(outcome, in: &tick) }
        mixture.settle(count: tick.count, growth: tick.growth)
    }

    /// Takes in a tick that holds a single cell: the same, to the bit, without an array.
    package mutating func settle(_ cell: Cell) {
        guard cell.isInformative else { return }
        var tick = Tick(mean: mean, deviation: deviation)
        take(cell, in: &tick)
        mixture.settle(count: tick.count, growth: tick.growth)
    }

    private mutating func take(_ outcome: Cell, in tick: inout Tick) {
        let stakes = stakes(share: outcome.share, mean: tick.mean, deviation: tick.deviation)
        let value = handicapped(outcome.value, candidate: outcome.candidate)
        let surprise = direction * outcome.coin * (value - tick.mean)
        let count = Double(outcome.count)
        for index in PerBettor.indices {
            tick.growth[index] += count * logarithmOfOnePlus(stakes[index] * surprise)
        }
        sumOfValues += count * value
        sumOfSquares += count * (value - tick.mean) * (value - tick.mean)
        tick.count = tick.count.addingSaturated(outcome.count)
    }

    /// The estimates that a tick bets on, and what its outcomes have made of it so far.
    private struct Tick {
        let mean: Double
        let deviation: Double
        var growth = PerBettor(repeating: 0)
        var count = 0
    }
}

extension AllocationBet {
    private var direction: Double { settings.direction == .rollback ? 1 : -1 }

    /// The predictable centre m: the mean badness so far, with the prior counted as `priorWeight` outcomes.
    private var mean: Double {
        let weight = settings.priorWeight
        let mean = (weight * settings.priorMean + sumOfValues) / (weight + Double(observations))
        return min(max(mean, 1e-6), 1 - 1e-6)
    }

    private var deviation: Double {
        let weight = settings.priorWeight
        let variance = (weight * settings.priorVariance + sumOfSquares) / (weight + Double(observations))
        return max(variance, 1e-12).squareRoot()
    }

    /// The badness that is compared: the margin is granted to the candidate before the comparison.
    ///
    /// The null hypothesis then reads μ_candidate ≤ μ_stable + absolute, or (1 + relative) μ_stable.
    private func handicapped(_ value: Double, candidate: Bool) -> Double {
        guard candidate else { return value }
        return value / (1 + settings.margin.relative) - settings.margin.absolute
    }

    /// The stakes λ of the five bettors at one share.
    ///
    /// Each is the smaller of its boldness over the deviation and of what the worst possible outcome at this
    /// share permits, so that no factor falls below 0.1. A share is known when the coin is tossed: stakes
    /// that depend on it are predictable.
    func stakes(share: Double, mean: Double, deviation: Double) -> PerBettor {
        let worst =
            switch settings.direction {
            case .rollback:
                max((1 - share) * (mean - handicapped(0, candidate: true)), share * (1 - mean))
            case .advance:
                max((1 - share) * max(handicapped(1, candidate: true) - mean, 0), share * mean)
            }
        let limit = worst > 0 ? Mixture.largestLoss / worst : .infinity
        return Mixture.stakes(deviation: deviation, limit: limit)
    }
}

extension AllocationBet: Codable {
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        settings = try values.decode(Settings.self, forKey: .settings)
        sumOfValues = try values.decode(Double.self, forKey: .sumOfValues)
        sumOfSquares = try values.decode(Double.self, forKey: .sumOfSquares)
        mixture = try values.decode(Mixture.self, forKey: .mixture)
        guard sumOfValues.isFinite, sumOfSquares.isFinite, sumOfSquares >= 0, mixture.drip == settings.drip
        else { throw DecodingError.invalid("not the state of an allocation bet", from: decoder) }
    }
}
