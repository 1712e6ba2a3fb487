import Foundation

/// The bettor who knows both rates: what no bet can beat on average (GROW).
///
/// Its factor is the likelihood of the outcome over that under the closest null hypothesis, where the stable
/// rate is q and the candidate's (1 + relative)(q + absolute).
struct Oracle {
    private let candidateBad: Double
    private let candidateGood: Double
    private let stableBad: Double
    private let stableGood: Double
    /// In nats a request.
    let growth: Double

    init(candidate: Double, stable: Double, share: Double, absolute: Double = 0, relative: Double = 0) {
        func edge(_ q: Double) -> Double { (1 + relative) * (q + absolute) }
        func growth(_ q: Double) -> Double {
            share * divergence(candidate, edge(q)) + (1 - share) * divergence(stable, q)
        }
        var (low, high) = (1e-12, min(1 / (1 + relative) - absolute, 1) - 1e-12)
        for _ in 0..<200 {
            let (first, second) = (low + (high - low) * 0.382, low + (high - low) * 0.618)
            if growth(first) < growth(second) { high = second } else { low = first }
        }
        let q = (low + high) / 2
        self.growth = growth(q)
        candidateBad = log(candidate / edge(q))
        candidateGood = log((1 - candidate) / (1 - edge(q)))
        stableBad = log(stable / q)
        stableGood = log((1 - stable) / (1 - q))
    }

    /// What an outcome adds to log E.
    func gain(candidate: Bool, bad: Bool) -> Double {
        candidate ? (bad ? candidateBad : candidateGood) : (bad ? stableBad : stableGood)
    }
}

func divergence(_ p: Double, _ q: Double) -> Double {
    (p > 0 ? p * log(p / q) : 0) + (p < 1 ? (1 - p) * log((1 - p) / (1 - q)) : 0)
}
