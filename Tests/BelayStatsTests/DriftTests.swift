import Testing

@testable import BelayStats

/// Counts and values that `Scripts/reference/statistics.py` makes up in the same way.
enum Bins {
    static func first(_ bins: Int) -> [Int] { (0..<bins).map { (7 * $0 + 3) % 11 * 9 + 4 * $0 } }
    static func second(_ bins: Int) -> [Int] { (0..<bins).map { (5 * $0 + 1) % 7 * 12 + (bins - $0) } }

    /// Drifts towards higher bins after the 300th.
    static func value(_ t: Int, _ bins: Int) -> Int {
        guard t % 3 != 0 else { return (t / 5) % (bins - 2) }
        return (t * t + 3 * t + (t > 300 ? t / 7 : 0)) % bins
    }
}

@Suite("Drift")
struct DriftTests {
    @Test(arguments: Reference.drifts)
    func betAndDetectorAgreeWithTheReference(bins: Int, expected: [Double]) throws {
        let reference = try #require(Shares(counts: Bins.first(bins)))
        var bet = try #require(DriftBet(reference: reference))
        var detector = try #require(DriftDetector(reference: reference))
        var (ofBet, ofDetector): ([Double], [Double]) = ([], [])
        var largest = 0.0
        for t in 0..<1_000 {
            bet.settle(bin: Bins.value(t, bins))
            detector.settle(bin: Bins.value(t, bins))
            largest = max(largest, bet.logEvidence)
            guard [0, 499, 999].contains(t) else { continue }
            ofBet.append(bet.logEvidence)
            ofDetector.append(detector.logStatistic)
        }
        var ticks = try #require(DriftDetector(reference: reference, tolerance: 0.02))
        var byTicks: [Double] = []
        for t in 0..<40 {
            ticks.settle((0..<bins).map { (t + 2 * $0) % 5 })
            if [0, 39].contains(t) { byTicks.append(ticks.logStatistic) }
        }
        for (value, number) in zip(ofBet + ofDetector + byTicks, expected) { #expect(agree(value, number)) }
        #expect(bet.maximumLogEvidence == largest)
    }

    @Test(arguments: Reference.armDrifts)
    func armsAgreeWithTheReference(bins: Int, drip: Bool, expected: [Double]) throws {
        let prior = try #require(Shares(counts: Bins.first(bins)))
        var bet = ArmDriftBet(prior: prior, drip: drip)
        var measured: [Double] = []
        for t in 0..<60 {
            bet.settle(try cells(t, bins))
            if [0, 19, 59].contains(t) { measured.append(bet.logEvidence) }
        }
        for (value, number) in zip(measured, expected) { #expect(agree(value, number)) }
    }

    private func cells(_ t: Int, _ bins: Int) throws -> [ArmDriftBet.Cell] {
        let share = [0.05, 0.2, 0.5][t / 20]
        return try [true, false].flatMap { candidate in
            try (0..<bins).map { bin in
                let count = candidate ? (t + 3 * bin) % 4 : (2 * t + bin) % 6
                return try #require(
                    ArmDriftBet.Cell(candidate: candidate, bin: bin, share: share, count: count)
                )
            }
        }
    }

    @Test func theOrderAndNumberOfCountersDoNotChangeABit() throws {
        var generator = SplitMix64(seed: 4)
        let prior = try #require(Shares(equal: 7))
        var (sorted, shuffled) = (ArmDriftBet(prior: prior), ArmDriftBet(prior: prior))
        for t in 0..<60 {
            let cells = try cells(t, 7)
            sorted.settle(cells)
            let parts = try cells.flatMap { cell in
                try [cell.count / 2, cell.count - cell.count / 2].map {
                    try #require(
                        ArmDriftBet.Cell(
                            candidate: cell.candidate,
                            bin: cell.bin,
                            share: cell.share,
                            count: $0
                        )
                    )
                }
            }
            shuffled.settle(parts.shuffled(using: &generator))
        }
        #expect(sorted == shuffled)
    }

    @Test func theMeanFactorOverTheCoinIsOne() throws {
        let prior = try #require(Shares(counts: [5, 1, 9]))
        var bet = ArmDriftBet(prior: prior, drip: false)
        for t in 0..<20 { bet.settle(try cells(t, 3)) }
        for (bin, share) in [(0, 0.01), (1, 0.3), (2, 0.9)] {
            let factors = try [true, false].map { candidate in
                var after = bet
                after.settle([
                    try #require(ArmDriftBet.Cell(candidate: candidate, bin: bin, share: share, count: 1))
                ])
                return exponential(after.logEvidence - bet.logEvidence)
            }
            #expect(agree(share * factors[0] + (1 - share) * factors[1], 1))
        }
    }

    @Test func aTickOfOneValueIsTheValueItself() throws {
        let reference = try #require(Shares(equal: 4))
        var (single, counted) = (
            try #require(DriftDetector(reference: reference)),
            try #require(DriftDetector(reference: reference))
        )
        for t in 0..<300 {
            single.settle(bin: t * t % 4)
            counted.settle((0..<4).map { $0 == t * t % 4 ? 1 : 0 })
        }
        #expect(single == counted)
        counted.settle([0, 0, 0, 0])
        #expect(single == counted)
    }

    @Test func aShiftIsFoundAndItsAbsenceIsNot() throws {
        let reference = try #require(Shares(equal: 10))
        var detector = try #require(DriftDetector(reference: reference, features: 3))
        #expect(agree(detector.threshold, 14.914122846632385))
        var generator = SplitMix64(seed: 2)
        for _ in 0..<20_000 { detector.settle(bin: Int(generator.next() % 10)) }
        #expect(!detector.hasAlarmed)
        var values = 0
        while !detector.hasAlarmed {
            // Two bins a half more likely: a stability index of about 0.1.
            let draw = Int(generator.next() % 110)
            detector.settle(bin: draw < 100 ? draw / 10 : draw % 2)
            values += 1
            try #require(values < 5_000)
        }
        #expect(values > 20)
        detector.reset()
        #expect(detector.logStatistic == -.infinity)
    }

    @Test func whatHasNoBinIsRefused() throws {
        let reference = try #require(Shares(equal: 3))
        var (bet, detector) = (
            try #require(DriftBet(reference: reference)), try #require(DriftDetector(reference: reference))
        )
        let before = (bet, detector)
        let taken = [
            bet.settle(bin: 3), bet.settle(bin: -1), bet.settle([1, 2]), detector.settle(bin: 3),
            detector.settle(bin: -1), detector.settle([1, -2, 3]),
        ]
        #expect(!taken.contains(true))
        #expect(bet == before.0 && detector == before.1)
        var arms = ArmDriftBet(prior: reference)
        let cells = [(3, 0.5), (0, 0), (0, 1)].compactMap {
            ArmDriftBet.Cell(candidate: true, bin: $0.0, share: $0.1, count: 5)
        }
        arms.settle(cells)
        #expect(cells.count == 3 && arms == ArmDriftBet(prior: reference))
    }

    @Test func numbersOutOfRangeAreRefused() throws {
        let reference = try #require(Shares(equal: 3))
        for tolerance in [-0.1, .nan, .infinity] {
            #expect(DriftBet(reference: reference, tolerance: tolerance) == nil)
            #expect(DriftDetector(reference: reference, tolerance: tolerance) == nil)
        }
        for runLength in [1, 0, .nan, .infinity] {
            #expect(DriftDetector(reference: reference, averageRunLength: runLength) == nil)
        }
        #expect(DriftDetector(reference: reference, features: 0) == nil)
        for shares in [[1], [0.5, 0.6], [0, 1], [.nan, 1], [-0.5, 1.5], []] { #expect(Shares(shares) == nil) }
        #expect(Shares(counts: [1]) == nil && Shares(counts: [1, -1]) == nil && Shares(equal: 1) == nil)
        for (bin, share, count) in [(-1, 0.5, 1), (0, 1.5, 1), (0, .nan, 1), (0, 0.5, -1)] {
            #expect(ArmDriftBet.Cell(candidate: true, bin: bin, share: share, count: count) == nil)
        }
    }

    @Test func hostileCountsDoNotTrap() throws {
        let reference = try #require(Shares(counts: [.max, .max, 0]))
        var (bet, detector) = (
            try #require(DriftBet(reference: reference)), try #require(DriftDetector(reference: reference))
        )
        var arms = ArmDriftBet(prior: reference)
        for _ in 0..<3 {
            bet.settle([.max, 0, .max])
            detector.settle([.max, 0, .max])
            arms.settle([try #require(ArmDriftBet.Cell(candidate: true, bin: 2, share: 0.5, count: .max))])
        }
        #expect(bet.logEvidence.isFinite && detector.logStatistic.isFinite && arms.logEvidence.isFinite)
        #expect(bet.observations == .max && detector.observations == .max && arms.observations == .max)
    }
}

@Suite("Divergence")
struct DivergenceTests {
    @Test(arguments: Reference.divergences)
    func agreesWithSciPy(bins: Int, expected: [Double]) throws {
        let first = try #require(Shares(counts: Bins.first(bins)))
        let second = try #require(Shares(counts: Bins.second(bins)))
        let measured = [
            Divergence.kullbackLeibler(first, second), Divergence.populationStabilityIndex(first, second),
            Divergence.jensenShannon(first, second), Divergence.kolmogorovSmirnov(first, second),
            Divergence.wasserstein(first, second, centres: (0..<bins).map { Double($0 * $0) / 4 }),
        ]
        for (value, number) in zip(measured, expected) { #expect(agree(try #require(value), number)) }
    }

    @Test func equalSharesLieNowhereApart() throws {
        let shares = try #require(Shares(counts: [3, 4, 5]))
        #expect(Divergence.kullbackLeibler(shares, shares) == 0)
        #expect(Divergence.populationStabilityIndex(shares, shares) == 0)
        #expect(Divergence.jensenShannon(shares, shares) == 0)
        #expect(Divergence.kolmogorovSmirnov(shares, shares) == 0)
        #expect(Divergence.wasserstein(shares, shares, centres: [1, 2, 3]) == 0)
    }

    @Test func differentBinsCannotBeCompared() throws {
        let (two, three) = (try #require(Shares(equal: 2)), try #require(Shares(equal: 3)))
        #expect(Divergence.kullbackLeibler(two, three) == nil)
        #expect(Divergence.populationStabilityIndex(two, three) == nil)
        #expect(Divergence.jensenShannon(two, three) == nil)
        #expect(Divergence.kolmogorovSmirnov(two, three) == nil)
        #expect(Divergence.wasserstein(two, two, centres: [2, 1]) == nil)
        #expect(Divergence.wasserstein(two, two, centres: [1, .nan]) == nil)
        #expect(Divergence.expectedIndex(bins: 10, count: 0, reference: 5) == nil)
        #expect(agree(Divergence.expectedIndex(bins: 10, count: 100, reference: 900) ?? 0, 0.1))
    }
}
