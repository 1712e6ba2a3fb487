import BelayCore
import BelayStore
import BelayTesting
import Testing

/// Every implementation of the store; the twin in memory is trusted because it passes what the file passes.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, sqlite

    var testDescription: String { rawValue }

    func make(_ scratch: Scratch) async throws -> any Store {
        switch self {
        case .memory: InMemoryStore()
        case .sqlite: try await SQLiteStore.open(path: scratch.path)
        }
    }
}

@Suite("Store contract")
struct StoreContractTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test(arguments: StoreKind.allCases)
    func aNewLedgerStandsAtGenesis(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        #expect(try await store.head == .genesis)
        #expect(try await store.state == State())
        #expect(try await store.entries(after: 0, limit: 10).isEmpty)
    }

    @Test(arguments: StoreKind.allCases)
    func aPageBehindTheLastEntryIsEmptyHoweverFarBehind(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        let head = try await store.append([start(1, at: 1)], after: .genesis).head
        for after in [head.sequence, head.sequence + 1, .max - 1, .max] {
            #expect(try await store.entries(after: after, limit: .max).isEmpty, "\(after)")
        }
        for before in [-1, .min] {
            #expect(try await store.entries(after: before, limit: .max).count == 1, "\(before)")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func whatIsAppendedIsReadBackAndFolded(kind: StoreKind) async throws {
        let (store, world) = (try await kind.make(scratch), try story())
        let appended = try await store.append(world.drafts, after: .genesis)
        #expect(appended.entries.map(\.entry) == world.entries)
        #expect(try await store.entries(after: 0, limit: 1_000) == appended.entries)
        #expect(try await store.state == world.state)
        #expect(try await store.head == appended.head)
        #expect(appended.head.sequence == world.entries.count)
    }

    @Test(arguments: StoreKind.allCases)
    func theStoryHoldsEveryKindOfEntry(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        let entries = try await store.append(try story().drafts, after: .genesis).entries
        #expect(Set(entries.map(\.entry.event.kind)) == Set(Event.Kind.allCases))
    }

    @Test(arguments: StoreKind.allCases)
    func eachEntryNamesTheHashOfTheOneBefore(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        let entries = try await store.append(try story().drafts, after: .genesis).entries
        var previous = Head.genesis
        for entry in entries {
            #expect(entry.stored.previous == previous.hash)
            #expect(entry.stored.sequence == previous.sequence + 1)
            previous = entry.head
        }
    }

    @Test(arguments: StoreKind.allCases)
    func theHashesDoNotDependOnTheStoreNorOnTheBatches(kind: StoreKind) async throws {
        let (store, world) = (try await kind.make(scratch), try story())
        let twin = InMemoryStore()
        let whole = try await twin.append(world.drafts, after: .genesis).head
        var head = Head.genesis
        for draft in world.drafts { head = try await store.append([draft], after: head).head }
        #expect(head == whole)
    }

    @Test(arguments: StoreKind.allCases)
    func theSecondOfTwoWritersIsToldWhereTheHeadWent(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        let head = try await store.append([start(1, at: 1)], after: .genesis).head
        await #expect(throws: StoreError.headMoved(expected: .genesis, found: head)) {
            try await store.append([start(2, at: 2)], after: .genesis)
        }
        #expect(try await store.entries(after: 0, limit: 10).count == 1)
    }

    @Test(arguments: StoreKind.allCases)
    func aHeadWithAnotherHashIsStale(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        let head = try await store.append([start(1, at: 1)], after: .genesis).head
        let forged = Head(sequence: 1, hash: .zero)
        await #expect(throws: StoreError.headMoved(expected: forged, found: head)) {
            try await store.append([start(2, at: 2)], after: forged)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func anEntryThatDoesNotFollowIsRefusedWithItsWholeBatch(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        let orphan = Event.release(.settled(ReleaseID(9)))
        let draft = EntryDraft(at: Timestamp(milliseconds: 2), actor: .belay, reason: nil, event: orphan)
        let error = await #expect(throws: StoreError.self) {
            try await store.append([start(1, at: 1), draft], after: .genesis)
        }
        #expect(error?.explanation.code == "ledger.illegal-entry")
        #expect(try await store.head == .genesis)
        #expect(try await store.entries(after: 0, limit: 10).isEmpty)
    }

    @Test(arguments: StoreKind.allCases)
    func anOversizedEntryIsRefused(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        let large = Build.version("fraud", bytes: "x", params: ["p": String(repeating: "x", count: 5 << 20)])
        var world = World()
        try world.perform(.register(large), at: 1)
        let error = await #expect(throws: StoreError.self) {
            try await store.append(world.drafts, after: .genesis)
        }
        #expect(error?.explanation.code == "ledger.entry-too-large")
        #expect(try await store.head == .genesis)
    }

    @Test(arguments: StoreKind.allCases)
    func timeNeverDecreases(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        let drafts = [500, -3, 499, 501].map { start(1, at: $0) }
        let entries = try await store.append(drafts, after: .genesis).entries
        #expect(entries.map(\.stored.at) == [500, 500, 500, 501])
        #expect(entries.map(\.entry.at.milliseconds) == [500, 500, 500, 501])
    }

    @Test(arguments: StoreKind.allCases)
    func textsWithZeroBytesAndLongNamesAreRecordedAsTheyWillBeRead(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        let actor = Actor.person("a\0b" + String(repeating: "ü", count: 200))
        let drafts = [start(1, at: 1, by: actor, reason: "before\0after")]
        let entries = try await store.append(drafts, after: .genesis).entries
        #expect(entries.map(\.entry.reason) == ["before\u{fffd}after"])
        #expect(entries.first?.stored.actor.count == 128)
        #expect(try await store.entries(after: 0, limit: 1) == entries)
    }

    @Test(arguments: StoreKind.allCases)
    func pagesMeetWithoutGapOrOverlap(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        _ = try await store.append((1...10).map { start($0, at: Int64($0)) }, after: .genesis)
        #expect(try await store.entries(after: 4, limit: 3).map(\.stored.sequence) == [5, 6, 7])
        #expect(try await store.entries(after: 9, limit: 3).map(\.stored.sequence) == [10])
        #expect(try await store.entries(after: 10, limit: 3).isEmpty)
        #expect(try await store.entries(after: -5, limit: 2).map(\.stored.sequence) == [1, 2])
        #expect(try await store.entries(after: 0, limit: -1).isEmpty)
    }

    @Test(arguments: StoreKind.allCases)
    func anEmptyBatchChangesNothingButStillChecksTheHead(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        let head = try await store.append([start(1, at: 1)], after: .genesis).head
        let nothing = try await store.append([], after: head)
        #expect(nothing.entries.isEmpty && nothing.head == head)
        await #expect(throws: StoreError.headMoved(expected: .genesis, found: head)) {
            try await store.append([], after: .genesis)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func ofManyRacingWritersExactlyOneAdvancesEachHead(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        let won = await withTaskGroup(of: Int.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    var won = 0
                    while won < 10 {
                        guard let head = try? await store.head else { continue }
                        let drafts = [start(writer, at: 1)]
                        if (try? await store.append(drafts, after: head)) != nil { won += 1 }
                    }
                    return won
                }
            }
            return await group.reduce(0, +)
        }
        #expect(won == 80)
        #expect(try await store.head.sequence == 80)
        #expect(try await store.entries(after: 0, limit: 100).map(\.stored.sequence) == Array(1...80))
    }

    @Test(arguments: StoreKind.allCases)
    func aCancelledAppendIsWholeAndBelieved(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        let task = Task { try await store.append([start(1, at: 1), start(2, at: 2)], after: .genesis) }
        task.cancel()
        let appended = try await task.value
        #expect(appended.entries.count == 2)
        #expect(try await store.head == appended.head)
    }

    @Test(arguments: StoreKind.allCases)
    func ticksComeBackByReleaseInTheirOrder(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        let first = [tick(1, at: 200, bad: 0), tick(2, at: 200, bad: 3), tick(1, at: 100, bad: 1)]
        try await store.appendTicks(first)
        try await store.appendTicks([])
        try await store.appendTicks([tick(1, at: 300, bad: 2)])
        #expect(try await store.ticks(of: ReleaseID(1)) == [first[0], first[2], tick(1, at: 300, bad: 2)])
        #expect(try await store.ticks(of: ReleaseID(2)) == [first[1]])
        #expect(try await store.ticks(of: ReleaseID(3)).isEmpty)
        #expect(try await store.head == .genesis)
    }

    @Test(arguments: StoreKind.allCases)
    func theSumOfTicksCountsWhatTheyCounted(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        try await store.appendTicks([
            tick(2, at: 1, bad: 0), tick(1, at: 200, bad: 1), tick(1, at: 100, bad: 3),
        ])
        #expect(try await store.releasesWithTicks(limit: .max) == [ReleaseID(1)])
        #expect(try await store.releasesWithTicks(limit: 0).isEmpty)
        var sum = EvidenceCounts()
        for tick in try await store.ticks(of: ReleaseID(1)) { sum.merge(tick.counts) }
        for _ in 0..<2 {
            try await store.sumTicks(of: ReleaseID(1))
            let kept = try await store.ticks(of: ReleaseID(1))
            #expect(kept.map(\.counts) == [sum] && kept.map(\.at.milliseconds) == [100])
        }
        #expect(try await store.ticks(of: ReleaseID(2)) == [tick(2, at: 1, bad: 0)])
        #expect(try await store.releasesWithTicks(limit: .max).isEmpty)
        try await store.sumTicks(of: ReleaseID(3))
        #expect(try await store.ticks(of: ReleaseID(3)).isEmpty)
    }

    @Test(arguments: StoreKind.allCases)
    func theFirstGoldenAnswerIsKept(kind: StoreKind) async throws {
        let store = try await kind.make(scratch)
        let time = Timestamp(milliseconds: 7)
        let first = GoldenAnswer(version: Build.id("fraud", 1), at: time, body: "grün")
        try await store.keep(first)
        try await store.keep(GoldenAnswer(version: Build.id("fraud", 1), at: time, body: "rot"))
        try await store.keep(GoldenAnswer(version: Build.id("churn", 1), at: time, body: "blau"))
        #expect(try await store.golden(of: Build.id("fraud", 1)) == first)
        #expect(try await store.golden(of: Build.id("churn", 1))?.body == "blau")
        #expect(try await store.golden(of: Build.id("fraud", 2)) == nil)
    }
}
