/// A check that requests are split between the versions as the router says they are.
///
/// Everything rests on the coin: when the candidate receives more or fewer requests than its share (a sample
/// ratio mismatch), something routes by another rule, loses answers or counts wrongly, and the comparison is
/// worthless. Two bets are placed, that the candidate receives more and that it receives less, each as
/// ``AllocationBet`` with Y = 1 and m = 0, whose factor is `1 ± λ(A − w)`; their mean reaches 1/alpha with
/// probability at most alpha while the split is as said.
package struct SplitCheck: Equatable, Sendable, Codable {
    private var more: Mixture
    private var fewer: Mixture

    package init(drip: Bool = true) {
        more = Mixture(drip: drip)
        fewer = Mixture(drip: drip)
    }

    /// Requests that a coin was tossed for, over all ticks.
    package var observations: Int { more.observations }

    /// The logarithm of the evidence against the split, in nats.
    package var logEvidence: Double {
        logarithmOfSum(more.logEvidence, fewer.logEvidence) - logarithm(2)
    }

    /// Whether the evidence is rather of too many requests for the candidate than of too few.
    package var favoursCandidate: Bool { more.logEvidence >= fewer.logEvidence }

    /// Takes in what each arm received in one tick, share by share.
    ///
    /// Tallies with a share of 0 or 1 are passed over: no coin was tossed.
    package mutating func settle(_ tallies: [Tally]) {
        var total = 0
        var (ofMore, ofFewer) = (PerBettor(repeating: 0), PerBettor(repeating: 0))
        for tally in Tally.merged(tallies.filter(\.isInformative)) {
            total = total.addingSaturated(tally.candidate).addingSaturated(tally.stable)
            let (candidates, stables) = (Double(tally.candidate), Double(tally.stable))
            let (share, rest) = (tally.share, 1 - tally.share)
            let onMore = Mixture.stakes(deviation: 1, limit: Mixture.largestLoss / share)
            let onFewer = Mixture.stakes(deviation: 1, limit: Mixture.largestLoss / rest)
            for index in PerBettor.indices {
                ofMore[index] +=
                    candidates * logarithmOfOnePlus(onMore[index] * rest)
                    + stables * logarithmOfOnePlus(-onMore[index] * share)
                ofFewer[index] +=
                    candidates * logarithmOfOnePlus(-onFewer[index] * rest)
                    + stables * logarithmOfOnePlus(onFewer[index] * share)
            }
        }
        guard total > 0 else { return }
        more.settle(count: total, growth: ofMore)
        fewer.settle(count: total, growth: ofFewer)
    }

    /// What each arm received of the requests that were routed at one share.
    package struct Tally: Equatable, Sendable {
        /// Probability, 0 … 1, with which these requests were sent to the candidate.
        package let share: Double
        package let candidate: Int
        package let stable: Int

        /// Returns nil for a share outside 0 … 1, NaN included, or a negative count.
        package init?(share: Double, candidate: Int, stable: Int) {
            guard (0...1).contains(share), candidate >= 0, stable >= 0 else { return nil }
            self.init(accepting: share, candidate, stable)
        }

        private init(accepting share: Double, _ candidate: Int, _ stable: Int) {
            self.share = share
            self.candidate = candidate
            self.stable = stable
        }

        var isInformative: Bool { share > 0 && share < 1 && (candidate > 0 || stable > 0) }

        /// One tally for each share, in ascending order.
        static func merged(_ tallies: [Tally]) -> [Tally] {
            var merged: [Tally] = []
            for tally in tallies.sorted(by: { $0.share < $1.share }) {
                guard let last = merged.last, last.share == tally.share else {
                    merged.append(tally)
                    continue
                }
                merged[merged.count - 1] = Tally(
                    accepting: last.share,
                    last.candidate.addingSaturated(tally.candidate),
                    last.stable.addingSaturated(tally.stable)
                )
            }
            return merged
        }
    }
}
