/// A SQL database, as little of it as the store needs.
///
/// Statements are plain text in the subset that SQLite and PostgreSQL share (`$1` parameters, `ON CONFLICT`,
/// `RETURNING`), JSON is text, moments are milliseconds. A transaction is a value, not a closure: it suits
/// drivers that wait and drivers that suspend, and tests can cut it anywhere.
package protocol Database: Sendable {
    /// Runs one query and returns all its rows.
    func rows(_ query: Statement) async throws(StoreError) -> [[SQLValue]]

    /// Runs all steps in one transaction, or none of them.
    ///
    /// Not cut off by the cancellation of its task. After an error other than a lost connection nothing of
    /// it is in the database.
    func transact(_ steps: [Step], _ durability: Durability) async throws(StoreError) -> Outcome

    /// Moves what the write-ahead log holds to where it belongs, once there is enough of it.
    ///
    /// Called between transactions that nobody waits for, so that none of those somebody waits for has to.
    func checkpoint() async throws(StoreError)

    /// Gives back disk space that was kept for the worst; false when there is none left.
    func spendReserve() async -> Bool
}

extension Database {
    /// Runs all steps in one transaction that outlives a loss of power once it is acknowledged.
    func transact(_ steps: [Step]) async throws(StoreError) -> Outcome { try await transact(steps, .now) }
}

/// When a transaction must outlive a loss of power; a killed process loses neither.
package enum Durability: Sendable {
    /// Before it is acknowledged.
    case now
    /// With the next one that is durable now, which can never be on disk without those before it.
    case later
}

/// One SQL statement with its parameters in order.
package struct Statement: Equatable, Sendable {
    package let sql: String
    package let arguments: [SQLValue]

    package init(_ sql: String, _ arguments: [SQLValue]) {
        self.sql = sql
        self.arguments = arguments
    }
}

/// One part of a transaction.
package enum Step: Equatable, Sendable {
    case run(Statement)
    /// Must give a row, or the whole transaction is undone and its outcome is ``Outcome/unmet``.
    case require(Statement)

    package var statement: Statement {
        switch self {
        case .run(let statement), .require(let statement): statement
        }
    }
}

/// How a transaction ended.
package enum Outcome: Equatable, Sendable {
    case committed
    case unmet
}

/// What one column of one row can hold.
package enum SQLValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    case bytes([UInt8])

    init(_ value: Int?) { self = value.map { .integer(Int64($0)) } ?? .null }
    init(_ value: String?) { self = value.map(SQLValue.text) ?? .null }

    var integer: Int64? {
        guard case .integer(let value) = self else { return nil }
        return value
    }

    var text: String? {
        guard case .text(let value) = self else { return nil }
        return value
    }

    var bytes: [UInt8]? {
        guard case .bytes(let value) = self else { return nil }
        return value
    }
}
