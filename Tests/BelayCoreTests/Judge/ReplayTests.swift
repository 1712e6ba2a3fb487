import BelayCore
import BelayStats
import Testing

@Suite("Replay of recorded ticks")
struct ReplayTests {
    /// A bad candidate, driven as control drives it: what was ruled at each tick, and the ticks.
    private func recorded(bad: Double) throws -> (trial: Trial, live: [String], ticks: [EvidenceTick]) {
        var trial = try Trial(policy(plan([step(percent: 10, minSamples: 300), step(percent: 50)])))
        var generator = SplitMix64(seed: 41)
        var (live, ticks): ([String], [EvidenceTick]) = ([], [])
        for _ in 0..<200 {
            var counts: [Trial.Count] = []
            for (arm, rate) in [(Arm.candidate, bad), (.stable, 0.02)] {
                let number = arm == .candidate ? 20 : 180
                let failed = (0..<number).count { _ in generator.chance(rate) }
                counts.append(Trial.Count(.errorRate, arm, bad: true, failed))
                counts.append(Trial.Count(.errorRate, arm, bad: false, number - failed))
            }
            let tick = trial.tick(counts)
            ticks.append(tick)
            trial.judge.settle(tick)
            let ruling = trial.ruling
            if live.last != ruling.name { live.append(ruling.name) }
            if case .rollback = ruling { break }
            trial.wait(.seconds(10))
            if case .advance = ruling, trial.step == 0 { try trial.enterNextStep() }
        }
        return (trial, live, ticks)
    }

    @Test func aReplayRulesAsWasRuled() throws {
        let (trial, live, ticks) = try recorded(bad: 0.12)
        let lines = replay(trial.release, ticks: ticks, entered: [0: noon]).lines
        var rulings: [String] = []
        for line in lines where rulings.last != line.ruling { rulings.append(line.ruling) }
        #expect(rulings == live)
        #expect(live.last == "rollback error_rate")
        #expect(lines.last?.reports == trial.ruling.reports, "to the last bit")
        #expect(lines.last?.at == trial.now)
    }

    @Test func anotherPolicyDecidesOtherwiseOnTheSameTicks() throws {
        let (trial, _, ticks) = try recorded(bad: 0.12)
        let lenient = policy(
            plan([step(percent: 10, minSamples: 300), step(percent: 50)]),
            guards: [bound("errors", .errorRate, .againstStable(margin: 0.2))]
        )
        let lines = replay(trial.release, under: lenient, ticks: ticks).lines
        #expect(!lines.contains { $0.ruling.hasPrefix("rollback") })
        #expect(lines.last?.reports.first?.name == "errors")
    }

    @Test func lateLabelsThatProveHarmAreSaidAtTheEnd() throws {
        let guards = [Guard.errorRate, bound("wrong", .accuracy, .againstStable(margin: 0))]
        let trial = try Trial(policy(plan([step(percent: 10)]), guards: guards))
        let late = trial.tick(
            [
                Trial.Count(.accuracy, .stable, bad: false, 900),
                Trial.Count(.accuracy, .candidate, bad: true, 100),
            ],
            step: trial.release.plan.settledStep
        )
        let lines = replay(trial.release, ticks: [late]).lines
        #expect(lines.map(\.ruling) == ["rejudge wrong"])
        let report = try #require(lines.last?.reports.first { $0.name == "wrong" })
        #expect(report.value == -1 && report.candidateSamples == 100 && report.stableSamples == 900)
        #expect(report.lower == nil, "nothing is claimed of hours that were never compared")
    }

    @Test func noTicksNoLines() throws {
        let trial = try Trial(policy(twoSteps()))
        #expect(replay(trial.release, ticks: []).lines.isEmpty)
    }
}

@Suite("Traffic that a plan will need")
struct TrafficNeededTests {
    private static func profile(_ rate: Double?) -> StableProfile {
        StableProfile(answers: 5000, latency: nil, means: ["error_rate": 0.05], answersPerSecond: rate)
    }

    private static func proving(percent: Double, deadline: Duration? = nil) -> Policy {
        let step = Plan.Step(
            share: share(percent: percent),
            dwellMilliseconds: 0,
            minSamples: 0,
            advance: .nonInferior
        )
        let plan = Plan(
            steps: [step],
            watchMilliseconds: 0,
            deadlineMilliseconds: deadline?.wholeMilliseconds
        )
        return policy(legal(plan), guards: [bound("errors", .errorRate, .againstStable(margin: 0.02))])
    }

    /// STATS 4.5: p = 5 %, δ = 2 pp, β = 5 %: Wald 9,482 and 2,892 requests; a third more is said.
    @Test(arguments: [(10.0, 9482.0), (50, 2892)])
    func aProofNeedsWhatWasMeasured(percent: Double, wald: Double) throws {
        let forecast = try #require(
            trafficNeeded(Self.proving(percent: percent), profile: Self.profile(10)).first
        )
        let needed = try #require(forecast.slowest?.toAdvance)
        #expect(abs(Double(needed) / wald - 4.0 / 3) < 0.02, "\(needed)")
        #expect(forecast.requests == needed)
        #expect(abs(Double(forecast.milliseconds) - Double(needed) * 100) <= 1)
    }

    @Test func withoutAProofAStepNeedsItsSamples() throws {
        let policy = policy(plan([step(percent: 5, minSamples: 500)]))
        let forecast = try #require(trafficNeeded(policy, profile: nil).first)
        #expect(forecast.requests == 10_000)
        #expect(forecast.milliseconds == 60_000, "of a traffic nobody measured, only the dwell is known")
    }

    @Test func aPlanThatItsTrafficCannotDecideInTimeIsRefusedUnlessAllowed() throws {
        var world = World()
        try world.register(1, 2)
        try world.serve(1)
        let hopeless = Self.proving(percent: 10, deadline: .seconds(600))
        func request(_ rate: Double?, allowed: Bool = false) -> Command {
            .release(
                ReleaseRequest(
                    endpoint: prod,
                    candidate: .number(number(2)),
                    policy: hopeless,
                    origin: .person,
                    salt: Salt(1),
                    profile: Self.profile(rate),
                    allowsUndecidable: allowed
                )
            )
        }
        #expect(refusal(of: request(10), in: world.state) == "release.undecidable")
        #expect(refusal(of: request(100), in: world.state) == nil)
        #expect(refusal(of: request(nil), in: world.state) == nil, "nobody knows")
        #expect(refusal(of: request(10, allowed: true), in: world.state) == nil)
    }

    // MARK: - What cannot be said, and what must be

    private static func aStep(proving: Bool, minSamples: Int = 10, percent: Double = 10) -> Plan.Step {
        Plan.Step(
            share: share(percent: percent),
            dwellMilliseconds: 0,
            minSamples: minSamples,
            advance: proving ? .nonInferior : .noHarm
        )
    }

    @Test(arguments: [
        (Metric.f1, true), (.precision, true), (.brier, true), (.mae, true), (.flagRate, true),
        (.throughput, true), (.errorRate, false), (.latencyP95, false), (.recall, false),
    ])
    func whatAProofNeedsIsSaidOrSaidToBeUnknown(metric: Metric, isUnforeseen: Bool) throws {
        let guarded = bound("g", metric, .relativeToStable(margin: 0.5))
        let policy = legal(
            Policy(
                model: fraud,
                serving: .standard,
                plan: legal(Plan(steps: [Self.aStep(proving: true)], watchMilliseconds: 0)),
                guards: [guarded],
                labels: Policy.Labels(output: nil, probability: "p", positive: "1"),
                rollback: .standard
            )
        )
        let forecast = try #require(trafficNeeded(policy, profile: Self.profile(10)).first)
        #expect(forecast.unforeseen == (isUnforeseen ? ["g"] : []))
        let need = try #require(forecast.needs.first { $0.guardName == "g" })
        #expect((need.toAdvance == nil) == isUnforeseen, "\(need)")
    }

    private static let inputs = StableProfile(
        answers: 5000,
        latency: nil,
        means: [:],
        references: ["feature:age": legal(ReferenceBins(numbers: (0..<5000).map(Double.init), missing: 50))],
        answersPerSecond: 10
    )

    @Test(arguments: [(Guard.Reaction.hold, true), (.rollback, true), (.notify, false)])
    func whatAGuardOnInputsWaitsForCountsAgainstTheDeadline(reaction: Guard.Reaction, isRefused: Bool) {
        let drift = bound("drift", .featureDrift, .absolute(max: 0.2), minSamples: 10_000_000, then: reaction)
        let hour = legal(
            Plan(steps: [Self.aStep(proving: false)], watchMilliseconds: 0, deadlineMilliseconds: 3_600_000)
        )
        let policy = policy(hour, guards: [.errorRate, drift])
        #expect((undecidable(policy, profile: Self.inputs)?.guardName == "drift") == isRefused)
        #expect((undecidable(policy, profile: Self.inputs) != nil) == isRefused)
    }

    @Test func aFirstStabilityIndexIsWaitedForOnce() {
        let drift = bound("drift", .featureDrift, .absolute(max: 0.2), minSamples: 0, then: .hold)
        let steps = [Self.aStep(proving: false), Self.aStep(proving: false, percent: 50)]
        let policy = policy(
            legal(Plan(steps: steps, watchMilliseconds: 0)),
            guards: [.errorRate, drift]
        )
        let needs = trafficNeeded(policy, profile: Self.inputs).map { step in
            step.needs.first { $0.guardName == "drift" }?.toAdvance
        }
        #expect(needs == [1100, 0], "a hundred values for each of eleven bins")
    }

    /// The first step needs 2,000 answers of the candidate, the second 3,000 more.
    @Test(arguments: [
        (50, "request", true), (5000, "request", true), (5001, "request", false), (50, "x", false),
    ])
    func anExposureThatEndsBeforeTheSamplesIsRefused(units: Int, unit: String, isRefused: Bool) throws {
        let serving = ServingSettings(
            unit: unit == "request" ? .request : .header(unit),
            timeoutMilliseconds: 1000,
            record: .standard
        )
        let steps = [
            Self.aStep(proving: false, minSamples: 2000),
            Self.aStep(proving: false, minSamples: 3000, percent: 50),
        ]
        let plan = legal(Plan(steps: steps, watchMilliseconds: 0, exposure: .units(units)))
        let found = undecidable(policy(plan, serving: serving), profile: nil)
        #expect((found != nil) == isRefused)
        if units == 50, isRefused { #expect(found?.bound == .units(needed: 2000, most: 50)) }
    }

    @Test func whatMayPassWithoutDataSpendsNoExposure() {
        let labels = bound(
            "recall",
            .accuracy,
            .absolute(max: 0.5),
            minSamples: 900,
            focus: Guard.Focus(noData: .pass)
        )
        let plan = legal(
            Plan(steps: [Self.aStep(proving: false)], watchMilliseconds: 0, exposure: .units(50))
        )
        #expect(undecidable(policy(plan, guards: [.errorRate, labels]), profile: nil) == nil)
    }
}
