import BelayStats
import Foundation

/// Table 4.5: proof that a candidate is within the margin.
struct AdvanceCase: Sendable {
    let rate: Double
    let margin: Double
    let share: Double
    /// As published: Wald, the oracle's mean, the bet's mean and ratio, false advances in per cent.
    let published: (wald: Int, oracle: Int, mean: Int, ratio: Double, false: Double)

    static let all = [
        AdvanceCase(rate: 0.01, margin: 0.01, share: 0.1, published: (10_036, 10_154, 12_694, 1.25, 2.9)),
        AdvanceCase(rate: 0.01, margin: 0.01, share: 0.5, published: (2_617, 2_677, 3_347, 1.25, 3.2)),
        AdvanceCase(rate: 0.01, margin: 0.005, share: 0.1, published: (33_309, 27_806, 38_667, 1.39, 4.5)),
        AdvanceCase(rate: 0.01, margin: 0.005, share: 0.5, published: (9_764, 10_508, 12_675, 1.21, 3.7)),
        AdvanceCase(rate: 0.05, margin: 0.02, share: 0.1, published: (9_482, 9_669, 12_142, 1.26, 4.7)),
        AdvanceCase(rate: 0.05, margin: 0.02, share: 0.5, published: (2_892, 3_136, 3_665, 1.17, 3.3)),
        AdvanceCase(rate: 0.05, margin: 0.01, share: 0.1, published: (34_799, 34_545, 47_013, 1.36, 4.1)),
        AdvanceCase(rate: 0.05, margin: 0.01, share: 0.5, published: (11_431, 11_433, 14_024, 1.23, 3.8)),
        AdvanceCase(rate: 0.1, margin: 0.03, share: 0.1, published: (7_582, 7_547, 9_405, 1.25, 4.4)),
        AdvanceCase(rate: 0.1, margin: 0.03, share: 0.5, published: (2_415, 2_451, 3_145, 1.28, 4.2)),
    ]

    var oracle: Oracle { Oracle(candidate: rate, stable: rate, share: share, absolute: margin) }

    var horizon: Int { Int(10 * -log(0.05) / oracle.growth) }

    private var bet: AllocationBet { .standard(.advance, margin: .absolute(margin)) }

    @Sendable func race(_ chance: inout Chance) -> [Int?] {
        let oracle = oracle
        var (known, bet, found): (Double, AllocationBet, [Int?]) = (0, bet, [nil, nil])
        for request in 1...horizon {
            let isCandidate = chance.tossed(share)
            let isBad = chance.tossed(rate)
            known += oracle.gain(candidate: isCandidate, bad: isBad)
            if found[0] == nil, known >= -log(0.05) { found[0] = request }
            if found[1] == nil {
                bet.take(isCandidate, isBad ? 1 : 0, share)
                if bet.logEvidence >= -log(0.05) { found[1] = request }
            }
            if found[0] != nil, found[1] != nil { break }
        }
        return found
    }

    /// The largest log E for a candidate that is worse by exactly the margin.
    @Sendable func largestAtTheEdge(_ chance: inout Chance) -> Double {
        var bet = bet
        for _ in 0..<20_000 {
            let isCandidate = chance.tossed(share)
            bet.take(isCandidate, chance.tossed(rate + (isCandidate ? margin : 0)) ? 1 : 0, share)
        }
        return bet.maximumLogEvidence
    }
}

func printAdvances(_ settings: Settings) async {
    let (runs, edgeRuns) = (settings.scaled(500), settings.scaled(1_000))
    let table = MarkdownTable(
        "4.5 Requests until advance, arms equal, β = 5% (\(runs) runs; \(edgeRuns) of 20,000 at the edge)",
        [
            "rate", "δ", "w", "Wald (published)", "oracle mean (published)", "Belay (published mean)",
            "ratio (published)", "false advance (published)",
        ]
    )
    for (index, each) in AdvanceCase.all.enumerated() {
        let results = await settings.simulate(runs, 600 + index, each.race)
        let times = (0..<2).map { place in Times(results.map { $0[place] }, horizon: each.horizon) }
        let edge = await settings.simulate(edgeRuns, 650 + index, each.largestAtTheEdge)
        table.row(
            percent(each.rate),
            "\(each.margin)",
            "\(each.share)",
            "\(rounded(-log(0.05) / each.oracle.growth)) (\(each.published.wald))",
            "\(rounded(times[0].mean)) (\(each.published.oracle))",
            "\(times[1].text) (\(each.published.mean))",
            "\(ratio(times[1].mean / times[0].mean)) (\(ratio(each.published.ratio)))",
            "\(falseRate(edge, alpha: 0.05)) (\(each.published.false)%)"
        )
    }
}
