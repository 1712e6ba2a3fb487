import BelayControl
import BelayCore
import BelayTesting
import Testing

/// Whoever asked may be gone before what he wanted is loaded.
@Suite("Rollbacks that are called off", .timeLimit(.minutes(10)))
struct CancelledRollbackTests {
    @Test func whoLeavesDuringTheLoadCondemnsNoVersion() async throws {
        let stage = Stage(shelf: try Shelf())
        for text in ["one", "two", "three"] { try await stage.serve("fraud", text, keepWarm: 0) }
        try await stage.round()
        stage.runtime.slowDown("fraud two")
        stage.runtime.door.close()
        let (conductor, fraud) = (stage.conductor, Build.endpoint("fraud"))
        let call = Task { try await conductor.rollback(fraud, to: nil, by: .person("ada"), reason: nil) }
        await stage.runtime.door.arrival()
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        stage.runtime.door.open()
        #expect(await stage.serving("fraud") == Build.number(3))
        #expect(!stage.kinds.contains(.rolledBack))
        #expect(
            try await conductor.rollback(fraud, to: nil, by: .person("ada"), reason: nil).events.first?.kind
                == .rolledBack
        )
        #expect(await stage.serving("fraud") == Build.number(2))
    }
}

/// A guard goes back to what is there.
@Suite("Rollbacks by a guard to what is not loaded", .timeLimit(.minutes(10)))
struct UnloadedTargetTests {
    private let stage: Stage

    /// v2 serves and is watched, and nothing keeps v1 loaded.
    init() async throws {
        stage = Stage(shelf: try Shelf())
        try await stage.serve("fraud", "one", keepWarm: 0)
        try await stage.register("fraud", "two")
        let policy = Build.policy("fraud", steps: [], watch: 3_600_000, keepWarm: 0)
        try await stage.release("fraud", 2, policy: policy)
        for _ in 0..<2 { try await stage.round() }
        #expect(stage.process.loader.loaded == [Build.id("fraud", 2)])
    }

    @Test func itIsLoadedFirst() async throws {
        try await stage.count(.invalidOutput, of: "fraud", .candidate, 1, bad: 1)
        try await stage.conductor.tick()
        #expect(stage.answering("fraud") == Build.number(2), "better than nobody")
        try await stage.conductor.load()
        try await stage.conductor.tick()
        #expect(stage.answering("fraud") == Build.number(1))
        #expect(stage.publisher.visible == [Build.id("fraud", 1)])
        #expect(stage.publisher.violations == [])
    }

    @Test func itIsLoadedThoughTheDiskRefusesWhatLedToIt() async throws {
        try await stage.count(.invalidOutput, of: "fraud", .candidate, 1, bad: 1)
        stage.process.store.refuseTicks(2)
        try? await stage.conductor.tick()
        #expect(stage.answering("fraud") == Build.number(2))
        try await stage.conductor.load()
        try? await stage.conductor.tick()
        #expect(stage.answering("fraud") == Build.number(1))
        #expect(!stage.kinds.contains(.rolledBack))
        try await stage.conductor.tick()
        #expect(stage.kinds.contains(.rolledBack))
        #expect(stage.publisher.violations == [])
    }

    /// The one after it is not unloaded in favour of what has just failed.
    @Test func whatDoesNotLoadIsPassedOverForGood() async throws {
        let stage = Stage(shelf: try Shelf())
        for text in ["one", "two"] { try await stage.serve("fraud", text, keepWarm: 0) }
        try await stage.register("fraud", "three")
        let policy = Build.policy("fraud", steps: [], watch: 3_600_000, keepWarm: 0)
        try await stage.release("fraud", 3, policy: policy)
        for _ in 0..<2 { try await stage.round() }
        stage.runtime.refuseToLoad("fraud two")
        let tried = stage.runtime.loads(of: "fraud two")
        try await stage.count(.invalidOutput, of: "fraud", .candidate, 1, bad: 1)
        // It fails; the other is wanted and loaded; and gone back to.
        for _ in 0..<3 { try await stage.round() }
        #expect(await stage.serving("fraud") == Build.number(1))
        #expect(stage.runtime.loads(of: "fraud two") == tried + 1)
    }

    @Test func whatDoesNotLoadIsNotGoneBackTo() async throws {
        stage.runtime.refuseToLoad("fraud one")
        try await stage.count(.invalidOutput, of: "fraud", .candidate, 1, bad: 1)
        for _ in 0..<3 { try await stage.round() }
        #expect(stage.answering("fraud") == Build.number(2))
        #expect(!stage.kinds.contains(.rolledBack))
        stage.runtime.loadAgain("fraud one")
        stage.time.advance(by: .seconds(30))
        for _ in 0..<2 { try await stage.round() }
        #expect(stage.answering("fraud") == Build.number(1))
    }
}
