package import BelayCore
import Foundation
import GRDB

/// What is to be told and what was told, in one SQLite file of its own, `outbox.sqlite`.
///
/// Not part of the ledger: whether somebody was reached changes nothing that serves. How far the ledger has
/// been read is kept in the same transaction as what followed from it, so a process that is killed anywhere
/// goes on without losing a notice or making a second one.
package final class Outbox: Sendable {
    /// More than this wait only when a target has been away for long; what comes then is dropped, and kept
    /// on record as dropped.
    package static let mostWaiting = 10_000
    /// Records of what is over, newest first, beyond which they are removed.
    package static let mostRecords = 20_000

    private let queue: DatabaseQueue

    /// Opens the file or makes it.
    ///
    /// `position` is how far the ledger counts as read in a new file: what happened before anybody could be
    /// told of it is not told afterwards. Errors are those of the database.
    package init(path: String, position: Int) throws {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            try database.execute(
                sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF"
            )
        }
        queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.write { database in
            guard try Int.fetchOne(database, sql: "PRAGMA user_version") == 0 else { return }
            try database.execute(sql: Self.schema)
            try database.execute(sql: "INSERT INTO position (id, seq) VALUES (1, ?)", arguments: [position])
            try database.execute(sql: "PRAGMA user_version = 1")
        }
    }

    /// How far the ledger has been read.
    package func position() async throws -> Int {
        try await queue.read { try Int.fetchOne($0, sql: "SELECT seq FROM position") ?? 0 }
    }

    /// What was told of guards and of rollbacks that do not end.
    package func told() async throws -> [GuardWatch.Subject: GuardWatch.Told] {
        try await queue.read { database in
            var told: [GuardWatch.Subject: GuardWatch.Told] = [:]
            let rows = try Row.fetchAll(database, sql: "SELECT topic, condition, word, count FROM told")
            for row in rows {
                told[.init(topic: row[0], condition: row[1])] = .init(word: row[2], count: row[3])
            }
            return told
        }
    }

    /// Puts in what follows from the notices, and with it how far the ledger has been read.
    ///
    /// `position` is nil when no entry was read; `told`, what the watch has told, when it was not asked.
    /// Returns the deliveries that were added, and how many of them had no place.
    package func add(
        _ addressed: [(notice: Notice, targets: [NotifyTarget])],
        position: Int?,
        told: [GuardWatch.Subject: GuardWatch.Told]?,
        now: Timestamp
    ) async throws -> (added: [Delivery], dropped: Int) {
        try await queue.write { database in
            var plan = Plan(open: try Self.open(database))
            for (notice, targets) in addressed { plan.tell(notice, to: targets, now: now) }
            let waiting = try Int.fetchOne(
                database,
                sql: "SELECT count(*) FROM delivery WHERE state = 'waiting'"
            )
            var room = max(0, Self.mostWaiting - (waiting ?? 0))
            let stopped = Set(try String.fetchAll(database, sql: "SELECT target FROM stopped"))
            var dropped = 0
            for var delivery in plan.deliveries {
                if stopped.contains(delivery.target.key) {
                    delivery.drop("the target has said that it is gone", at: now)
                } else if room == 0 {
                    delivery.drop("\(Self.mostWaiting) others were waiting", at: now)
                } else {
                    room -= 1
                }
                if delivery.state == .dropped { dropped += 1 }
                try Self.insert(delivery, database)
            }
            if !addressed.isEmpty { try Self.replaceOpen(with: plan.open, database) }
            if let position {
                try database.execute(sql: "UPDATE position SET seq = max(seq, ?)", arguments: [position])
            }
            if let told { try Self.replaceTold(with: told, database) }
            return (plan.deliveries, dropped)
        }
    }

    // MARK: - Deliveries

    /// What is due, oldest first, none of the targets in `busy`, and only one for each.
    package func due(now: Timestamp, busy: Set<String>, limit: Int) async throws -> [Delivery] {
        try await queue.read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM delivery WHERE number IN (
                        SELECT min(number) FROM delivery WHERE state = 'waiting' AND due_at <= ?
                        GROUP BY target_key
                    ) ORDER BY number
                    """,
                arguments: [now.milliseconds]
            )
            let free = rows.compactMap(Delivery.init(row:)).filter { !busy.contains($0.target.key) }
            return Array(free.prefix(limit))
        }
    }

    /// What is due for one target, oldest first.
    package func next(for key: String, now: Timestamp) async throws -> Delivery? {
        try await queue.read { database in
            try Row.fetchOne(
                database,
                sql: """
                    SELECT * FROM delivery WHERE target_key = ? AND state = 'waiting' AND due_at <= ?
                    ORDER BY number LIMIT 1
                    """,
                arguments: [key, now.milliseconds]
            ).flatMap(Delivery.init(row:))
        }
    }

    /// Whether something newer was said to the target of the same matter, so that to say this now would turn
    /// the order round: that it began, when it is told to be over, or the other way.
    package func isOvertaken(_ delivery: Delivery) async throws -> Bool {
        guard delivery.act != .note else { return false }
        return try await queue.read { database in
            let later = try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM delivery WHERE target_key = ?1 AND topic = ?2 AND act <> 'note'
                        AND state <> 'dropped' AND number > (SELECT number FROM delivery WHERE id = ?3)
                    """,
                arguments: [delivery.target.key, delivery.topic, delivery.id]
            ).compactMap(Delivery.init(row:))
            // Alertmanager keeps one account a condition, which is that of one notice.
            let isOne = delivery.target.via == .alertmanager
            return later.contains { $0.act != delivery.act && (!isOne || $0.notice == delivery.notice) }
        }
    }

    /// Records what a try came to; a target that is `gone` gets nothing more.
    package func record(_ delivery: Delivery, gone: Bool) async throws {
        try await queue.write { database in
            try database.execute(
                sql: """
                    UPDATE delivery SET state = ?, tries = ?, due_at = ?, ended_at = ?, status = ?, error = ?
                    WHERE id = ?
                    """,
                arguments: [
                    delivery.state.rawValue, delivery.tries, delivery.dueAt.milliseconds,
                    delivery.endedAt?.milliseconds, delivery.status, delivery.error, delivery.id,
                ]
            )
            let key = delivery.target.key
            if gone {
                let now = delivery.endedAt?.milliseconds ?? 0
                try database.execute(
                    sql: "INSERT INTO stopped (target, at) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    arguments: [key, now]
                )
                try database.execute(
                    sql: """
                        UPDATE delivery SET state = 'dropped', ended_at = ?,
                            error = 'the target has said that it is gone'
                        WHERE target_key = ? AND state = 'waiting'
                        """,
                    arguments: [now, key]
                )
                try database.execute(sql: "DELETE FROM open WHERE target_key = ?", arguments: [key])
            }
        }
    }

    /// Lets a delivery begin anew, whatever became of it, and its target be told again.
    ///
    /// Returns nil when there is no such delivery.
    package func resend(_ id: String, now: Timestamp) async throws -> Delivery? {
        try await queue.write { database in
            try database.execute(
                sql: """
                    UPDATE delivery SET state = 'waiting', tries = 0, due_at = ?, ended_at = NULL
                    WHERE id = ?
                    """,
                arguments: [now.milliseconds, id]
            )
            let row = try Row.fetchOne(
                database,
                sql: "SELECT * FROM delivery WHERE id = ?",
                arguments: [id]
            )
            guard let delivery = row.flatMap(Delivery.init(row:)) else { return nil }
            try database.execute(
                sql: "DELETE FROM stopped WHERE target = ?",
                arguments: [delivery.target.key]
            )
            return delivery
        }
    }

    /// Makes a target that has said it is gone one like any other again.
    package func allow(_ targets: [NotifyTarget]) async throws {
        try await queue.write { database in
            for target in targets {
                try database.execute(sql: "DELETE FROM stopped WHERE target = ?", arguments: [target.key])
            }
        }
    }

    /// Deliveries in these states, newest first.
    package func deliveries(
        in states: Set<Delivery.State>,
        model: ModelName?,
        notice: String?,
        limit: Int
    ) async throws -> [Delivery] {
        let names = states.map { "'\($0.rawValue)'" }.sorted().joined(separator: ",")
        return try await queue.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM delivery WHERE state IN (\(names)) AND (?1 IS NULL OR model = ?1)
                        AND (?2 IS NULL OR notice_id = ?2)
                    ORDER BY number DESC LIMIT ?3
                    """,
                arguments: [model?.text, notice, limit]
            ).compactMap(Delivery.init(row:))
        }
    }

    /// How many deliveries have not arrived, by model: they wait for another try, or were given up within the
    /// time since `since`.
    package func undelivered(since: Timestamp) async throws -> [String: Int] {
        try await queue.read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT model, count(*) FROM delivery
                    WHERE state = 'waiting' AND tries > 0 OR state IN ('failed', 'dropped') AND ended_at >= ?
                    GROUP BY model
                    """,
                arguments: [since.milliseconds]
            )
            return Dictionary(rows.map { ($0[0], $0[1]) }) { $0 + $1 }
        }
    }

    /// Removes records beyond the newest ``mostRecords``, and those that ended before `before`.
    package func prune(before: Timestamp) async throws {
        try await queue.write { database in
            try database.execute(
                sql: """
                    DELETE FROM delivery WHERE state <> 'waiting' AND (ended_at < ?1 OR number <=
                        (SELECT max(number) FROM delivery) - ?2)
                    """,
                arguments: [before.milliseconds, Self.mostRecords]
            )
            try database.execute(sql: "DELETE FROM rope WHERE at < ?", arguments: [before.milliseconds])
        }
    }

    /// Lets go of the file.
    package func close() throws { try queue.close() }

    func read<Value: Sendable>(
        _ work: @escaping @Sendable (GRDB.Database) throws -> Value
    ) async throws -> Value {
        try await queue.read(work)
    }

    func write<Value: Sendable>(
        _ work: @escaping @Sendable (GRDB.Database) throws -> Value
    ) async throws -> Value {
        try await queue.write(work)
    }
}

extension Delivery {
    fileprivate mutating func drop(_ why: String, at time: Timestamp) {
        state = .dropped
        endedAt = time
        error = why
    }
}
