import BelayCore
import BelayDisk
import Foundation
import GRDB
import Synchronization

/// What a segment loses on purpose, and what it lost otherwise.
extension Segment {
    /// So much is removed in one transaction, in bytes: a part of what is kept free for it.
    private static let pieceBytes = 1 << 20
    private static let pieceRows = 4096

    /// Blanks the answers about a person; the rows stay, so that every count and position does.
    ///
    /// Freed bytes are overwritten, in the file beside too, and the write-ahead log, which has the old pages,
    /// is emptied.
    ///
    /// `first` is called with the ids of a block's answers before they are blanked; when it fails, the block
    /// is as it was, and erasing can be repeated.
    ///
    /// - Returns: How many answers were blanked.
    func erase(
        _ subject: UnitHash,
        _ model: ModelName,
        first: @escaping @Sendable ([String]) async throws(InferenceLogError) -> Void
    ) async throws(InferenceLogError) -> Int {
        var erased = 0
        var failure: InferenceLogError?
        let (positions, fault) = try await blocks(about: subject, model)
        failure = fault
        for position in positions {
            do throws(InferenceLogError) {
                let ids = try await read { database in
                    try self.erasable(position, subject, database).filter { $0.isHit }.map(\.record.id)
                }
                guard !ids.isEmpty else { continue }
                try await first(ids)
                try await write { try self.erase(position, subject, $0) }
                erased += ids.count
            } catch .damaged(let path, let reason) {
                // One block must not keep the others.
                failure = failure ?? .damaged(path: path, reason: reason)
            }
        }
        // Although nothing was blanked: an erasure before this one may have failed just here.
        try await write { try self.wipe($0) }
        try await forgetOldPages()
        if let failure { throw failure }
        return erased
    }

    private func blocks(
        about subject: UnitHash,
        _ model: ModelName
    ) async throws(InferenceLogError) -> (positions: [Int], fault: InferenceLogError?) {
        try await read { database in
            var (positions, fault): ([Int], InferenceLogError?) = ([], nil)
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT position, count, model, keys FROM block WHERE model = $1 AND bytes > 0",
                arguments: [model.text]
            )
            while let row = try rows.next() {
                do throws(InferenceLogError) {
                    let reader = try self.reader(row)
                    for index in 0..<reader.count where try self.key(reader, index).person == subject {
                        positions.append(reader.position)
                        break
                    }
                } catch {
                    fault = fault ?? error
                }
            }
            return (positions, fault)
        }
    }

    private func erasable(
        _ position: Int,
        _ subject: UnitHash,
        _ database: Database
    ) throws -> [(record: AnswerRecord, isHit: Bool)] {
        let row = try Row.fetchOne(
            database,
            sql: "SELECT \(Self.columns) FROM block WHERE position = $1 AND bytes > 0",
            arguments: [position]
        )
        guard let row else { return [] }
        return try answers(try block(row)).map {
            ($0.record, ($0.record.subject ?? $0.record.unit) == subject)
        }
    }

    private func erase(_ position: Int, _ subject: UnitHash, _ database: Database) throws {
        let answers = try erasable(position, subject, database)
        guard let model = answers.first?.record.model else { return }
        var builder = BlockBuilder(model: model, capacity: answers.count, bytes: 0)
        for answer in answers {
            builder.append(answer.isHit ? answer.record.erased() : answer.record, bodyBytes: .max)
        }
        var block = builder.finish()
        block.seal(at: position)
        try database.execute(
            sql: "UPDATE block SET bytes = ?2, keys = ?3, answers = ?4 WHERE position = ?1",
            arguments: [position, block.bytes, Data(block.keys), Data(block.answers)]
        )
    }

    // MARK: - Retention

    /// How many bytes of a model's answers there are, before compaction.
    func bytes(of model: ModelName) async throws(InferenceLogError) -> Int64 {
        try await read { database in
            try Int64.fetchOne(
                database,
                sql: "SELECT sum(bytes) FROM block WHERE model = $1",
                arguments: [model.text]
            ) ?? 0
        }
    }

    /// Removes what need not be kept of a model's answers.
    ///
    /// - Returns: How many answers were removed.
    func remove(
        _ model: ModelName,
        _ retention: Retention,
        now: Timestamp
    ) async throws(InferenceLogError) -> Int {
        var removed = 0
        if let age = retention.keepMilliseconds {
            let (limit, overflow) = now.milliseconds.subtractingReportingOverflow(max(0, age))
            removed += try await remove(model, before: Timestamp(milliseconds: overflow ? .min : limit))
        }
        if let most = retention.keepBytes { removed += try await remove(model, downTo: most) }
        return removed
    }

    /// Removes a model's blocks whose newest answer is older than `time`.
    private func remove(
        _ model: ModelName,
        before time: Timestamp
    ) async throws(InferenceLogError) -> Int {
        try await remove(
            "model = $1 AND last_at < $2 AND bytes > 0",
            [model.text, time.milliseconds]
        )
    }

    /// Removes a model's oldest blocks until at most `limit` bytes of its answers are left.
    private func remove(
        _ model: ModelName,
        downTo limit: Int64
    ) async throws(InferenceLogError) -> Int {
        try await remove(
            """
            position IN (SELECT position FROM (
                SELECT position, bytes, sum(bytes) OVER (ORDER BY position DESC) AS younger
                FROM block WHERE model = $1
            ) WHERE younger > $2 AND bytes > 0)
            """,
            [model.text, limit]
        )
    }

    private func remove(
        _ condition: String,
        _ arguments: StatementArguments
    ) async throws(InferenceLogError) -> Int {
        var removed = 0
        while true {
            let piece = try await write { try self.removePiece(condition, arguments, $0) }
            removed += piece.answers
            if piece.answers > 0 || piece.isUnwiped {
                try await write { database in
                    try self.wipe(database)
                    // Ids of answers that are gone lead nowhere.
                    if piece.isLast, !self.isUnsealed { try IDIndex.write(database) }
                }
                try await forgetOldPages()
            }
            if piece.isLast { break }
        }
        if !isUnsealed { await giveSpaceBack() }
        return removed
    }

    /// Removes the oldest blocks of those meant, as many as fit into a piece: what they let go of is
    /// overwritten, and that needs as much space beside the file as they took in it.
    private func removePiece(
        _ condition: String,
        _ arguments: StatementArguments,
        _ database: Database
    ) throws -> (answers: Int, isLast: Bool, isUnwiped: Bool) {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT position, count, length(keys) + coalesce(length(answers), 0) FROM block
                WHERE \(condition) ORDER BY position
                """,
            arguments: arguments
        )
        var (answers, bytes, positions): (Int, Int, [Int]) = (0, 0, [])
        var isLast = true
        while let row = try rows.next() {
            guard bytes < Self.pieceBytes, positions.count < Self.pieceRows else {
                isLast = false
                break
            }
            positions.append(row[0])
            answers &+= row[1]
            bytes += row[2] as Int? ?? 0
        }
        let statement = try database.cachedStatement(
            sql: "UPDATE block SET keys = NULL, answers = NULL, bytes = 0 WHERE position = $1"
        )
        for position in positions { try statement.execute(arguments: [position]) }
        // What was let go of before, too, if it could not be wiped then.
        let unwiped = "SELECT EXISTS (SELECT 1 FROM block WHERE \(SegmentSchema.unwiped))"
        return (answers, isLast, try Bool.fetchOne(database, sql: unwiped) ?? false)
    }

    /// Shrinks a sealed file of which much is free; in one that is written, new answers take the space.
    private func giveSpaceBack() async {
        // That there is no space for it makes nothing full.
        try? await database().writeWithoutTransaction { database in
            let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            guard free > pages / 8, Reserve.free(beside: self.path) ?? 0 > 2 * AnswerFile.size(self.path)
            else {
                return
            }
            try database.execute(sql: "VACUUM")
        }
    }

    private func forgetOldPages() async throws(InferenceLogError) {
        guard hasLog else { return }
        do {
            try await database().writeWithoutTransaction { database in
                _ = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            }
        } catch { throw InferenceLogError(error, path: path) }
    }

    /// Overwrites in the file of the answers what rows let go of, and forgets where it was.
    private func wipe(_ database: Database) throws {
        let rows = try Row.fetchAll(
            database,
            sql: "SELECT answers_start, answers_count FROM block WHERE \(SegmentSchema.unwiped)"
        )
        guard !rows.isEmpty else { return }
        try answerFile().wipe(rows.map { AnswerFile.Place(start: $0[0], count: $0[1]) })
        try database.execute(
            sql: """
                UPDATE block SET answers_start = NULL, answers_count = NULL WHERE \(SegmentSchema.unwiped)
                """
        )
        try answerFile().free(try gaps(database))
    }

    /// The places between the answers that are left, and before them.
    ///
    /// Blocks of several models lie between each other: of each alone, its first and last page would stay.
    private func gaps(_ database: Database) throws -> [AnswerFile.Place] {
        var gaps: [AnswerFile.Place] = []
        var end: Int64 = 0
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT answers_start, answers_count FROM block WHERE answers_start IS NOT NULL
                ORDER BY answers_start
                """
        )
        while let row = try rows.next() {
            let place = AnswerFile.Place(start: row[0], count: row[1])
            if place.start > end { gaps.append(.init(start: end, count: Int(place.start - end))) }
            end = max(end, place.end)
        }
        let last = try answerFile().end
        if last > end { gaps.append(.init(start: end, count: Int(last - end))) }
        return gaps
    }

    /// Wipes what a killed process had let go of and not wiped.
    func finishWiping() throws(InferenceLogError) {
        try sync { database in
            try database.inTransaction {
                try self.wipe(database)
                return .commit
            }
        }
    }

    /// One transaction in which freed bytes are overwritten.
    private func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(InferenceLogError) -> Value {
        do {
            return try await database().writeWithoutTransaction { database in
                // On the disk before the bytes that it lets go of are wiped there.
                try database.execute(sql: "PRAGMA secure_delete = ON; PRAGMA synchronous = FULL")
                defer { try? database.execute(sql: "PRAGMA secure_delete = OFF") }
                var value: Value?
                try database.inTransaction(.immediate) {
                    value = try body(database)
                    return .commit
                }
                guard let value else {
                    throw InferenceLogError.unavailable(path: self.path, reason: "no result")
                }
                return value
            }
        } catch { throw InferenceLogError(error, path: path) }
    }
}

// MARK: - Checking

/// What a reading of the whole log found.
package struct LogCheck: Equatable, Sendable {
    /// A block, or a hole where one was.
    package struct Finding: Equatable, Sendable {
        package let path: String
        /// Of its first answer.
        package let position: Int
        package let count: Int
        package let reason: String
    }

    package internal(set) var blocks = 0
    package internal(set) var answers = 0
    /// Answers whose contents retention removed.
    package internal(set) var removed = 0
    package internal(set) var findings: [Finding] = []
}

extension Segment {
    /// Reads everything, `next` being where the segment before ended, nil for the first.
    ///
    /// - Returns: Where this one ends, and what was found so far.
    func check(_ next: Int?, into check: LogCheck) async throws(InferenceLogError) -> (Int, LogCheck) {
        try await read { database in
            var (next, check) = (next, check)
            let begin = try Int.fetchOne(database, sql: "SELECT position FROM start") ?? 0
            self.expect(next ?? begin, begin, &check)
            next = begin
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT \(Self.columns), bytes FROM block ORDER BY position"
            )
            while let row = try rows.next() {
                let (position, count): (Int, Int) = (row["position"], row["count"])
                self.expect(next ?? position, position, &check)
                next = position + count
                check.blocks += 1
                check.answers += count
                guard row["bytes"] as Int > 0 else {
                    check.removed += count
                    continue
                }
                do throws(InferenceLogError) {
                    _ = try self.answers(try self.block(row))
                } catch {
                    check.findings.append(
                        .init(
                            path: self.path,
                            position: position,
                            count: count,
                            reason: error.explanation.summary
                        )
                    )
                }
            }
            return (next ?? begin, check)
        }
    }

    private func expect(_ expected: Int, _ position: Int, _ check: inout LogCheck) {
        guard expected != position else { return }
        check.findings.append(
            .init(
                path: path,
                position: min(expected, position),
                count: abs(position - expected),
                reason: position > expected ? "Answers are missing here." : "Answers are here twice."
            )
        )
    }
}
