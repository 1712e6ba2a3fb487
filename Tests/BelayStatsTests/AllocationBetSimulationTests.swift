import BelayStats
import Testing

/// Seeded simulations: the same numbers on every run, so a failure is a change and not bad luck.
@Suite("AllocationBet in simulated releases")
struct AllocationBetSimulationTests {
    /// A release whose requests are settled in ticks of fifty.
    struct Release {
        let candidateRate: Double
        let stableRate: Double
        let share = 0.1
        let threshold: Double
        let longest: Int

        /// Requests until the evidence reached the threshold at the end of a tick, or nil.
        func requestsUntilRollback(_ sampler: inout Sampler) throws -> Int? {
            var bet = AllocationBet(.rate(margin: .none))
            for tick in 1...(longest / 50) {
                let candidates = sampler.successes(of: 50, at: share)
                let (bad, stableBad) = (
                    sampler.successes(of: candidates, at: candidateRate),
                    sampler.successes(of: 50 - candidates, at: stableRate)
                )
                bet.settle([
                    try Traffic.cell(true, 1, share, bad),
                    try Traffic.cell(true, 0, share, candidates - bad),
                    try Traffic.cell(false, 1, share, stableBad),
                    try Traffic.cell(false, 0, share, 50 - candidates - stableBad),
                ])
                if bet.logEvidence >= threshold { return tick * 50 }
            }
            return nil
        }
    }

    /// Draws counts from a generator.
    struct Sampler {
        var generator: SplitMix64

        mutating func successes(of trials: Int, at probability: Double) -> Int {
            let limit = UInt64(probability * 0x1p53)
            var successes = 0
            for _ in 0..<trials where generator.next() >> 11 < limit { successes += 1 }
            return successes
        }
    }

    /// log 20, the threshold for alpha = 5 %.
    static let logTwenty = 2.995732273553991
    /// log 100, the threshold for alpha = 1 %.
    static let logHundred = 4.605170185988092

    /// Of 400 equal releases at most 5 % may be rolled back; three standard errors, √(0.05 · 0.95 / 400)
    /// each, are granted to chance: 20 + 13 = 33.
    @Test func healthyReleasesAreRarelyRolledBack() throws {
        var sampler = Sampler(generator: SplitMix64(seed: 1))
        let release = Release(
            candidateRate: 0.01,
            stableRate: 0.01,
            threshold: Self.logTwenty,
            longest: 5_000
        )
        var rolledBack = 0
        for _ in 0..<400 where try release.requestsUntilRollback(&sampler) != nil { rolledBack += 1 }
        #expect(rolledBack <= 33)
    }

    /// A bet that knew both rates would need 1,485 requests on average.
    @Test func aRegressionIsFoundAlmostAsFastAsIfItWereKnown() throws {
        var sampler = Sampler(generator: SplitMix64(seed: 2))
        let release = Release(
            candidateRate: 0.05,
            stableRate: 0.01,
            threshold: Self.logHundred,
            longest: 10_000
        )
        var requests = 0
        for _ in 0..<200 { requests += try release.requestsUntilRollback(&sampler) ?? release.longest }
        let mean = Double(requests) / 200
        #expect(mean <= 1.6 * 1_485)
    }
}
