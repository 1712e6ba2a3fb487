import BelayStats
import Foundation

/// The rest of table 4.3: scores, mean latency and F1.
struct MeanCase: Sendable {
    enum Outcome: Sendable {
        /// 1 − a score of Beta(8, 2) or, for the worse version, Beta(7.8, 2.2).
        case score
        /// Lognormal, clipped at p99.9 of the stable version; the worse one is 20 % slower.
        case latency
        /// One positive in ten; stable finds 0.8 and calls 0.3 as many wrongly so, the worse one 0.7 and 0.4.
        case f1
    }

    let name: String
    let outcome: Outcome
    let share: Double
    let published: String
    let publishedNull: String

    static let all: [MeanCase] = [
        MeanCase(
            name: "score 0.80→0.78",
            outcome: .score,
            share: 0.1,
            published: "3178",
            publishedNull: "2.7–4.3%"
        ),
        MeanCase(
            name: "score 0.80→0.78",
            outcome: .score,
            share: 0.5,
            published: "1128",
            publishedNull: "2.7–4.3%"
        ),
        MeanCase(
            name: "mean latency +20%",
            outcome: .latency,
            share: 0.1,
            published: "1059",
            publishedNull: "2.7–4.3%"
        ),
        MeanCase(
            name: "mean latency +20%",
            outcome: .latency,
            share: 0.5,
            published: "402",
            publishedNull: "2.7–4.3%"
        ),
        MeanCase(
            name: "F1 .762→.667",
            outcome: .f1,
            share: 0.1,
            published: "11174",
            publishedNull: "2.5%"
        ),
        MeanCase(name: "F1 .762→.667", outcome: .f1, share: 0.5, published: "4754", publishedNull: "3.5%"),
    ]

    private var bet: AllocationBet {
        switch outcome {
        case .score: .standard(mean: 0.5, variance: 0.05)
        case .latency: .standard(mean: 0.5, variance: 0.05)
        case .f1: .standard(mean: 0.5, variance: 0.05)
        }
    }

    private static let ceiling = exp(0.6 * 3.090232306167813)

    private func badness(worse: Bool, _ loss: LinearLoss?, _ chance: inout Chance) -> Double {
        switch outcome {
        case .score: return 1 - (worse ? chance.beta(7.8, 2.2) : chance.beta(8, 2))
        case .latency:
            return min(exp(0.6 * chance.normal()) * (worse ? 1.2 : 1), Self.ceiling) / Self.ceiling
        case .f1:
            let isPositive = chance.tossed(0.1)
            let rate = isPositive ? (worse ? 0.7 : 0.8) : (worse ? 0.04 : 0.03) / 0.9
            return loss?.badness(predicted: chance.tossed(rate), actual: isPositive) ?? 0
        }
    }

    /// Requests until rollback of a candidate that is worse, or the largest log E of one that is not.
    func run(_ chance: inout Chance, worse: Bool, horizon: Int) -> (found: Int?, largest: Double) {
        let loss = LinearLoss(.f1, stable: 1.6 / 2.1)
        var bet = bet
        for request in 1...horizon {
            let isCandidate = chance.tossed(share)
            bet.take(isCandidate, badness(worse: worse && isCandidate, loss, &chance), share)
            if worse, bet.logEvidence >= -log(0.05) { return (request, bet.maximumLogEvidence) }
        }
        return (nil, bet.maximumLogEvidence)
    }
}

func printMeans(_ settings: Settings) async {
    let runs = settings.scaled(300)
    let nullRuns = settings.scaled(500)
    let table = MarkdownTable(
        "4.3 Bounded means and F1 at α = 5% (\(runs) runs until rollback, \(nullRuns) of 20,000 without change)",
        [
            "change", "w", "requests until rollback, mean / median (published mean)",
            "false rollback (published)",
        ]
    )
    for (index, each) in MeanCase.all.enumerated() {
        let results = await settings.simulate(runs, 400 + index) { chance in
            each.run(&chance, worse: true, horizon: 100_000).found
        }
        let largest = await settings.simulate(nullRuns, 450 + index) { chance in
            each.run(&chance, worse: false, horizon: 20_000).largest
        }
        table.row(
            each.name,
            "\(each.share)",
            "\(Times(results, horizon: 100_000).text) (\(each.published))",
            "\(falseRate(largest, alpha: 0.05)) (\(each.publishedNull))"
        )
    }
}
