package import BelayCore
import Foundation
import GRDB
import Synchronization

/// Which answers of a model are wanted.
package struct AnswerFilter: Equatable, Sendable {
    package let model: ModelName
    /// Answers from this moment on.
    package var since: Timestamp?
    /// Answers before this moment.
    package var until: Timestamp?
    package var version: VersionNumber?
    package var release: ReleaseID?
    package var arm: Arm?
    /// Whether answers that nobody was given are wanted too.
    package var includesShadows = false

    package init(model: ModelName) { self.model = model }

    func matches(_ record: AnswerRecord) -> Bool {
        (since.map { record.at >= $0 } ?? true) && (until.map { record.at < $0 } ?? true)
            && (version.map { record.version == $0 } ?? true)
            && (release.map { record.release == $0 } ?? true) && (arm.map { record.arm == $0 } ?? true)
            && (includesShadows || record.kind == .served)
    }
}

extension Segment {
    /// What ``block(_:)`` reads.
    static let columns = "position, count, model, keys, answers, answers_start, answers_count"

    /// The newest answers with these ids, by id.
    func find(
        _ ids: some Collection<String> & Sendable,
        _ model: ModelName,
        shadows: Bool = true
    ) async throws(InferenceLogError) -> [String: AnswerRecord] {
        try await read { database in
            var found: [String: AnswerRecord] = [:]
            // Every place a wanted id may be, so that a block is read once for all of them.
            var places: [Int] = []
            for id in ids { places += try self.positions(BlockLayout.hash(id: id), database) }
            places.sort()
            let wanted = Set(ids)
            while let place = places.last {
                let block = try self.block(holding: place, database)
                // Retention may have removed the block since its ids were sorted.
                let first = block?.reader.position ?? place
                let start = places.partitioningIndex { $0 >= first }
                let indices = Set(places[start...].map { $0 - first })
                places.removeSubrange(start...)
                guard let block, block.reader.model == model else { continue }
                for (_, record) in try self.answers(block, where: indices.contains).reversed()
                where wanted.contains(record.id) && found[record.id] == nil
                    && (shadows || record.kind == .served)
                {
                    found[record.id] = record
                }
            }
            return found
        }
    }

    /// The newest answers of a release that callers were given, newest first.
    func answers(_ release: ReleaseID, limit: Int) async throws(InferenceLogError) -> [AnswerRecord] {
        try await read { database in
            var answers: [AnswerRecord] = []
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT \(Self.columns) FROM block WHERE bytes > 0 AND position IN (
                        SELECT position FROM block_release WHERE release = $1
                    ) ORDER BY position DESC
                    """,
                arguments: [release.value]
            )
            while answers.count < limit, let row = try rows.next() {
                let records = try self.answers(try self.block(row)).map(\.record)
                    .filter { $0.release == release && $0.kind == .served }
                answers += records.reversed().prefix(limit - answers.count)
            }
            return answers
        }
    }

    /// Every unit that a release's answers name, without reading a body.
    func units(
        _ release: ReleaseID,
        since: Timestamp?
    ) async throws(InferenceLogError) -> Set<UnitHash> {
        try await read { database in
            var units: Set<UnitHash> = []
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT position, count, model, keys FROM block
                    WHERE bytes > 0 AND last_at >= ?2 AND position IN (
                        SELECT position FROM block_release WHERE release = ?1
                    )
                    """,
                arguments: [release.value, since?.milliseconds ?? .min]
            )
            while let row = try rows.next() {
                let reader = try self.reader(row)
                for index in 0..<reader.count {
                    let key = try self.key(reader, index)
                    if key.release == release, key.kind == .served, let unit = key.unit {
                        units.insert(unit)
                    }
                }
            }
            return units
        }
    }

    /// The answers of the first block that may hold wanted ones at or after `position`; nil when none does.
    ///
    /// - Returns: What matched, and where to go on; the answers may be none.
    func page(
        _ filter: AnswerFilter,
        from position: Int
    ) async throws(InferenceLogError) -> (
        block: Range<Int>, answers: Result<[StoredAnswer], InferenceLogError>
    )? {
        try await read { database in
            let statement = try database.cachedStatement(sql: Self.nextBlock)
            let arguments: StatementArguments = [
                filter.model.text, position, filter.since?.milliseconds ?? .min, filter.release?.value,
            ]
            guard let row = try Row.fetchOne(statement, arguments: arguments) else { return nil }
            let first: Int = row["position"]
            let range = first..<max(first + 1, Self.end(row))
            do throws(InferenceLogError) {
                let answers = try self.answers(try self.block(row)) { first + $0 >= position }
                return (
                    range,
                    .success(
                        answers.lazy.filter { filter.matches($0.record) }
                            .map { StoredAnswer(position: first + $0.index, record: $0.record) }
                    )
                )
            } catch {
                return (range, .failure(error))
            }
        }
    }

    /// Numbered with `?`, because `$2` is a name to SQLite, and names are counted as they come.
    private static let nextBlock = """
        SELECT \(columns) FROM block WHERE model = ?1 AND bytes > 0 AND last_at >= ?3
            AND position >= coalesce((SELECT max(position) FROM block WHERE model = ?1 AND position <= ?2), 0)
            AND position + count > ?2
            AND (?4 IS NULL OR EXISTS (
                SELECT 1 FROM block_release AS part
                WHERE part.release = ?4 AND part.position = block.position
            ))
        ORDER BY position LIMIT 1
        """

    /// The answers of the last block before `position` that may hold wanted ones; nil when none does.
    ///
    /// - Returns: What matched, oldest first, and where the block begins; the answers may be none.
    func page(
        _ filter: AnswerFilter,
        before position: Int
    ) async throws(InferenceLogError) -> (start: Int, answers: Result<[StoredAnswer], InferenceLogError>)? {
        try await read { database in
            let statement = try database.cachedStatement(sql: Self.previousBlock)
            let arguments: StatementArguments = [
                filter.model.text, position, filter.since?.milliseconds ?? .min, filter.release?.value,
            ]
            guard let row = try Row.fetchOne(statement, arguments: arguments) else { return nil }
            let first: Int = row["position"]
            do throws(InferenceLogError) {
                let answers = try self.answers(try self.block(row))
                return (
                    first,
                    .success(
                        answers.lazy.filter { filter.matches($0.record) }
                            .map { StoredAnswer(position: first + $0.index, record: $0.record) }
                    )
                )
            } catch {
                return (first, .failure(error))
            }
        }
    }

    private static let previousBlock = """
        SELECT \(columns) FROM block WHERE model = ?1 AND bytes > 0 AND last_at >= ?3 AND position < ?2
            AND (?4 IS NULL OR EXISTS (
                SELECT 1 FROM block_release AS part
                WHERE part.release = ?4 AND part.position = block.position
            ))
        ORDER BY position DESC LIMIT 1
        """

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(InferenceLogError) -> Value {
        do { return try await database().read(body) } catch { throw InferenceLogError(error, path: path) }
    }
}

// MARK: - Blocks

extension Segment {
    /// A row of the table, its keys checked and its answers not yet read.
    struct StoredBlock {
        let reader: BlockReader
        let answers: [UInt8]
    }

    func reader(_ row: Row) throws(InferenceLogError) -> BlockReader {
        let position: Int = row["position"]
        guard let model = ModelName(row["model"] as String), let keys = row["keys"] as Data? else {
            throw fault(BlockFault(reason: "its row is malformed"), at: position)
        }
        do throws(BlockFault) {
            return try BlockReader(position: position, count: row["count"], model: model, keys: Array(keys))
        } catch { throw fault(error, at: position) }
    }

    /// Where a row's answers end, whatever it says.
    static func end(_ row: Row) -> Int {
        let (end, overflow) = (row["position"] as Int).addingReportingOverflow(max(0, row["count"] as Int))
        return overflow ? .max : end
    }

    func block(_ row: Row) throws(InferenceLogError) -> StoredBlock {
        let reader = try reader(row)
        if let answers = row["answers"] as Data? {
            return StoredBlock(reader: reader, answers: Array(answers))
        }
        guard let start = row["answers_start"] as Int64?, let count = row["answers_count"] as Int? else {
            throw fault(BlockFault(reason: "its row is malformed"), at: reader.position)
        }
        guard let answers = try answerFile().read(AnswerFile.Place(start: start, count: count)) else {
            throw fault(BlockFault(reason: "its answers are not in the file"), at: reader.position)
        }
        return StoredBlock(reader: reader, answers: answers)
    }

    func key(_ reader: BlockReader, _ index: Int) throws(InferenceLogError) -> AnswerKey {
        do throws(BlockFault) { return try reader.key(index) } catch {
            throw fault(error, at: reader.position)
        }
    }

    func answers(
        _ block: StoredBlock,
        where isWanted: (Int) -> Bool = { _ in true }
    ) throws(InferenceLogError) -> [(index: Int, record: AnswerRecord)] {
        do throws(BlockFault) { return try block.reader.answers(block.answers, where: isWanted) } catch {
            throw fault(error, at: block.reader.position)
        }
    }

    /// Nil when retention removed it.
    private func block(holding position: Int, _ database: Database) throws -> StoredBlock? {
        let statement = try database.cachedStatement(
            sql: """
                SELECT \(Self.columns), bytes FROM block WHERE position <= $1 ORDER BY position DESC LIMIT 1
                """
        )
        guard let row = try Row.fetchOne(statement, arguments: [position]), row["bytes"] as Int > 0 else {
            return nil
        }
        return try block(row)
    }

    /// Where answers whose id has this hash are, newest first.
    private func positions(_ hash: UInt64, _ database: Database) throws -> [Int] {
        let open: [Int]? = try openIndex.withLock { index in
            try index?.extend(database)
            return index?.positions(hash)
        }
        return try open ?? IDIndex.positions(hash, database)
    }
}

extension [Int] {
    /// The first index whose element satisfies `isSecond`, in an array where all that do come last.
    fileprivate func partitioningIndex(_ isSecond: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isSecond(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
