import BelayArtifacts
import BelayControl
import BelayCore
import BelayInference
import BelayStore
import BelayTesting
import Testing

@Suite("Loading", .timeLimit(.minutes(10)))
struct VersionLoaderTests {
    private let stage: Stage

    init() throws { stage = Stage(shelf: try Shelf()) }

    @Test func howeverManyAskAVersionIsLoadedOnce() async throws {
        let version = try await stage.register("fraud", "one")
        stage.runtime.slowDown("fraud one")
        stage.runtime.door.close()
        let loader = stage.process.loader
        try await withThrowingTaskGroup { group in
            for _ in 0..<10 { group.addTask { try await loader.load(version) } }
            await stage.runtime.door.arrival()
            stage.runtime.door.open()
            try await group.waitForAll()
        }
        #expect(stage.runtime.loads(of: "fraud one") == 1)
        #expect(loader.isLoaded(version.id))
    }

    @Test func aLoadThatFailsLeavesNothingAndCanBeRepeated() async throws {
        let version = try await stage.register("fraud", "one")
        stage.runtime.refuseToLoad("fraud one")
        await #expect(throws: InferenceError.self) { try await stage.process.loader.load(version) }
        #expect(stage.process.loader.loaded.isEmpty)
        stage.runtime.loadAgain("fraud one")
        try await stage.process.loader.load(version)
        #expect(stage.process.loader.loaded == [version.id])
    }

    @Test func damagedBytesAreNotLoaded() async throws {
        let version = try await stage.register("fraud", "one")
        let shelf = try Shelf()
        _ = try await shelf.put("fraud one")
        shelf.artifacts.damage(version.manifest.files[0].digest)
        let loader = VersionLoader(
            folders: shelf.folders,
            runtime: stage.runtime,
            pool: InstancePool(),
            clock: ContinuousClock()
        )
        await #expect(throws: ArtifactError.self) { try await loader.load(version) }
        #expect(loader.loaded.isEmpty)
    }

    @Test func aFailedLoadIsTriedAgainAfterThirtySeconds() async throws {
        try await stage.serve("fraud", "one")
        stage.restart()
        stage.runtime.refuseToLoad("fraud one")
        let tried = stage.runtime.loads(of: "fraud one")
        func triesMore(after duration: Duration) async throws -> Int {
            stage.time.advance(by: duration)
            try await stage.round()
            return stage.runtime.loads(of: "fraud one") - tried
        }
        #expect(try await triesMore(after: .zero) == 1)
        #expect(try await triesMore(after: .seconds(29)) == 1)
        #expect(try await triesMore(after: .seconds(1)) == 2)
        #expect(try await triesMore(after: .seconds(-3600)) == 3, "a clock that went back must not stop it")
        stage.runtime.loadAgain("fraud one")
        stage.time.advance(by: .seconds(30))
        try await stage.round()
        #expect(stage.publisher.visible == [Build.id("fraud", 1)])
    }

    @Test func aStartWaitsForWhatServesAndForNothingElse() async throws {
        try await stage.serve("fraud", "one")
        try await stage.serve("fraud", "two")
        stage.restart()
        stage.runtime.slowDown("fraud one")
        stage.runtime.door.close()
        try await stage.conductor.loadServing()
        #expect(stage.process.loader.loaded == [Build.id("fraud", 2)])
        stage.runtime.door.open()
        try await stage.conductor.load()
        #expect(stage.process.loader.loaded == [Build.id("fraud", 1), Build.id("fraud", 2)])
    }

    @Test func aStartDoesNotWaitForEverForWhatServes() async throws {
        try await stage.serve("fraud", "one")
        stage.restart()
        stage.runtime.slowDown("fraud one")
        stage.runtime.door.close()
        let (conductor, loader) = (stage.conductor, stage.process.loader)
        async let started: Void = conductor.loadServing()
        await stage.runtime.door.arrival()
        await stage.clock.advance(by: Conductor.startPatience)
        try await started
        #expect(!loader.isLoaded(Build.id("fraud", 1)))
        stage.runtime.door.open()
        while loader.isLoading(Build.id("fraud", 1)) { await Task.yield() }
        try await conductor.load()
        #expect(stage.publisher.visible == [Build.id("fraud", 1)])
        #expect(stage.runtime.loads(of: "fraud one") == 2, "once before the restart, and once after it")
    }

    @Test func whatIsNotDemandedIsLetGo() async throws {
        try await stage.serve("fraud", "one")
        try await stage.serve("fraud", "two")
        weak let instance = stage.process.pool[Build.id("fraud", 2)]
        #expect(instance != nil)
        try await stage.rollBack("fraud")
        try await stage.conductor.tick()
        #expect(instance == nil)
        #expect(stage.process.loader.loaded == [Build.id("fraud", 1)])
    }

    @Test func aVersionWithdrawnDuringItsLoadDoesNotStayLoaded() async throws {
        try await stage.serve("fraud", "one")
        try await stage.register("fraud", "two")
        try await stage.release("fraud", 2)
        stage.runtime.slowDown("fraud two")
        stage.runtime.door.close()
        let conductor = stage.conductor
        async let loading: Void = conductor.load()
        await stage.runtime.door.arrival()
        try await stage.rollBack("fraud")
        stage.runtime.door.open()
        try await loading
        try await stage.round()
        #expect(stage.process.loader.loaded == [Build.id("fraud", 1)])
        #expect(!stage.kinds.contains(.stepEntered))
    }
}
