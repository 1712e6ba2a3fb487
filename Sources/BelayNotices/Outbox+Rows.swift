package import BelayCore
import Foundation
import GRDB

extension Outbox {
    static let schema = """
        CREATE TABLE position (
            id  INTEGER PRIMARY KEY CHECK (id = 1),
            seq INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE delivery (
            number     INTEGER PRIMARY KEY AUTOINCREMENT,
            id         TEXT    NOT NULL UNIQUE,
            notice_id  TEXT    NOT NULL,
            model      TEXT    NOT NULL,
            notice     TEXT    NOT NULL,
            target     TEXT    NOT NULL,
            target_key TEXT    NOT NULL,
            act        TEXT    NOT NULL,
            topic      TEXT    NOT NULL,
            state      TEXT    NOT NULL,
            tries      INTEGER NOT NULL,
            due_at     INTEGER NOT NULL,
            ended_at   INTEGER,
            status     INTEGER,
            error      TEXT
        ) STRICT;
        CREATE INDEX delivery_waiting ON delivery (target_key, due_at) WHERE state = 'waiting';
        CREATE INDEX delivery_by_topic ON delivery (target_key, topic, number);
        CREATE TABLE open (
            target_key TEXT    NOT NULL,
            topic      TEXT    NOT NULL,
            name       TEXT    NOT NULL,
            target     TEXT    NOT NULL,
            notice     TEXT    NOT NULL,
            told_at    INTEGER NOT NULL,
            PRIMARY KEY (target_key, topic, name)
        ) STRICT;
        CREATE TABLE told (
            topic     TEXT    NOT NULL,
            condition TEXT    NOT NULL,
            word      TEXT    NOT NULL,
            count     INTEGER NOT NULL,
            PRIMARY KEY (topic, condition)
        ) STRICT;
        CREATE TABLE stopped (
            target TEXT    PRIMARY KEY,
            at     INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE rope (
            key     TEXT    PRIMARY KEY,
            at      INTEGER NOT NULL,
            seq     INTEGER NOT NULL,
            outcome TEXT
        ) STRICT;
        """

    /// The same delivery is never put in twice.
    static func insert(_ delivery: Delivery, _ database: GRDB.Database) throws {
        try database.execute(
            sql: """
                INSERT INTO delivery (id, notice_id, model, notice, target, target_key, act, topic, state,
                    tries, due_at, ended_at, status, error)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
                """,
            arguments: [
                delivery.id, delivery.notice.id, delivery.notice.endpoint.model.text,
                try text(delivery.notice), try text(delivery.target), delivery.target.key,
                delivery.act.rawValue, delivery.topic, delivery.state.rawValue, delivery.tries,
                delivery.dueAt.milliseconds, delivery.endedAt?.milliseconds, delivery.status, delivery.error,
            ]
        )
    }

    static func open(_ database: GRDB.Database) throws -> [OpenCondition] {
        try Row.fetchAll(
            database,
            sql: "SELECT topic, name, target, notice, told_at FROM open ORDER BY told_at, topic, name"
        ).compactMap { row in
            guard let target = value(NotifyTarget.self, row[2]), let notice = value(Notice.self, row[3])
            else {
                return nil
            }
            return OpenCondition(
                target: target,
                topic: row[0],
                name: row[1],
                notice: notice,
                toldAt: Timestamp(milliseconds: row[4])
            )
        }
    }

    static func replaceOpen(with conditions: [OpenCondition], _ database: GRDB.Database) throws {
        try database.execute(sql: "DELETE FROM open")
        for condition in conditions {
            try database.execute(
                sql: """
                    INSERT INTO open (target_key, topic, name, target, notice, told_at)
                    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                    """,
                arguments: [
                    condition.target.key, condition.topic, condition.name, try text(condition.target),
                    try text(condition.notice), condition.toldAt.milliseconds,
                ]
            )
        }
    }

    static func replaceTold(
        with told: [GuardWatch.Subject: GuardWatch.Told],
        _ database: GRDB.Database
    ) throws {
        try database.execute(sql: "DELETE FROM told")
        for (subject, told) in told {
            try database.execute(
                sql: "INSERT INTO told (topic, condition, word, count) VALUES (?, ?, ?, ?)",
                arguments: [subject.topic, subject.condition, told.word, told.count]
            )
        }
    }

    /// What Alertmanager was last told of before `before`, by target.
    package func stale(before: Timestamp) async throws -> [[OpenCondition]] {
        let open = try await read { try Self.open($0) }
        let stale = Set(
            open.filter { $0.target.via == .alertmanager && $0.toldAt <= before }.map(\.target.key)
        )
        return Dictionary(grouping: open) { $0.target.key }.filter { stale.contains($0.key) }
            .sorted { $0.key < $1.key }.map(\.value)
    }

    /// Notes that a target was told that all of it is still so.
    package func toldAgain(_ target: NotifyTarget, at time: Timestamp) async throws {
        try await write { database in
            try database.execute(
                sql: "UPDATE open SET told_at = ? WHERE target_key = ?",
                arguments: [time.milliseconds, target.key]
            )
        }
    }

    private static func text(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }

    fileprivate static func value<Value: Decodable>(_ type: Value.Type, _ text: String) -> Value? {
        try? JSONDecoder().decode(type, from: Data(text.utf8))
    }
}

extension Delivery {
    /// Nil for a row that another version of Belay wrote and this one cannot read.
    init?(row: Row) {
        guard let notice = Outbox.value(Notice.self, row["notice"]),
            let target = Outbox.value(NotifyTarget.self, row["target"]),
            let act = Act(rawValue: row["act"]), let state = State(rawValue: row["state"])
        else { return nil }
        let ended: Int64? = row["ended_at"]
        self.init(
            id: row["id"],
            notice: notice,
            target: target,
            act: act,
            topic: row["topic"],
            state: state,
            tries: row["tries"],
            dueAt: Timestamp(milliseconds: row["due_at"]),
            endedAt: ended.map(Timestamp.init(milliseconds:)),
            status: row["status"],
            error: row["error"]
        )
    }
}

/// What was pulled by monitors outside, so that the same alert, told again, pulls once.
extension Outbox {
    package enum Pull: Equatable, Sendable {
        /// Nobody has pulled for this yet; it is noted now.
        case new
        /// It was begun when the ledger stood at `after`; how it ended is not known.
        case begun(after: Int)
        case done(String)
    }

    /// Notes that somebody pulls, before anything is done about it.
    package func pull(_ key: String, at time: Timestamp, sequence: Int) async throws -> Pull {
        try await write { database in
            if let row = try Row.fetchOne(
                database,
                sql: "SELECT seq, outcome FROM rope WHERE key = ?",
                arguments: [key]
            ) {
                let outcome: String? = row[1]
                return outcome.map(Pull.done) ?? .begun(after: row[0])
            }
            try database.execute(
                sql: "INSERT INTO rope (key, at, seq) VALUES (?, ?, ?)",
                arguments: [key, time.milliseconds, sequence]
            )
            return .new
        }
    }

    /// Notes what came of it; nil forgets it, so that it can be tried again.
    package func pulled(_ key: String, _ outcome: String?) async throws {
        try await write { database in
            if let outcome {
                try database.execute(
                    sql: "UPDATE rope SET outcome = ? WHERE key = ?",
                    arguments: [outcome, key]
                )
            } else {
                try database.execute(sql: "DELETE FROM rope WHERE key = ?", arguments: [key])
            }
        }
    }
}
