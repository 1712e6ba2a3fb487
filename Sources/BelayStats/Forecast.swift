/// How much traffic a bet will need before it can decide, said before it starts.
///
/// A bettor who knew both rates would stake so that log E grows by g nats a request, and would need about
/// log(1/alpha)/g requests (Wald). Bets that must learn the rates need 1.16 to 1.39 times that. A margin that
/// cannot be decided within the time of a step is thus seen at once, not at its deadline.
///
/// All figures are requests of both arms together; the candidate receives `share` of them.
package enum Forecast {
    /// Requests until a candidate of a given badness is found out.
    ///
    /// - Parameters:
    ///   - candidate: The candidate's mean badness, 0 … 1.
    ///   - stable: The stable version's, 0 … 1.
    ///   - share: Between 0 and 1.
    ///   - margin: What the candidate is allowed.
    ///   - alpha: Between 0 and 1.
    /// - Returns: Nil for a number out of range, or if the candidate is within the margin: it is never found.
    package static func requestsToRollBack(
        candidate: Double,
        stable: Double,
        share: Double,
        margin: AllocationBet.Margin,
        alpha: Double
    ) -> Double? {
        guard areRates(candidate, stable), candidate > limit(stable, margin) else { return nil }
        return requests(candidate, stable, share, margin, alpha)
    }

    /// Requests until a candidate of a given badness is proven to be within the margin.
    ///
    /// - Parameters:
    ///   - candidate: The candidate's mean badness, 0 … 1.
    ///   - stable: The stable version's, 0 … 1.
    ///   - share: Between 0 and 1.
    ///   - margin: How much worse the candidate may be.
    ///   - beta: Between 0 and 1.
    /// - Returns: Nil for a number out of range, or if the candidate is not within the margin.
    package static func requestsToAdvance(
        candidate: Double,
        stable: Double,
        share: Double,
        margin: AllocationBet.Margin,
        beta: Double
    ) -> Double? {
        guard areRates(candidate, stable), candidate < limit(stable, margin) else { return nil }
        return requests(candidate, stable, share, margin, beta)
    }

    /// Outcomes of the candidate until a broken absolute limit is found: log(1/alpha)/KL(rate‖limit).
    ///
    /// - Returns: Nil for a number out of range, or if the rate keeps the limit.
    package static func outcomesToExceed(limit: Double, rate: Double, alpha: Double) -> Double? {
        guard limit > 0, limit < 1, rate > limit, rate <= 1, alpha > 0, alpha < 1 else { return nil }
        return -logarithm(alpha) / divergence(rate, limit)
    }

    /// Requests until a difference of means is found, for outcomes that are graded.
    ///
    /// The growth of small effects is about w(1 − w)d²/(2σ²).
    ///
    /// - Parameters:
    ///   - difference: Beyond the margin, > 0.
    ///   - variance: Of one outcome, > 0.
    ///   - share: Between 0 and 1.
    ///   - alpha: Between 0 and 1.
    /// - Returns: Nil for a number out of range.
    package static func requests(
        difference: Double,
        variance: Double,
        share: Double,
        alpha: Double
    ) -> Double? {
        guard difference > 0, variance > 0, variance.isFinite, share > 0, share < 1, alpha > 0, alpha < 1
        else { return nil }
        let growth = share * (1 - share) * difference * difference / (2 * variance)
        return growth > 0 ? -logarithm(alpha) / growth : nil
    }

    /// The growth rate g in nats a request of the bettor who knows both rates.
    ///
    /// It is `min w KL(candidate‖limit(q)) + (1 − w) KL(stable‖q)` over the rates q that the stable version
    /// may have at the edge of the null hypothesis (Turner and Grünwald, arXiv 2203.09785); the sum is convex
    /// in q, so its slope is bisected.
    static func growth(_ candidate: Double, _ stable: Double, _ share: Double, _ margin: AllocationBet.Margin)
        -> Double
    {
        let factor = 1 + margin.relative
        let end = min(1 / factor - margin.absolute, 1)
        guard end > 0 else { return 0 }
        var (low, high) = (0.0, end)
        for _ in 0..<200 {
            let middle = low + (high - low) / 2
            guard middle > low, middle < high else { break }
            let edge = limit(middle, margin)
            let slope =
                share * factor * steepness(candidate, edge) + (1 - share) * steepness(stable, middle)
            if slope < 0 { low = middle } else { high = middle }
        }
        let rate = low + (high - low) / 2
        return share * divergence(candidate, limit(rate, margin)) + (1 - share) * divergence(stable, rate)
    }

    private static func requests(
        _ candidate: Double,
        _ stable: Double,
        _ share: Double,
        _ margin: AllocationBet.Margin,
        _ alpha: Double
    ) -> Double? {
        guard share > 0, share < 1, alpha > 0, alpha < 1, margin.isValid else { return nil }
        let growth = growth(candidate, stable, share, margin)
        return growth > 0 && growth.isFinite ? -logarithm(alpha) / growth : nil
    }

    private static func areRates(_ first: Double, _ second: Double) -> Bool {
        (0...1).contains(first) && (0...1).contains(second)
    }

    /// The largest badness that the margin allows the candidate beside a stable version of a given one.
    private static func limit(_ stable: Double, _ margin: AllocationBet.Margin) -> Double {
        (1 + margin.relative) * (stable + margin.absolute)
    }

    /// KL between two coins, in nats.
    private static func divergence(_ first: Double, _ second: Double) -> Double {
        var sum = 0.0
        if first > 0 { sum += first * logarithm(first / second) }
        if first < 1 { sum += (1 - first) * logarithm((1 - first) / (1 - second)) }
        return max(sum, 0)
    }

    /// The slope of the divergence in its second coin.
    private static func steepness(_ first: Double, _ second: Double) -> Double {
        (second - first) / (second * (1 - second))
    }
}
