import BelayCore
import BelayInference
import BelayStore
import BelayTesting
import Testing

@testable import BelayControl

private func rollBack(_ conductor: Conductor) async throws -> Conductor.Performed {
    try await conductor.rollback(Build.endpoint("fraud"), to: nil, by: .person("ada"), reason: nil)
}

/// Whoever asks for a rollback that another is carrying out means the same version.
@Suite("Rollbacks asked for twice", .timeLimit(.minutes(10)))
struct RepeatedRollbackTests {
    private let stage: Stage

    /// v3 serves; v2 and v1 are its standbys.
    init() async throws {
        stage = Stage(shelf: try Shelf())
        for text in ["one", "two", "three"] { try await stage.serve("fraud", text) }
    }

    private func expectOneRollback() async {
        #expect(await stage.serving("fraud") == Build.number(2))
        #expect(await !stage.conductor.state.isQuarantined(Build.id("fraud", 2)))
        #expect(stage.kinds.count { $0 == .rolledBack } == 1)
        #expect(stage.publisher.violations == [])
    }

    @Test func askedForWhileTheDiskHangsItIsTheSame() async throws {
        let conductor = stage.conductor
        stage.process.store.entriesDoor.close()
        async let first = rollBack(conductor)
        await stage.process.store.entriesDoor.arrival()
        stage.time.advance(by: .seconds(60))
        async let second = rollBack(conductor)
        while await stage.conductor.turnstile.waiting < 1 { await Task.yield() }
        stage.time.advance(by: .seconds(60))
        stage.process.store.entriesDoor.open()
        #expect(try await first.alreadyDone == nil)
        #expect(try await second.alreadyDone?.rollback.from == Build.number(3))
        await expectOneRollback()
    }

    /// It was recorded a minute before it was over.
    @Test func askedForSoonAfterItWasOverItIsTheSame() async throws {
        let conductor = stage.conductor
        stage.process.store.entriesDoor.close()
        async let first = rollBack(conductor)
        await stage.process.store.entriesDoor.arrival()
        stage.time.advance(by: .seconds(60))
        stage.process.store.entriesDoor.open()
        _ = try await first
        stage.time.advance(by: .seconds(9))
        #expect(try await stage.rollBack("fraud").alreadyDone?.rollback.from == Build.number(3))
        await expectOneRollback()
        stage.time.advance(by: .seconds(1))
        #expect(try await stage.rollBack("fraud").alreadyDone == nil)
        #expect(await stage.serving("fraud") == Build.number(1))
    }

    /// Whatever he asked for.
    @Test func whoWasToldThatItIsDoneMeansAnotherNext() async throws {
        stage.process.store.refuseEntries(1)
        await #expect(throws: (any Error).self) { try await stage.rollBack("fraud", to: 2) }
        try await stage.conductor.tick()
        #expect(try await stage.rollBack("fraud", to: 2).events.isEmpty)
        stage.time.advance(by: .seconds(10))
        #expect(try await stage.rollBack("fraud").alreadyDone == nil)
        #expect(await stage.serving("fraud") == Build.number(1))
    }

    /// Until somebody has been told that it is done.
    @Test func afterAnErrorItIsTheSameHoweverMuchLaterAndThenNoMore() async throws {
        stage.process.store.refuseEntries(1)
        await #expect(throws: (any Error).self) { try await stage.rollBack("fraud") }
        try await stage.conductor.tick()
        stage.time.advance(by: .seconds(600))
        #expect(try await stage.rollBack("fraud").alreadyDone?.rollback.from == Build.number(3))
        stage.time.advance(by: .seconds(9))
        #expect(try await stage.rollBack("fraud").alreadyDone?.rollback.from == Build.number(3))
        await expectOneRollback()
        stage.time.advance(by: .seconds(1))
        #expect(try await stage.rollBack("fraud").alreadyDone == nil)
        #expect(await stage.serving("fraud") == Build.number(1))
    }
}

/// One rollback that cannot be recorded keeps no other from anything.
@Suite("Rollbacks beside one that is not recorded", .timeLimit(.minutes(10)))
struct OtherRollbackTests {
    private let stage: Stage

    init() async throws {
        stage = Stage(shelf: try Shelf())
        for text in ["one", "two", "three"] { try await stage.serve("fraud", text) }
        for text in ["one", "two"] { try await stage.serve("rain", text) }
        stage.process.store.refuseEntries(1)
        await #expect(throws: (any Error).self) { try await stage.rollBack("fraud") }
    }

    @Test func itHoldsAndIsTriedAgainLikeTheFirst() async throws {
        // That of the first, tried again, and its own.
        stage.process.store.refuseEntries(2)
        await #expect { try await stage.rollBack("rain") } throws: { error in
            (error as? any Explainable)?.explanation.summary.hasPrefix("rain@2 answers nobody") ?? false
        }
        #expect(stage.answering("rain") == Build.number(1))
        #expect(stage.answering("fraud") == Build.number(2))
        let suspended = await stage.conductor.picture.suspended
        #expect(suspended.values.allSatisfy { $0.failure != nil })
        #expect(suspended.count == 2)
        try await stage.conductor.tick()
        #expect(await stage.serving("rain") == Build.number(1))
        #expect(await stage.serving("fraud") == Build.number(2))
        #expect(stage.kinds.count { $0 == .rolledBack } == 2)
        #expect(stage.publisher.violations == [])
    }

    @Test func itIsRecordedThoughTheFirstIsRefusedOnceMore() async throws {
        stage.process.store.refuseEntries(1)
        let performed = try await stage.rollBack("rain")
        #expect(performed.receipt != nil)
        #expect(await stage.serving("rain") == Build.number(1))
        #expect(await stage.conductor.picture.suspended.count == 1)
    }

    /// Who names none means the one that waits for its record, wherever that goes back to.
    @Test func withoutATargetItIsTheOneThatIsTriedAgain() async throws {
        try await stage.conductor.tick()
        for text in ["four", "five"] { try await stage.serve("fraud", text) }
        try await stage.register("fraud", "six")
        try await stage.release("fraud", 6, policy: Build.policy("fraud", steps: [10], dwell: 1_000_000))
        try await stage.round()
        #expect(stage.publisher.current?.routes[Build.model("fraud")]?.candidate?.version == Build.number(6))
        stage.process.store.refuseEntries(2)
        await #expect(throws: (any Error).self) { try await stage.rollBack("fraud", to: 1) }
        await #expect { try await stage.rollBack("fraud") } throws: { error in
            (error as? any Explainable)?.explanation.summary.hasPrefix("fraud@6 answers nobody") ?? false
        }
        #expect(stage.answering("fraud") == Build.number(1))
        try await stage.conductor.tick()
        #expect(await stage.serving("fraud") == Build.number(1))
        let state = await stage.conductor.state
        #expect(state.isQuarantined(Build.id("fraud", 6)) && state.isQuarantined(Build.id("fraud", 5)))
        #expect(stage.publisher.violations == [])
    }

    /// Who names a version means that one, though another was to come back before.
    @Test func anotherTargetTakesItsPlace() async throws {
        stage.process.store.refuseEntries(2)
        await #expect(throws: (any Error).self) { try await stage.rollBack("fraud", to: 1) }
        #expect(stage.answering("fraud") == Build.number(1))
        try await stage.conductor.tick()
        #expect(await stage.serving("fraud") == Build.number(1))
        #expect(stage.kinds.count { $0 == .rolledBack } == 1)
        #expect(stage.publisher.violations == [])
    }
}
