import BelayCore
import BelayTesting
import Foundation
import class GRDB.DatabaseQueue
import Synchronization
import Testing

@testable import BelayStore

/// Fails inside a transaction: after `steps` of its statements SQLite meets one that it cannot read.
private final class FailingDatabase: Database {
    let inner: SQLiteDatabase
    private let steps = Mutex<Int?>(nil)
    private let seen = Mutex<[Step]>([])

    init(_ inner: SQLiteDatabase) { self.inner = inner }

    /// The steps of the newest transaction.
    var transaction: [Step] { seen.withLock { $0 } }

    func fail(after count: Int?) { steps.withLock { $0 = count } }

    func rows(_ query: Statement) async throws(StoreError) -> [[SQLValue]] { try await inner.rows(query) }

    func transact(_ steps: [Step], _ durability: Durability) async throws(StoreError) -> Outcome {
        seen.withLock { $0 = steps }
        guard let count = self.steps.withLock({ $0 }) else {
            return try await inner.transact(steps, durability)
        }
        let cut = Array(steps.prefix(count)) + [.run(Statement("INJECTED FAILURE", []))]
        return try await inner.transact(cut, durability)
    }

    func checkpoint() async throws(StoreError) { try await inner.checkpoint() }

    func spendReserve() async -> Bool { await inner.spendReserve() }
}

@Suite("Crash safety")
struct CrashTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func anAppendThatFailsAfterAnyStatementLeavesNothing() async throws {
        let world = try story()
        let half = world.drafts.count / 2
        let database = FailingDatabase(try SQLiteDatabase(path: scratch.path, lock: nil))
        let store = try await DatabaseStore(database)
        let before = try await store.append(Array(world.drafts.prefix(half)), after: .genesis).head
        let rest = Array(world.drafts.dropFirst(half))
        var count = 0
        repeat {
            database.fail(after: count)
            await #expect(throws: StoreError.self) { try await store.append(rest, after: before) }
            #expect(store.standing.head == before)
            let report = try Verification.verify(path: scratch.copy(as: "after-\(count)"))
            #expect(report.problem == nil && report.head == before)
            count += 1
        } while count <= database.transaction.count
        #expect(count > rest.count + 1)
        database.fail(after: nil)
        _ = try await store.append(rest, after: before)
        #expect(store.standing.state == world.state)
        #expect(try Verification.verify(path: scratch.path).problem == nil)
    }

    /// Copies the files in the middle of the transaction, as a crash would leave them.
    @Test func aProcessThatDiesAfterAnyStatementLeavesTheLedgerAsItWas() async throws {
        let world = try story()
        let half = world.drafts.count / 2
        let database = FailingDatabase(try SQLiteDatabase(path: scratch.path, lock: nil))
        let store = try await DatabaseStore(database)
        let before = try await store.append(Array(world.drafts.prefix(half)), after: .genesis).head
        let asItWas = store.standing
        database.fail(after: 0)
        _ = try? await store.append(Array(world.drafts.dropFirst(half)), after: before)
        let steps = database.transaction
        let writer = try DatabaseQueue(path: scratch.path)
        let copies = try await writer.writeWithoutTransaction { [scratch] connection in
            try connection.execute(sql: "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE")
            var copies: [String] = []
            for (index, step) in steps.enumerated() {
                _ = try connection.rows(of: step.statement)
                copies.append(try scratch.copy(as: "died-\(index)"))
            }
            try connection.execute(sql: "COMMIT")
            return copies + [try scratch.copy(as: "committed")]
        }
        for (index, copy) in copies.enumerated() {
            let survivor = try await SQLiteStore.open(path: copy)
            let expected = index < steps.count ? asItWas.state : world.state
            #expect(survivor.standing.state == expected, "after statement \(index)")
            try survivor.close()
            #expect(try Verification.verify(path: copy).problem == nil)
        }
    }

    /// The answer to a commit may be lost; the store then learns from the file what became of it.
    @Test func anAppendWhoseAnswerWasLostIsSeenByTheNext() async throws {
        let store = try await DatabaseStore(SQLiteDatabase(path: scratch.path, lock: nil))
        let twin = try await DatabaseStore(SQLiteDatabase(path: scratch.path, lock: nil))
        let head = try await twin.append([start(1, at: 1)], after: .genesis).head
        await #expect(throws: StoreError.headMoved(expected: .genesis, found: head)) {
            try await store.append([start(1, at: 1)], after: .genesis)
        }
        #expect(store.standing.head == head)
    }
}
