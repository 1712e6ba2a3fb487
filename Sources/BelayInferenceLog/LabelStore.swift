package import BelayCore
import Foundation
import GRDB

/// Labels and what each was worth as evidence, in one SQLite file.
///
/// `synchronous = FULL`, unlike the log of answers: a sender told "accepted" does not send again, and a
/// label may be what takes a bad version out. A batch costs one flush of the disk, however many labels it
/// holds. History is only added to; one process may have the file open.
package final class LabelStore: Sendable {
    private let path: String
    private let database: DatabaseQueue

    /// Opens the file, creating it when it is missing.
    package init(path: String) throws(InferenceLogError) {
        self.path = path
        do {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            self.database = try DatabaseQueue(path: path)
            try database.inDatabase { database in
                try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
                try database.execute(sql: Self.schema)
            }
        } catch { throw InferenceLogError(error, path: path) }
    }

    /// Keeps the labels in one transaction and says for each, in order, what it is worth.
    ///
    /// Labels of one batch see those before them, so a repetition within it is one too. On an error nothing
    /// of the batch was kept.
    package func accept(_ records: [LabelRecord]) async throws(InferenceLogError) -> [LabelAcceptance] {
        do {
            return try await database.write { database in
                try records.map { record in
                    let acceptance = try Self.judge(record, database)
                    if acceptance != .repeated { try Self.insert(record, acceptance, database) }
                    return acceptance
                }
            }
        } catch { throw InferenceLogError(error, path: path) }
    }

    /// All evidence that labels gave on a release: what control starts from after a restart.
    package func evidence(of release: ReleaseID) async throws(InferenceLogError) -> EvidenceCounts {
        try await read { database in
            var counts = EvidenceCounts()
            let rows = try Row.fetchCursor(
                database,
                sql: Self.evidenceOfRelease,
                arguments: [release.value]
            )
            while let row = try rows.next() {
                guard let arm = Arm(rawValue: row["arm"]), let share = Share(partsPerMillion: row["share"])
                else { continue }
                let key = EvidenceKey(
                    release: release,
                    metric: .accuracy,
                    arm: arm,
                    share: share,
                    bad: row["wrong"]
                )
                counts.add(key, row["number"])
            }
            return counts
        }
    }

    /// How much of each version of a model is labelled.
    package func coverage(
        of model: ModelName
    ) async throws(InferenceLogError) -> [VersionNumber: LabelCoverage] {
        try await read { database in
            var coverage: [VersionNumber: LabelCoverage] = [:]
            let rows = try Row.fetchCursor(database, sql: Self.coverageOfModel, arguments: [model.text])
            while let row = try rows.next() {
                guard let version = VersionNumber(row["version"] as Int) else { continue }
                var entry = LabelCoverage()
                entry.labelled = row["labelled"]
                entry.wrong = row["wrong"]
                entry.revised = row["revised"]
                coverage[version] = entry
            }
            return coverage
        }
    }

    /// Everything that was said about one answer, oldest first.
    package func history(
        id: String,
        model: ModelName
    ) async throws(InferenceLogError) -> [LabelRecord] {
        try await read { database in
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT * FROM label WHERE model = $1 AND id = $2 ORDER BY position",
                arguments: [model.text, id]
            )
            return rows.compactMap { Self.record($0, id, model) }
        }
    }

    /// Blanks what labels of these answers say and whom they are about; what they count for stays.
    ///
    /// Call ``forgetOldPages()`` when all are blanked.
    func erase(ids: [String], model: ModelName) async throws(InferenceLogError) -> Int {
        do {
            return try await database.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA secure_delete = ON")
                var erased = 0
                try database.inTransaction(.immediate) {
                    let statement = try database.cachedStatement(
                        sql: "UPDATE label SET value = 'null', unit = NULL WHERE model = $1 AND id = $2"
                    )
                    for id in ids {
                        try statement.execute(arguments: [model.text, id])
                        erased += database.changesCount
                    }
                    return .commit
                }
                return erased
            }
        } catch { throw InferenceLogError(error, path: path) }
    }

    /// Empties the write-ahead log, which still has the pages from before an erasure.
    func forgetOldPages() async throws(InferenceLogError) {
        do {
            try await database.writeWithoutTransaction { database in
                _ = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            }
        } catch { throw InferenceLogError(error, path: path) }
    }

    private func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(InferenceLogError) -> Value {
        do { return try await database.read(body) } catch { throw InferenceLogError(error, path: path) }
    }
}

// MARK: - Tables

extension LabelStore {
    /// The unique index is the rule that one unit is one coin, held by the database itself.
    private static let schema = """
        CREATE TABLE IF NOT EXISTS label (
            position    INTEGER PRIMARY KEY,
            id          TEXT    NOT NULL,
            model       TEXT    NOT NULL,
            kind        TEXT    NOT NULL,
            value       TEXT    NOT NULL,
            at          INTEGER,
            received_at INTEGER NOT NULL,
            version     INTEGER,
            release     INTEGER,
            arm         TEXT,
            share       INTEGER,
            unit        INTEGER,
            wrong       INTEGER,
            acceptance  TEXT    NOT NULL
        ) STRICT;
        CREATE INDEX IF NOT EXISTS label_by_id ON label (model, id, kind);
        CREATE INDEX IF NOT EXISTS label_by_version ON label (model, version);
        CREATE INDEX IF NOT EXISTS label_by_release ON label (release) WHERE acceptance = 'evidence';
        CREATE UNIQUE INDEX IF NOT EXISTS label_one_per_unit ON label (release, unit)
            WHERE acceptance = 'evidence' AND unit IS NOT NULL;
        """

    private static let evidenceOfRelease = """
        SELECT arm, share, wrong, count(*) AS number FROM label
        WHERE release = $1 AND acceptance = 'evidence' GROUP BY arm, share, wrong
        """

    private static let coverageOfModel = """
        SELECT version, count(DISTINCT id) AS labelled,
            count(DISTINCT CASE WHEN wrong = 1 AND position = (
                SELECT max(position) FROM label AS newer
                WHERE newer.model = label.model AND newer.id = label.id AND newer.wrong IS NOT NULL
            ) THEN id END) AS wrong,
            count(CASE WHEN acceptance = 'revised' THEN 1 END) AS revised
        FROM label WHERE model = $1 AND version IS NOT NULL GROUP BY version
        """

    private static func judge(_ record: LabelRecord, _ database: Database) throws -> LabelAcceptance {
        let statement = try database.cachedStatement(
            sql: """
                SELECT kind, value, acceptance FROM label WHERE model = $1 AND id = $2 ORDER BY position DESC
                """
        )
        let earlier = try Row.fetchAll(statement, arguments: [record.model.text, record.id])
        let sameKind = earlier.filter { $0["kind"] == record.kind.rawValue }
        let joined: Set<String> = [LabelAcceptance.evidence.name, LabelAcceptance.unitCounted.name]
        let answerCounted = earlier.contains { $0["acceptance"] == LabelAcceptance.evidence.name }
        return LabelAcceptance(
            record,
            newest: sameKind.first.map { $0["value"] },
            wasJoined: sameKind.contains { joined.contains($0["acceptance"]) },
            unitCounted: try answerCounted || isCounted(record, database)
        )
    }

    private static func isCounted(_ record: LabelRecord, _ database: Database) throws -> Bool {
        guard let release = record.release, let unit = record.unit else { return false }
        let statement = try database.cachedStatement(
            sql: """
                SELECT 1 FROM label
                WHERE release = $1 AND unit = $2 AND acceptance = 'evidence' AND unit IS NOT NULL
                """
        )
        return try Int.fetchOne(statement, arguments: [release.value, Int64(bitPattern: unit.value)]) != nil
    }

    private static func insert(
        _ record: LabelRecord,
        _ acceptance: LabelAcceptance,
        _ database: Database
    ) throws {
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO label (id, model, kind, value, at, received_at,
                                   version, release, arm, share, unit, wrong, acceptance)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
                """
        )
        try statement.execute(arguments: [
            record.id, record.model.text, record.kind.rawValue, record.value, record.at?.milliseconds,
            record.receivedAt.milliseconds, record.version?.value, record.release?.value,
            record.arm?.rawValue, record.share?.partsPerMillion,
            record.unit.map { Int64(bitPattern: $0.value) }, record.wrong, acceptance.name,
        ])
    }

    private static func record(_ row: Row, _ id: String, _ model: ModelName) -> LabelRecord? {
        guard let kind = LabelKind(rawValue: row["kind"]) else { return nil }
        return LabelRecord(
            id: id,
            model: model,
            kind: kind,
            value: row["value"],
            at: (row["at"] as Int64?).map { Timestamp(milliseconds: $0) },
            receivedAt: Timestamp(milliseconds: row["received_at"]),
            version: (row["version"] as Int?).flatMap { VersionNumber($0) },
            release: (row["release"] as Int?).map { ReleaseID($0) },
            arm: (row["arm"] as String?).flatMap { Arm(rawValue: $0) },
            share: (row["share"] as Int?).flatMap { Share(partsPerMillion: $0) },
            unit: (row["unit"] as Int64?).map { UnitHash(UInt64(bitPattern: $0)) },
            wrong: row["wrong"]
        )
    }
}
