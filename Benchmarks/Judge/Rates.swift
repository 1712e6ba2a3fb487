import BelayStats
import Foundation

/// Table 4.1: requests until a regression of a rate is rolled back.
struct RateCase: Sendable {
    let candidate: Double
    let stable: Double
    let ramp: Ramp
    let alpha: Double
    let margin: Double
    /// As published: Wald, the oracle's mean, the bet's mean and ratio.
    let published: (wald: Int?, oracle: Int, mean: Int, ratio: Double)

    static let pairs: [(Double, Double)] = [(0.05, 0.01), (0.1, 0.05), (0.02, 0.01), (0.07, 0.05)]

    static let all: [RateCase] = {
        let anchors: [[(Int?, Int, Int, Double)]] = [
            [
                (878, 1_040, 1_234, 1.19), (400, 439, 535, 1.22), (1_655, 1_767, 2_084, 1.18),
                (653, 678, 860, 1.27), (8_748, 9_291, 10_921, 1.18), (3_475, 3_678, 4_494, 1.22),
                (8_945, 9_247, 10_820, 1.17), (3_364, 3_413, 4_219, 1.24),
            ],
            [
                (1_350, 1_485, 1_749, 1.18), (615, 669, 790, 1.18), (2_544, 2_543, 2_999, 1.18),
                (1_004, 1_013, 1_269, 1.25), (13_448, 13_810, 15_993, 1.16), (5_341, 5_630, 6_854, 1.22),
                (13_750, 13_561, 16_035, 1.18), (5_172, 5_256, 6_321, 1.20),
            ],
        ]
        var cases: [RateCase] = []
        for (alphaIndex, alpha) in [0.05, 0.01].enumerated() {
            for (index, pair) in pairs.enumerated() {
                for (half, share) in [0.1, 0.5].enumerated() {
                    cases.append(
                        RateCase(
                            candidate: pair.0,
                            stable: pair.1,
                            ramp: .constant(share),
                            alpha: alpha,
                            margin: 0,
                            published: anchors[alphaIndex][2 * index + half]
                        )
                    )
                }
            }
        }
        return cases + [
            RateCase(
                candidate: 0.03,
                stable: 0.01,
                ramp: .constant(0.1),
                alpha: 0.05,
                margin: 0.005,
                published: (5_565, 5_639, 6_687, 1.19)
            ),
            RateCase(
                candidate: 0.03,
                stable: 0.01,
                ramp: .constant(0.5),
                alpha: 0.05,
                margin: 0.005,
                published: (1_968, 2_076, 2_517, 1.21)
            ),
            RateCase(
                candidate: 0.02,
                stable: 0.01,
                ramp: .slow,
                alpha: 0.05,
                margin: 0,
                published: (nil, 19_567, 19_912, 1.02)
            ),
            RateCase(
                candidate: 0.05,
                stable: 0.01,
                ramp: .slow,
                alpha: 0.05,
                margin: 0,
                published: (nil, 6_734, 7_755, 1.15)
            ),
        ]
    }()

    /// The oracles of the ramp's steps.
    var oracles: [Oracle] {
        ramp.steps.map {
            Oracle(candidate: candidate, stable: stable, share: $0.share, absolute: margin)
        }
    }

    var threshold: Double { -log(alpha) }

    var horizon: Int {
        guard ramp.steps.count == 1 else { return 50_000 }
        return max(Int(7 * threshold / oracles[0].growth), 3_000)
    }

    /// Requests until each of the oracle, the plain bet and the bet with drip reached the threshold.
    @Sendable func race(_ chance: inout Chance) -> [Int?] {
        let (oracles, threshold, horizon) = (oracles, threshold, horizon)
        let margin: AllocationBet.Margin = margin > 0 ? .absolute(margin) : .none
        var known = 0.0
        var (plain, drip) = (
            AllocationBet.standard(margin: margin), AllocationBet.standard(margin: margin, drip: true)
        )
        var found: [Int?] = [nil, nil, nil]
        for request in 0..<horizon {
            let step = ramp.step(at: request)
            let share = ramp.steps[step].share
            let isCandidate = chance.tossed(share)
            let isBad = chance.tossed(isCandidate ? candidate : stable)
            if found[0] == nil {
                known += oracles[step].gain(candidate: isCandidate, bad: isBad)
                if known >= threshold { found[0] = request + 1 }
            }
            if found[1] == nil {
                plain.take(isCandidate, isBad ? 1 : 0, share)
                if plain.logEvidence >= threshold { found[1] = request + 1 }
            }
            if found[2] == nil {
                drip.take(isCandidate, isBad ? 1 : 0, share)
                if drip.logEvidence >= threshold { found[2] = request + 1 }
            }
            if found.allSatisfy({ $0 != nil }) { break }
        }
        return found
    }
}

/// Prints table 4.1.
func printRates(_ settings: Settings) async {
    let runs = settings.runs
    let table = MarkdownTable(
        "4.1 Requests until rollback, mean / median (\(runs) runs a case)",
        [
            "candidate vs stable", "w", "α", "δ", "Wald (published)", "oracle (published mean)",
            "Belay (published mean)", "ratio (published)", "with drip",
        ]
    )
    var means: [[Double]] = [[], [], []]
    var (variance, worst) = (0.0, 0.0)
    for (index, each) in RateCase.all.enumerated() {
        let results = await settings.simulate(runs, 100 + index, each.race)
        let times = (0..<3).map { bettor in Times(results.map { $0[bettor] }, horizon: each.horizon) }
        let ratios = times.map { $0.mean / times[0].mean }
        if index < 16 {
            for bettor in ratios.indices { means[bettor].append(ratios[bettor]) }
            variance += varianceOfRatio(results, horizon: each.horizon)
        }
        worst = max(worst, ratios[1])
        let wald = each.ramp.steps.count == 1 ? rounded(each.threshold / each.oracles[0].growth) : "–"
        table.row(
            "\(percent(each.candidate)) vs \(percent(each.stable))",
            each.ramp.name,
            "\(each.alpha)",
            "\(each.margin)",
            "\(wald) (\(each.published.wald.map(String.init) ?? "–"))",
            "\(times[0].text) (\(each.published.oracle))",
            "\(times[1].text) (\(each.published.mean))",
            "\(ratio(ratios[1])) (\(ratio(each.published.ratio)))",
            ratio(ratios[2])
        )
    }
    let figures = means.map { String(format: "×%.3f", $0.reduce(0, +) / Double($0.count)) }
    print(
        "\nMean over the sixteen cases without margin or ramp: \(figures[1]) plain, standard error "
            + "\(String(format: "%.3f", variance.squareRoot() / 16)) (published ×1.201); \(figures[2]) with drip. "
            + "The goal is ≤ ×1.20. Worst of all twenty, plain: \(ratio(worst))."
    )
}

/// The variance of the ratio of two means that were measured on the same runs.
private func varianceOfRatio(_ runs: [[Int?]], horizon: Int) -> Double {
    let pairs = runs.map { (Double($0[1] ?? horizon), Double($0[0] ?? horizon)) }
    let (first, second) = (pairs.reduce(0) { $0 + $1.0 }, pairs.reduce(0) { $0 + $1.1 })
    let squares = pairs.reduce(0) { sum, pair in
        let residue = pair.0 - first / second * pair.1
        return sum + residue * residue
    }
    return squares / second / second
}
