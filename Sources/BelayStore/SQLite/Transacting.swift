import GRDB
import GRDBSQLite

/// Transactions by SQLite's own functions.
///
/// What GRDB does around each statement takes as long as the statement itself, and a rollback waits for all
/// of them.
extension GRDB.Database {
    /// Runs all steps in one transaction, or none of them.
    func transact(_ steps: [Step], _ durability: Durability) throws -> Outcome {
        // Said each time, so that no error in between can leave the wrong one standing.
        try check(sqlite3_exec(sqliteConnection, durability.pragma, nil, nil, nil))
        try run("BEGIN IMMEDIATE")
        do {
            for step in steps {
                let gaveRow = try run(step.statement.sql, step.statement.arguments)
                if case .require = step, !gaveRow {
                    try run("ROLLBACK")
                    return .unmet
                }
            }
            try run("COMMIT")
            return .committed
        } catch {
            // After some errors SQLite has undone it already.
            if isInsideTransaction { _ = try? run("ROLLBACK") }
            throw error
        }
    }

    /// Runs one statement to its end; says whether it gave a row.
    @discardableResult
    private func run(_ sql: String, _ arguments: [SQLValue] = []) throws -> Bool {
        let statement = try cachedStatement(sql: sql).sqliteStatement
        defer {
            // What went wrong is told by the step already. Bodies may be long, and statements stay.
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in zip(CInt(1)..., arguments) { try check(value.bind(to: index, of: statement)) }
        var gaveRow = false
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: gaveRow = true
            case SQLITE_DONE: return gaveRow
            case let code: try check(code)
            }
        }
    }

    private func check(_ code: CInt) throws {
        guard code != SQLITE_OK else { return }
        throw DatabaseError(
            resultCode: ResultCode(rawValue: code),
            message: String(cString: sqlite3_errmsg(sqliteConnection))
        )
    }
}

extension Durability {
    fileprivate var pragma: String {
        switch self {
        case .now: "PRAGMA synchronous = FULL"
        case .later: "PRAGMA synchronous = NORMAL"
        }
    }
}

extension SQLValue {
    /// Gives the statement a copy; returns SQLite's code.
    fileprivate func bind(to index: CInt, of statement: SQLiteStatement) -> CInt {
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch self {
        case .null: return sqlite3_bind_null(statement, index)
        case .integer(let number): return sqlite3_bind_int64(statement, index, number)
        case .text(var text):
            return text.withUTF8 { utf8 in
                sqlite3_bind_text64(
                    statement,
                    index,
                    utf8.baseAddress,
                    UInt64(utf8.count),
                    copied,
                    UInt8(SQLITE_UTF8)
                )
            }
        case .bytes(let bytes):
            return sqlite3_bind_blob64(statement, index, bytes, UInt64(bytes.count), copied)
        }
    }
}
