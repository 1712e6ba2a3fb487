import BelayControl
import BelayCore
import BelayStore
import BelayTesting
import Testing

@Suite("Publications")
struct PublicationTests {
    private let stage: Stage

    /// v2 serves, and v1 is its standby.
    init() async throws {
        stage = Stage(shelf: try Shelf())
        try await stage.serve("fraud", "one")
        try await stage.serve("fraud", "two")
    }

    @Test func aFailedPublicationLeavesTheFencePendingAndTheNextRoundCompletesIt() async throws {
        // Before the record, and after it.
        stage.publisher.fail(2)
        let performed = try await stage.rollBack("fraud")
        #expect(performed.receipt == nil)
        #expect(await stage.conductor.state.demand.fences.count == 1)
        #expect(!stage.kinds.contains(.fenceCompleted))
        for _ in 0..<3 { try await stage.conductor.tick() }
        #expect(await stage.conductor.state.demand.fences.isEmpty)
        #expect(stage.kinds.count { $0 == .fenceCompleted } == 1)
        #expect(stage.publisher.violations == [])
    }

    @Test(.timeLimit(.minutes(10)))
    func theTableIsPreparedWhileTheRecordIsWrittenAndPublishedAfterIt() async throws {
        let epoch = await stage.conductor.state.epoch
        stage.process.store.entriesDoor.close()
        let conductor = stage.conductor
        async let performed = conductor.rollback(
            Build.endpoint("fraud"),
            to: nil,
            by: .person("ada"),
            reason: nil
        )
        await stage.process.store.entriesDoor.arrival()
        while stage.publisher.prepared == nil { await Task.yield() }
        #expect(stage.publisher.prepared?.routes[Build.model("fraud")]?.withdrawn == [Build.number(2)])
        // Whoever asks meanwhile is answered as before.
        #expect(stage.publisher.current?.epoch == epoch)
        let prepared = stage.publisher.prepared
        stage.process.store.entriesDoor.open()
        _ = try await performed
        #expect(stage.publisher.current == prepared)
        #expect(stage.publisher.violations == [])
    }

    @Test func whatCouldNotBeRecordedIsNoLongerPreparedAndChangesNothing() async throws {
        let before = stage.publisher.current
        stage.process.store.refuseEntries(1)
        await #expect(throws: StoreError.storageFull(path: "ledger")) {
            try await stage.conductor.perform(
                .changePolicy(Build.endpoint("fraud"), Build.policy("fraud", steps: [10])),
                by: .person("ada"),
                reason: nil
            )
        }
        #expect(stage.publisher.prepared == nil)
        #expect(stage.publisher.current == before)
        #expect(try await stage.rollBack("fraud").receipt?.epoch == (await stage.conductor.state.epoch))
        #expect(stage.publisher.current?.routes[Build.model("fraud")]?.withdrawn == [Build.number(2)])
        #expect(stage.publisher.violations == [])
    }

    @Test func aRollbackReturnsTheReceiptOfItsOwnTable() async throws {
        let performed = try await stage.rollBack("fraud")
        #expect(performed.receipt?.epoch == (await stage.conductor.state.epoch))
        #expect(stage.publisher.current?.routes[Build.model("fraud")]?.withdrawn == [Build.number(2)])
    }

    @Test func aRollbackAnswersBeforeItsFenceIsRecordedAndTheNextRoundRecordsThatReceipt() async throws {
        let performed = try await stage.rollBack("fraud")
        #expect(!stage.kinds.contains(.fenceCompleted))
        #expect(await stage.conductor.picture.fenced == [Build.endpoint("fraud")])
        // Another publication comes between; what is recorded is what was answered.
        try await stage.conductor.load()
        try await stage.conductor.tick()
        #expect(stage.fences == [performed.receipt])
        #expect(await stage.conductor.picture.fenced == [])
    }

    @Test(.timeLimit(.minutes(10)))
    func whileTheLoopRunsTheRecordFollowsTheAnswer() async throws {
        let (conductor, clock) = (stage.conductor, stage.clock)
        // The rounds stand still, so it is not they who record it.
        stage.source.door.close()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await conductor.run(clock: clock, every: .milliseconds(200)) }
            await stage.source.door.arrival()
            let receipt = try await conductor.rollback(
                Build.endpoint("fraud"),
                to: nil,
                by: .person("ada"),
                reason: nil
            ).receipt
            while stage.fences.isEmpty { await Task.yield() }
            #expect(stage.fences == [receipt])
            stage.source.door.open()
            group.cancelAll()
        }
    }

    @Test func whateverIsRecordedNextTakesTheFenceAlong() async throws {
        try await stage.serve("fraud", "three")
        let first = try await stage.rollBack("fraud")
        let second = try await stage.rollBack("fraud", to: 1)
        #expect(stage.fences == [first.receipt])
        #expect(
            stage.kinds.suffix(5) == [.rolledBack, .quarantined, .fenceCompleted, .rolledBack, .quarantined]
        )
        try await stage.conductor.tick()
        #expect(stage.fences == [first.receipt, second.receipt])
    }

    @Test func afterACrashBehindTheAnswerTheNextStartCompletesTheFence() async throws {
        try await stage.rollBack("fraud")
        stage.restart()
        #expect(await stage.conductor.picture.fenced == [])
        try await stage.conductor.tick()
        #expect(stage.fences.count == 1)
        #expect(await stage.conductor.state.demand.fences.isEmpty)
    }

    @Test func aLoadThatWasNotAnnouncedIsAnnouncedByTheNextRound() async throws {
        stage.restart()
        try await stage.conductor.tick()
        stage.publisher.fail(1)
        await #expect(throws: RecordingPublisher.Unacknowledged.self) { try await stage.conductor.load() }
        try await stage.conductor.tick()
        #expect(stage.publisher.visible.contains(Build.id("fraud", 2)))
    }

    @Test func anUnloadThatWasNotAnnouncedIsAnnouncedByTheNextRound() async throws {
        try await stage.rollBack("fraud")
        stage.publisher.fail(1)
        await #expect(throws: RecordingPublisher.Unacknowledged.self) { try await stage.conductor.tick() }
        try await stage.conductor.tick()
        #expect(stage.publisher.visible == [Build.id("fraud", 1)])
    }

    @Test func nothingIsPublishedForWhatIsAlreadySo() async throws {
        try await stage.round()
        let before = stage.publisher.offered.count
        try await stage.rollBack("fraud", to: 2)
        for _ in 0..<3 { try await stage.round() }
        #expect(stage.publisher.offered.count == before)
    }

    @Test(.timeLimit(.minutes(10)))
    func duringASlowPublicationTheStateIsReadableAndNothingCountsAsDone() async throws {
        stage.publisher.door.close()
        let conductor = stage.conductor
        async let rolledBack = conductor.rollback(
            Build.endpoint("fraud"),
            to: nil,
            by: .person("ada"),
            reason: nil
        )
        // Before the record, and after it.
        await stage.publisher.door.arrival()
        #expect(await stage.serving("fraud") == Build.number(2))
        stage.publisher.door.letThrough()
        await stage.publisher.door.arrival()
        #expect(await stage.serving("fraud") == Build.number(1))
        #expect(await shown("fraud") == Build.number(2), "no gateway knows of it yet")
        #expect(!stage.kinds.contains(.fenceCompleted))
        async let round: Void = conductor.tick()
        stage.publisher.door.open()
        let receipt = try await rolledBack.receipt
        #expect(await shown("fraud") == Build.number(1))
        try await round
        #expect(receipt?.epoch == stage.store.standing.state.epoch)
        #expect(stage.kinds.count { $0 == .fenceCompleted } == 1)
    }
    @Test(.timeLimit(.minutes(10)))
    func nobodyIsToldOfAPromotionBeforeEveryGatewayHasItsTable() async throws {
        try await stage.register("rain", "one")
        try await stage.release("rain", 1, policy: Build.policy("rain", steps: []))
        stage.publisher.door.close()
        let conductor = stage.conductor
        async let promoted: Void = conductor.load()
        // With the candidate's instance first, and then with its route.
        await stage.publisher.door.arrival()
        stage.publisher.door.letThrough()
        await stage.publisher.door.arrival()
        let release = ReleaseID(3)
        #expect(await conductor.state.releases[release]?.hasEnded == true)
        #expect(await conductor.picture.state.releases[release]?.hasEnded == false)
        #expect(await shown("rain") == nil)
        stage.publisher.door.open()
        try await promoted
        #expect(await shown("rain") == Build.number(1))
    }

    @Test func aTableThatWasNotAcknowledgedIsShownAllTheSame() async throws {
        stage.publisher.fail(2)
        try await stage.rollBack("fraud")
        let endpoint = await stage.conductor.picture.state.endpoints[Build.endpoint("fraud")]
        #expect(endpoint?.stable?.version == Build.number(1))
        #expect(endpoint?.unfenced != nil, "and it is said that the fence is pending")
    }

    @Test(.timeLimit(.minutes(10)))
    func aRollbackElsewhereDoesNotWaitForRequestsThatAVersionMayFinish() async throws {
        try await stage.serve("rain", "one")
        try await stage.serve("rain", "two")
        stage.publisher.leaveInFlight(3)
        stage.publisher.exit.close()
        let conductor = stage.conductor
        async let draining = conductor.rollback(
            Build.endpoint("fraud"),
            to: nil,
            by: .person("ada"),
            reason: nil
        )
        await stage.publisher.exit.arrival()
        let elsewhere = try await stage.rollBack("rain")
        #expect(elsewhere.receipt?.drained == 0)
        let rain = Build.endpoint("rain")
        try await conductor.perform(.allowAutomatic(rain), by: .person("ada"), reason: nil)
        try await stage.round()
        #expect(stage.fences == [elsewhere.receipt], "the other fence is not complete")
        #expect(await conductor.picture.state.endpoints[Build.endpoint("fraud")]?.unfenced != nil)
        #expect(await shown("fraud") == Build.number(1), "requests that come are answered by it already")
        stage.publisher.exit.open()
        let receipt = try await draining.receipt
        #expect(receipt?.drained == 3)
        try await conductor.tick()
        #expect(stage.fences == [elsewhere.receipt, receipt])
    }

    /// Nobody asked for it, and nobody may have to ask again.
    @Test(.timeLimit(.minutes(10)))
    func aFenceWhoseRequestsLeaveLaterIsRecordedWithoutAnybodyWaiting() async throws {
        try await stage.register("fraud", "three")
        try await stage.release("fraud", 3, policy: Build.policy("fraud", steps: [10], dwell: 1_000_000))
        try await stage.round()
        try await stage.count(.errorRate, of: "fraud", .stable, 900)
        try await stage.count(.errorRate, of: "fraud", .candidate, 100, bad: 90)
        stage.publisher.leaveInFlight(1)
        stage.publisher.exit.close()
        let (conductor, clock) = (stage.conductor, stage.clock)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await conductor.run(clock: clock, every: .seconds(1)) }
            await stage.publisher.exit.arrival()
            #expect(stage.kinds.contains(.rolledBack))
            #expect(stage.fences == [])
            stage.publisher.exit.open()
            while stage.fences.isEmpty { await Task.yield() }
            #expect(stage.fences.first??.drained == 1)
            group.cancelAll()
        }
    }

    @Test func aRollbackThatExpectsAnotherStateIsNotCarriedOut() async throws {
        let (conductor, endpoint) = (stage.conductor, Build.endpoint("fraud"))
        let seen = await conductor.picture.state.lastChange(of: endpoint)
        try await conductor.perform(
            .changePolicy(endpoint, Build.policy("fraud", steps: [10])),
            by: .person("ada"),
            reason: nil
        )
        let now = await conductor.picture.state.lastChange(of: endpoint)
        let before = stage.kinds.count
        await #expect(throws: Refusal.changedMeanwhile(endpoint, by: now)) {
            try await conductor.rollback(
                endpoint,
                to: nil,
                by: .person("ada"),
                reason: nil,
                expecting: Expectation(endpoint, lastChanges: [seen])
            )
        }
        #expect(stage.kinds.count == before)
        let performed = try await conductor.rollback(
            endpoint,
            to: nil,
            by: .person("ada"),
            reason: nil,
            expecting: Expectation(endpoint, lastChanges: [now])
        )
        #expect(performed.receipt != nil)
        #expect(await conductor.picture.state.lastChange(of: endpoint) > now)
        try await conductor.tick()
        #expect(stage.kinds.last == .fenceCompleted)
        let after = await conductor.picture.state.lastChange(of: endpoint)
        #expect(after == stage.store.standing.head.sequence - 1, "a fence changes nobody's plan")
    }

    private func shown(_ model: String) async -> VersionNumber? {
        await stage.conductor.picture.state.endpoints[Build.endpoint(model)]?.stable?.version
    }
}
