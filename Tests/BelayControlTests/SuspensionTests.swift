import BelayControl
import BelayCore
import BelayStore
import BelayTesting
import Testing

private let fraudEndpoint = Build.endpoint("fraud")

private func rollBack(
    _ conductor: Conductor,
    expecting expectation: BelayCore.Expectation? = nil
) async throws -> Conductor.Performed {
    try await conductor.rollback(
        fraudEndpoint,
        to: nil,
        by: .person("ada"),
        reason: "it looks bad",
        expecting: expectation
    )
}

/// Something else that has to be recorded.
private func changePolicy(_ conductor: Conductor) async throws {
    try await conductor.perform(
        .changePolicy(fraudEndpoint, Build.policy("fraud", steps: [10])),
        by: .person("bob"),
        reason: nil
    )
}

@Suite("Rollbacks that the disk does not record", .timeLimit(.minutes(10)))
struct SuspensionTests {
    private let stage: Stage
    private let fraud = fraudEndpoint

    /// v2 serves, and v1 is its standby.
    init() async throws {
        stage = Stage(shelf: try Shelf())
        try await stage.serve("fraud", "one")
        try await stage.serve("fraud", "two")
    }

    private var answering: VersionNumber? { stage.answering("fraud") }

    private func shown() async -> Suspended? { await stage.conductor.picture.suspended[fraud] }

    @Test func theVersionAnswersNobodyWhileTheDiskHangs() async throws {
        let epoch = await stage.conductor.state.epoch
        stage.publisher.leaveInFlight(2)
        stage.process.store.entriesDoor.close()
        let conductor = stage.conductor
        async let performed = rollBack(conductor)
        await stage.process.store.entriesDoor.arrival()
        while await shown() == nil { await Task.yield() }
        #expect(answering == Build.number(1))
        #expect(stage.publisher.current?.routes[fraud.model]?.withdrawn == [Build.number(2)])
        #expect(stage.publisher.current?.epoch == epoch, "an epoch is what the record says")
        #expect(await stage.serving("fraud") == Build.number(2))
        #expect(await shown()?.version == Build.id("fraud", 2))
        #expect(await shown()?.failure == nil)
        #expect(!stage.kinds.contains(.rolledBack))
        stage.process.store.entriesDoor.open()
        let receipt = try await performed.receipt
        #expect(receipt?.epoch == (await stage.conductor.state.epoch))
        #expect(receipt?.drained == 2, "the proof counts what was in flight when the version was taken out")
        #expect(await shown() == nil)
        #expect(stage.publisher.violations == [])
    }

    /// Whoever has the turn may be the one that the disk keeps waiting.
    @Test func itAnswersNobodyEvenWhileSomebodyElseWaitsForTheDisk() async throws {
        stage.process.store.entriesDoor.close()
        let conductor = stage.conductor
        async let held: Void = changePolicy(conductor)
        await stage.process.store.entriesDoor.arrival()
        async let performed = rollBack(conductor)
        while await shown() == nil { await Task.yield() }
        #expect(answering == Build.number(1))
        stage.process.store.entriesDoor.open()
        _ = try await held
        #expect(try await performed.receipt?.epoch == (await stage.conductor.state.epoch))
        #expect(answering == Build.number(1))
        #expect(await stage.serving("fraud") == Build.number(1))
        #expect(await shown() == nil)
        #expect(stage.publisher.violations == [])
    }

    @Test func whatWasSuspendedAheadAnswersAgainWhenTheRollbackIsRefused() async throws {
        let seen = await stage.conductor.picture.state.lastChange(of: fraud)
        stage.process.store.entriesDoor.close()
        let conductor = stage.conductor
        async let held: Void = changePolicy(conductor)
        await stage.process.store.entriesDoor.arrival()
        let expectation = BelayCore.Expectation(fraud, lastChanges: [seen])
        let rollback = Task { try await rollBack(conductor, expecting: expectation) }
        while await shown() == nil { await Task.yield() }
        stage.process.store.entriesDoor.open()
        _ = try await held
        await #expect(throws: Refusal.self) { _ = try await rollback.value }
        #expect(await shown() == nil)
        #expect(answering == Build.number(2))
        #expect(stage.publisher.current?.routes[fraud.model]?.withdrawn == [])
        #expect(!stage.kinds.contains(.rolledBack))
        #expect(stage.publisher.violations == [])
    }

    @Test func aRollbackThatTheDiskRefusesHoldsAndIsRecordedOnceItTakesRecordsAgain() async throws {
        stage.process.store.refuseEntries(3)
        await #expect { try await rollBack(stage.conductor) } throws: { error in
            (error as? any Explainable)?.explanation.code == "rollback.unrecorded"
                && (error as? any Explainable)?.category == .unavailable
        }
        #expect(answering == Build.number(1))
        #expect(await shown()?.failure == "No space was left to write ledger.")
        for _ in 0..<2 {
            try await stage.conductor.tick()
            #expect(answering == Build.number(1))
            #expect(await stage.serving("fraud") == Build.number(2))
        }
        try await stage.conductor.tick()
        #expect(await stage.serving("fraud") == Build.number(1))
        #expect(await shown() == nil)
        let rollback = try #require(await stage.conductor.state.endpoints[fraud]?.lastTakenOut?.rollback)
        #expect(rollback.cause == .request(by: .person("ada")))
        #expect(stage.fences.count == 1)
        #expect(stage.publisher.violations == [])
    }

    @Test func whatChangesElsewhereLeavesItSuspended() async throws {
        try await stage.serve("rain", "one")
        stage.process.store.refuseEntries(1)
        await #expect(throws: (any Error).self) { try await rollBack(stage.conductor) }
        try await stage.serve("rain", "two")
        #expect(answering == Build.number(1))
        #expect(stage.publisher.violations == [])
    }

    /// The same, asked for again by a person: it is carried out once.
    @Test func askedForAgainItIsRecordedAtOnceAndNotTwice() async throws {
        stage.process.store.refuseEntries(1)
        await #expect(throws: (any Error).self) { try await rollBack(stage.conductor) }
        let performed = try await rollBack(stage.conductor)
        #expect(performed.receipt != nil)
        for _ in 0..<2 { try await stage.conductor.tick() }
        #expect(await stage.serving("fraud") == Build.number(1))
        #expect(await shown() == nil)
        #expect(stage.kinds.count { $0 == .rolledBack } == 1)
        #expect(stage.publisher.violations == [])
    }

    /// Between its record and the word of the gateways, what is tried again would take out the next version.
    @Test func whatIsRecordedMeanwhileIsNotTriedAgain() async throws {
        try await stage.serve("fraud", "three")
        stage.process.store.refuseEntries(1)
        await #expect(throws: (any Error).self) { try await rollBack(stage.conductor) }
        stage.publisher.fail(2)
        await #expect(throws: RecordingPublisher.Unacknowledged.self) { try await rollBack(stage.conductor) }
        for _ in 0..<2 { try await stage.conductor.tick() }
        #expect(await stage.serving("fraud") == Build.number(2))
        #expect(answering == Build.number(2))
        #expect(stage.kinds.count { $0 == .rolledBack } == 1)
        #expect(stage.fences.count == 1)
        #expect(stage.publisher.violations == [])
    }

    /// People decide in an order, and the record has it.
    @Test func whatIsAskedForNextComesAfterIt() async throws {
        try await stage.register("fraud", "three")
        stage.process.store.refuseEntries(2)
        await #expect(throws: (any Error).self) { try await rollBack(stage.conductor) }
        await #expect { try await stage.release("fraud", 3) } throws: { error in
            (error as? any Explainable)?.explanation.code == "rollback.unrecorded"
        }
        #expect(!stage.kinds.suffix(2).contains(.proposed))
        // Nothing is released here by itself any more, but a person may.
        try await stage.release("fraud", 3)
        #expect(stage.kinds.suffix(4).contains(.rolledBack))
        #expect(stage.kinds.last == .proposed)
        #expect(await stage.conductor.state.isQuarantined(Build.id("fraud", 2)))
        #expect(await !stage.conductor.state.isQuarantined(Build.id("fraud", 3)))
        #expect(answering == Build.number(1))
        #expect(stage.publisher.violations == [])
    }

    @Test func twoVersionsAtOnceAreBothOutUntilBothAreRecorded() async throws {
        try await stage.serve("fraud", "three")
        try await stage.register("fraud", "four")
        try await stage.release("fraud", 4, policy: Build.policy("fraud", steps: [10], dwell: 1_000_000))
        try await stage.round()
        try await stage.count(.errorRate, of: "fraud", .stable, 900)
        try await stage.count(.errorRate, of: "fraud", .candidate, 100, bad: 90)
        stage.process.store.refuseEntries(2)
        await #expect(throws: (any Error).self) { try await stage.rollBack("fraud", to: 1) }
        for _ in 0..<2 {
            let route = stage.publisher.current?.routes[fraud.model]
            #expect(route?.stable == Build.number(1))
            #expect(route?.withdrawn == [Build.number(3), Build.number(4)])
            try? await stage.conductor.tick()
        }
        #expect(await stage.serving("fraud") == Build.number(1))
        #expect(stage.kinds.count { $0 == .rolledBack } == 2)
        #expect(await shown() == nil)
        #expect(stage.publisher.violations == [])
    }

    /// Nothing else demands the version that a rollback has loaded.
    @Test func theVersionGoneBackToStaysLoadedUntilTheRecord() async throws {
        let stage = Stage(shelf: try Shelf())
        try await stage.serve("fraud", "one", keepWarm: 0)
        try await stage.serve("fraud", "two", keepWarm: 0)
        try await stage.round()
        stage.process.store.refuseEntries(3)
        await #expect(throws: (any Error).self) { try await rollBack(stage.conductor) }
        for _ in 0..<2 {
            try await stage.round()
            #expect(stage.publisher.visible.contains(Build.id("fraud", 1)))
        }
        try await stage.round()
        #expect(await stage.serving("fraud") == Build.number(1))
        #expect(stage.publisher.violations == [])
    }

    @Test func aRestartBeforeTheRecordLetsItAnswerAgain() async throws {
        stage.process.store.refuseEntries(1)
        await #expect(throws: (any Error).self) { try await rollBack(stage.conductor) }
        stage.restart()
        try await stage.round()
        #expect(answering == Build.number(2))
        #expect(await shown() == nil)
    }

    @Test func anAnswerThatWasLostIsNoReasonToRecordItAgain() async throws {
        let fate = Fate(.answerLost, at: 13)
        let stage = Stage(shelf: try Shelf(), fate: fate)
        try await stage.serve("fraud", "one")
        try await stage.serve("fraud", "two")
        while fate.appends < 12 {
            try await stage.conductor.perform(
                .changePolicy(fraud, Build.policy("fraud", steps: [fate.appends])),
                by: .person("ada"),
                reason: nil
            )
        }
        await #expect(throws: (any Error).self) { try await stage.rollBack("fraud") }
        for _ in 0..<2 { try await stage.conductor.tick() }
        #expect(await stage.serving("fraud") == Build.number(1))
        #expect(await stage.conductor.picture.suspended.isEmpty)
        #expect(stage.kinds.count { $0 == .rolledBack } == 1)
        #expect(stage.publisher.violations == [])
    }

    private func releaseThree() async throws {
        try await stage.register("fraud", "three")
        try await stage.release("fraud", 3, policy: Build.policy("fraud", steps: [10], dwell: 1_000_000))
        try await stage.round()
        try await stage.count(.errorRate, of: "fraud", .stable, 900)
        try await stage.count(.errorRate, of: "fraud", .candidate, 100)
        try await stage.conductor.tick()
        #expect(stage.publisher.current?.routes[fraud.model]?.candidate?.version == Build.number(3))
    }

    private var candidate: VersionNumber? {
        stage.publisher.current?.routes[fraud.model]?.candidate?.version
    }

    @Test func aGuardSpeaksOnEvidenceThatTheDiskRefuses() async throws {
        try await releaseThree()
        try await stage.count(.errorRate, of: "fraud", .stable, 900)
        try await stage.count(.errorRate, of: "fraud", .candidate, 100, bad: 90)
        stage.process.store.refuseTicks(2)
        for _ in 0..<2 {
            await #expect(throws: StoreError.self) { try await stage.conductor.tick() }
            #expect(candidate == nil)
            #expect(await shown()?.version == Build.id("fraud", 3))
            #expect(!stage.kinds.contains(.rolledBack), "what led to it is to be in the record first")
        }
        try await stage.conductor.tick()
        #expect(stage.kinds.contains(.rolledBack))
        #expect(await shown() == nil)
        let ticks = stage.store.ticks(of: ReleaseID(3))
        let counts = ticks.flatMap(\.counts.counts).filter { $0.key.arm == .candidate }
        let counted = counts.reduce(0) { $0 + $1.value }
        #expect(counted == 200, "and nothing is counted twice")
        #expect(stage.publisher.violations == [])
    }

    /// What a person decides against it changes no route, and yet the loops have to be told.
    @Test func whoOverrulesAGuardGivesTheVersionItsRequestsBack() async throws {
        try await releaseThree()
        try await stage.count(.errorRate, of: "fraud", .stable, 900)
        try await stage.count(.errorRate, of: "fraud", .candidate, 100, bad: 90)
        stage.process.store.refuseTicks(1)
        await #expect(throws: StoreError.self) { try await stage.conductor.tick() }
        #expect(candidate == nil)
        try await stage.conductor.perform(.hold(ReleaseID(3)), by: .person("ada"), reason: nil)
        #expect(candidate == Build.number(3))
        #expect(await shown() == nil)
        #expect(stage.publisher.violations == [])
    }

    /// Two releases: the disk keeps one's rollback, and the other's guards speak all the same.
    @Test func aRoundThatHangsKeepsNoGuardFromSpeaking() async throws {
        try await stage.serve("rain", "one")
        try await releaseThree()
        try await stage.register("rain", "two")
        try await stage.release("rain", 2, policy: Build.policy("rain", steps: [10], dwell: 1_000_000))
        try await stage.round()
        try await stage.count(.errorRate, of: "rain", .stable, 1)
        try await stage.conductor.tick()
        let (conductor, clock) = (stage.conductor, stage.clock)
        stage.process.store.entriesDoor.close()
        try await stage.count(.errorRate, of: "fraud", .stable, 900)
        try await stage.count(.errorRate, of: "fraud", .candidate, 100, bad: 90)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await conductor.run(clock: clock, every: .seconds(1)) }
            await stage.process.store.entriesDoor.arrival()
            try await stage.count(.errorRate, of: "rain", .stable, 900)
            try await stage.count(.errorRate, of: "rain", .candidate, 100, bad: 90)
            let rain = Build.model("rain")
            while stage.publisher.current?.routes[rain]?.candidate != nil {
                await clock.advance(by: .seconds(1))
            }
            #expect(candidate == nil)
            stage.process.store.entriesDoor.open()
            while await !conductor.picture.suspended.isEmpty { await clock.advance(by: .seconds(1)) }
            #expect(stage.kinds.count { $0 == .rolledBack } == 2)
            group.cancelAll()
        }
        #expect(stage.publisher.violations == [])
    }

    @Test func whatNoGuardWouldTakeOutGoesOnWhileTheDiskRefuses() async throws {
        try await releaseThree()
        try await stage.count(.errorRate, of: "fraud", .candidate, 100)
        stage.process.store.refuseTicks(1)
        await #expect(throws: StoreError.self) { try await stage.conductor.tick() }
        #expect(candidate == Build.number(3))
        try await stage.conductor.tick()
        #expect(candidate == Build.number(3))
        #expect(await shown() == nil)
    }

    @Test func aGuardSpeaksWhileTheDiskHangs() async throws {
        try await releaseThree()
        let (conductor, clock) = (stage.conductor, stage.clock)
        stage.process.store.ticksDoor.close()
        try await stage.count(.errorRate, of: "fraud", .stable, 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await conductor.run(clock: clock, every: .seconds(1)) }
            await stage.process.store.ticksDoor.arrival()
            // The harm comes after the disk has begun to hang.
            try await stage.count(.errorRate, of: "fraud", .stable, 900)
            try await stage.count(.errorRate, of: "fraud", .candidate, 100, bad: 90)
            while candidate != nil { await clock.advance(by: .seconds(1)) }
            #expect(await shown()?.failure == nil)
            #expect(!stage.kinds.contains(.rolledBack))
            stage.process.store.ticksDoor.open()
            while await shown() != nil { await clock.advance(by: .seconds(1)) }
            #expect(stage.kinds.contains(.rolledBack))
            group.cancelAll()
        }
        #expect(stage.publisher.violations == [])
    }

    /// A guard takes out what a person would.
    @Test func aVerdictThatTheDiskRefusesHoldsAsWell() async throws {
        try await stage.register("fraud", "three")
        try await stage.release("fraud", 3, policy: Build.policy("fraud", steps: [10], dwell: 1_000_000))
        try await stage.round()
        #expect(stage.publisher.current?.routes[fraud.model]?.candidate?.version == Build.number(3))
        stage.process.store.refuseEntries(1)
        try await stage.count(.errorRate, of: "fraud", .stable, 900)
        try await stage.count(.errorRate, of: "fraud", .candidate, 100, bad: 90)
        try? await stage.conductor.tick()
        #expect(stage.publisher.current?.routes[fraud.model]?.candidate == nil)
        #expect(await shown()?.version == Build.id("fraud", 3))
        try await stage.conductor.tick()
        #expect(stage.kinds.contains(.rolledBack))
        #expect(await shown() == nil)
        #expect(stage.publisher.violations == [])
    }
}
