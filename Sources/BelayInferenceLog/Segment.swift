import BelayCore
import Foundation
import GRDB
import Synchronization

/// One file of the inference log: `2026-11-23T14-25-03Z-0001.sqlite`.
///
/// While it is written it has a write-ahead log beside it; sealed, it is one file that can be copied away.
/// One connection reads and writes it, because SQLite before 3.51.3 can damage a write-ahead log that two
/// connections reset. The header's `user_version` says whether it was sealed.
final class Segment: Sendable {
    enum Mark: Int { case open = 1, sealed = 2 }

    let path: String
    /// The order among segments, the last part of the name; the time in it is for people.
    let number: Int
    private let connection = Mutex(Connection.unopened)

    private enum Connection {
        case unopened
        case open(DatabaseQueue)
        case removed
    }

    /// Names the segment in a folder; nothing is opened before it is used.
    init(path: String, number: Int) {
        self.path = path
        self.number = number
    }

    /// Reads the number from a file name; nil for any other file.
    init?(folder: String, name: String) {
        let form = /[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}Z-([0-9]{4,9})\.sqlite/
        guard let match = name.wholeMatch(of: form), let number = Int(match.1) else { return nil }
        self.path = "\(folder)/\(name)"
        self.number = number
    }

    static func name(_ number: Int, since time: Timestamp) -> String {
        let moment = time.description.prefix(19).map { $0 == ":" ? "-" : String($0) }.joined()
        let digits = String(number)
        return "\(moment)Z-\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits).sqlite"
    }

    /// In bytes, without a write-ahead log; zero when the file is gone.
    var size: Int64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.int64Value ?? 0
    }

    /// Removes the file; readers that are in it finish undisturbed.
    func remove() throws(InferenceLogError) {
        connection.withLock { $0 = .removed }
        try unlinkFiles()
    }

    private func unlinkFiles() throws(InferenceLogError) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            guard unlink(path + suffix) == 0 || errno == ENOENT else {
                throw .unavailable(path: path, reason: String(cString: strerror(errno)))
            }
        }
    }
}

// MARK: - The writer's side

extension Segment {
    /// How full a segment is.
    struct Fill: Equatable {
        var rows: Int
        var bytes: Int64
    }

    /// Makes the segment ready for rows, creating the table in a new file.
    func open() throws(InferenceLogError) -> Fill {
        do {
            return try database().inDatabase { database in
                try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
                if try !database.tableExists("answer") {
                    try database.inTransaction {
                        try database.execute(sql: AnswerRow.schema)
                        return .commit
                    }
                }
                try Self.mark(.open, database)
                return try Self.fill(database)
            }
        } catch { throw InferenceLogError(error, path: path) }
    }

    /// Writes the rows in one transaction: all of them or none.
    func append(_ rows: some Collection<AnswerRecord>, bodyBytes: Int) throws(InferenceLogError) -> Int64 {
        do {
            return try database().inDatabase { database in
                try database.inTransaction(.immediate) {
                    let statement = try database.cachedStatement(sql: AnswerRow.insertion)
                    for row in rows {
                        statement.setUncheckedArguments(AnswerRow.arguments(row, bodyBytes: bodyBytes))
                        try statement.execute()
                    }
                    return .commit
                }
                return try Self.bytes(database)
            }
        } catch { throw InferenceLogError(error, path: path) }
    }

    /// Moves everything into the one file and marks it complete.
    func seal() throws(InferenceLogError) {
        do {
            try database().inDatabase { database in
                try database.execute(sql: "PRAGMA journal_mode = DELETE")
                try Self.mark(.sealed, database)
            }
        } catch { throw InferenceLogError(error, path: path) }
    }

    /// Whether the last writer ended in order; false after a crash.
    func isSealed() throws(InferenceLogError) -> Bool {
        do {
            return try database().inDatabase { database in
                try Int.fetchOne(database, sql: "PRAGMA user_version") == Mark.sealed.rawValue
            }
        } catch { throw InferenceLogError(error, path: path) }
    }

    private static func mark(_ mark: Mark, _ database: Database) throws {
        try database.execute(sql: "PRAGMA user_version = \(mark.rawValue)")
    }

    private static func bytes(_ database: Database) throws -> Int64 {
        let pages = try Int64.fetchOne(database, sql: "PRAGMA page_count") ?? 0
        return try pages * (Int64.fetchOne(database, sql: "PRAGMA page_size") ?? 4096)
    }

    private static func fill(_ database: Database) throws -> Fill {
        let rows = try Int.fetchOne(database, sql: "SELECT max(position) FROM answer") ?? 0
        return Fill(rows: rows, bytes: try bytes(database))
    }

    private func database() throws -> DatabaseQueue {
        if case .open(let database) = connection.withLock({ $0 }) { return database }
        let opened = try DatabaseQueue(path: path)
        let kept: DatabaseQueue? = connection.withLock { connection in
            switch connection {
            case .unopened:
                connection = .open(opened)
                return opened
            case .open(let database): return database
            case .removed: return nil
            }
        }
        guard let kept else {
            // Opening has just made a new, empty file where the removed one was.
            try unlinkFiles()
            throw InferenceLogError.unavailable(path: path, reason: "it was removed to save space")
        }
        return kept
    }
}

// MARK: - Reading

extension Segment {
    /// The newest answers with these ids, by id.
    func find(_ ids: some Collection<String> & Sendable, _ model: ModelName) async throws(InferenceLogError)
        -> [String: AnswerRecord]
    {
        try await read { database in
            let statement = try database.cachedStatement(sql: AnswerRow.newestWithID)
            var found: [String: AnswerRecord] = [:]
            for id in ids {
                guard let row = try Row.fetchOne(statement, arguments: [model.text, id]) else { continue }
                found[id] = try self.record(row)
            }
            return found
        }
    }

    func answers(_ release: ReleaseID, limit: Int) async throws(InferenceLogError) -> [AnswerRecord] {
        try await read { database in
            let rows = try Row.fetchAll(
                database,
                sql: AnswerRow.newestOfRelease,
                arguments: [release.value, limit]
            )
            return try rows.map(self.record)
        }
    }

    func units(_ release: ReleaseID) async throws(InferenceLogError) -> Set<UnitHash> {
        try await read { database in
            let values = try Int64.fetchAll(
                database,
                sql: AnswerRow.unitsOfRelease,
                arguments: [release.value]
            )
            return Set(values.map { UnitHash(UInt64(bitPattern: $0)) })
        }
    }

    private func record(_ row: Row) throws -> AnswerRecord {
        guard let record = AnswerRow.record(row) else {
            throw InferenceLogError.damaged(path: path, reason: "row \(row["position"] as Int) is malformed")
        }
        return record
    }

    private func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(InferenceLogError) -> Value {
        do { return try await database().read(body) } catch { throw InferenceLogError(error, path: path) }
    }
}
