import BelayCore
import Testing

@Suite("Judge of shadow steps")
struct ShadowTests {
    private typealias Count = Trial.Count

    private static let differs = bound("differs", .disagreement, .absolute(max: 0.1))
    private static let fails = bound("fails", .shadowError, .absolute(max: 0.1), then: .hold)

    /// A minute and 100 pairs in the shadow, then 10 %.
    private func trial(_ guards: [Guard] = [.errorRate]) throws -> Trial {
        try Trial(policy(plan([shadowStep(percent: 100), step(percent: 10)]), guards: guards))
    }

    /// Pairs as gateways count them, with the share of all.
    private func pairs(_ trial: inout Trial, same: Int, differing: Int = 0) {
        trial.count(
            Count(.disagreement, .candidate, bad: false, same, share: .all),
            Count(.disagreement, .candidate, bad: true, differing, share: .all),
            Count(.shadowError, .candidate, bad: false, same + differing, share: .all)
        )
    }

    @Test func itAdvancesOnTimeAndPairs() throws {
        var trial = try trial()
        trial.wait(.seconds(59))
        pairs(&trial, same: 99)
        trial.wait(.seconds(1))
        #expect(trial.ruling.name == "wait")
        pairs(&trial, same: 1)
        #expect(trial.ruling.name == "advance")
    }

    @Test func guardsOnAnswersThatNobodyGetsAreNotJudgedAndNotBlind() throws {
        let accuracy = bound("accuracy", .accuracy, .againstStable(margin: 0))
        var trial = try trial([.errorRate, accuracy, Self.differs])
        #expect(trial.verdict("error_rate") == .unjudged)
        #expect(trial.verdict("accuracy") == .unjudged)
        #expect(trial.verdict("differs") == .blind)
        #expect(trial.verdict("invalid_output") == .blind)
        pairs(&trial, same: 100)
        trial.wait(.seconds(60))
        #expect(trial.verdict("differs") == .pass)
        #expect(trial.verdict("invalid_output") == .pass)
        #expect(trial.ruling.name == "advance")
    }

    @Test func withoutPairsItWaitsForEver() throws {
        var trial = try trial()
        trial.count(Count(.shadowError, .candidate, bad: true, 5000, share: .all))
        trial.wait(hour)
        #expect(trial.ruling.name == "wait")
    }

    @Test func aShadowThatDiffersTooOftenIsTakenOut() throws {
        var trial = try trial([Self.differs])
        for _ in 0..<5 { pairs(&trial, same: 10, differing: 40) }
        #expect(trial.ruling.name == "rollback differs")
    }

    @Test func aGuardOnAShadowMayHold() throws {
        var trial = try trial([Self.fails])
        for _ in 0..<5 {
            trial.count(
                Count(.shadowError, .candidate, bad: true, 40, share: .all),
                Count(.shadowError, .candidate, bad: false, 10, share: .all)
            )
        }
        #expect(trial.ruling.name == "hold guard:fails")
    }

    @Test(arguments: [Metric.invalidOutput, .circuitBreaker])
    func aNeverEventInTheShadowIsABreachAtOnce(metric: Metric) throws {
        var trial = try trial()
        trial.count(Count(metric, .candidate, bad: true, 1, share: .all))
        #expect(trial.ruling.name == "rollback \(metric.rawValue)")
    }

    @Test func whatTheShadowShowedIsReportedWithoutAGuardAndStays() throws {
        var trial = try trial()
        pairs(&trial, same: 90, differing: 30)
        let report = try #require(trial.report("disagreement"))
        #expect((report.value, report.candidateSamples, report.limit) == (0.25, 120, 1))
        #expect(report.verdict == .unjudged)
        #expect(trial.report("shadow_error")?.value == 0)
        try trial.enterNextStep()
        #expect(trial.report("disagreement")?.candidateSamples == 120)
        #expect(trial.verdict("error_rate") == .blind)
    }

    @Test func aPlanWithoutShadowsReportsNone() throws {
        let trial = try Trial(policy(twoSteps()))
        #expect(trial.ruling.reports.map(\.name) == ["error_rate", "invalid_output", "circuit_breaker"])
    }

    @Test func inACanaryStepAGuardOnShadowsStopsNobody() throws {
        var trial = try trial([.errorRate, Self.differs])
        pairs(&trial, same: 100)
        try trial.enterNextStep()
        trial.count(
            Count(.errorRate, .stable, bad: false, 900),
            Count(.errorRate, .candidate, bad: false, 100)
        )
        trial.wait(.seconds(60))
        #expect(trial.verdict("differs") == .unjudged)
        #expect(trial.ruling.name == "advance")
    }
}
