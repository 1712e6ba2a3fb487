import BelayStats
import Foundation

/// Table 4.3: latencies, as the server codes them.
struct LatencyCase: Sendable {
    let name: String
    /// Factor on every latency of the candidate.
    var factor = 1.0
    /// Part of the candidate's requests that take three times as long.
    var slow = 0.0
    let share: Double
    let horizon: Int
    /// As published: p50, p95, p99, average of the three.
    let published: [String]

    static let quantiles = [0.5, 0.95, 0.99]
    static let spread = 0.6

    static let all = [
        LatencyCase(
            name: "+20% everything",
            factor: 1.2,
            share: 0.1,
            horizon: 20_000,
            published: ["1484 (×1.23)", "2896 (×1.24)", "8193 (×1.19)", "1602"]
        ),
        LatencyCase(
            name: "+20% everything",
            factor: 1.2,
            share: 0.5,
            horizon: 20_000,
            published: ["541 (×1.30)", "1243 (×1.21)", "3407 (×1.22)", "594"]
        ),
        LatencyCase(
            name: "2% of requests 3x slower",
            slow: 0.02,
            share: 0.1,
            horizon: 60_000,
            published: ["–", "38595 (×1.26)", "27155 (×1.18)", "28267"]
        ),
        LatencyCase(
            name: "2% of requests 3x slower",
            slow: 0.02,
            share: 0.5,
            horizon: 30_000,
            published: ["–", "12848 (×1.25)", "10672 (×1.26)", "10747"]
        ),
    ]

    static func null(_ share: Double, _ published: [String]) -> LatencyCase {
        LatencyCase(name: "no change", share: share, horizon: 50_000, published: published)
    }

    func latency(_ isCandidate: Bool, _ chance: inout Chance) -> Double {
        let latency = 50_000 * exp(Self.spread * chance.normal())
        guard isCandidate else { return latency }
        return latency * factor * (slow > 0 && chance.tossed(slow) ? 3 : 1)
    }

    /// How likely a latency is to exceed a threshold.
    func exceedance(_ threshold: Double, candidate: Bool) -> Double {
        func tail(_ threshold: Double) -> Double {
            0.5 * erfc(log(threshold / 50_000) / Self.spread / 2.0.squareRoot())
        }
        guard candidate else { return tail(threshold) }
        return (1 - slow) * tail(threshold / factor) + slow * tail(threshold / factor / 3)
    }

    struct Run: Sendable {
        /// Requests until rollback: p50, p95, p99, their average, then the oracles of the three.
        var found: [Int?] = Array(repeating: nil, count: 7)
        /// The largest log E of p50, p95, p99 and their average.
        var largest: [Double] = Array(repeating: -.infinity, count: 4)
    }

    @Sendable func run(_ chance: inout Chance) -> Run {
        var past = LogHistogram()
        for _ in 0..<5_000 { past.add(latency(false, &chance)) }
        let coded = Self.quantiles.compactMap { Exceedance(fraction: $0, of: past, relativeMargin: 0) }
        let oracles = coded.map {
            Oracle(
                candidate: exceedance($0.threshold, candidate: true),
                stable: exceedance($0.threshold, candidate: false),
                share: share
            )
        }
        var bets = Self.quantiles.map {
            AllocationBet.standard(mean: 1 - $0, variance: $0 * (1 - $0), weight: 200)
        }
        var known = [0.0, 0, 0]
        var run = Run()
        let (threshold, isNull) = (-log(0.05), factor == 1 && slow == 0)
        for request in 1...horizon {
            let isCandidate = chance.tossed(share)
            let bucket = LogHistogram.bucket(of: latency(isCandidate, &chance))
            for index in 0..<3 {
                let isBad = coded[index].exceeds(bucket: bucket, candidate: isCandidate)
                bets[index].take(isCandidate, isBad ? 1 : 0, share)
                known[index] += oracles[index].gain(candidate: isCandidate, bad: isBad)
                run.note(index, bets[index].logEvidence, threshold, request)
                if known[index] >= threshold, run.found[4 + index] == nil { run.found[4 + index] = request }
            }
            let average = Combination.logWeightedSum(bets.map { (1.0 / 3, $0.logEvidence) })
            run.note(3, average, threshold, request)
            if !isNull, run.found.allSatisfy({ $0 != nil }) { break }
        }
        return run
    }
}

extension LatencyCase.Run {
    mutating func note(_ index: Int, _ evidence: Double, _ threshold: Double, _ request: Int) {
        largest[index] = max(largest[index], evidence)
        if evidence >= threshold, found[index] == nil { found[index] = request }
    }
}

func printLatencies(_ settings: Settings) async {
    let runs = settings.scaled(300)
    let table = MarkdownTable(
        "4.3 Latency (lognormal σ 0.6; α = 5%; mean requests; \(runs) runs a case)",
        ["change", "w", "p50 (published)", "p95 (published)", "p99 (published)", "average of 3 (published)"]
    )
    for (index, each) in LatencyCase.all.enumerated() {
        let results = await settings.simulate(runs, 300 + index, each.run)
        let times = (0..<7).map { place in Times(results.map { $0.found[place] }, horizon: each.horizon) }
        var cells: [String] = []
        for place in 0..<4 {
            let found = times[place].rate < 1 ? ", \(percent(times[place].rate)) found" : ""
            let beside = place < 3 ? " (\(ratio(times[place].mean / times[4 + place].mean))\(found))" : found
            cells.append("\(rounded(times[place].mean))\(beside) · \(each.published[place])")
        }
        table.row(each.name, "\(each.share)", cells[0], cells[1], cells[2], cells[3])
    }
    let nullRuns = settings.scaled(500)
    let nulls = MarkdownTable(
        "4.3 False rollback on latency at α = 5%, 50,000 requests (\(nullRuns) runs a case)",
        ["w", "p50 (published)", "p95 (published)", "p99 (published)", "average of 3 (published)"]
    )
    for (index, each) in [
        LatencyCase.null(0.1, ["2.8", "2.4", "3.2", "2.6"]), .null(0.5, ["5.4", "5.0", "4.0", "4.6"]),
    ].enumerated() {
        let results = await settings.simulate(nullRuns, 350 + index, each.run)
        let cells = (0..<4).map { place in
            "\(falseRate(results.map { $0.largest[place] }, alpha: 0.05)) (\(each.published[place])%)"
        }
        nulls.row("\(each.share)", cells[0], cells[1], cells[2], cells[3])
    }
}
