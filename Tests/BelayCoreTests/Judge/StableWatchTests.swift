import BelayCore
import BelayStats
import Testing

@Suite("Watch over what serves")
struct StableWatchTests {
    private static let steps = plan([step(percent: 50)], watch: hour)

    private static func settled(_ guards: [Guard] = [.errorRate], profile: StableProfile? = nil) throws
        -> Release
    {
        let proposal = Proposal(
            release: ReleaseID(1),
            endpoint: prod,
            candidate: number(2),
            stable: number(1),
            policy: policy(steps, guards: guards),
            salt: Salt(1),
            profile: profile
        )
        var release = Release(proposal: proposal, by: ann, at: noon, reason: nil)
        for move in [Release.Move.entered(step: 0), .promoted, .settled] { try release.apply(move, at: noon) }
        return release
    }

    private static func tick(
        _ step: Int,
        _ arm: Arm,
        bad: Int,
        good: Int,
        share: Share = .all,
        at time: Timestamp = noon
    ) -> EvidenceTick {
        var counts = EvidenceCounts()
        for (isBad, count) in [(true, bad), (false, good)] {
            let key = EvidenceKey(
                release: ReleaseID(1),
                metric: .errorRate,
                arm: arm,
                share: share,
                bad: isBad
            )
            counts.add(key, count)
        }
        return EvidenceTick(release: ReleaseID(1), at: time, step: step, counts: counts)
    }

    /// What a median latency of 1 ms, which may double, comes to after answers of `later` microseconds.
    private static func latencyFinding(
        later: Double,
        limit: Guard.Limit = .relativeToStable(margin: 1)
    ) throws -> StableFinding? {
        let guarded = bound("latency", .latencyP50, limit)
        func tick(_ step: Int, _ arm: Arm, _ microseconds: Double, share: Share) -> EvidenceTick {
            var counts = EvidenceCounts()
            for (factor, count) in [(0.9, 1500), (1.0, 2000), (1.1, 1500)] {
                let key = EvidenceKey(
                    release: ReleaseID(1),
                    series: .latency,
                    slice: nil,
                    arm: arm,
                    share: share,
                    code: LogHistogram.bucket(of: microseconds * factor)
                )
                counts.add(key, count)
            }
            let at = noon.advanced(by: .seconds(step * 60))
            return EvidenceTick(release: ReleaseID(1), at: at, step: step, counts: counts)
        }
        var watch = StableWatch(of: try settled([guarded]), since: nil)
        let half = share(percent: 50)
        for arm in [Arm.stable, .candidate] { watch.settle(tick(0, arm, 1000, share: half)) }
        for step in 1...4 { watch.settle(tick(step, .candidate, later, share: .all)) }
        return watch.finding
    }

    @Test func aSlowerHourOfTheMachineIsNoDecay() throws {
        #expect(try Self.latencyFinding(later: 1500) == nil)
        #expect(try Self.latencyFinding(later: 1500, limit: .againstStable(margin: 1000)) == nil)
    }

    @Test(arguments: [(1100, false), (1500, true)])
    func aLatencyWithoutAMarginMayRiseByAQuarter(later: Double, isFound: Bool) throws {
        let finding = try Self.latencyFinding(later: later, limit: .againstStable(margin: 0))
        #expect((finding?.kind == .decay) == isFound)
    }

    @Test(arguments: [(60_000, false), (120_000, true)])
    func anAbsoluteLimitStaysWhatItIs(later: Double, isFound: Bool) throws {
        let finding = try Self.latencyFinding(later: later, limit: .absolute(max: 90_000))
        #expect((finding?.kind == .decay) == isFound)
    }

    @Test func aVersionThatBecomesSlowIsToldAndNotTakenBack() throws {
        let finding = try #require(try Self.latencyFinding(later: 5000))
        #expect(finding.kind == .decay && finding.better.isEmpty && !finding.notBetter.isEmpty)
    }

    /// Tried on 5,000 answers of which one in a hundred failed, like stable's beside it.
    private static func watch(_ guards: [Guard] = [.errorRate], since: Timestamp? = nil) throws -> StableWatch
    {
        var watch = StableWatch(of: try settled(guards), since: since)
        let half = share(percent: 50)
        watch.settle(tick(0, .candidate, bad: 50, good: 4950, share: half))
        watch.settle(tick(0, .stable, bad: 50, good: 4950, share: half))
        return watch
    }

    /// What `version` said of requests that the one that serves has failed.
    private static func rescues(_ answered: Int, failed: Int, by version: Int = 1) -> EvidenceTick {
        var counts = EvidenceCounts()
        for (hasFailed, count) in [(false, answered), (true, failed)] {
            counts.add(Rescues.key(of: number(version), hasFailed: hasFailed, in: ReleaseID(1)), count)
        }
        return EvidenceTick(release: ReleaseID(1), at: noon, step: 2, counts: counts)
    }

    @Test func aRateThatStaysAsItWasFoundIsNoFinding() throws {
        var watch = try Self.watch()
        for _ in 0..<500 { watch.settle(Self.tick(2, .candidate, bad: 1, good: 99)) }
        #expect(watch.finding == nil)
    }

    @Test func aRateThatDecaysIsFoundAndAPredecessorThatAnswersWhatFailsIsSpokenFor() throws {
        var watch = try Self.watch()
        for _ in 0..<20 { watch.settle(Self.tick(2, .candidate, bad: 1, good: 99)) }
        #expect(watch.finding == nil)
        for _ in 0..<20 {
            watch.settle(Self.tick(2, .candidate, bad: 5, good: 95))
            watch.settle(Self.rescues(5, failed: 0))
        }
        let finding = try #require(watch.finding)
        #expect(finding.kind == .decay)
        #expect(finding.guards.first?.name == "error_rate")
        #expect(finding.guards.first?.verdict == .breach)
        #expect(finding.guards.first?.line.contains("% wrong, limit 1.2") == true)
        #expect(finding.better.keys.map(\.value) == [1])
        #expect(finding.better.values.first?.contains("requests that this version failed") == true)
    }

    /// An outage that both share; and one in which nobody knows.
    @Test(arguments: [(1, 19, 1), (0, 0, 1), (20, 0, 7)])
    func aPredecessorThatIsNotKnownToBeBetterNowIsNotGoneBackTo(
        answered: Int,
        failed: Int,
        by version: Int
    ) throws {
        var watch = try Self.watch()
        for _ in 0..<40 {
            watch.settle(Self.tick(2, .candidate, bad: 40, good: 60))
            watch.settle(Self.rescues(answered, failed: failed, by: version))
        }
        let finding = try #require(watch.finding)
        #expect(finding.better.isEmpty)
        #expect(finding.notBetter.keys.map(\.value) == [1])
    }

    /// What was mended long ago says nothing of what fails now.
    @Test func rescuesFromGoodTimesAreForgotten() throws {
        var watch = try Self.watch()
        for _ in 0..<100 {
            watch.settle(Self.tick(2, .candidate, bad: 1, good: 199))
            watch.settle(Self.rescues(1, failed: 0))
        }
        for _ in 0..<10 {
            watch.settle(Self.tick(2, .candidate, bad: 40, good: 60))
            watch.settle(Self.rescues(0, failed: 4))
        }
        #expect(try #require(watch.finding).better.isEmpty)
    }

    @Test(arguments: [Guard.Reaction.notify, .hold])
    func aGuardThatIsToldToNotifyTakesNothingBack(reaction: Guard.Reaction) throws {
        var watch = try Self.watch([bound("errs", .errorRate, .againstStable(margin: 0), then: reaction)])
        for _ in 0..<40 {
            watch.settle(Self.tick(2, .candidate, bad: 40, good: 60))
            watch.settle(Self.rescues(40, failed: 0))
        }
        let finding = try #require(watch.finding)
        #expect(finding.guards.first?.name == "errs" && finding.better.isEmpty)
    }

    @Test(arguments: [
        (Guard.Limit.againstStable(margin: 0.05), 5, false), (.againstStable(margin: 0.05), 9, true),
    ])
    func aRateMayRiseByItsGuardsMargin(limit: Guard.Limit, later: Int, isFound: Bool) throws {
        var watch = try Self.watch([bound("errs", .errorRate, limit)])
        for _ in 0..<100 { watch.settle(Self.tick(2, .candidate, bad: later, good: 100 - later)) }
        #expect((watch.finding != nil) == isFound)
    }

    @Test func everyQuantileIsWatchedAndErrorsAreWhateverThePolicySays() throws {
        for guards in [[], [bound("slow", .latencyP50, .againstStable(margin: 1000))]] {
            var watch = try Self.watch(guards)
            for _ in 0..<40 { watch.settle(Self.tick(2, .candidate, bad: 20, good: 80)) }
            #expect(watch.finding?.guards.first?.name == "error_rate")
        }
        let both = [
            bound("p50", .latencyP50, .againstStable(margin: 1000)),
            bound("p99", .latencyP99, .againstStable(margin: 1000)),
        ]
        var watch = try Self.watch(both)
        for _ in 0..<40 { watch.settle(Self.tick(2, .candidate, bad: 20, good: 80)) }
        #expect(watch.finding?.guards.map(\.name).sorted() == ["error_rate", "p50", "p99"])
    }

    @Test func withLittleSeenInItsStepsTheVersionsFirstTimeIsItsReference() throws {
        var watch = StableWatch(of: try Self.settled(), since: nil)
        for _ in 0..<60 { watch.settle(Self.tick(2, .candidate, bad: 2, good: 98)) }
        #expect(watch.finding == nil)
        for _ in 0..<20 { watch.settle(Self.tick(2, .candidate, bad: 15, good: 85)) }
        #expect(watch.finding?.notBetter.count == 1, "nothing was seen of its predecessor")
    }

    @Test func whatAPersonHasLookedIntoIsNoNews() throws {
        var watch = try Self.watch(since: noon)
        for _ in 0..<20 { watch.settle(Self.tick(2, .candidate, bad: 20, good: 80)) }
        #expect(watch.finding == nil)
        let later = noon.advanced(by: hour)
        for _ in 0..<20 { watch.settle(Self.tick(2, .candidate, bad: 20, good: 80, at: later)) }
        #expect(watch.finding?.kind == .decay)
    }

    @Test func anInputThatDriftsIsAFindingOfItsOwn() throws {
        let bins = legal(ReferenceBins(numbers: (0..<5000).map { Double($0 % 1000) }, missing: 0))
        let profile = StableProfile(
            answers: 5000,
            latency: nil,
            means: [:],
            references: ["feature:age": bins]
        )
        let guarded = bound("drift", .featureDrift, .absolute(max: 0.2), then: .notify)
        var watch = StableWatch(of: try Self.settled([.errorRate, guarded], profile: profile), since: nil)
        var counts = EvidenceCounts()
        let key = EvidenceKey(
            release: ReleaseID(1),
            series: .feature("age"),
            slice: nil,
            arm: .candidate,
            share: .all,
            code: 3
        )
        counts.add(key, 200)
        for _ in 0..<10 {
            watch.settle(EvidenceTick(release: ReleaseID(1), at: noon, step: 2, counts: counts))
        }
        let finding = try #require(watch.finding)
        #expect(finding.kind == .drift)
        #expect(finding.guards.map(\.feature) == ["age"])
    }

    /// As one tick for each step, as evidence is kept after a month, the watch comes to the same limit.
    @Test func sumsOfTicksSayTheSame() throws {
        var watch = try Self.watch()
        for _ in 0..<40 { watch.settle(Self.tick(2, .candidate, bad: 5, good: 95)) }
        var summed = try Self.watch()
        summed.settle(Self.tick(2, .candidate, bad: 200, good: 3800))
        #expect(summed.finding?.guards.first?.limit == watch.finding?.guards.first?.limit)
        #expect(summed.finding?.kind == .decay)
    }
}
