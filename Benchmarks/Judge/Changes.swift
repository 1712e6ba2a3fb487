import BelayStats
import Foundation

/// Table 4.6: how soon a change of a rate is noticed.
struct ChangeCase: Sendable {
    let before: Double
    let after: Double
    /// As published: delay, delay from a cold start, and that of a calibrated CUSUM that knows `after`.
    let published: (delay: Int, cold: Int, known: Int)

    static let all = [
        ChangeCase(before: 0.01, after: 0.02, published: (732, 925, 684)),
        ChangeCase(before: 0.01, after: 0.05, published: (117, 157, 109)),
        ChangeCase(before: 0.05, after: 0.07, published: (722, 927, 714)),
        ChangeCase(before: 0.05, after: 0.1, published: (204, 266, 200)),
    ]

    /// Outcomes from the change to the alarm; an alarm before the change starts the detector anew.
    func delay(after warmUp: Int, _ chance: inout Chance) -> Int? {
        guard var detector = ChangeDetector(limit: before, averageRunLength: 1e4) else { return nil }
        for _ in 0..<warmUp {
            detector.settle(chance.tossed(before) ? 1 : 0)
            if detector.hasAlarmed { detector.reset() }
        }
        for outcome in 1...100_000 {
            detector.settle(chance.tossed(after) ? 1 : 0)
            if detector.hasAlarmed { return outcome }
        }
        return nil
    }

    static func runLength(_ rate: Double, _ chance: inout Chance) -> Int? {
        guard var detector = ChangeDetector(limit: rate, averageRunLength: 1e4) else { return nil }
        for outcome in 1...200_000 {
            detector.settle(chance.tossed(rate) ? 1 : 0)
            if detector.hasAlarmed { return outcome }
        }
        return nil
    }
}

func printChanges(_ settings: Settings) async {
    let (runs, longRuns) = (settings.scaled(1_000), settings.scaled(500))
    let table = MarkdownTable(
        "4.6 Outcomes until a change is noticed, e-SR at ARL 10,000, change at 2,000 (\(runs) runs)",
        [
            "rate", "delay, mean / median (published mean)", "from cold start (published)",
            "CUSUM that knows (published)",
        ]
    )
    for (index, each) in ChangeCase.all.enumerated() {
        let delays = await settings.simulate(runs, 700 + index) { each.delay(after: 2_000, &$0) }
        let cold = await settings.simulate(runs, 710 + index) { each.delay(after: 0, &$0) }
        table.row(
            "\(percent(each.before))→\(percent(each.after))",
            "\(Times(delays, horizon: 100_000).text) (\(each.published.delay))",
            "\(rounded(Times(cold, horizon: 100_000).mean)) (\(each.published.cold))",
            "(\(each.published.known))"
        )
    }
    for (index, (rate, published)) in [(0.01, "12.7k"), (0.05, "10.9k")].enumerated() {
        let lengths = await settings.simulate(longRuns, 720 + index) { ChangeCase.runLength(rate, &$0) }
        let mean = Times(lengths, horizon: 200_000).mean
        print(
            "\nMean run length without a change at \(percent(rate)): \(rounded(mean)) (published \(published))."
        )
    }
}

/// A normal column that moves by so many standard deviations, in ten bins of equal expectation.
struct DriftCase: Sendable {
    let shift: Double
    /// As published: values until the bet at 5 %, and until the detector at ARL 10,000.
    let published: (bet: Int, detector: Int)

    static let all = [
        DriftCase(shift: 0.2, published: (1_072, 757)), DriftCase(shift: 0.316, published: (205, 392)),
        DriftCase(shift: 0.5, published: (69, 232)), DriftCase(shift: 1, published: (18, 96)),
    ]

    /// Nine tenths of the normal distribution.
    private static let edges = [
        -1.2815515655446004, -0.8416212335729142, -0.5244005127080409, -0.2533471031357997, 0,
        0.2533471031357997, 0.5244005127080409, 0.8416212335729142, 1.2815515655446004,
    ]

    private static func bin(_ value: Double) -> Int { edges.count { $0 < value } }

    func untilBet(_ chance: inout Chance, horizon: Int) -> Int? {
        guard let reference = Shares(equal: 10), var bet = DriftBet(reference: reference) else { return nil }
        for value in 1...horizon {
            bet.settle(bin: Self.bin(chance.normal() + shift))
            if bet.logEvidence >= -log(0.05) { return value }
        }
        return nil
    }

    /// From the change, after 2,000 values without one.
    func untilDetector(_ chance: inout Chance, horizon: Int) -> Int? {
        guard let reference = Shares(equal: 10),
            var detector = DriftDetector(reference: reference, averageRunLength: 1e4)
        else { return nil }
        if shift > 0 {
            for _ in 0..<2_000 {
                detector.settle(bin: Self.bin(chance.normal()))
                if detector.hasAlarmed { detector.reset() }
            }
        }
        for value in 1...horizon {
            detector.settle(bin: Self.bin(chance.normal() + shift))
            if detector.hasAlarmed { return value }
        }
        return nil
    }
}

func printDrifts(_ settings: Settings) async {
    let (runs, nullRuns) = (settings.scaled(300), settings.scaled(1_000))
    let table = MarkdownTable(
        "4.6 Values until a drift of a normal column is noticed, ten bins, τ 0.005 (\(runs) runs)",
        ["shift in σ", "bet at α = 5%, mean / median (published mean)", "detector at ARL 10,000 (published)"]
    )
    for (index, each) in DriftCase.all.enumerated() {
        let bets = await settings.simulate(runs, 730 + index) { each.untilBet(&$0, horizon: 50_000) }
        let alarms = await settings.simulate(runs, 740 + index) { each.untilDetector(&$0, horizon: 50_000) }
        table.row(
            "\(each.shift)",
            "\(Times(bets, horizon: 50_000).text) (\(each.published.bet))",
            "\(Times(alarms, horizon: 50_000).text) (\(each.published.detector))"
        )
    }
    let still = DriftCase(shift: 0, published: (0, 0))
    let bets = await settings.simulate(nullRuns, 750) { still.untilBet(&$0, horizon: 50_000) }
    let alarms = await settings.simulate(settings.scaled(200), 751) {
        still.untilDetector(&$0, horizon: 100_000)
    }
    let found = measured(bets.count { $0 != nil }, of: bets.count)
    print("\nWithout drift the bet at 5% fired in \(found) of 50,000 values (published 3.2%);")
    let length = rounded(Times(alarms, horizon: 100_000).mean)
    print("the detector's mean run length, runs cut at 100,000, was \(length) (published: above 85k).")
}
