import BelayStats
import Foundation

/// Table 4.2: releases without a difference, looked at after every request.
struct NullCase: Sendable {
    let rate: Double
    let ramp: Ramp
    let horizon: Int
    var margin = 0.0
    var drip = false
    let published: String

    static let all = [
        NullCase(rate: 0.01, ramp: .constant(0.1), horizon: 50_000, published: "3.5%"),
        NullCase(rate: 0.01, ramp: .constant(0.5), horizon: 50_000, published: "4.4%"),
        NullCase(rate: 0.01, ramp: .slow, horizon: 50_000, published: "3.5%"),
        NullCase(rate: 0.05, ramp: .constant(0.1), horizon: 20_000, published: "3.8%"),
        NullCase(rate: 0.01, ramp: .constant(0.1), horizon: 20_000, margin: 0.005, published: "3.0%"),
        NullCase(rate: 0.2, ramp: .constant(0.5), horizon: 20_000, published: "3.7%"),
    ]

    /// The largest log E of one release; with a margin the candidate is worse by just that.
    @Sendable func largest(_ chance: inout Chance) -> Double {
        var bet = AllocationBet.standard(margin: margin > 0 ? .absolute(margin) : .none, drip: drip)
        for request in 0..<horizon {
            let share = ramp.share(at: request)
            let isCandidate = chance.tossed(share)
            bet.take(isCandidate, chance.tossed(rate + (isCandidate ? margin : 0)) ? 1 : 0, share)
        }
        return bet.maximumLogEvidence
    }
}

func printNulls(_ settings: Settings) async {
    let runs = settings.scaled(2_000)
    let table = MarkdownTable(
        "4.2 False rollback, looked at after every request (\(runs) runs a case)",
        ["rate of both", "w", "requests", "δ", "at α = 5% (published)", "at α = 1%"]
    )
    for (index, each) in NullCase.all.enumerated() {
        let largest = await settings.simulate(runs, 200 + index, each.largest)
        table.row(
            percent(each.rate),
            each.ramp.name,
            "\(each.horizon)",
            "\(each.margin)",
            "\(falseRate(largest, alpha: 0.05)) (\(each.published))",
            falseRate(largest, alpha: 0.01)
        )
    }
}

/// Ten thousand A/A releases as the server judges them: with drip, over a ramp.
func printEqualReleases(_ settings: Settings) async {
    let runs = settings.scaled(10_000)
    let table = MarkdownTable(
        "A/A releases with drip, 20,000 requests each, looked at after every request (\(runs) runs a case)",
        ["rate of both", "w", "at α = 5%", "at α = 1%"]
    )
    for (index, rate) in [0.01, 0.05].enumerated() {
        let each = NullCase(rate: rate, ramp: .quick, horizon: 20_000, drip: true, published: "")
        let largest = await settings.simulate(runs, 250 + index, each.largest)
        table.row(
            percent(rate),
            "1→5→25→50%",
            falseRate(largest, alpha: 0.05),
            falseRate(largest, alpha: 0.01)
        )
    }
}
