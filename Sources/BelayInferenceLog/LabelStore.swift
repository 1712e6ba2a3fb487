package import BelayCore
import Foundation
import GRDB

/// Labels and what each was worth as evidence, in one SQLite file.
///
/// `synchronous = FULL`, unlike the log of answers: a sender told "accepted" does not send again, and a
/// label may be what takes a bad version out. A batch costs one flush of the disk, however many labels it
/// holds. What was said stays; one process may have the file open.
package final class LabelStore: Sendable {
    /// Labels kept for one answer; what is beyond is refused.
    package static let mostPerAnswer = 100
    /// Values of one feature that are told apart in one release; the rest is ``RequestSlice/others``.
    package static let mostSliceValues = 20
    /// Pieces of feedback of one named source that count in one release, so that nobody decides it alone.
    package static let mostFeedbackPerSource = 100

    private let path: String
    private let database: DatabaseQueue
    private let mostWaiting: Int

    /// Opens the file, creating it when it is missing, and rewrites what Belay 0.1 left.
    ///
    /// Labels beyond `mostWaiting` whose answers are unknown are refused.
    package init(path: String, mostWaiting: Int = 200_000) throws(InferenceLogError) {
        self.path = path
        self.mostWaiting = mostWaiting
        do {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            self.database = try DatabaseQueue(path: path)
            try database.inDatabase { database in
                try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
                try LabelSchema.prepare(database)
            }
        } catch { throw InferenceLogError(error, path: path) }
    }

    /// Keeps the labels in one transaction and says for each, in order, what it is worth.
    ///
    /// Labels of one batch see those before them, so a repetition within it is one too. On an error nothing
    /// of the batch was kept.
    package func accept(_ records: [LabelRecord]) async throws(InferenceLogError) -> [LabelReceipt] {
        guard !records.isEmpty else { return [] }
        let most = mostWaiting
        return try await write { database in
            var keeping = try LabelKeeping(database, mostWaiting: most)
            let receipts = try records.map { try keeping.accept($0) }
            try keeping.finish()
            return receipts
        }
    }

    /// All evidence that labels gave on a release: what control starts from after a restart.
    package func evidence(of release: ReleaseID) async throws(InferenceLogError) -> EvidenceCounts {
        try await read { database in
            var counts = EvidenceCounts()
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT * FROM evidence WHERE release = $1",
                arguments: [release.value]
            )
            while let row = try rows.next() {
                guard let series = Series(row["series"] as String), let arm = Arm(rawValue: row["arm"]),
                    let share = Share(partsPerMillion: row["share"])
                else { continue }
                let feature: String = row["feature"]
                let key = EvidenceKey(
                    release: release,
                    series: series,
                    slice: feature.isEmpty ? nil : RequestSlice(feature: feature, value: row["value"]),
                    arm: arm,
                    share: share,
                    code: row["code"]
                )
                counts.add(key, row["number"])
            }
            return counts
        }
    }

    /// How much of a model's answers is labelled, by version, arm and day.
    package func coverage(
        of model: ModelName
    ) async throws(InferenceLogError) -> [CoverageKey: LabelCoverage] {
        try await read { database in
            var coverage: [CoverageKey: LabelCoverage] = [:]
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT * FROM coverage WHERE model = $1",
                arguments: [model.text]
            )
            while let row = try rows.next() {
                guard let version = VersionNumber(row["version"] as Int), let arm = Arm(rawValue: row["arm"])
                else { continue }
                coverage[CoverageKey(version: version, arm: arm, day: row["day"])] = LabelCoverage(
                    labelled: row["labelled"],
                    judged: row["judged"],
                    wrong: row["wrong"],
                    revised: row["revised"]
                )
            }
            return coverage
        }
    }

    /// Everything that was said about one answer, oldest first; waiting labels among them.
    package func history(
        id: String,
        model: ModelName
    ) async throws(InferenceLogError) -> [LabelStatement] {
        try await read { database in
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT * FROM label WHERE model = $1 AND id = $2 ORDER BY position",
                arguments: [model.text, id]
            )
            return rows.compactMap { LabelStatement($0) }
        }
    }

    /// Blanks what labels of these answers say, who said it and whom they are about; what they count for
    /// stays.
    ///
    /// Call ``forgetOldPages()`` when all are blanked.
    func erase(ids: [String], model: ModelName) async throws(InferenceLogError) -> Int {
        do {
            return try await database.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA secure_delete = ON")
                var erased = 0
                try database.inTransaction(.immediate) {
                    let coins = try database.cachedStatement(
                        sql: """
                            DELETE FROM unit WHERE (release, unit) IN (
                                SELECT release, unit FROM label WHERE model = $1 AND id = $2
                            )
                            """
                    )
                    let labels = try database.cachedStatement(
                        sql: """
                            UPDATE label SET value = 'null', unit = NULL, note = NULL, source = NULL
                            WHERE model = $1 AND id = $2
                            """
                    )
                    for id in ids {
                        try coins.execute(arguments: [model.text, id])
                        try labels.execute(arguments: [model.text, id])
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

    private func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(InferenceLogError) -> Value {
        do { return try await database.write(body) } catch { throw InferenceLogError(error, path: path) }
    }
}

// MARK: - Waiting

extension LabelStore {
    private static let firstPause = 1000
    private static let longestPause = 3_600_000

    /// How many labels wait for their answers.
    package func waiting() async throws(InferenceLogError) -> Int {
        try await read { try LabelKeeping.waiting($0) }
    }

    /// Labels of one model that wait for their answers.
    package func waiting(of model: ModelName) async throws(InferenceLogError) -> Int {
        try await read { database in
            try Int.fetchOne(
                database,
                sql: "SELECT count(*) FROM label WHERE acceptance = 'waiting' AND model = $1",
                arguments: [model.text]
            ) ?? 0
        }
    }

    /// Waiting labels whose answers are to be looked for now, those due longest first.
    ///
    /// Each looking is followed by a pause twice as long as the last, from a second to an hour, so that
    /// labels nobody will ever answer for cost little.
    package func due(
        now: Timestamp,
        most: Int
    ) async throws(InferenceLogError) -> [LabelStatement] {
        try await write { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM label WHERE acceptance = 'waiting' AND next_try <= $1
                    ORDER BY next_try LIMIT $2
                    """,
                arguments: [now.milliseconds, most]
            )
            let pausing = try database.cachedStatement(
                sql: "UPDATE label SET next_try = $1, tries = tries + 1 WHERE position = $2"
            )
            for row in rows {
                let doublings = min(row["tries"] as Int, 12)
                let pause = min(Self.firstPause << doublings, Self.longestPause)
                let next = now.advanced(by: .milliseconds(pause))
                try pausing.execute(arguments: [next.milliseconds, row["position"] as Int64])
            }
            return rows.compactMap { LabelStatement($0) }
        }
    }

    /// Gives up on labels of a model that have waited since before `limit`.
    ///
    /// - Returns: How many were removed.
    package func giveUp(
        on model: ModelName,
        receivedBefore limit: Timestamp
    ) async throws(InferenceLogError) -> Int {
        try await write { database in
            try database.execute(
                sql: """
                    DELETE FROM label WHERE acceptance = 'waiting' AND model = $1 AND received_at < $2
                    """,
                arguments: [model.text, limit.milliseconds]
            )
            return database.changesCount
        }
    }

    /// Gives up on a waiting label whose answer is known and cannot be compared with it.
    package func giveUp(on statement: LabelStatement) async throws(InferenceLogError) {
        try await write { database in
            try database.execute(
                sql: """
                    DELETE FROM label WHERE acceptance = 'waiting' AND model = $1 AND id = $2
                        AND kind = $3 AND value = $4
                    """,
                arguments: [
                    statement.model.text, statement.id, statement.kind.rawValue, statement.value,
                ]
            )
        }
    }
}

extension LabelStatement {
    /// Nil when the row says what no label can say.
    init?(_ row: Row) {
        guard let kind = LabelKind(rawValue: row["kind"]), let model = ModelName(row["model"] as String)
        else { return nil }
        self.init(
            id: row["id"],
            model: model,
            kind: kind,
            value: row["value"],
            at: (row["at"] as Int64?).map { Timestamp(milliseconds: $0) },
            receivedAt: Timestamp(milliseconds: row["received_at"]),
            source: row["source"],
            name: row["name"],
            note: row["note"],
            isFinal: row["final"],
            weight: row["weight"],
            isTabular: row["tabular"],
            isScore: row["score"]
        )
    }
}
