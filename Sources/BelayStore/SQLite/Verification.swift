import BelayCore
import Foundation
import GRDB

/// Says whether a store is what was once written, without trusting anything in it.
package enum Verification {
    /// Walks the chain of the file at `path`, replays it, and compares every derived table with the replay.
    ///
    /// Works beside a running server, which it does not disturb, and on a copy, which it leaves as it is. All
    /// is read in one snapshot, one row at a time. What it cannot see is a ledger whose every hash, to the
    /// end and in the table `head`, was written anew: for that, compare the head with one noted elsewhere.
    ///
    /// - Returns: The report, with the first problem if there is one.
    /// - Throws: ``StoreError`` when the file cannot be opened or was written by a newer Belay.
    package static func verify(path: String) throws(StoreError) -> VerificationReport {
        guard !hasLog(path) else { return try examine(path, as: path) }
        let report = try examine(path, as: sealedAddress(of: path))
        // A server that started meanwhile may have changed the file under the snapshot.
        return hasLog(path) ? try examine(path, as: path) : report
    }

    private static func hasLog(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path)-wal")
    }

    /// Opens without locks and without making a write-ahead log beside it, also where nothing may be written.
    private static func sealedAddress(of path: String) -> String {
        let safe = CharacterSet.urlPathAllowed.subtracting(CharacterSet(charactersIn: ";?#%"))
        let escaped = path.addingPercentEncoding(withAllowedCharacters: safe)
        return escaped.map { "file:\($0)?immutable=1" } ?? path
    }

    private static func examine(_ path: String, as address: String) throws(StoreError) -> VerificationReport {
        do {
            let queue = try DatabaseQueue(path: address, configuration: SQLiteDatabase.reading)
            return try queue.read { try examine($0, path) }
        } catch { throw StoreError(error, path: path) }
    }

    /// Verifies what one connection sees.
    static func examine(_ database: GRDB.Database, _ path: String) throws -> VerificationReport {
        var walk = Walk()
        do {
            try walk.checkVersion(database, path)
            try walk.follow(database)
            try walk.checkDerived(database)
        } catch let problem as LedgerProblem {
            return walk.report(problem)
        }
        return walk.report(nil)
    }
}

/// One verification in progress.
private struct Walk {
    private var chain = Chain()
    private var first: Timestamp?

    func report(_ problem: LedgerProblem?) -> VerificationReport {
        VerificationReport(
            entries: chain.head.sequence,
            head: chain.head,
            first: first,
            last: chain.at,
            problem: problem
        )
    }

    func checkVersion(_ database: GRDB.Database, _ path: String) throws {
        let found = try sound("schema") { try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0 }
        guard found <= Schema.version else {
            throw StoreError.newerSchema(path: path, found: found, known: Schema.version)
        }
        guard found >= 1 else { throw problem(.schema(object: "schema version")) }
    }

    mutating func follow(_ database: GRDB.Database) throws {
        let columns = LedgerTable.columns.joined(separator: ", ")
        let cursor = try sound("table ledger") {
            try Row.fetchCursor(database, sql: "SELECT \(columns) FROM ledger ORDER BY seq")
        }
        while let values = try sound("table ledger", { try cursor.next()?.values }) {
            try chain.take(LedgerTable.entry(values, expected: chain.head.sequence + 1))
            first = first ?? chain.at
        }
        let recorded = try sound("table head") { try database.rows(of: LedgerTable.head) }
        try chain.checkEnd(recorded: LedgerTable.head(recorded))
    }

    func checkDerived(_ database: GRDB.Database) throws {
        if let object = try sound("schema", { try SchemaCheck.difference(in: database) }) {
            throw problem(.schema(object: object))
        }
        var found: [ProjectedRow] = []
        for table in ProjectedTable.allCases {
            let rows = try sound("table \(table.rawValue)") { try database.rows(of: table.selection) }
            found += rows.map { ProjectedRow(table: table, values: $0) }
        }
        let demanded = Projections(of: projectionRows(of: chain.state))
        if let row = demanded.firstDifference(from: Projections(of: found)) {
            throw problem(.projection(table: row.table.rawValue, key: row.description))
        }
        let integrity = try sound("schema") {
            try String.fetchOne(database, sql: "PRAGMA integrity_check(1)") ?? "no answer"
        }
        guard integrity == "ok" else { throw problem(.unreadable(reason: integrity)) }
    }

    private func problem(_ what: LedgerProblem.What) -> LedgerProblem {
        LedgerProblem(sequence: nil, what: what)
    }

    /// Turns what SQLite says of a damaged file into a finding; to blame is the next entry to be read.
    private func sound<Value>(_ object: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
            let reason = error.message ?? "SQLite could not read it"
            throw LedgerProblem(sequence: chain.head.sequence + 1, what: .unreadable(reason: reason))
        } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
            throw problem(.schema(object: object))
        }
    }
}
