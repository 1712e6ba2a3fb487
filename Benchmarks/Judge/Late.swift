import BelayStats
import Foundation

/// Table 4.7: a regression that starts late, with all capital at the start and with a drip.
struct LateCase: Sendable {
    let candidate: Double
    let stable: Double
    let share: Double
    let start: Int
    /// As published: delays of the plain bet and of that with drip.
    let published: (plain: Int, drip: Int)

    static let all = [
        LateCase(candidate: 0.1, stable: 0.05, share: 0.1, start: 0, published: (2_140, 2_176)),
        LateCase(candidate: 0.07, stable: 0.05, share: 0.5, start: 0, published: (4_193, 4_260)),
        LateCase(candidate: 0.05, stable: 0.01, share: 0.1, start: 0, published: (1_311, 1_355)),
        LateCase(candidate: 0.1, stable: 0.05, share: 0.1, start: 20_000, published: (7_466, 5_077)),
        LateCase(candidate: 0.05, stable: 0.01, share: 0.1, start: 20_000, published: (4_131, 2_842)),
        LateCase(candidate: 0.07, stable: 0.05, share: 0.5, start: 20_000, published: (12_054, 9_419)),
        LateCase(candidate: 0.1, stable: 0.05, share: 0.5, start: 20_000, published: (4_400, 2_296)),
    ]

    static let longest = 60_000

    /// Requests from the change until both bets reached the threshold; a run that did before is left out.
    @Sendable func delays(_ chance: inout Chance) -> [Int??] {
        var bets = [AllocationBet.standard(), .standard(drip: true)]
        var found: [Int??] = [.some(nil), .some(nil)]
        for request in 1...(start + Self.longest) {
            let isCandidate = chance.tossed(share)
            let rate = isCandidate && request > start ? candidate : stable
            let isBad = chance.tossed(rate)
            var isOver = true
            for index in bets.indices {
                guard case .some(nil) = found[index] else { continue }
                bets[index].take(isCandidate, isBad ? 1 : 0, share)
                if bets[index].logEvidence >= -log(0.05) {
                    found[index] = request > start ? .some(request - start) : nil
                } else {
                    isOver = false
                }
            }
            if isOver { break }
        }
        return found
    }
}

func printLate(_ settings: Settings) async {
    let runs = settings.scaled(600)
    let table = MarkdownTable(
        "4.7 Requests from the start of a regression until rollback, α = 5% (\(runs) runs)",
        [
            "change", "w", "starts at", "plain, mean / median (published)", "drip, mean / median (published)",
            "drip ÷ plain",
        ]
    )
    for (index, each) in LateCase.all.enumerated() {
        let results = await settings.simulate(runs, 800 + index, each.delays)
        let times = (0..<2).map { place in
            Times(results.compactMap { $0[place] }, horizon: LateCase.longest)
        }
        table.row(
            "\(percent(each.stable))→\(percent(each.candidate))",
            "\(each.share)",
            "\(each.start)",
            "\(times[0].text) (\(each.published.plain))",
            "\(times[1].text) (\(each.published.drip))",
            ratio(times[1].mean / times[0].mean)
        )
    }
    let nullRuns = settings.scaled(1_000)
    let nulls = MarkdownTable(
        "4.7 False rollback with drip, 50,000 requests without change (\(nullRuns) runs)",
        ["rate", "w", "at α = 5% (published)", "at α = 1%"]
    )
    for (index, (rate, share, published)) in [(0.05, 0.1, "3.3%"), (0.01, 0.5, "4.0%")].enumerated() {
        let each = NullCase(rate: rate, ramp: .constant(share), horizon: 50_000, drip: true, published: "")
        let largest = await settings.simulate(nullRuns, 850 + index, each.largest)
        nulls.row(
            percent(rate),
            "\(share)",
            "\(falseRate(largest, alpha: 0.05)) (\(published))",
            falseRate(largest, alpha: 0.01)
        )
    }
}
