import BelayControl
import BelayCore
import BelayStore
import BelayTesting
import Testing

@Suite("Concurrency of control", .timeLimit(.minutes(10)))
struct ConcurrencyTests {
    private let fraud = Build.endpoint("fraud")

    private enum Answer {
        case events, refusal
        case failure(String)
    }

    /// What some person might ask for, whether it makes sense at that moment or not.
    private func ask(_ index: Int, of conductor: Conductor) async -> Answer {
        let person = Actor.person("person \(index)")
        let release = ReleaseID(1 + index % 7)
        do {
            switch index % 6 {
            case 0, 1:
                let request = ReleaseRequest(
                    endpoint: fraud,
                    candidate: .number(Build.number(1 + index % 5)),
                    policy: Build.policy("fraud", steps: [10], dwell: 1000),
                    origin: .person,
                    salt: Salt(UInt64(index))
                )
                _ = try await conductor.perform(.release(request), by: person, reason: nil)
            case 2: _ = try await conductor.perform(.promote(release), by: person, reason: nil)
            case 3: _ = try await conductor.perform(.hold(release), by: person, reason: nil)
            case 4:
                let target = index % 4 == 0 ? VersionReference.number(Build.number(1 + index % 5)) : nil
                _ = try await conductor.rollback(fraud, to: target, by: person, reason: nil)
            default:
                try await conductor.tick()
                try await conductor.load()
            }
            return .events
        } catch is Refusal {
            return .refusal
        } catch {
            return .failure("\(error)")
        }
    }

    @Test func fiftyAtOnceGetEventsOrARefusalAndTheLedgerFolds() async throws {
        let stage = Stage(shelf: try Shelf())
        try await stage.serve("fraud", "1", keepWarm: 0)
        for number in 2...5 { try await stage.register("fraud", "\(number)") }
        for _ in 0..<4 {
            let conductor = stage.conductor
            let answers = await withTaskGroup(of: Answer.self) { group in
                for index in 0..<50 { group.addTask { await ask(index, of: conductor) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            for case .failure(let failure) in answers {
                Issue.record("neither events nor a refusal: \(failure)")
            }
        }
        var replayed = State()
        for sealed in stage.store.entries(after: 0, limit: .max) {
            try replayed.apply(sealed.entry)
            #expect(replayed.releases.values.count { !$0.hasEnded } <= 1)
        }
        #expect(await stage.conductor.state == replayed)
        #expect(stage.publisher.violations == [])
    }

    @Test func aRollbackDoesNotWaitForALoad() async throws {
        let stage = Stage(shelf: try Shelf())
        try await stage.serve("fraud", "one")
        try await stage.serve("fraud", "two")
        try await stage.register("fraud", "three")
        try await stage.release("fraud", 3)
        stage.runtime.slowDown("fraud three")
        stage.runtime.door.close()
        let conductor = stage.conductor
        async let loading: Void = conductor.load()
        await stage.runtime.door.arrival()
        try await stage.rollBack("fraud", to: 1)
        #expect(await stage.serving("fraud") == Build.number(1))
        stage.runtime.door.open()
        try await loading
        try await stage.round()
        #expect(stage.process.loader.loaded == [Build.id("fraud", 1)])
        #expect(await conductor.state.releases[ReleaseID(3)]?.hasEnded == true)
    }

    @Test func aVersionLoadedForARollbackIsNotUnloadedBeforeItServes() async throws {
        let stage = Stage(shelf: try Shelf())
        try await stage.serve("fraud", "one", keepWarm: 0)
        try await stage.serve("fraud", "two", keepWarm: 0)
        try await stage.round()
        let one = Build.id("fraud", 1)
        #expect(!stage.process.loader.isLoaded(one))
        stage.runtime.slowDown("fraud one")
        stage.runtime.door.close()
        let (conductor, loader) = (stage.conductor, stage.process.loader)
        async let rolledBack = conductor.rollback(fraud, to: nil, by: .person("ada"), reason: nil)
        await stage.runtime.door.arrival()
        try await conductor.tick()
        // A round stands in the middle while the load ends, and finishes before the rollback is recorded.
        stage.source.door.close()
        async let round: Void = conductor.tick()
        await stage.source.door.arrival()
        stage.runtime.door.open()
        while !loader.isLoaded(one) { await Task.yield() }
        for _ in 0..<1000 { await Task.yield() }
        stage.source.door.open()
        try await round
        _ = try await rolledBack
        #expect(stage.runtime.loads(of: "fraud one") == 2, "once to serve first, and once to come back")
        #expect(await stage.serving("fraud") == Build.number(1))
        #expect(loader.isLoaded(one))
    }

    @Test func aRollbackInTheWatchPassesOverWhatDoesNotLoad() async throws {
        let stage = Stage(shelf: try Shelf())
        try await stage.serve("fraud", "one", keepWarm: 0)
        try await stage.serve("fraud", "two", keepWarm: 0)
        try await stage.register("fraud", "three")
        try await stage.release(
            "fraud",
            3,
            policy: Build.policy("fraud", steps: [], watch: 1_000_000, keepWarm: 0)
        )
        for _ in 0..<2 { try await stage.round() }
        stage.runtime.refuseToLoad("fraud two")
        try await stage.rollBack("fraud")
        #expect(await stage.serving("fraud") == Build.number(1))
    }

    @Test func twoRollbacksToTheSameColdVersionDoNotDisturbEachOther() async throws {
        let stage = Stage(shelf: try Shelf())
        try await stage.serve("fraud", "one", keepWarm: 0)
        try await stage.serve("fraud", "two", keepWarm: 0)
        try await stage.round()
        let conductor = stage.conductor
        let target = VersionReference.number(Build.number(1))
        async let first = conductor.rollback(fraud, to: target, by: .person("ada"), reason: nil)
        async let second = conductor.rollback(fraud, to: target, by: .person("bob"), reason: nil)
        let events = [try await first.events, try await second.events]
        #expect(events.count { $0.isEmpty } == 1, "what is already so is not done twice")
        #expect(stage.kinds.count { $0 == .rolledBack } == 1)
        try await conductor.tick()
        #expect(stage.kinds.count { $0 == .fenceCompleted } == 1)
    }
}
