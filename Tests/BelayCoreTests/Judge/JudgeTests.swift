import BelayCore
import BelayStats
import Foundation
import Testing

@Suite("Judge")
struct JudgeTests {
    private typealias Count = Trial.Count

    private static let rise = bound("accuracy", .accuracy, .againstStable(margin: 0))

    /// One step of a minute and 100 answers at 10 %, then one at 50 %.
    private func trial(_ guards: [Guard] = [.errorRate]) throws -> Trial {
        try Trial(policy(plan([step(percent: 10), step(percent: 50)]), guards: guards))
    }

    private func answer(_ trial: inout Trial, good: Int = 100, bad: Int = 0) {
        trial.count(
            Count(.errorRate, .stable, bad: false, good * 9),
            Count(.errorRate, .stable, bad: true, bad * 9),
            Count(.errorRate, .candidate, bad: false, good),
            Count(.errorRate, .candidate, bad: true, bad)
        )
    }

    @Test func withoutTrafficEveryGuardOnRatesIsBlindForEver() throws {
        var trial = try trial()
        trial.wait(hour)
        #expect(trial.verdict("error_rate") == .blind)
        #expect(trial.ruling.name == "wait")
    }

    @Test func unitsThatAreKnownAreSamplesButNoEvidence() throws {
        let limit = bound("error_rate.max", .errorRate, .absolute(max: 0.05))
        var trial = try trial([.errorRate, limit])
        trial.count(
            Count(.errorRate, .stable, bad: false, 900, share: Share.none),
            Count(.errorRate, .candidate, bad: false, 400, share: Share.all)
        )
        trial.wait(.seconds(60))
        #expect(trial.verdict("error_rate") == .blind)
        answer(&trial, good: 10)
        #expect(trial.verdict("error_rate") == .pass)
        #expect(trial.report("error_rate")?.candidateSamples == 410)
    }

    @Test func aReleaseDoesNotAdvanceOverKnownUnitsThatFail() throws {
        let limit = bound("error_rate.max", .errorRate, .absolute(max: 0.05))
        for guarded in [Guard.errorRate, limit] {
            var trial = try trial([guarded])
            answer(&trial, good: 50)
            trial.count(
                Count(.errorRate, .stable, bad: false, 900, share: Share.none),
                Count(.errorRate, .candidate, bad: true, 400, share: Share.all)
            )
            trial.wait(.seconds(60))
            #expect(trial.verdict(guarded.name) == .undecided)
            #expect(trial.ruling.name == "wait")
        }
    }

    /// Outcomes of one arm of which these are bad.
    private struct Users {
        let bad: Int
        let all: Int
    }

    /// Users of one step at 50 %: each arm's tosses, then as many times the same again.
    private func sticky(stable: Users, candidate: Users, again: (stable: Users, candidate: Users)) throws
        -> Trial
    {
        let serving = ServingSettings(
            unit: .header("x-user"),
            timeoutMilliseconds: 1000,
            record: .standard
        )
        let half = plan([step(percent: 50, minSamples: 100)])
        var trial = try Trial(policy(half, guards: [.errorRate], serving: serving))
        let counts = { (users: Users, arm: Arm, share: Share?) in
            [
                Count(.errorRate, arm, bad: true, users.bad, share: share),
                Count(.errorRate, arm, bad: false, users.all - users.bad, share: share),
            ]
        }
        trial.judge.settle(
            trial.tick(
                counts(stable, .stable, nil) + counts(candidate, .candidate, nil)
                    + counts(again.stable, .stable, Share.none)
                    + counts(again.candidate, .candidate, .all)
            )
        )
        trial.wait(.seconds(60))
        return trial
    }

    /// 300 users who are either always served well or never: 8 of stable's 150 are unlucky, 18 of the others.
    @Test func chanceAmongUsersIsNoHarmHoweverOftenTheyCome() throws {
        let trial = try sticky(
            stable: Users(bad: 8, all: 150),
            candidate: Users(bad: 18, all: 150),
            again: (Users(bad: 8 * 49, all: 150 * 49), Users(bad: 18 * 49, all: 150 * 49))
        )
        let report = try #require(trial.report("error_rate"))
        #expect(report.verdict == .pass, "\(report)")
        #expect(abs(try #require(report.value) - 0.0667) < 0.001)
        #expect(try #require(report.lower) < 0 && 0 < (try #require(report.upper)))
    }

    @Test func manyUsersWhoFareWorseLaterLookBad() throws {
        let trial = try sticky(
            stable: Users(bad: 100, all: 2000),
            candidate: Users(bad: 100, all: 2000),
            again: (Users(bad: 5000, all: 98_000), Users(bad: 10_000, all: 98_000))
        )
        #expect(trial.report("error_rate")?.reason == .looksBad)
    }

    // MARK: - What is recorded

    @Test(arguments: [Guard.Reaction.rollback, .hold])
    func silenceThatFailsIsNoProofOfHarm(reaction: Guard.Reaction) throws {
        let guarded = bound(
            "wrong",
            .accuracy,
            .absolute(max: 0.1),
            then: reaction,
            focus: Guard.Focus(noData: .fail)
        )
        var trial = try trial([.errorRate, guarded])
        answer(&trial)
        trial.wait(.seconds(120))
        #expect(trial.verdict("wrong") == .breach)
        #expect(
            trial.ruling.sentence == "guard wrong sees nothing, and the policy says that this fails",
            "\(trial.ruling.name)"
        )
    }

    @Test func harmIsSaidToBeProven() throws {
        var trial = try trial()
        trial.count(
            Count(.errorRate, .stable, bad: false, 900),
            Count(.errorRate, .candidate, bad: true, 100)
        )
        #expect(trial.ruling.sentence == "guard error_rate proved harm")
    }

    @Test func aStepThatEndsDespiteAGuardSaysWhichOne() throws {
        let told = bound("wrong", .accuracy, .absolute(max: 0.1), then: .notify)
        var trial = try trial([.errorRate, told])
        answer(&trial)
        trial.wait(.seconds(60))
        #expect(trial.ruling.name == "advance")
        #expect(
            trial.ruling.sentence
                == "every guard passes but wrong (blind), which may not hold the release, and the step has "
                + "done its time"
        )
    }

    @Test func theCandidateAloneShowsNothingAgainstStable() throws {
        var trial = try trial()
        trial.count(Count(.errorRate, .candidate, bad: false, 500))
        trial.wait(.seconds(60))
        #expect(trial.verdict("error_rate") == .blind)
        #expect(trial.ruling.name == "wait")
    }

    @Test func withoutLabelsAGuardOnLabelsIsBlind() throws {
        var trial = try trial([.errorRate, Self.rise])
        answer(&trial, good: 500)
        trial.wait(.seconds(60))
        #expect(trial.verdict("error_rate") == .pass)
        #expect(trial.verdict("accuracy") == .blind)
        #expect(trial.ruling.name == "wait")
        trial.count(
            Count(.accuracy, .stable, bad: false, 100),
            Count(.accuracy, .candidate, bad: false, 100)
        )
        #expect(trial.ruling.name == "advance")
    }

    @Test func silenceOfAMinuteBlindsAgain() throws {
        var trial = try trial()
        answer(&trial, good: 500)
        trial.wait(.seconds(60))
        #expect(trial.ruling.name == "advance")
        trial.wait(.milliseconds(1))
        #expect(trial.verdict("error_rate") == .blind)
        #expect(trial.ruling.name == "wait")
    }

    @Test func belowTheSamplesAStepAsksForItIsUndecided() throws {
        var trial = try trial()
        answer(&trial, good: 99)
        trial.wait(.seconds(60))
        #expect(trial.verdict("error_rate") == .undecided)
        #expect(trial.ruling.name == "wait")
        trial.count(Count(.errorRate, .candidate, bad: false, 1))
        #expect(trial.verdict("error_rate") == .pass)
        #expect(trial.ruling.name == "advance")
    }

    @Test func itAdvancesNotBeforeTheDwell() throws {
        var trial = try trial()
        answer(&trial, good: 500)
        #expect(trial.verdict("error_rate") == .pass)
        trial.wait(.milliseconds(59_999))
        #expect(trial.ruling.name == "wait")
        trial.wait(.milliseconds(1))
        #expect(trial.ruling.name == "advance")
    }

    @Test func aClockThatWentBackAdvancesNothing() throws {
        var trial = try trial()
        answer(&trial, good: 500)
        trial.wait(.zero - hour)
        #expect(trial.ruling.name == "wait")
    }

    @Test func oneInvalidOutputIsABreachAtOnce() throws {
        var trial = try trial()
        trial.count(
            Count(.invalidOutput, .stable, bad: true, 5),
            Count(.invalidOutput, .pinned, bad: true, 5)
        )
        #expect(trial.ruling.name == "wait")
        trial.count(Count(.invalidOutput, .candidate, bad: true, 1))
        #expect(trial.ruling.name == "rollback invalid_output")
        #expect(trial.verdict("invalid_output") == .breach)
        #expect(trial.report("invalid_output")?.value == 1)
        #expect(trial.report("invalid_output")?.limit == 0)
    }

    @Test func aCircuitBreakerThatOpenedTwiceIsABreachAtOnce() throws {
        var trial = try trial()
        answer(&trial)
        #expect(trial.verdict("circuit_breaker") == .pass)
        trial.count(Count(.circuitBreaker, .candidate, bad: true, 1))
        #expect(trial.ruling.name == "rollback circuit_breaker")
        #expect(trial.report("circuit_breaker")?.candidateSamples == 100)
    }

    @Test func theReportOfANeverEventCountsItEarlyInAStepToo() throws {
        var trial = try trial()
        trial.count(Count(.invalidOutput, .candidate, bad: false, 1000))
        try trial.enterNextStep()
        trial.count(Count(.invalidOutput, .candidate, bad: true, 2))
        #expect(trial.report("invalid_output")?.value == 2)
    }

    @Test func pinnedAnswersAreEvidenceForNothing() throws {
        var trial = try trial()
        let fresh = trial.judge
        trial.count(Count(.errorRate, .pinned, bad: true, 10_000))
        #expect(trial.judge == fresh)
    }

    @Test func valuesAreInTheMetricsOwnSense() throws {
        var trial = try trial([.errorRate, Self.rise, bound("limit", .accuracy, .absolute(max: 0.25))])
        trial.count(
            Count(.errorRate, .stable, bad: true, 10),
            Count(.errorRate, .stable, bad: false, 990),
            Count(.errorRate, .candidate, bad: true, 3),
            Count(.errorRate, .candidate, bad: false, 97),
            Count(.accuracy, .stable, bad: true, 100),
            Count(.accuracy, .stable, bad: false, 900),
            Count(.accuracy, .candidate, bad: true, 14),
            Count(.accuracy, .candidate, bad: false, 86)
        )
        let errors = try #require(trial.report("error_rate"))
        #expect(abs((errors.value ?? 0) - 0.02) < 1e-12)
        #expect((errors.candidateSamples, errors.stableSamples) == (100, 1000))
        let accuracy = try #require(trial.report("accuracy"))
        #expect(abs((accuracy.value ?? 0) + 0.04) < 1e-12)
        #expect(try #require(accuracy.lower) < -0.04 && #require(accuracy.upper) > -0.04)
        let limit = try #require(trial.report("limit"))
        #expect((limit.value, limit.limit) == (0.86, 0.75))
        #expect(try #require(limit.lower) < 0.86 && #require(limit.upper) > 0.86)
    }

    @Test func aGuardThatOnlyHoldsHoldsUntilAPersonResumes() throws {
        let latency = bound("soft", .errorRate, .againstStable(margin: 0), then: .hold)
        var trial = try trial([latency])
        trial.count(
            Count(.errorRate, .stable, bad: false, 900),
            Count(.errorRate, .candidate, bad: true, 60),
            Count(.errorRate, .candidate, bad: false, 60)
        )
        trial.count(
            Count(.errorRate, .stable, bad: false, 900),
            Count(.errorRate, .candidate, bad: true, 60),
            Count(.errorRate, .candidate, bad: false, 60)
        )
        #expect(trial.ruling.name == "hold guard:soft")
        #expect(trial.verdict("soft") == .breach)
        try trial.release.apply(.held(Release.Hold(by: .belay, why: nil, since: trial.now)), at: trial.now)
        try trial.release.apply(.resumed, at: trial.now)
        #expect(trial.ruling.name == "wait")
        trial.wait(.seconds(60))
        #expect(trial.ruling.name == "advance")
    }

    @Test func aWaivedHoldDoesNotWaiveARollback() throws {
        let soft = bound("soft", .errorRate, .againstStable(margin: 0), then: .hold)
        var trial = try trial([soft])
        try trial.release.apply(.held(Release.Hold(by: .belay, why: nil, since: trial.now)), at: trial.now)
        try trial.release.apply(.resumed, at: trial.now)
        trial.count(Count(.invalidOutput, .candidate, bad: true, 1))
        #expect(trial.ruling.name == "rollback invalid_output")
    }

    @Test func outsideTheCanaryItWaitsAndTheWatchEndsByTime() throws {
        var trial = try Trial(policy(twoSteps(watch: hour)))
        let fresh = Release(proposal: trial.release.proposal, by: ann, at: noon, reason: nil)
        #expect(trial.judge.rule(on: fresh, now: noon) == .wait([]))
        try trial.release.apply(.promoted, at: noon)
        #expect(trial.ruling == .wait([]))
        trial.wait(hour)
        #expect(trial.ruling == .advance([]))
        try trial.release.apply(.settled, at: trial.now)
        #expect(trial.ruling == .wait([]))
    }

    @Test func whatMustNeverHappenEndsAWatchThatComparesNothing() throws {
        var trial = try Trial(policy(twoSteps(watch: hour)))
        try trial.release.apply(.promoted, at: noon)
        #expect(!trial.release.holdsBack)
        trial.count(Count(.errorRate, .candidate, bad: true, 1))
        #expect(trial.ruling == .wait([]))
        trial.count(Count(.invalidOutput, .candidate, bad: true, 1))
        #expect(trial.ruling.name == "rollback invalid_output")
    }

    @Test(arguments: [-1, 3, Int.max, .min])
    func aStepThatThePlanDoesNotHaveIsNoTrap(step: Int) throws {
        var trial = try trial()
        trial.judge.settle(trial.tick([Count(.errorRate, .candidate, bad: false, 5)], step: step))
        #expect(trial.ruling.name == "wait")
        answer(&trial, good: 500)
        trial.wait(.seconds(60))
        #expect(trial.ruling.name == "advance")
    }

    @Test func hugeCountsAreNoTrapAndForgetNothing() throws {
        let limit = bound("limit", .errorRate, .absolute(max: 0.5))
        var trial = try trial([.errorRate, limit])
        let other = share(percent: 50)
        for _ in 0..<3 {
            trial.count(
                Count(.errorRate, .candidate, bad: false, .max),
                Count(.errorRate, .candidate, bad: false, .max, share: other),
                Count(.errorRate, .candidate, bad: true, .max),
                Count(.errorRate, .candidate, bad: true, .max, share: other),
                Count(.invalidOutput, .candidate, bad: true, .max),
                Count(.invalidOutput, .candidate, bad: true, .max, share: other)
            )
        }
        #expect(trial.ruling.name == "rollback invalid_output")
    }
}
