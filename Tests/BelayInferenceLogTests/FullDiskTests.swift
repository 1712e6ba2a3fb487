import BelayCore
import BelayDisk
import GRDB
import Synchronization
import Testing

@testable import BelayInferenceLog

@Suite("The log on a disk that is full, or was")
struct FullDiskTests {
    private let folder: TemporaryFolder
    private let fixture: Fixture

    init() throws {
        folder = try TemporaryFolder()
        fixture = try Fixture()
    }

    /// A real SQLITE_FULL when a segment ends: its write-ahead log would stay beside it until a restart.
    @Test func whatAFullDiskKeptFromBeingSealedIsSealedLater() async throws {
        let log = try InferenceLog(
            folder: folder.path,
            limits: .changed {
                $0.segmentRows = 2000; $0.batchRows = 100
            }
        )
        // The table of so many ids needs pages of its own.
        for number in 0..<2000 { log.record(fixture.answer("\(number)")) }
        await log.flush()
        let first = try #require(log.folder.segments.first)
        try first.sync { try $0.execute(sql: "PRAGMA max_page_count = 1") }
        for number in 2000..<2010 { log.record(fixture.answer("\(number)")) }
        await log.flush()
        #expect(log.folder.segments.count == 2)
        #expect(first.isUnsealed)
        #expect(AnswerFile.size(first.path + "-wal") > 0)
        // That it fails again makes no round fail, and takes nothing of what is kept for removing.
        #expect(try await log.applyRetention(now: fixture.start) == 0)
        #expect(first.isUnsealed)
        #expect(Reserve.forRemoving(in: folder.path).spend())
        try first.sync { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        #expect(try await log.applyRetention(now: fixture.start) == 0)
        #expect(!first.isUnsealed)
        #expect(try first.mark() == .sealed)
        #expect(AnswerFile.size(first.path + "-wal") == 0)
        #expect(log.folder.segments.last?.isUnsealed == true, "the writer's own stays open")
        // A sealed one that was opened for writing, which then failed.
        try first.sync {
            try $0.execute(sql: "PRAGMA journal_mode = WAL")
            try $0.execute(sql: "INSERT INTO probe (bytes) VALUES (zeroblob(100000)); DELETE FROM probe")
        }
        #expect(first.hasLog && !first.isUnsealed)
        // Whom an erasure concerns is not to be found in it either.
        _ = try await log.erase(subject: UnitHash(1), model: fixture.fraud, labels: nil)
        #expect(!first.hasLog)
        try first.sync {
            try $0.execute(sql: "INSERT INTO probe (bytes) VALUES (zeroblob(100000)); DELETE FROM probe")
        }
        #expect(first.hasLog)
        #expect(try await log.applyRetention(now: fixture.start) == 0)
        #expect(!first.hasLog)
        for number in [0, 1000, 1999, 2009] {
            #expect(try await log.find(id: "\(number)", model: fixture.fraud) != nil)
        }
        #expect(try await log.check().findings.isEmpty)
        await log.close()
    }

    /// Answers that waited for their record lie in the rows, and overwriting them takes as much again.
    @Test func longRowsAreRemovedInPieces() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .changed { $0.batchRows = 10 })
        let body = [UInt8](repeating: 5, count: 50_000)
        for number in 0..<100 { log.record(fixture.answer("\(number)", request: body)) { _ in } }
        await log.flush()
        let segment = try #require(log.folder.segments.first)
        let commits = Commits()
        try segment.sync { $0.add(transactionObserver: commits) }
        log.setRetention([fixture.fraud: Retention(keepMilliseconds: nil, keepBytes: 0)])
        #expect(try await log.applyRetention(now: fixture.start) == 100)
        // Five megabytes, one at a time.
        #expect(commits.count >= 5)
        #expect(try await log.check().removed == 100)
        await log.close()
        #expect(AnswerFile.size(segment.path) < 1_000_000)
    }

    @Test func whileRoomIsMadeTheWriterTakesNone() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .standard)
        log.queue.isMakingRoom = true
        log.record(fixture.answer("0"))
        await log.flush()
        #expect((log.counters.logged, log.counters.failed) == (0, 1))
        // It ends with the removal.
        _ = try await log.applyRetention(now: fixture.start)
        log.record(fixture.answer("1"))
        await log.flush()
        #expect((log.counters.logged, log.counters.failed) == (1, 1))
        await log.close()
    }

    @Test func spaceIsKeptForRemovingAndGivenBackOnce() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .standard)
        log.setRetention([fixture.fraud: Retention(keepMilliseconds: 1, keepBytes: nil)])
        _ = try await log.applyRetention(now: fixture.start)
        let reserve = Reserve.forRemoving(in: folder.path)
        #expect(reserve.bytes == reserve.whole)
        #expect(reserve.spend() && !reserve.spend())
        _ = try await log.applyRetention(now: fixture.start)
        #expect(reserve.spend())
        await log.close()
    }
}

/// Counts the transactions that a connection has committed.
private final class Commits: TransactionObserver {
    private let number = Mutex(0)

    var count: Int { number.withLock { $0 } }

    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { true }

    func databaseDidChange(with event: DatabaseEvent) {}

    func databaseDidCommit(_ db: Database) { number.withLock { $0 += 1 } }

    func databaseDidRollback(_ db: Database) {}
}
