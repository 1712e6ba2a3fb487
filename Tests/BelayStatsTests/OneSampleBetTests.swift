import BelayStats
import Testing

@Suite("OneSampleBet")
struct OneSampleBetTests {
    /// Printed by `Scripts/reference/allocation_bet.py`: log E after 1, 10 and 40 ticks, and the largest.
    @Test(arguments: [
        (0.005, true, [4.014610668019956, 24.65322400241887, 87.10389470251256, 88.11434325798103]),
        (0.02, true, [1.8461206808164425, 6.731646850893501, 22.364811963235177, 23.37935961239533]),
        (0.02, false, [2.066425950469597, 6.950819134670479, 22.584187468749167, 23.598739696529314]),
        (0.4, true, [-1.5624209736951102, -6.6152922123816, -7.955385797290632, -0.22314355131420976]),
    ])
    func agreesWithTheReferenceForRates(limit: Double, drip: Bool, expected: [Double]) throws {
        var bet = try #require(OneSampleBet(limit: limit, drip: drip))
        var measured: [Double] = []
        for tick in 0..<40 {
            bet.settle(bad: (7 * tick + 3) % 4, good: 20 + 5 * tick % 11)
            if [0, 9, 39].contains(tick) { measured.append(bet.logEvidence) }
        }
        measured.append(bet.maximumLogEvidence)
        for (value, reference) in zip(measured, expected) { #expect(agree(value, reference)) }
    }

    @Test func agreesWithTheReferenceForGrades() throws {
        let expected = [0.6436407833288719, 7.027588877939452, 33.06722137515809, 33.48119442269071]
        var bet = try #require(OneSampleBet(limit: 0.4))
        var measured: [Double] = []
        for tick in 0..<40 {
            let cells = try (0...8).map { grade in
                try #require(OneSampleBet.Cell(value: Double(grade) / 8, count: (tick + 2 * grade) % 5))
            }
            bet.settle(cells.reversed())
            if [0, 9, 39].contains(tick) { measured.append(bet.logEvidence) }
        }
        measured.append(bet.maximumLogEvidence)
        for (value, reference) in zip(measured, expected) { #expect(agree(value, reference)) }
    }

    @Test(arguments: [0, 1, -0.1, 1.1, Double.nan, .infinity])
    func aLimitThatIsNoRateIsRefused(limit: Double) {
        #expect(OneSampleBet(limit: limit) == nil)
    }

    @Test func keepingThePromiseNeverLooksLikeBreakingIt() throws {
        var bet = try #require(OneSampleBet(limit: 0.01))
        for _ in 0..<200 { bet.settle(bad: 1, good: 99) }
        #expect(bet.maximumLogEvidence < 2.99)
        #expect(bet.observations == 20_000)
    }

    @Test(arguments: [Double.leastNonzeroMagnitude, 1e-9, 0.5, 1 - 1e-16])
    func hostileCountsDoNotTrap(limit: Double) throws {
        var bet = try #require(OneSampleBet(limit: limit))
        bet.settle(bad: .max, good: .max)
        bet.settle(bad: .min, good: -1)
        bet.settle(bad: .max, good: 0)
        #expect(bet.logEvidence.isFinite)
        #expect(bet.observations == .max)
    }

    @Test(arguments: [(Double.nan, 1), (-0.1, 1), (1.1, 1), (0.5, -1)])
    func aCellRefusesNumbersOutOfRange(value: Double, count: Int) {
        #expect(OneSampleBet.Cell(value: value, count: count) == nil)
    }
}
