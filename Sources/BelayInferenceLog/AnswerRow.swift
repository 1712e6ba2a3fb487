import BelayCore
import Foundation
import GRDB

/// How an answer lies in its table.
enum AnswerRow {
    /// The index by release holds the unit too, so that the units of a release are read from it alone.
    static let schema = """
        CREATE TABLE answer (
            position        INTEGER PRIMARY KEY,
            id              TEXT    NOT NULL,
            at              INTEGER NOT NULL,
            model           TEXT    NOT NULL,
            version         INTEGER NOT NULL,
            release         INTEGER,
            arm             TEXT    NOT NULL,
            share           INTEGER NOT NULL,
            unit            INTEGER,
            latency         INTEGER NOT NULL,
            status          INTEGER NOT NULL,
            fallback        TEXT,
            request_length  INTEGER NOT NULL,
            response_length INTEGER NOT NULL,
            request         BLOB    NOT NULL,
            response        BLOB    NOT NULL
        ) STRICT;
        CREATE INDEX answer_by_id ON answer (model, id);
        CREATE INDEX answer_by_release ON answer (release, unit) WHERE release IS NOT NULL;
        """

    static let insertion = """
        INSERT INTO answer (id, at, model, version, release, arm, share, unit, latency, status, fallback,
                            request_length, response_length, request, response)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        """

    static let newestWithID =
        "SELECT * FROM answer WHERE model = $1 AND id = $2 ORDER BY position DESC LIMIT 1"

    static let newestOfRelease = """
        SELECT * FROM answer
        WHERE position IN (SELECT position FROM answer WHERE release = $1 ORDER BY position DESC LIMIT $2)
        ORDER BY position DESC
        """

    static let unitsOfRelease = "SELECT DISTINCT unit FROM answer WHERE release = $1 AND unit IS NOT NULL"

    static func arguments(_ record: AnswerRecord, bodyBytes: Int) -> StatementArguments {
        [
            record.id, record.at.milliseconds, record.model.text, record.version.value, record.release?.value,
            record.arm.rawValue, record.share.partsPerMillion,
            record.unit.map { Int64(bitPattern: $0.value) },
            record.latencyMicroseconds, record.status, record.fallback,
            record.requestLength, record.responseLength,
            Data(record.request.prefix(bodyBytes)), Data(record.response.prefix(bodyBytes)),
        ]
    }

    /// Reads a row back; nil when a value in it is not one the log writes.
    static func record(_ row: Row) -> AnswerRecord? {
        guard let model = ModelName(row["model"] as String),
            let version = VersionNumber(row["version"] as Int),
            let arm = Arm(rawValue: row["arm"]), let share = Share(partsPerMillion: row["share"])
        else { return nil }
        return AnswerRecord(
            id: row["id"],
            at: Timestamp(milliseconds: row["at"]),
            model: model,
            version: version,
            release: (row["release"] as Int?).map { ReleaseID($0) },
            arm: arm,
            share: share,
            unit: (row["unit"] as Int64?).map { UnitHash(UInt64(bitPattern: $0)) },
            latencyMicroseconds: row["latency"],
            status: row["status"],
            fallback: row["fallback"],
            request: Array(row["request"] as Data),
            requestLength: row["request_length"],
            response: Array(row["response"] as Data),
            responseLength: row["response_length"]
        )
    }
}
