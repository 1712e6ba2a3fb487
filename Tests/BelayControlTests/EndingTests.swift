import BelayControl
import BelayCore
import BelayInference
import BelayStore
import BelayTesting
import Testing

/// Whatever happens at the same time, each has one right ending.
@Suite("Endings", .timeLimit(.minutes(10)))
struct EndingTests {
    private let stage: Stage
    private let fraud = Build.endpoint("fraud")

    /// v2 serves, and v1 is its standby.
    init() async throws {
        stage = Stage(shelf: try Shelf())
        try await stage.serve("fraud", "one")
        try await stage.serve("fraud", "two")
    }

    /// v3 is on trial at 10 %; once it is promoted, it is watched.
    private func tryThree(dwell: Int64 = 600_000) async throws {
        try await stage.register("fraud", "three")
        let policy = Build.policy("fraud", steps: [10], dwell: dwell, watch: 600_000)
        try await stage.release("fraud", 3, policy: policy)
        try await stage.conductor.load()
    }

    @Test func aRollbackPassesWhileARoundCollects() async throws {
        try await tryThree()
        stage.source.door.close()
        let conductor = stage.conductor
        async let round: Void = conductor.tick()
        await stage.source.door.arrival()
        #expect(try await stage.rollBack("fraud").receipt != nil)
        stage.source.door.open()
        try await round
        #expect(stage.fences.count == 1)
    }

    @Test func aRollbackPassesWhileEvidenceIsWritten() async throws {
        try await tryThree()
        try await stage.count(.errorRate, of: "fraud", .candidate, 100)
        let door = stage.process.store.ticksDoor
        door.close()
        let conductor = stage.conductor
        async let round: Void = conductor.tick()
        await door.arrival()
        #expect(try await stage.rollBack("fraud").receipt != nil)
        door.open()
        try await round
        #expect(stage.store.ticks(of: ReleaseID(3)).count == 1)
        #expect(stage.kinds.count { $0 == .rolledBack } == 1)
    }

    @Test func whatMonitorsSaidOfAReleaseIsRecordedOnce() async throws {
        try await tryThree()
        let time = stage.time.now
        let readings = [
            EvidenceTick.Reading(guardName: "load", arm: .candidate, value: 0.25, at: time),
            EvidenceTick.Reading(guardName: "load", arm: .stable, value: nil, at: time),
        ]
        await stage.conductor.take(readings, of: ReleaseID(3))
        await stage.conductor.take(readings, of: ReleaseID(99))
        try await stage.conductor.tick()
        try await stage.conductor.tick()
        let ticks = stage.store.ticks(of: ReleaseID(3))
        #expect(ticks.map(\.readings) == [readings])
        #expect(ticks.first?.counts.isEmpty == true)
        #expect(stage.store.ticks(of: ReleaseID(99)).isEmpty)
    }

    @Test func aVerdictOnOnePhaseIsNothingToTheNext() async throws {
        try await tryThree(dwell: 0)
        try await stage.count(.errorRate, of: "fraud", .candidate, 100)
        try await stage.count(.errorRate, of: "fraud", .stable, 900)
        let door = stage.process.store.entriesDoor
        door.close()
        let conductor = stage.conductor
        async let promoted = conductor.perform(.promote(ReleaseID(3)), by: .person("ada"), reason: nil)
        await door.arrival()
        async let round: Void = conductor.tick()
        while await conductor.picture.reports[ReleaseID(3)] == nil { await Task.yield() }
        door.open()
        _ = try await promoted
        try await round
        guard case .watching = await conductor.state.releases[ReleaseID(3)]?.phase else {
            Issue.record("advancing the canary has ended its watch")
            return
        }
    }

    @Test func aLoadThatNeverEndsDelaysNoOtherLoadNoGateAndNoRollback() async throws {
        try await stage.register("fraud", "three")
        try await stage.release("fraud", 3)
        stage.runtime.slowDown("fraud three")
        stage.runtime.door.close()
        let conductor = stage.conductor
        async let hanging: Void = conductor.load()
        await stage.runtime.door.arrival()
        try await stage.serve("churn", "one")
        #expect(await stage.serving("churn") == Build.number(1))
        #expect(try await stage.rollBack("fraud").receipt != nil)
        #expect(await stage.serving("fraud") == Build.number(2))
        stage.runtime.door.open()
        try await hanging
        try await stage.round()
        #expect(!stage.process.loader.isLoaded(Build.id("fraud", 3)))
    }

    @Test func candidatesThatHangKeepNoPlaceFromWhatServes() async throws {
        for name in ["a", "b", "c"] {
            try await stage.register(name, "hangs")
            try await stage.release(name, 1)
            stage.runtime.slowDown("\(name) hangs")
        }
        stage.restart()
        stage.runtime.door.close()
        let conductor = stage.conductor
        async let hanging: Void = conductor.load()
        await stage.runtime.door.arrival()
        while !stage.publisher.visible.contains(Build.id("fraud", 2)) { await Task.yield() }
        let begun = ["a", "b", "c"].map { stage.runtime.loads(of: "\($0) hangs") }
        #expect(begun.reduce(0, +) <= 2, "two at a time")
        stage.runtime.door.open()
        try await hanging
        #expect(await ["a", "b", "c"].asyncMap(stage.serving) == Array(repeating: Build.number(1), count: 3))
    }

    @Test func aCandidateThatHangsLosesItsPlaceToOthersAfterHalfAMinute() async throws {
        for name in ["a", "b"] { try await proposeHanging(name) }
        stage.runtime.door.close()
        let conductor = stage.conductor
        async let hanging: Void = conductor.load()
        while begun(["a", "b"]) < 2 { await Task.yield() }
        try await stage.register("churn", "one")
        try await stage.release("churn", 1, policy: Build.policy("churn", steps: []))
        try await conductor.load()
        #expect(await stage.serving("churn") == nil, "both places are taken")
        stage.time.advance(by: .seconds(30))
        try await conductor.load()
        #expect(await stage.serving("churn") == Build.number(1))
        stage.runtime.door.open()
        try await hanging
    }

    @Test func noMoreThanEightCandidatesHangAtATime() async throws {
        let names = (0..<10).map { "hang\($0)" }
        for name in names { try await proposeHanging(name) }
        stage.runtime.door.close()
        let conductor = stage.conductor
        try await withThrowingTaskGroup(of: Void.self) { group in
            for two in 1...4 {
                group.addTask { try await conductor.load() }
                while begun(names) < 2 * two { await Task.yield() }
                stage.time.advance(by: .seconds(30))
            }
            try await conductor.load()
            #expect(begun(names) == 8)
            stage.runtime.door.open()
            try await group.waitForAll()
        }
        try await conductor.load()
        #expect(await names.asyncMap(stage.serving) == Array(repeating: Build.number(1), count: 10))
    }

    private func proposeHanging(_ name: String) async throws {
        try await stage.register(name, "hangs")
        try await stage.release(name, 1)
        stage.runtime.slowDown("\(name) hangs")
    }

    /// Loads of these models that have begun.
    private func begun(_ names: [String]) -> Int {
        names.reduce(0) { $0 + stage.runtime.loads(of: "\($1) hangs") }
    }

    @Test func whatTakesTooLongIsReportedAndUsedWhenItComes() async throws {
        let version = try await stage.register("fraud", "three")
        stage.runtime.slowDown("fraud three")
        stage.runtime.door.close()
        let loader = stage.process.loader
        let (door, clock) = (stage.runtime.door, stage.clock)
        await withTaskGroup { group in
            group.addTask {
                await #expect(throws: LoadError.overdue(version.id, VersionLoader.loadPatience)) {
                    try await loader.load(version)
                }
            }
            await door.arrival()
            await clock.advance(by: VersionLoader.loadPatience)
        }
        #expect(loader.isLoading(version.id) && !loader.isLoaded(version.id))
        stage.runtime.door.open()
        try await loader.load(version)
        #expect(loader.isLoaded(version.id))
        #expect(stage.runtime.loads(of: "fraud three") == 1)
    }

    @Test func aCandidateThatTakesTooLongIsRefusedByItsGate() async throws {
        try await stage.register("fraud", "three")
        try await stage.release("fraud", 3)
        stage.runtime.slowDown("fraud three")
        stage.runtime.door.close()
        let conductor = stage.conductor
        async let load: Void = conductor.load()
        await stage.runtime.door.arrival()
        await stage.clock.advance(by: VersionLoader.loadPatience)
        try await load
        guard case .refused(_, let gates) = await conductor.state.releases[ReleaseID(3)]?.phase else {
            Issue.record("it was not refused")
            return
        }
        #expect(gates.last?.detail.contains("did not load within 600 s") == true)
        stage.runtime.door.open()
        while stage.process.loader.isLoading(Build.id("fraud", 3)) { await Task.yield() }
        try await stage.round()
        #expect(stage.process.loader.loaded == [Build.id("fraud", 1), Build.id("fraud", 2)])
    }

    @Test func theLoopEndsAlthoughALoadHangs() async throws {
        try await stage.register("fraud", "three")
        try await stage.release("fraud", 3)
        stage.runtime.slowDown("fraud three")
        stage.runtime.door.close()
        let (conductor, runtime, clock) = (stage.conductor, stage.runtime, stage.clock)
        await withTaskGroup { group in
            group.addTask { try? await conductor.run(clock: clock, every: .milliseconds(200)) }
            await runtime.door.arrival()
            group.cancelAll()
        }
        #expect(
            await conductor.state.releases[ReleaseID(3)]?.phase == .gating,
            "the next start runs the gates"
        )
        runtime.door.open()
    }

    @Test func twoRollbacksOfACandidateAtOnceAreOne() async throws {
        try await tryThree()
        let (conductor, endpoint) = (stage.conductor, fraud)
        async let first = conductor.rollback(endpoint, to: nil, by: .person("ada"), reason: nil)
        async let second = conductor.rollback(endpoint, to: nil, by: .person("bob"), reason: nil)
        let both = [try await first, try await second]
        #expect(both.count { $0.alreadyDone != nil } == 1)
        #expect(both[0].receipt == both[1].receipt)
        #expect(stage.kinds.count { $0 == .rolledBack } == 1)
        #expect(await stage.serving("fraud") == Build.number(2))
    }

    @Test func aRollbackDuringThePublicationOfAPromotionWins() async throws {
        try await tryThree()
        stage.publisher.door.close()
        let (conductor, endpoint) = (stage.conductor, fraud)
        async let promoted = conductor.perform(.promote(ReleaseID(3)), by: .person("ada"), reason: nil)
        await stage.publisher.door.arrival()
        async let rolledBack = conductor.rollback(endpoint, to: nil, by: .person("bob"), reason: nil)
        stage.publisher.door.open()
        let epochs = [try await promoted.receipt?.epoch, try await rolledBack.receipt?.epoch]
        #expect(epochs.compactMap(\.self).count == 2)
        #expect(await stage.serving("fraud") == Build.number(2))
        #expect(stage.publisher.current == stage.store.standing.state.routeTable)
        #expect(stage.publisher.violations == [])
    }

    @Test func aRollbackWhoseCallerIsGoneIsCarriedOut() async throws {
        try await tryThree()
        stage.publisher.door.close()
        let (conductor, endpoint, publisher) = (stage.conductor, fraud, stage.publisher)
        await withTaskGroup { group in
            group.addTask {
                _ = try? await conductor.rollback(endpoint, to: nil, by: .person("ada"), reason: nil)
            }
            await publisher.door.arrival()
            group.cancelAll()
            publisher.door.open()
        }
        try await conductor.tick()
        #expect(stage.publisher.current?.routes[Build.model("fraud")]?.withdrawn == [Build.number(3)])
        #expect(stage.fences.count == 1)
    }

    @Test func evidenceOfWhatIsLongOverIsKeptAsItsSum() async throws {
        try await tryThree()
        for _ in 0..<3 {
            try await stage.count(.errorRate, of: "fraud", .candidate, 100, bad: 1)
            try await stage.conductor.tick()
        }
        try await stage.rollBack("fraud")
        stage.time.advance(by: .seconds(29 * 86_400))
        try await stage.conductor.tick()
        let all = stage.store.ticks(of: ReleaseID(3))
        #expect(all.count == 3)
        stage.time.advance(by: .seconds(86_400))
        try await stage.conductor.tick()
        var sum = EvidenceCounts()
        for tick in all { sum.merge(tick.counts) }
        #expect(stage.store.ticks(of: ReleaseID(3)).map(\.counts) == [sum])
    }
}

extension Array {
    fileprivate func asyncMap<Value>(_ body: (Element) async -> Value) async -> [Value?] {
        var values: [Value?] = []
        for element in self { values.append(await body(element)) }
        return values
    }
}
