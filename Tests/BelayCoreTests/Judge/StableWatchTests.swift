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

    /// A limit that says nothing of stable allows a quarter.
    @Test(arguments: [(1100, false), (1500, true)])
    func aLatencyWithoutAMarginMayRiseByAQuarter(later: Double, isFound: Bool) throws {
        let finding = try Self.latencyFinding(later: later, limit: .absolute(max: 90_000))
        #expect((finding?.kind == .decay) == isFound)
    }

    @Test func aVersionThatBecomesSlowIsToldAndNotTakenBack() throws {
        let finding = try #require(try Self.latencyFinding(later: 5000))
        #expect(finding.kind == .decay && finding.better.isEmpty && !finding.notBetter.isEmpty)
    }

    /// Tried on 5,000 answers of which `before` in a thousand failed, beside `predecessor` of stable's.
    private static func watch(
        before: Int = 10,
        predecessor: Int = 10,
        since: Timestamp? = nil
    ) throws -> StableWatch {
        var watch = StableWatch(of: try settled(), since: since)
        let half = share(percent: 50)
        watch.settle(tick(0, .candidate, bad: before * 5, good: 5000 - before * 5, share: half))
        watch.settle(tick(0, .stable, bad: predecessor * 5, good: 5000 - predecessor * 5, share: half))
        return watch
    }

    @Test func aRateThatStaysAsItWasFoundIsNoFinding() throws {
        var watch = try Self.watch()
        for _ in 0..<500 { watch.settle(Self.tick(2, .candidate, bad: 1, good: 99)) }
        #expect(watch.finding == nil)
    }

    @Test func aRateThatDecaysIsFoundAndThePredecessorSpokenFor() throws {
        var watch = try Self.watch()
        for _ in 0..<20 { watch.settle(Self.tick(2, .candidate, bad: 1, good: 99)) }
        #expect(watch.finding == nil)
        for _ in 0..<20 { watch.settle(Self.tick(2, .candidate, bad: 5, good: 95)) }
        let finding = try #require(watch.finding)
        #expect(finding.kind == .decay)
        #expect(finding.guards.first?.name == "error_rate")
        #expect(finding.guards.first?.verdict == .breach)
        #expect(finding.better.keys.map(\.value) == [1])
        #expect(finding.better.values.first?.contains("its error_rate was at most") == true)
    }

    @Test func aPredecessorThatWasAsBadIsNotSpokenFor() throws {
        var watch = try Self.watch(predecessor: 45)
        for _ in 0..<40 { watch.settle(Self.tick(2, .candidate, bad: 5, good: 95)) }
        let finding = try #require(watch.finding)
        #expect(finding.better.isEmpty)
        #expect(finding.notBetter.keys.map(\.value) == [1])
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
