import BelayStats
import Foundation
import Glibc

/// The time that the judge needs for one tick of a million answers and twenty guards.
///
/// Ten rates (each a bet on rollback and one on advancing), three latency quantiles, two scores in 64 bins, two
/// prediction drifts between the arms, two feature drifts, and the split check; the tick spans two shares.
private struct TwentyGuards {
    var rates = (0..<10).flatMap { _ in
        [AllocationBet.standard(drip: true), .standard(.advance, margin: .absolute(0.01))]
    }
    var quantiles = [0.5, 0.95, 0.99].map {
        AllocationBet.standard(mean: 1 - $0, variance: $0 * (1 - $0), weight: 200, drip: true)
    }
    var scores = (0..<2).map { _ in AllocationBet.standard(mean: 0.5, variance: 0.05, drip: true) }
    var arms: [ArmDriftBet]
    var features: [DriftDetector]
    var split = SplitCheck()

    init?() {
        guard let twelve = Shares(equal: 12), let detector = DriftDetector(reference: twelve, features: 2)
        else { return nil }
        arms = (0..<2).map { _ in ArmDriftBet(prior: twelve) }
        features = [detector, detector]
    }

    /// From counts to evidence, as in a tick of the server.
    mutating func settle(_ counts: Counts) {
        for index in rates.indices { rates[index].settle(counts.cells(bins: 2)) }
        for index in quantiles.indices { quantiles[index].settle(counts.cells(bins: 2)) }
        for index in scores.indices { scores[index].settle(counts.cells(bins: 64)) }
        for index in arms.indices { arms[index].settle(counts.armCells(bins: 12)) }
        for index in features.indices { features[index].settle(counts.sums(bins: 12)) }
        split.settle(counts.tallies)
    }

    var evidence: Double {
        rates.reduce(0) { $0 + $1.logEvidence } + quantiles.reduce(0) { $0 + $1.logEvidence }
            + scores.reduce(0) { $0 + $1.logEvidence } + arms.reduce(0) { $0 + $1.logEvidence }
            + features.reduce(0) { $0 + $1.logStatistic } + split.logEvidence
    }
}

/// A million answers at two shares, as counts.
private struct Counts {
    static let shares = [0.05, 0.25]
    let candidate: [Int]
    let stable: [Int]

    init(_ chance: inout Chance) {
        candidate = Self.shares.map { Int(500_000 * $0) + chance.index(below: 900) }
        stable = Self.shares.indices.map { [candidate] in 500_000 - candidate[$0] }
    }

    private func parts(of whole: Int, bins: Int) -> [Int] {
        (0..<bins).map { bin in
            whole * (bin + 1) / bins - whole * bin / bins
        }
    }

    func cells(bins: Int) -> [AllocationBet.Cell] {
        Self.shares.enumerated().flatMap { index, share in
            [(true, candidate[index]), (false, stable[index])].flatMap { isCandidate, whole in
                parts(of: whole, bins: bins).enumerated().compactMap { bin, count in
                    AllocationBet.Cell(
                        candidate: isCandidate,
                        value: Double(bin) / Double(bins - 1),
                        share: share,
                        count: count
                    )
                }
            }
        }
    }

    func armCells(bins: Int) -> [ArmDriftBet.Cell] {
        Self.shares.enumerated().flatMap { index, share in
            [(true, candidate[index]), (false, stable[index])].flatMap { isCandidate, whole in
                parts(of: whole, bins: bins).enumerated().compactMap { bin, count in
                    ArmDriftBet.Cell(candidate: isCandidate, bin: bin, share: share, count: count)
                }
            }
        }
    }

    func sums(bins: Int) -> [Int] { parts(of: 1_000_000, bins: bins) }

    var tallies: [SplitCheck.Tally] {
        Self.shares.indices.compactMap {
            SplitCheck.Tally(share: Self.shares[$0], candidate: candidate[$0], stable: stable[$0])
        }
    }
}

/// Processor time of this process so far: a busy machine does not lengthen it.
private func processorMilliseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
}

func printTick(_ settings: Settings) async {
    guard var guards = TwentyGuards() else { return }
    var chance = Chance(seed: settings.seed, 900)
    var times: [Double] = []
    for _ in 0..<500 {
        let counts = Counts(&chance)
        let before = processorMilliseconds()
        guards.settle(counts)
        times.append(processorMilliseconds() - before)
    }
    times.sort()
    let figures = [times[250], times[495], times[499]].map { String(format: "%.3f ms", $0) }
    print("\n### One tick of 1,000,000 answers, twenty guards (32 bets), two shares\n")
    print(
        "Median \(figures[0]), p99 \(figures[1]), longest \(figures[2]) of processor time, 500 ticks; goal ≤ 10 ms."
    )
    print("(Sum of evidence \(String(format: "%.3f", guards.evidence)), so that nothing is left out.)")
}
