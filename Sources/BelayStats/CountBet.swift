/// A bet on counted events alone, where nobody counts what did not happen.
///
/// Flags, crashes and calls to the support are seen; their absence is not. If events come at equal rates per
/// request, an event is the candidate's with the router's own probability w; if the candidate's rate is r
/// times stable's, with `w′ = wr/(wr + 1 − w)`. The product of `1 ± λ(A − w′)` over the events is then a
/// nonnegative supermartingale. It is ``AllocationBet`` with Y = 1 and m = 0, with stakes in units of the
/// coin's own deviation, since an event has none.
package struct CountBet: Equatable, Sendable, Codable {
    /// Which claim the capital is staked on.
    package enum Direction: String, Codable, Sendable {
        /// The candidate causes more than `ratio` times as many events as the stable version would.
        case more
        /// It causes fewer.
        case fewer
    }

    package let direction: Direction
    /// The candidate's rate over stable's at the edge of what the bet is against; > 0.
    package private(set) var ratio: Double
    private var mixture: Mixture

    /// Returns nil for a ratio that is not above 0 and finite.
    package init?(_ direction: Direction, ratio: Double, drip: Bool) {
        guard ratio > 0, ratio.isFinite else { return nil }
        self.direction = direction
        self.ratio = ratio
        mixture = Mixture(drip: drip)
    }

    /// Events that a coin was tossed for, over all ticks.
    package var observations: Int { mixture.observations }

    /// The logarithm of the evidence for the claim, in nats.
    package var logEvidence: Double { mixture.logEvidence }

    /// Moves the edge, and takes in one tick from there.
    ///
    /// The ratio is fixed before the tick, by what was known then; it is ignored unless above 0 and finite.
    package mutating func settle(_ tallies: [SplitCheck.Tally], against ratio: Double) {
        if ratio > 0, ratio.isFinite { self.ratio = ratio }
        settle(tallies)
    }

    /// Takes in the events of one tick, share by share; those without a coin are passed over.
    package mutating func settle(_ tallies: [SplitCheck.Tally]) {
        var total = 0
        var growth = PerBettor(repeating: 0)
        for tally in SplitCheck.Tally.merged(tallies.filter(\.isInformative)) {
            total = total.addingSaturated(tally.candidate).addingSaturated(tally.stable)
            let edge = tally.share * ratio / (tally.share * ratio + 1 - tally.share)
            let sign = direction == .more ? 1.0 : -1.0
            let worst = direction == .more ? edge : 1 - edge
            let stakes = Mixture.stakes(
                deviation: (edge * (1 - edge)).squareRoot(),
                limit: Mixture.largestLoss / worst
            )
            for index in PerBettor.indices {
                growth[index] +=
                    Double(tally.candidate) * logarithmOfOnePlus(sign * stakes[index] * (1 - edge))
                    + Double(tally.stable) * logarithmOfOnePlus(-sign * stakes[index] * edge)
            }
        }
        guard total > 0 else { return }
        mixture.settle(count: total, growth: growth)
    }
}
