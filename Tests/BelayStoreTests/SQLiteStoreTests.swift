import BelayCore
import BelayTesting
import Foundation
import struct GRDB.DatabaseError
import Testing

@testable import BelayStore

@Suite("SQLite store")
struct SQLiteStoreTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// A writer beside another, as there could be without the lock.
    private func unlocked() async throws -> SQLiteStore {
        try await SQLiteStore(SQLiteDatabase(path: scratch.path, lock: nil))
    }

    @Test func aSecondServerIsTurnedAwayUntilTheFirstIsGone() async throws {
        let world = try story()
        do {
            let store = try await SQLiteStore.open(path: scratch.path)
            _ = try await store.append(world.drafts, after: .genesis)
            await #expect(throws: StoreError.busy(path: scratch.path, holder: Int(getpid()))) {
                try await SQLiteStore.open(path: scratch.path)
            }
            try await store.appendTicks([tick(2, at: 1, bad: 1)])
            try store.close()
        }
        let again = try await SQLiteStore.open(path: scratch.path)
        #expect(again.standing.state == world.state)
        #expect(try await again.ticks(of: ReleaseID(2)) == [tick(2, at: 1, bad: 1)])
    }

    @Test func ofTwoStoresOnOneFileTheSecondIsToldAndCatchesUp() async throws {
        let (one, two) = (try await unlocked(), try await unlocked())
        let head = try await one.append(try story().drafts, after: .genesis).head
        await #expect(throws: StoreError.headMoved(expected: .genesis, found: head)) {
            try await two.append([start(2, at: 1)], after: .genesis)
        }
        #expect(two.standing == one.standing)
        let next = try await two.append([start(2, at: 99_000)], after: head)
        #expect(next.head.sequence == head.sequence + 1)
        #expect(try Verification.verify(path: scratch.path).head == next.head)
    }

    @Test func twoRacingStoresNeverFork() async throws {
        let stores = [try await unlocked(), try await unlocked()]
        await withTaskGroup(of: Void.self) { group in
            for (number, store) in stores.enumerated() {
                group.addTask {
                    var won = 0
                    while won < 20 {
                        let head = store.standing.head
                        if (try? await store.append([start(number, at: 1)], after: head)) != nil { won += 1 }
                    }
                }
            }
        }
        let report = try Verification.verify(path: scratch.path)
        #expect(report.problem == nil)
        #expect(report.entries == 40)
    }

    @Test(arguments: [
        "UPDATE ledger SET actor = 'eve' WHERE seq = 1",
        "DELETE FROM ledger WHERE seq = 1",
        "REPLACE INTO ledger SELECT 1, at, 'eve', kind, subject, reason, body, prev, hash FROM ledger",
        "INSERT INTO ledger SELECT 9, at, actor, kind, subject, reason, body, hash, zeroblob(32) FROM ledger",
        "INSERT INTO ledger SELECT 2, at, actor, kind, subject, reason, body, hash, hash FROM ledger",
        "INSERT INTO ledger SELECT 2, at, actor, kind, subject, reason, body, prev, zeroblob(32) FROM ledger",
    ])
    func theFileItselfRefusesToRewriteOrForkHistory(sql: String) async throws {
        let store = try await SQLiteStore.open(path: scratch.path)
        _ = try await store.append([start(1, at: 1)], after: .genesis)
        #expect(throws: DatabaseError.self) { try scratch.tamper(sql, dropTriggers: false) }
        #expect(try Verification.verify(path: scratch.path).problem == nil)
    }

    @Test func aBrokenChainStopsTheServerAndNamesTheEntry() async throws {
        let store = try await SQLiteStore.open(path: scratch.path)
        _ = try await store.append(try story().drafts, after: .genesis)
        try scratch.tamper("UPDATE ledger SET subject = 'fraud@9' WHERE seq = 6")
        let error = await #expect(throws: StoreError.self) { try await unlocked() }
        #expect(error?.explanation.code == "ledger.broken")
    }

    @Test func aMissingTriggerStopsTheServer() async throws {
        try await SQLiteStore.open(path: scratch.path).close()
        try scratch.tamper("SELECT 1")
        let error = await #expect(throws: StoreError.self) { try await SQLiteStore.open(path: scratch.path) }
        let what = LedgerProblem.What.schema(object: "trigger ledger_is_immutable")
        #expect(error == .broken(LedgerProblem(sequence: nil, what: what)))
    }

    @Test func anEntryAlteredUnderARunningStoreIsNamedWhenItIsRead() async throws {
        let store = try await SQLiteStore.open(path: scratch.path)
        _ = try await store.append(try story().drafts, after: .genesis)
        try scratch.tamper("UPDATE ledger SET kind = 'nonsense' WHERE seq = 6")
        let error = await #expect(throws: StoreError.self) { try await store.entries(after: 0, limit: 100) }
        guard case .broken(let problem) = error else { return #expect(Bool(false), "got \(error as Any)") }
        #expect(problem.sequence == 6)
    }

    @Test func aNewerSchemaAndAForeignDatabaseAreLeftAlone() async throws {
        try await SQLiteStore.open(path: scratch.path).close()
        try scratch.tamper("PRAGMA user_version = 3", dropTriggers: false)
        await #expect(throws: StoreError.newerSchema(path: scratch.path, found: 3, known: 2)) {
            try await unlocked()
        }
        let other = "\(scratch.folder)/other.sqlite"
        try scratch.tamper("CREATE TABLE theirs (x)", at: other, dropTriggers: false)
        let error = await #expect(throws: StoreError.self) { try await SQLiteStore.open(path: other) }
        #expect(error?.explanation.code == "ledger.unavailable")
    }

    @Test func aStoreOfAnOlderBelayIsWholeAndGetsWhatItLacks() async throws {
        let store = try await SQLiteStore.open(path: scratch.path)
        _ = try await store.append(try story().drafts, after: .genesis)
        let standing = store.standing
        try store.close()
        try scratch.tamper("DROP TABLE golden; PRAGMA user_version = 1", dropTriggers: false)
        #expect(try Verification.verify(path: scratch.path).problem == nil)
        let opened = try await SQLiteStore.open(path: scratch.path)
        #expect(opened.standing == standing)
        try await opened.keep(
            GoldenAnswer(version: Build.id("fraud", 1), at: Timestamp(milliseconds: 1), body: "1")
        )
        #expect(try Verification.verify(path: scratch.path).problem == nil)
    }

    /// Nothing but this moves pages out of the log, so that no append has to.
    @Test func theLogIsMovedWhenTheStoreIsTidied() async throws {
        let store = try await SQLiteStore.open(path: scratch.path)
        func size() throws -> Int {
            try #require(
                FileManager.default.attributesOfItem(atPath: scratch.path)[.size] as? Int
            )
        }
        try await store.tidy()
        let before = try size()
        var head = Head.genesis
        for index in 0..<100 { head = try await store.append([start(index, at: 1)], after: head).head }
        #expect(try size() == before)
        try await store.tidy()
        let after = try size()
        #expect(after > before)
        _ = try await store.append([start(1, at: 1)], after: head)
        try await store.tidy()
        #expect(try size() == after, "one entry is not worth it")
    }

    @Test func theLogIsLongFromTheStartAndStaysSo() async throws {
        func length() throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: scratch.path + "-wal")[.size] as? Int
        }
        let world = try story()
        let store = try await SQLiteStore.open(path: scratch.path)
        let before = try #require(try length())
        #expect(before >= LogFile.usual)
        _ = try await store.append(world.drafts, after: .genesis)
        #expect(try length() == before)
        // Whoever finds it after a crash reads what was written, and nothing of what was not.
        let copy = try scratch.copy(as: "crashed")
        #expect(try Verification.verify(path: copy).head == store.standing.head)
        let again = try await DatabaseStore(SQLiteDatabase(path: copy, lock: nil))
        #expect(again.standing == store.standing)
    }

    @Test func aFolderThatIsNotThereIsAnError() async throws {
        let error = await #expect(throws: StoreError.self) {
            try await SQLiteStore.open(path: "\(scratch.folder)/none/belay.sqlite")
        }
        #expect(error?.explanation.code == "ledger.unavailable")
    }

    @Test func theLedgerIsWrittenThroughAndOnlyTheWriterCheckpoints() async throws {
        let database = try SQLiteDatabase(path: scratch.path, lock: nil)
        #expect(try await database.rows(Statement("PRAGMA journal_mode", [])) == [[.text("wal")]])
        #expect(try await database.rows(Statement("PRAGMA wal_autocheckpoint", [])) == [[.integer(0)]])
        #expect(try await database.rows(Statement("PRAGMA query_only", [])) == [[.integer(1)]])
        #expect(try await database.transact([.require(Statement("PRAGMA synchronous", []))]) == .committed)
        await #expect(throws: StoreError.self) {
            try await database.rows(
                Statement("INSERT INTO evidence VALUES (1, 1, 1, 1, 'x') RETURNING id", [])
            )
        }
    }

    @Test func theDerivedTablesAreRightAfterEveryEntry() async throws {
        let store = try await SQLiteStore.open(path: scratch.path)
        var head = Head.genesis
        for draft in try story().drafts {
            head = try await store.append([draft], after: head).head
            let report = try Verification.verify(path: scratch.path)
            #expect(report.problem == nil, "after entry \(head.sequence), \(draft.event.kind.rawValue)")
        }
    }

    @Test func peopleReadWhatServesWithSQL() async throws {
        let store = try await SQLiteStore.open(path: scratch.path)
        _ = try await store.append(try story().drafts, after: .genesis)
        let endpoint = Statement(
            "SELECT model, stable, automatic FROM endpoint WHERE model = $1",
            [.text("fraud")]
        )
        #expect(
            try await store.database.rows(endpoint) == [[.text("fraud"), .integer(3), .text("suspended")]]
        )
        let phases = Statement("SELECT phase FROM release ORDER BY id", [])
        #expect(
            try await store.database.rows(phases).compactMap { $0[0].text }
                == ["settled", "settled", "rolled_back", "refused", "settled"]
        )
        let versions = Statement("SELECT model, number, label, withdrawn FROM version ORDER BY 1, 2", [])
        #expect(
            try await store.database.rows(versions) == [
                [.text("churn"), .integer(1), .null, .integer(0)],
                [.text("fraud"), .integer(1), .null, .integer(0)],
                [.text("fraud"), .integer(2), .null, .integer(1)],
                [.text("fraud"), .integer(3), .text("1.5.0"), .integer(0)],
            ]
        )
    }
}
