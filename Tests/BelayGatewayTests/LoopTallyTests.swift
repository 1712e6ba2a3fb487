import BelayCore
import Testing

@testable import BelayGateway

/// Evidence leaves a loop in the order in which the coins were tossed.
@Suite struct LoopTallyTests {
    private let seen = SeenUnits(limit: 100)
    private let counting = Counting(
        EvidenceEpoch(release: release, number: 0),
        plan: .nothing,
        .trial
    )

    private func assignment(_ arm: Arm, sticky unit: UnitHash? = nil) throws -> Assignment {
        Assignment(
            arm: arm,
            version: try #require(VersionNumber(arm == .candidate ? 2 : 1)),
            trial: Assignment.Trial(release: release, share: half, isCounted: true),
            stickyUnit: unit
        )
    }

    private func count(
        _ tally: inout LoopTally,
        _ arm: Arm,
        in cohort: Int,
        sticky unit: UnitHash? = nil
    ) throws {
        count(&tally, Charge(arm: arm, verdict: .good), of: try assignment(arm, sticky: unit), in: cohort)
        tally.leave(cohort)
    }

    private func count(
        _ tally: inout LoopTally,
        _ charge: Charge,
        of assignment: Assignment,
        in cohort: Int,
        isHurried: Bool = false
    ) {
        tally.count(
            RequestOutcome(charge: charge, microseconds: 1000, observation: nil),
            of: assignment,
            by: counting,
            in: cohort,
            isHurried: isHurried,
            seen: seen
        )
    }

    @Test func aFasterArmIsNotCountedBeforeTheSlowerOneItWasTossedWith() throws {
        var tally = LoopTally()
        let (slow, fast) = (tally.admit(), tally.admit())
        try count(&tally, .stable, in: fast)
        #expect(tally.take().isEmpty)
        try count(&tally, .candidate, in: slow)
        #expect(
            tally.take().counts == [
                key(.errorRate, .stable, bad: false): 1, key(.errorRate, .candidate, bad: false): 1,
            ]
        )
    }

    @Test func aLaterCohortWaitsForAnEarlierOne() throws {
        var tally = LoopTally()
        let first = tally.admit()
        #expect(tally.take().isEmpty)
        let second = tally.admit()
        try count(&tally, .stable, in: second)
        #expect(tally.take().isEmpty)
        try count(&tally, .candidate, in: first)
        #expect(tally.take().counts.values.reduce(0, +) == 2)
        #expect(tally.take().isEmpty)
    }

    @Test func aNeverEventWaitsForNobody() throws {
        var tally = LoopTally()
        _ = tally.admit()
        tally.countInvalidOutput(on: .candidate, of: try assignment(.candidate), by: counting)
        #expect(tally.take().counts == [key(.invalidOutput, .candidate, bad: true): 1])
    }

    @Test func whatAUnitDoesAgainIsASampleOnWhichNoBetCanBeMade() throws {
        var tally = LoopTally()
        for _ in 0..<3 { try count(&tally, .candidate, in: tally.admit(), sticky: UnitHash(7)) }
        try count(&tally, .stable, in: tally.admit(), sticky: UnitHash(8))
        try count(&tally, .stable, in: tally.admit(), sticky: UnitHash(8))
        #expect(
            tally.take().counts == [
                key(.errorRate, .candidate, bad: false): 1,
                key(.errorRate, .candidate, bad: false, share: .all): 2,
                key(.errorRate, .stable, bad: false): 1,
                key(.errorRate, .stable, bad: false, share: .none): 1,
            ]
        )
    }

    @Test func whatIsWatchedWithoutATrialIsHandedOverNowAndThen() throws {
        var tally = LoopTally()
        let watch = watch(isJudged: false)
        func answer() {
            let cohort = tally.admit()
            tally.count(
                RequestOutcome(
                    charge: Charge(arm: .stable, verdict: .good),
                    microseconds: 1,
                    observation: nil
                ),
                of: alone,
                by: watch,
                in: cohort,
                isHurried: false,
                seen: seen
            )
            tally.leave(cohort)
        }
        var handed: [Int] = []
        for _ in 0..<2 * LoopTally.watchCadence + 1 {
            answer()
            let counts = tally.take().counts
            #expect(counts.keys.allSatisfy { $0 == key(.errorRate, .candidate, bad: false, share: .all) })
            handed.append(counts.values.reduce(0, +))
        }
        #expect(handed.filter { $0 > 0 } == [1, LoopTally.watchCadence, LoopTally.watchCadence])
    }

    @Test func aStableThatStandsInForAMissingCandidateIsNoWatchOfItsTrial() throws {
        var tally = LoopTally()
        let cohort = tally.admit()
        count(&tally, Charge(arm: .stable, verdict: .good), of: alone, in: cohort)
        tally.leave(cohort)
        #expect(tally.take().isEmpty)
    }

    @Test func whoHurriesComparesNothing() throws {
        var tally = LoopTally()
        let cohort = tally.admit()
        let nonsense = Charge(arm: .candidate, verdict: .bad(.invalidOutput("NaN")))
        count(&tally, nonsense, of: try assignment(.candidate), in: cohort, isHurried: true)
        tally.leave(cohort)
        #expect(tally.take().isEmpty)
    }

    @Test func aBreakerThatOpensTwiceIsANeverEvent() throws {
        var tally = LoopTally()
        tally.countRelapse(on: .candidate, of: try assignment(.candidate), by: counting)
        #expect(tally.take().counts == [key(.circuitBreaker, .candidate, bad: true): 1])
        // Stable's does not concern the release.
        tally.countRelapse(on: .stable, of: try assignment(.candidate), by: counting)
        #expect(tally.take().isEmpty)
    }

    @Test(arguments: [true, false])
    func aNeverEventOfWhatServesCountsWhileItsReleaseGoesOn(isJudged: Bool) {
        var tally = LoopTally()
        let watch = watch(isJudged: isJudged)
        let cohort = tally.admit()
        let nonsense = Charge(arm: .stable, verdict: .bad(.invalidOutput("NaN")))
        let outcome = RequestOutcome(charge: nonsense, microseconds: 1, observation: nil)
        tally.count(outcome, of: alone, by: watch, in: cohort, isHurried: false, seen: seen)
        tally.countInvalidOutput(on: .stable, of: alone, by: watch)
        tally.countRelapse(on: .stable, of: alone, by: watch)
        tally.leave(cohort)
        var expected = [key(.errorRate, .candidate, bad: true, share: .all): 1]
        if isJudged {
            expected[key(.invalidOutput, .candidate, bad: true, share: .all)] = 1
            expected[key(.circuitBreaker, .candidate, bad: true, share: .all)] = 1
        }
        #expect(tally.take().counts == expected)
    }

    private func watch(isJudged: Bool) -> Counting {
        Counting(EvidenceEpoch(release: release, number: 0), plan: .nothing, .watch(isJudged: isJudged))
    }

    /// Nobody is on trial.
    private var alone: Assignment {
        Assignment(arm: .stable, version: version(1), trial: nil, stickyUnit: UnitHash(7))
    }
}
