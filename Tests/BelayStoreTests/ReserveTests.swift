import BelayCore
import BelayDisk
import BelayTesting
import Foundation
import Synchronization
import Testing

@testable import BelayStore

/// A database on a disk that is full until enough of the reserve has been given back.
private final class FullDatabase: Database {
    private let inner: SQLiteDatabase
    private let missing: Mutex<Int>
    private let left: Mutex<Int>

    /// Transactions fail until `pieces` of the reserve are spent; it has `reserve` of them.
    init(_ inner: SQLiteDatabase, missing pieces: Int, reserve: Int) {
        self.inner = inner
        missing = Mutex(pieces)
        left = Mutex(reserve)
    }

    var reserve: Int { left.withLock { $0 } }

    func rows(_ query: Statement) async throws(StoreError) -> [[SQLValue]] { try await inner.rows(query) }

    func transact(_ steps: [Step], _ durability: Durability) async throws(StoreError) -> Outcome {
        guard missing.withLock({ $0 }) <= 0 else { throw .storageFull(path: "belay.sqlite") }
        return try await inner.transact(steps, durability)
    }

    func checkpoint() async throws(StoreError) { try await inner.checkpoint() }

    func spendReserve() async -> Bool {
        let isSpent = left.withLock { left in
            guard left > 0 else { return false }
            left -= 1
            return true
        }
        if isSpent { missing.withLock { $0 -= 1 } }
        return isSpent
    }
}

@Suite("The reserve for a full disk")
struct ReserveTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// A story whose last entries, those of a rollback or of a release, meet a full disk.
    private func append(
        endingWith act: (inout World) throws -> Void,
        missing: Int,
        reserve: Int
    ) async throws -> (left: Int, recorded: Bool) {
        var world = World()
        try world.serve("fraud", bytes: "one", at: 1_000)
        try world.serve("fraud", bytes: "two", at: 2_000)
        let before = world.drafts.count
        try act(&world)
        let inner = try SQLiteDatabase(path: scratch.path, lock: nil)
        let first = Array(world.drafts.prefix(before))
        let head = try await DatabaseStore(inner).append(first, after: .genesis).head
        let database = FullDatabase(inner, missing: missing, reserve: reserve)
        let store = try await DatabaseStore(database)
        do throws(StoreError) {
            _ = try await store.append(Array(world.drafts.dropFirst(before)), after: head)
            #expect(store.standing.state == world.state)
            return (database.reserve, true)
        } catch {
            #expect(error == .storageFull(path: "belay.sqlite"))
            #expect(store.standing.head == head)
            return (database.reserve, false)
        }
    }

    private func rollBack(_ world: inout World) throws { try world.rollBack("fraud", at: 3_000) }

    @Test func aRollbackTakesAsMuchAsItNeeds() async throws {
        let result = try await append(endingWith: rollBack, missing: 2, reserve: 5)
        #expect(result == (3, true))
    }

    @Test func withoutAReserveARollbackIsRefusedAndNothingHasHappened() async throws {
        let result = try await append(endingWith: rollBack, missing: 2, reserve: 1)
        #expect(result == (0, false))
    }

    @Test func nothingElseMayTakeIt() async throws {
        let result = try await append(
            endingWith: { _ = try $0.serve("fraud", bytes: "three", at: 3_000) },
            missing: 1,
            reserve: 5
        )
        #expect(result == (5, false))
    }

    @Test func piecesAreGivenBackOneByOneAndMadeUpAgain() throws {
        let reserve = Reserve.forRollbacks(in: scratch.folder)
        #expect(!reserve.spend())
        #expect(reserve.fill())
        #expect(reserve.bytes == reserve.whole)
        #expect(reserve.whole == 16 * reserve.piece)
        for spent in 1...16 {
            #expect(reserve.spend())
            #expect(reserve.bytes == reserve.whole - spent * reserve.piece)
        }
        #expect(!reserve.spend())
        #expect(reserve.fill())
        #expect(reserve.bytes == reserve.whole)
    }

    @Test func aStoreKeepsItsReserveBesideIt() async throws {
        let reserve = Reserve.forRollbacks(in: scratch.folder)
        let store = try await SQLiteStore.open(path: scratch.path, reserve: reserve)
        #expect(reserve.bytes == 0)
        try await store.tidy()
        #expect(reserve.bytes == reserve.whole)
        #expect(FileManager.default.fileExists(atPath: "\(scratch.folder)/reserve"))
        try store.close()
    }
}
