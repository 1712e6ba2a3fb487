import BelayCore
package import BelayDisk
import CThreads
import Foundation
import GRDB
import Synchronization

/// A store in one SQLite file, `belay.sqlite`.
package typealias SQLiteStore = DatabaseStore<SQLiteDatabase>

extension DatabaseStore where Backing == SQLiteDatabase {
    /// Opens the store, creating the file when there is none; its folder must exist.
    ///
    /// The folder is this process's from then on: a file `lock` beside the store says so.
    ///
    /// - Parameters:
    ///   - path: Of the file.
    ///   - reserve: What is kept for a full disk; nil keeps nothing.
    /// - Returns: The store, with what its file says.
    /// - Throws: ``StoreError/busy(path:holder:)`` while another process has it open,
    ///   ``StoreError/broken(_:)`` when the ledger is not what was written.
    package static func open(path: String, reserve: Reserve? = nil) async throws(StoreError) -> SQLiteStore {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let lock = try FileLock(path: "\(folder)/lock", for: path)
        func open() async throws(StoreError) -> SQLiteStore {
            let store = try await SQLiteStore(SQLiteDatabase(path: path, lock: lock, reserve: reserve))
            try store.database.checkSchema()
            return store
        }
        guard let reserve else { return try await open() }
        return try await reserve.lend(to: open)
    }

    /// Moves everything into the one file and lets go of it.
    package func close() throws(StoreError) { try database.close() }
}

/// One SQLite file in WAL mode: one connection writes and checkpoints, another only reads.
package final class SQLiteDatabase: Database {
    private let path: String
    private let lock: FileLock?
    private let reserve: Reserve?
    private let writer: DatabaseQueue
    private let reader: DatabaseQueue
    /// Transactions since the newest checkpoint.
    private let unmoved = Atomic<Int>(0)

    /// A checkpoint after so many transactions moves some hundred pages, which takes a few milliseconds.
    private static let transactionsPerCheckpoint = 64
    /// Should nobody ask for checkpoints, SQLite makes one itself when the log has this many pages (40 MB).
    private static let mostPagesInLog = 10_000

    /// Opens the file; the lock is held as long as the database is, and nil only in tests without.
    init(path: String, lock: FileLock?, reserve: Reserve? = nil) throws(StoreError) {
        self.path = path
        self.lock = lock
        self.reserve = reserve
        do {
            writer = try DatabaseQueue(path: path, configuration: Self.writing)
            try writer.inDatabase { database in
                try Self.checkLibrary(database, path)
                try database.execute(sql: "PRAGMA journal_mode = WAL")
                try Self.createTables(database, path)
            }
            reader = try DatabaseQueue(path: path, configuration: Self.reading)
            LogFile.lengthen("\(path)-wal")
        } catch { throw StoreError(error, path: path) }
    }

    package func rows(_ query: Statement) async throws(StoreError) -> [[SQLValue]] {
        let path = path
        return try await withCheckedContinuation { continuation in
            reader.asyncRead { database in
                let result = Result { try database.get().rows(of: query) }
                continuation.resume(returning: result.mapError { StoreError($0, path: path) })
            }
        }.get()
    }

    package func transact(
        _ steps: [Step],
        _ durability: Durability
    ) async throws(StoreError) -> Outcome {
        defer { unmoved.add(1, ordering: .relaxed) }
        return try await write { try $0.transact(steps, durability) }
    }

    /// Passive: it waits for no reader and moves what it can.
    package func spendReserve() async -> Bool { reserve?.spend() ?? false }

    package func checkpoint() async throws(StoreError) {
        if let reserve, reserve.isDue { try await write { _ in _ = reserve.fill() } }
        guard unmoved.load(ordering: .relaxed) >= Self.transactionsPerCheckpoint else { return }
        unmoved.store(0, ordering: .relaxed)
        try await write { database in
            try database.execute(sql: "PRAGMA wal_checkpoint(PASSIVE)")
            // Whoever writes next begins the log anew, and waits for the disk once more than others do.
            _ = try database.transact([.run(Statement("UPDATE head SET seq = seq", []))], .now)
        }
    }

    private func write<Value: Sendable>(
        _ work: @escaping @Sendable (GRDB.Database) throws -> Value
    ) async throws(StoreError) -> Value {
        let path = path
        return try await withCheckedContinuation { continuation in
            writer.asyncWriteWithoutTransaction { database in
                // Somebody waits, and it is mostly the disk that works.
                _ = belay_thread_is_prompt(500)
                let result = Result { try work(database) }
                continuation.resume(returning: result.mapError { StoreError($0, path: path) })
            }
        }.get()
    }

    /// Checks that every table, index and trigger of Belay's is there; others are not this one's business.
    func checkSchema() throws(StoreError) {
        do {
            guard let object = try reader.read(SchemaCheck.missing) else { return }
            throw StoreError.broken(LedgerProblem(sequence: nil, what: .schema(object: object)))
        } catch { throw StoreError(error, path: path) }
    }

    /// The reader goes first, so that the writer is the last and checkpoints.
    func close() throws(StoreError) {
        do {
            try reader.close()
            try writer.close()
            lock?.release()
        } catch { throw StoreError(error, path: path) }
    }
}

extension SQLiteDatabase {
    private static var writing: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            try database.execute(
                sql: """
                    PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;
                    PRAGMA wal_autocheckpoint = \(mostPagesInLog)
                    """
            )
        }
        return configuration
    }

    static var reading: Configuration {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            try database.execute(
                sql: """
                    PRAGMA wal_autocheckpoint = 0; PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;
                    PRAGMA cell_size_check = ON
                    """
            )
        }
        return configuration
    }

    /// `STRICT` tables came with SQLite 3.37.
    private static func checkLibrary(_ database: GRDB.Database, _ path: String) throws {
        let version = try String.fetchOne(database, sql: "SELECT sqlite_version()") ?? "unknown"
        let parts = version.split(separator: ".").compactMap { Int($0) }
        guard parts.count >= 2, (parts[0], parts[1]) >= (3, 37) else {
            throw StoreError.unavailable(path: path, reason: "SQLite \(version) is older than 3.37")
        }
    }

    private static func createTables(_ database: GRDB.Database, _ path: String) throws {
        try database.inTransaction(.immediate) {
            let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
            guard found <= Schema.version else {
                throw StoreError.newerSchema(path: path, found: found, known: Schema.version)
            }
            guard found < Schema.version else { return .commit }
            guard
                try found > 0
                    || Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") == 0
            else {
                throw StoreError.unavailable(path: path, reason: "it is a database, but not Belay's")
            }
            for version in (max(0, found) + 1)...Schema.version {
                try database.execute(sql: Schema.added(in: version))
            }
            try database.execute(sql: "PRAGMA user_version = \(Schema.version)")
            return .commit
        }
    }
}

extension GRDB.Database {
    /// All rows, with texts read byte by byte: GRDB's own strings end at a zero byte and mend bad UTF-8, and
    /// both would hide a change.
    func rows(of query: Statement) throws -> [[SQLValue]] {
        let cursor = try Row.fetchCursor(cachedStatement(sql: query.sql), arguments: query.bound)
        var rows: [[SQLValue]] = []
        while let row = try cursor.next() { rows.append(try row.values) }
        return rows
    }
}

extension Statement {
    fileprivate var bound: StatementArguments { StatementArguments(arguments.map(\.databaseValue)) }
}

extension SQLValue {
    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let value): value.databaseValue
        case .text(let value): value.databaseValue
        case .bytes(let value): Data(value).databaseValue
        }
    }
}

extension Row {
    var values: [SQLValue] {
        get throws {
            try (0..<count).map { index in
                let value: DatabaseValue = self[index]
                switch value.storage {
                case .null: return .null
                case .int64(let number): return .integer(number)
                case .double(let number): return .text(String(number))
                case .blob(let data): return .bytes(Array(data))
                case .string:
                    let bytes = try withUnsafeData(atIndex: index) { Array($0 ?? Data()) }
                    return String(validating: bytes, as: UTF8.self).map(SQLValue.text) ?? .bytes(bytes)
                }
            }
        }
    }
}

extension StoreError {
    /// Sorts an error of SQLite by what an operator must do about it.
    init(_ error: any Error, path: String) {
        guard let error = error as? DatabaseError else {
            self = error as? StoreError ?? .unavailable(path: path, reason: "\(error)")
            return
        }
        let reason = error.message ?? "SQLite error \(error.resultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_FULL: self = .storageFull(path: path)
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(path: path, holder: nil)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            self = .broken(LedgerProblem(sequence: nil, what: .unreadable(reason: reason)))
        default: self = .unavailable(path: path, reason: reason)
        }
    }
}
