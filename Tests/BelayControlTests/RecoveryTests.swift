import BelayControl
import BelayCore
import BelayStore
import BelayTesting
import Testing

/// What must survive a crash, a full disk or a lost answer, looked at closely.
@Suite("Recovery of control")
struct RecoveryTests {
    private let stage: Stage

    /// v1 serves, and v2 is on trial at 10 % under a policy that waits for labels.
    init() async throws {
        stage = Stage(shelf: try Shelf())
        try await stage.serve("fraud", "one")
        try await stage.register("fraud", "two")
        let policy = Build.policy("fraud", steps: [10, 50], dwell: 600_000, minSamples: 500)
        try await stage.release("fraud", 2, policy: policy)
        try await stage.conductor.load()
    }

    private var samples: Int? {
        get async {
            await stage.conductor.picture.reports[ReleaseID(2)]?.first { $0.metric == .errorRate }?
                .candidateSamples
        }
    }

    @Test func evidenceThatComesBeforeTheFirstRoundCountsOnce() async throws {
        try await stage.count(.errorRate, of: "fraud", .candidate, 100)
        try await stage.conductor.tick()
        #expect(await samples == 100)
    }

    @Test func evidenceFromBeforeACrashCountsAfterIt() async throws {
        try await stage.conductor.tick()
        try await stage.count(.errorRate, of: "fraud", .candidate, 100)
        try await stage.conductor.tick()
        stage.restart()
        try await stage.conductor.tick()
        #expect(await samples == 100)
        try await stage.count(.errorRate, of: "fraud", .candidate, 7)
        try await stage.conductor.tick()
        #expect(await samples == 107)
    }

    @Test func evidenceInTheFirstRoundAfterACrashCountsOnce() async throws {
        try await stage.conductor.tick()
        try await stage.count(.errorRate, of: "fraud", .candidate, 100)
        try await stage.conductor.tick()
        stage.restart()
        try await stage.count(.errorRate, of: "fraud", .candidate, 7)
        try await stage.conductor.tick()
        #expect(await samples == 107)
    }

    @Test func eachCountIsHandedOverOnce() async throws {
        try await stage.count(.errorRate, of: "fraud", .candidate, 100)
        for _ in 0..<3 { try await stage.conductor.tick() }
        let recorded = stage.store.ticks(of: ReleaseID(2))
        #expect(recorded.map(\.counts.counts.values.first) == [100])
    }

    @Test func countsThatCouldNotBeRecordedAreKeptForTheNextRound() async throws {
        try await stage.conductor.tick()
        try await stage.count(.errorRate, of: "fraud", .candidate, 100)
        stage.process.store.refuseTicks(2)
        for _ in 0..<2 { await #expect(throws: StoreError.self) { try await stage.conductor.tick() } }
        try await stage.count(.errorRate, of: "fraud", .candidate, 7)
        try await stage.conductor.tick()
        #expect(await samples == 107)
        #expect(stage.store.ticks(of: ReleaseID(2)).count == 1)
    }

    @Test func aRecordedRollbackIsCarriedOutAlthoughNoEvidenceCanBeRecorded() async throws {
        try await stage.serve("churn", "one")
        try await stage.register("churn", "two")
        try await stage.release("churn", 2, policy: Build.policy("churn", dwell: 600_000))
        try await stage.conductor.load()
        // Before the record, and after it.
        stage.publisher.fail(2)
        let performed = try await stage.rollBack("fraud")
        #expect(performed.receipt == nil)
        try await stage.count(.errorRate, of: "churn", .candidate, 100)
        stage.process.store.refuseTicks(1)
        await #expect(throws: StoreError.self) { try await stage.conductor.tick() }
        #expect(stage.publisher.current == stage.store.standing.state.routeTable)
        #expect(stage.kinds.count { $0 == .fenceCompleted } == 1)
    }

    @Test(.timeLimit(.minutes(10)))
    func anAnswerThatIsLostStopsNothing() async throws {
        // Each of the two versions takes three appends to serve: registered, proposed, promoted.
        let stage = Stage(shelf: try Shelf(), fate: Fate(.answerLost, at: 7))
        try await stage.serve("fraud", "one")
        try await stage.serve("fraud", "two")
        let before = stage.store.standing.head
        await #expect(throws: StoreError.self) {
            try await stage.rollBack("fraud")
        }
        #expect(stage.store.standing.head != before, "the blow must fall on the rollback")
        try await stage.round()
        #expect(await stage.serving("fraud") == Build.number(1))
        #expect(stage.publisher.current == stage.store.standing.state.routeTable)
        #expect(stage.kinds.count { $0 == .fenceCompleted } == 1)
        #expect(await stage.conductor.state == stage.store.standing.state)
    }

    @Test func afterAnotherWriterTheSameCommandSucceeds() async throws {
        let held = EntryDraft(
            at: stage.time.now,
            actor: .person("bob"),
            reason: nil,
            event: .release(.held(HoldEntry(release: ReleaseID(2))))
        )
        _ = try await stage.store.append([held], after: stage.store.standing.head)
        let conductor = stage.conductor
        await #expect(throws: StoreError.self) {
            try await conductor.perform(.promote(ReleaseID(2)), by: .person("ada"), reason: nil)
        }
        try await conductor.perform(.promote(ReleaseID(2)), by: .person("ada"), reason: nil)
        #expect(await stage.serving("fraud") == Build.number(2))
    }

    @Test(.timeLimit(.minutes(10)))
    func theLoopsOutliveAFailedRoundAndEndWhenTheirTaskDoes() async throws {
        try await stage.count(.errorRate, of: "fraud", .candidate, 100)
        stage.process.store.refuseTicks(3)
        let (conductor, store) = (stage.conductor, stage.store)
        await withTaskGroup { group in
            group.addTask {
                do {
                    try await conductor.run(clock: ManualClock(), every: .milliseconds(200))
                } catch {
                    #expect(error is CancellationError)
                }
            }
            while store.ticks(of: ReleaseID(2)).isEmpty { await Task.yield() }
            group.cancelAll()
        }
        #expect(store.ticks(of: ReleaseID(2)).count == 1)
    }

    @Test func howeverAReleaseEndedItsReportsAreForgotten() async throws {
        try await stage.conductor.tick()
        #expect(await stage.conductor.picture.reports.keys.sorted() == [ReleaseID(2)])
        try await stage.rollBack("fraud")
        try await stage.conductor.tick()
        #expect(await stage.conductor.picture.reports.isEmpty)
    }
}
