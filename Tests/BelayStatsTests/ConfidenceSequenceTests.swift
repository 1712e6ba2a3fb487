import BelayStats
import Testing

@Suite("ConfidenceSequence")
struct ConfidenceSequenceTests {
    /// Printed by `Scripts/reference/allocation_bet.py`.
    @Test(arguments: [
        ((60, 1_000), (90, 9_000), 0.05, 0.01, [0.024823494051472984, 0.07517650594852701]),
        ((5, 40), (0, 360), 0.05, 0.05, [-0.06998533442978153, 0.3199853344297815]),
        ((11, 1_000), (101, 9_000), 0.01, 0.005, [-0.013850633619029938, 0.013406189174585493]),
        ((2_500, 50_000), (2_400, 50_000), 0.01, 0.02, [-0.0032258637335643345, 0.007225863733564338]),
    ])
    func differencesAgreeWithTheReference(
        candidate: (Int, Int),
        stable: (Int, Int),
        alpha: Double,
        effect: Double,
        expected: [Double]
    ) throws {
        let interval = ConfidenceSequence.difference(
            candidate: try #require(ArmSummary(bad: candidate.0, count: candidate.1)),
            stable: try #require(ArmSummary(bad: stable.0, count: stable.1)),
            alpha: alpha,
            effect: effect
        )
        #expect(agree(interval.lower, expected[0]))
        #expect(agree(interval.upper, expected[1]))
    }

    @Test(arguments: [
        (500, 10_000, 0.05, 0.01, [0.04327667953408238, 0.056723320465917625]),
        (40, 200, 0.01, 0.1, [0.09897298396165821, 0.3010270160383418]),
    ])
    func meansAgreeWithTheReference(
        bad: Int,
        count: Int,
        alpha: Double,
        effect: Double,
        expected: [Double]
    ) throws {
        let arm = try #require(ArmSummary(bad: bad, count: count))
        let interval = ConfidenceSequence.mean(of: arm, alpha: alpha, effect: effect)
        #expect(agree(interval.lower, expected[0]))
        #expect(agree(interval.upper, expected[1]))
    }

    @Test(arguments: [((4, 29), (5, 1_000)), ((4, 30), (0, 1_000)), ((10, 1_000), (0, 29))])
    func nothingIsClaimedBeforeTheBurnIn(candidate: (Int, Int), stable: (Int, Int)) throws {
        let interval = ConfidenceSequence.difference(
            candidate: try #require(ArmSummary(bad: candidate.0, count: candidate.1)),
            stable: try #require(ArmSummary(bad: stable.0, count: stable.1)),
            alpha: 0.05,
            effect: 0.01
        )
        #expect(interval == .unknown)
        let few = try #require(ArmSummary(bad: 4, count: 1_000))
        #expect(ConfidenceSequence.mean(of: few, alpha: 0.05, effect: 0.01) == .unknownMean)
    }

    @Test(arguments: [
        (0, 0.01), (1, 0.01), (Double.nan, 0.01), (0.05, 0), (0.05, -1), (0.05, .nan), (0.05, .infinity),
        (0.05, 1e-300),
    ])
    func nothingIsClaimedAtALevelThatIsNone(alpha: Double, effect: Double) throws {
        let arm = try #require(ArmSummary(bad: 50, count: 1_000))
        #expect(
            ConfidenceSequence.difference(candidate: arm, stable: arm, alpha: alpha, effect: effect)
                == .unknown
        )
        #expect(ConfidenceSequence.mean(of: arm, alpha: alpha, effect: effect) == .unknownMean)
    }

    @Test func withoutSpreadNothingIsClaimed() throws {
        let allBad = try #require(ArmSummary(bad: 40, count: 40))
        #expect(ConfidenceSequence.mean(of: allBad, alpha: 0.05, effect: 0.01) == .unknownMean)
    }

    @Test func anIntervalStaysWhereADifferenceCanBe() throws {
        let (bad, good) = (ArmSummary(bad: 29, count: 30), ArmSummary(bad: 1, count: 30))
        let interval = ConfidenceSequence.difference(
            candidate: try #require(bad),
            stable: try #require(good),
            alpha: 0.001,
            effect: 0.01
        )
        #expect(interval.upper == 1)
        #expect(interval.lower >= -1)
    }

    @Test(arguments: [
        (-1, 0.5, 0.1, 0), (10, Double.nan, 0.1, 0), (10, 0.5, .nan, 0), (10, 0.5, -0.1, 0),
        (10, 0.5, 0.1, 11),
        (10, 0.5, 0.1, -1), (10, 1.5, 0.1, 0),
    ])
    func aSummaryRefusesNumbersOutOfRange(count: Int, mean: Double, variance: Double, events: Int) {
        #expect(ArmSummary(count: count, mean: mean, variance: variance, events: events) == nil)
        #expect(ArmSummary(bad: 0, count: 0) == nil)
    }
}
