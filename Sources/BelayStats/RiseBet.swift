/// A bet that events come more often a request than a margin in points allows, where they come late.
///
/// People flag an answer minutes after they got it, and nobody says when no flag will come any more. So a
/// request cannot be settled as good or bad, and stable's rate, which would make a ratio of the margin δ, is
/// not known while flags are on their way. Therefore the margin is paid for when a request is answered, and
/// the coin is bet on when its flag comes: with w the request's probability to go to the candidate and a
/// stake λ(w) that depends on nothing else, the capital is multiplied by `1 − λw(1 − w)δ` for each request,
/// whichever version it went to, and by `1 + λ(A − w)` for each event.
///
/// **Why that is fair.** Let an event of the candidate's come with probability r_c, of stable's with r_s, and
/// after the same delays: by age u with probability r·G(u). The capital of a request that has had no event
/// yet, multiplied by `1 + λw(1 − w)δ(1 − G(u))/S(u)`, where S(u) is the probability of that, does not grow
/// on average while r_c ≤ r_s + δ: what it may still win was paid for. At the beginning G = 0 and S = 1, and
/// the product with the payment is below 1. That is the capital's upper bound, so P(it ever reaches
/// 1/alpha) ≤ alpha (Ville), however long events take, and whatever the rates do meanwhile, as long as both
/// versions' events take equally long. A version whose events merely come sooner looks worse until the
/// other's have come.
///
/// There is no drip (see ``Mixture``): capital that joins later would win by events that others have paid
/// for. Without delays it is ``AllocationBet`` with m = 0, which costs little while events are rare.
package struct RiseBet: Equatable, Sendable {
    /// Events a request by which the candidate may exceed the stable version; > 0.
    package let margin: Double
    private var mixture = Mixture(drip: false)
    /// The largest payment for a request so far.
    private var dearest = PerBettor(repeating: 0)

    /// Returns nil unless `0 < margin < 1`.
    package init?(margin: Double) {
        guard margin > 0, margin < 1 else { return nil }
        self.margin = margin
    }

    /// The logarithm of the evidence that the margin is exceeded, in nats.
    package var logEvidence: Double { mixture.logEvidence }

    /// Takes in one tick, share by share; tallies with a share of 0 or 1 are passed over.
    ///
    /// - Parameters:
    ///   - requests: What each version was sent.
    ///   - repeats: Further requests of units whose coin is counted already: a unit's first event may belong
    ///     to any of them. Each pays what the dearest request has paid.
    ///   - events: With the share of the request that each belongs to.
    package mutating func settle(
        requests: [SplitCheck.Tally],
        repeats: Int,
        events: [SplitCheck.Tally]
    ) {
        var growth = PerBettor(repeating: 0)
        var total = max(repeats, 0)
        for tally in SplitCheck.Tally.merged(requests.filter(\.isInformative)) {
            let number = tally.candidate.addingSaturated(tally.stable)
            total = total.addingSaturated(number)
            let payment = payment(at: tally.share)
            for index in PerBettor.indices {
                growth[index] += Double(number) * logarithmOfOnePlus(-payment[index])
                dearest[index] = max(dearest[index], payment[index])
            }
        }
        for tally in SplitCheck.Tally.merged(events.filter(\.isInformative)) {
            total = total.addingSaturated(tally.candidate).addingSaturated(tally.stable)
            let stakes = stakes(at: tally.share)
            for index in PerBettor.indices {
                growth[index] +=
                    Double(tally.candidate) * logarithmOfOnePlus(stakes[index] * (1 - tally.share))
                    + Double(tally.stable) * logarithmOfOnePlus(-stakes[index] * tally.share)
            }
        }
        for index in PerBettor.indices {
            growth[index] += Double(max(repeats, 0)) * logarithmOfOnePlus(-dearest[index])
        }
        guard total > 0 else { return }
        mixture.settle(count: total, growth: growth)
    }

    /// In units of the coin's own deviation, since an event has none; an event loses at most nine tenths.
    private func stakes(at share: Double) -> PerBettor {
        Mixture.stakes(
            deviation: (share * (1 - share)).squareRoot(),
            limit: Mixture.largestLoss / share
        )
    }

    private func payment(at share: Double) -> PerBettor {
        var payment = stakes(at: share)
        for index in PerBettor.indices { payment[index] *= share * (1 - share) * margin }
        return payment
    }
}
