import BelayCore
import BelayStats
import Testing

/// What keeps a verdict from being more than its evidence: blindness, waivers, proofs, time and cost.
@Suite("Judge, sound by construction")
struct SoundnessTests {
    private typealias Count = Trial.Count

    private static let wrong = bound("wrong", .accuracy, .againstStable(margin: 0))

    private func trial(_ guards: [Guard], _ plan: Plan? = nil) throws -> Trial {
        let steps = [step(percent: 10), step(percent: 50)]
        return try Trial(policy(plan ?? BelayCoreTests.plan(steps), guards: guards))
    }

    private func answer(_ trial: inout Trial, candidate: Int = 100, stable: Int = 900, bad: Int = 0) {
        trial.count(
            Count(.errorRate, .stable, bad: false, stable),
            Count(.errorRate, .candidate, bad: false, candidate - bad),
            Count(.errorRate, .candidate, bad: true, bad)
        )
    }

    // MARK: - What does not compare

    @Test func aBrokenSplitBlindsEveryComparisonForGood() throws {
        let limit = bound("limit", .errorRate, .absolute(max: 0.2))
        var trial = try trial([.errorRate, limit])
        answer(&trial, candidate: 200, stable: 800)
        trial.wait(.seconds(60))
        #expect(trial.verdict("error_rate") == .blind)
        #expect(trial.report("error_rate")?.reason == .split)
        #expect(trial.verdict("limit") == .pass, "what is held against a number needs no other arm")
        for _ in 0..<50 { answer(&trial) }
        #expect(trial.report("error_rate")?.reason == .split)
        answer(&trial, bad: 100)
        #expect(trial.ruling.name == "rollback limit", "and it is not the comparison that is blamed")
    }

    @Test func labelsForMoreOfOneArmsAnswersBlindGuardsOnLabels() throws {
        var trial = try trial([.errorRate, Self.wrong])
        answer(&trial)
        var counts = EvidenceCounts()
        for (arm, labelled) in [(Arm.candidate, 90), (.stable, 200)] {
            counts.add(
                EvidenceKey(
                    release: trial.release.id,
                    series: .labelled,
                    slice: nil,
                    arm: arm,
                    share: trial.release.share,
                    code: 0
                ),
                labelled
            )
            counts.add(
                EvidenceKey(
                    release: trial.release.id,
                    metric: .accuracy,
                    arm: arm,
                    share: trial.release.share,
                    bad: false
                ),
                labelled
            )
        }
        let tick = EvidenceTick(release: trial.release.id, at: trial.now, step: 0, counts: counts)
        trial.judge.settle(tick)
        #expect(trial.verdict("wrong") == .blind)
        #expect(trial.report("wrong")?.reason == .coverage)
        #expect(trial.verdict("error_rate") == .pass)
    }

    /// People flag what is bad: that one arm gets more flags is the evidence, and no gap in it.
    @Test func flagsOfOneArmAreEvidenceAndScoresOfOneArmBlind() throws {
        let flagged = bound("flagged", .flagRate, .againstStable(margin: 0))
        let scored = bound(
            "scored",
            .feedbackScore,
            .againstStable(margin: 0.5),
            then: .hold,
            focus: Guard.Focus(most: 5)
        )
        var trial = try trial([flagged, scored])
        answer(&trial)
        var counts = EvidenceCounts()
        for (series, code) in [(Series.flags, 1), (.score, Magnitude.code(of: 4) ?? 0)] {
            for (arm, number) in [(Arm.candidate, 60), (.stable, 40)] {
                counts.add(
                    EvidenceKey(
                        release: trial.release.id,
                        series: series,
                        slice: nil,
                        arm: arm,
                        share: trial.release.share,
                        code: code
                    ),
                    number
                )
            }
        }
        trial.judge.settle(EvidenceTick(release: trial.release.id, at: trial.now, step: 0, counts: counts))
        #expect(trial.ruling.name == "rollback flagged")
        #expect(trial.report("scored")?.reason == .coverage)
    }

    @Test func whatWasSeenBeforeTheClockWasSetBackIsNotFreshForEver() throws {
        var trial = try trial([.errorRate])
        trial.wait(.seconds(7200))
        answer(&trial)
        trial.wait(.seconds(-7000))
        #expect(trial.report("error_rate")?.reason == .stale)
        answer(&trial)
        #expect(trial.verdict("error_rate") == .pass)
    }

    /// Stable's labels may be far better than they were; without the candidate's that is no harm of its.
    @Test(arguments: [0.3, 0.6, 0.95, 1])
    func labelsOfStableAloneConvictNobody(before: Double) throws {
        let profile = StableProfile(
            answers: 1000,
            latency: nil,
            means: [Metric.accuracy.rawValue: before],
            references: [:]
        )
        let steps = plan([step(percent: 30), step(percent: 60)])
        var trial = try Trial(policy(steps, guards: [.errorRate, Self.wrong]), profile: profile)
        for _ in 0..<200 {
            var counts = EvidenceCounts()
            for series in [Series.labels, .labelled] {
                counts.add(
                    EvidenceKey(
                        release: trial.release.id,
                        series: series,
                        slice: nil,
                        arm: .stable,
                        share: trial.release.share,
                        code: 0
                    ),
                    1
                )
            }
            let tick = EvidenceTick(release: trial.release.id, at: trial.now, step: 0, counts: counts)
            trial.judge.settle(tick)
            #expect(trial.ruling.name == "wait")
        }
        #expect(trial.report("wrong")?.reason == .coverage)
    }

    @Test(arguments: [
        (Guard.NoData.wait, "wait", Verdict.blind), (.pass, "advance", .pass),
        (.fail, "rollback wrong", .breach),
    ])
    func whatNoDataMeansIsThePolicysToSay(_ noData: Guard.NoData, ruling: String, verdict: Verdict) throws {
        let guarded = bound("wrong", .accuracy, .againstStable(margin: 0), focus: Guard.Focus(noData: noData))
        var trial = try trial([.errorRate, guarded])
        answer(&trial)
        #expect(trial.ruling.name == "wait", "at its beginning a step has no data, which fails nobody")
        trial.wait(.seconds(61))
        answer(&trial)
        #expect(trial.ruling.name == ruling)
        #expect(trial.verdict("wrong") == verdict)
        #expect(trial.report("wrong")?.reason == .missing)
    }

    @Test func labelsMayTakeAsLongAsTheyUsuallyDo() throws {
        let labels = Policy.Labels(output: nil, typicalDelayMilliseconds: 3_600_000)
        let patient = legal(
            Policy(
                model: fraud,
                serving: .standard,
                plan: plan([step(percent: 10)]),
                guards: [Self.wrong],
                labels: labels,
                rollback: .standard
            )
        )
        for (policy, verdict) in [
            (patient, Verdict.pass), (policy(plan([step(percent: 10)]), guards: [Self.wrong]), .blind),
        ] {
            var trial = try Trial(policy)
            trial.count(
                Count(.accuracy, .stable, bad: false, 900),
                Count(.accuracy, .candidate, bad: false, 100)
            )
            trial.wait(.seconds(1800))
            #expect(trial.verdict("wrong") == verdict)
        }
    }

    // MARK: - Slices

    private static let sliced = bound(
        "errors",
        .errorRate,
        .againstStable(margin: 0),
        focus: Guard.Focus(sliceBy: ["country"])
    )

    @Test func harmInOneSliceIsFoundAndNamed() throws {
        let slice = RequestSlice(feature: "country", value: "DE")
        let steps = plan([step(percent: 50, dwell: .zero, minSamples: 100_000)])
        var stream = try Stream(policy(steps, guards: [Self.sliced]), seed: 31)
        for _ in 0..<100 where stream.trial.ruling.name == "wait" {
            stream.serve(200, .answers) { _, generator in generator.chance(0.1) ? 1 : 0 }
            stream.serve(20, .answers, slice: slice) { candidate, generator in
                generator.chance(candidate ? 0.4 : 0.05) ? 1 : 0
            }
        }
        #expect(stream.trial.ruling.name == "rollback errors")
        #expect(stream.trial.report("errors")?.slice == slice)
    }

    @Test func equalSlicesAreLetBe() throws {
        let steps = plan([step(percent: 50, dwell: .zero, minSamples: 100_000)])
        let alarms = try (0..<20).count { seed in
            var stream = try Stream(policy(steps, guards: [Self.sliced]), seed: 200 + UInt64(seed))
            for round in 0..<50 {
                let slice = RequestSlice(feature: "country", value: "\(round % 5)")
                stream.serve(100, .answers, slice: slice) { _, generator in generator.chance(0.05) ? 1 : 0 }
            }
            return stream.trial.ruling.name != "wait"
        }
        #expect(alarms <= 1)
    }

    // MARK: - Proofs

    @Test func aStepThatAsksForAProofWaitsForIt() throws {
        let asking = Plan.Step(
            share: share(percent: 50),
            dwellMilliseconds: 0,
            minSamples: 100,
            advance: .nonInferior
        )
        let guarded = bound("errors", .errorRate, .againstStable(margin: 0.02))
        var stream = try Stream(policy(plan([asking]), guards: [guarded]), seed: 32)
        stream.serve(1000, .answers) { _, generator in generator.chance(0.05) ? 1 : 0 }
        #expect(stream.trial.report("errors")?.reason == .unproven)
        #expect(stream.trial.ruling.name == "wait")
        let requests = stream.serve(until: "advance", most: 20_000, .answers) { _, generator in
            generator.chance(0.05) ? 1 : 0
        }
        #expect(requests != nil)
        #expect(try #require(stream.trial.report("errors")?.logAdvance) >= 2.99)
    }

    // MARK: - Time and cost

    private static func hurried(_ exposure: Plan.Exposure? = nil) -> Plan {
        legal(
            Plan(
                steps: [step(percent: 10), step(percent: 50)],
                watchMilliseconds: 0,
                deadlineMilliseconds: 3_600_000,
                exposure: exposure
            )
        )
    }

    @Test func afterTheDeadlineItIsHeldUnlessSuspicionIsStrong() throws {
        var trial = try trial([.errorRate], Self.hurried())
        answer(&trial, candidate: 50, stable: 450)
        trial.wait(hour)
        #expect(trial.ruling.name == "wait")
        trial.wait(.milliseconds(1))
        #expect(trial.ruling.name == "hold deadline")
        while try #require(trial.report("error_rate")?.logEvidence) < 2.4 {
            answer(&trial, candidate: 10, stable: 90, bad: 1)
        }
        #expect((2.303...4.605).contains(try #require(trial.report("error_rate")?.logEvidence)))
        #expect(trial.ruling.name == "rollback error_rate")
        try trial.release.apply(.waived([.deadline]), at: trial.now)
        #expect(trial.ruling.name == "wait")
    }

    @Test func whenTheBudgetIsSpentItIsHeld() throws {
        var trial = try trial([bound("limit", .errorRate, .absolute(max: 0.5))], Self.hurried(.badAnswers(5)))
        answer(&trial, bad: 4)
        #expect(trial.ruling.name == "wait")
        answer(&trial, bad: 1)
        #expect(trial.ruling.name == "hold exposure")
        try trial.release.apply(.waived([.exposure]), at: trial.now)
        #expect(trial.ruling.name == "wait")
    }

    /// 1,000 answers a minute: the next step gives 500 to a candidate that fails in one of a hundred.
    @Test(arguments: [(4, "hold exposure"), (40, "advance")])
    func theShareDoesNotGrowBeyondWhatIsLeft(budget: Int, ruling: String) throws {
        let limit = bound("limit", .errorRate, .absolute(max: 0.5))
        var trial = try trial([limit], Self.hurried(.badAnswers(budget)))
        answer(&trial, bad: 1)
        trial.wait(.seconds(60))
        #expect(trial.ruling.name == ruling)
    }

    @Test(arguments: [(500, "hold exposure"), (5000, "advance")])
    func aBudgetOfUnitsCountsWhoeverMetTheCandidate(budget: Int, ruling: String) throws {
        var trial = try trial([.errorRate], Self.hurried(.units(budget)))
        answer(&trial)
        trial.wait(.seconds(60))
        #expect(trial.ruling.name == ruling)
    }

    // MARK: - Waivers

    @Test func aWaivedGuardKeepsNobodyWaitingAndMayStillRollBack() throws {
        var trial = try trial([.errorRate, Self.wrong])
        answer(&trial)
        trial.wait(.seconds(60))
        #expect(trial.ruling.name == "wait")
        try trial.release.apply(.waived([.breach(of: "wrong")]), at: trial.now)
        #expect(trial.ruling.name == "advance")
        #expect(trial.report("wrong")?.reason == .waived)
        #expect(trial.verdict("wrong") == .blind)
        trial.count(
            Count(.accuracy, .stable, bad: false, 900),
            Count(.accuracy, .candidate, bad: true, 100)
        )
        #expect(trial.ruling.name == "rollback wrong")
    }

    // MARK: - Monitors elsewhere

    private func read(_ trial: inout Trial, _ candidate: Double?, _ stable: Double?) {
        let readings = [(Arm.candidate, candidate), (.stable, stable)].map { arm, value in
            EvidenceTick.Reading(guardName: "queue", arm: arm, value: value, at: trial.now)
        }
        trial.judge.settle(
            EvidenceTick(
                release: trial.release.id,
                at: trial.now,
                step: 0,
                counts: EvidenceCounts(),
                readings: readings
            )
        )
    }

    @Test(arguments: [
        (Guard.Limit.absolute(max: 10), 12.0, 12.0, "rollback queue"),
        (.absolute(max: 10), 9, 1, "wait"),
        (.atLeast(min: 10), 9, 20, "rollback queue"),
        (.againstStable(margin: 5), 12, 8, "wait"),
        (.againstStable(margin: 5), 14, 8, "rollback queue"),
        (.relativeToStable(margin: 0.5), 13, 8, "rollback queue"),
        (.withinOfStable(change: 0.5), 3, 8, "rollback queue"),
        (.withinOfStable(change: 0.5), 11, 8, "wait"),
    ])
    func aMonitorsNumberIsHeldAgainstItsLimit(
        _ limit: Guard.Limit,
        candidate: Double,
        stable: Double,
        ruling: String
    ) throws {
        var trial = try trial([bound("queue", .query, limit)])
        for _ in 0..<2 { read(&trial, candidate, stable) }
        #expect(trial.ruling.name == "wait", "two readings are an accident")
        read(&trial, candidate, stable)
        #expect(trial.ruling.name == ruling)
        let isHarm = ruling != "wait"
        #expect(
            trial.ruling.sentence
                == (isHarm ? "the figure that guard queue asked for is beyond its limit" : nil)
        )
    }

    @Test(arguments: [Guard.Limit.withinOfStable(change: 0.5), .relativeToStable(margin: 0.5)])
    func ofNothingNoPartIsAllowed(limit: Guard.Limit) throws {
        var trial = try trial([bound("queue", .query, limit)])
        for _ in 0..<3 { read(&trial, 0.001, 0) }
        let report = try #require(trial.report("queue"))
        #expect(report.verdict == .blind && report.reason == .noReference)
        #expect(trial.ruling.name == "wait")
        for _ in 0..<5 { read(&trial, 0, 0) }
        #expect(trial.verdict("queue") == .pass, "both have none")
        #expect(trial.report("queue")?.value == 0)
    }

    @Test func aMonitorThatIsSilentOrSaysNoNumberBlinds() throws {
        var trial = try trial([bound("queue", .query, .absolute(max: 10))])
        #expect(trial.report("queue")?.reason == .missing)
        for _ in 0..<3 { read(&trial, .nan, nil) }
        #expect(trial.report("queue")?.reason == .missing)
        for _ in 0..<3 { read(&trial, 5, 5) }
        #expect(trial.verdict("queue") == .pass)
        trial.wait(.seconds(61))
        #expect(trial.verdict("queue") == .blind)
    }

    @Test func aMonitorThatFallsSilentBlindsTheNextStepHoweverLongItsWindow() throws {
        let queue = bound(
            "queue",
            .query,
            .absolute(max: 10),
            then: .hold,
            focus: Guard.Focus(windowMilliseconds: 600_000, query: "q{v=\"{{version}}\"}")
        )
        var trial = try trial([queue])
        for _ in 0..<3 { read(&trial, 5, 5) }
        #expect(trial.verdict("queue") == .pass)
        trial.wait(.seconds(1))
        try trial.enterNextStep()
        trial.wait(.seconds(59))
        #expect(trial.report("queue")?.reason == .missing, "it has said nothing of this step")
        for _ in 0..<3 { read(&trial, 5, 5) }
        #expect(trial.verdict("queue") == .pass)
        trial.wait(.seconds(61))
        #expect(trial.report("queue")?.reason == .stale)
    }

    @Test(arguments: [1e300, -1e300])
    func oneAbsurdReadingDecidesNothing(absurd: Double) throws {
        for limit in [Guard.Limit.absolute(max: 10), .withinOfStable(change: 0.5), .atLeast(min: 4)] {
            var trial = try trial([bound("queue", .query, limit)])
            for value in [5, absurd, 5] { read(&trial, value, 5) }
            #expect(trial.verdict("queue") == .pass)
        }
    }

    @Test func whatTheMonitorSaidInsteadIsTold() throws {
        var trial = try trial([bound("queue", .query, .absolute(max: 10))])
        let reading = EvidenceTick.Reading(
            guardName: "queue",
            arm: .candidate,
            value: nil,
            at: trial.now,
            problem: "it refused the query"
        )
        trial.judge.settle(
            EvidenceTick(
                release: trial.release.id,
                at: trial.now,
                step: 0,
                counts: EvidenceCounts(),
                readings: [reading]
            )
        )
        #expect(trial.report("queue")?.problem == "it refused the query")
        for _ in 0..<3 { read(&trial, 5, 5) }
        #expect(trial.report("queue")?.problem == nil)
    }
}
