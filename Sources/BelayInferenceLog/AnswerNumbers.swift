package import BelayCore
import GRDB

extension InferenceLog {
    /// How many answers of a model callers were given, by version, arm and day; errors among them.
    ///
    /// Read from what blocks say of themselves, without an answer being read; a block counts for the day of
    /// its newest answer. Answers whose bodies retention removed are counted, those of removed files are not.
    package func numbers(
        of model: ModelName,
        since: Timestamp?
    ) async throws(InferenceLogError) -> [CoverageKey: Int] {
        await queue.flush()
        var numbers: [CoverageKey: Int] = [:]
        for segment in folder.segments {
            do {
                numbers.merge(try await segment.numbers(of: model, since: since)) { $0 + $1 }
            } catch  where !folder.segments.contains(where: { $0 === segment }) {
                // Removed to save space: not having it is no failure.
                continue
            }
        }
        return numbers
    }
}

extension Segment {
    fileprivate func numbers(
        of model: ModelName,
        since: Timestamp?
    ) async throws(InferenceLogError) -> [CoverageKey: Int] {
        try await read { database in
            var numbers: [CoverageKey: Int] = [:]
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT part.version, part.arm, block.last_at, part.count
                    FROM block JOIN block_release AS part ON part.position = block.position
                    WHERE block.model = $1 AND block.last_at >= $2
                    """,
                arguments: [model.text, since?.milliseconds ?? .min]
            )
            while let row = try rows.next() {
                guard let version = VersionNumber(row["version"] as Int), let arm = Arm(rawValue: row["arm"])
                else { continue }
                let time = Timestamp(milliseconds: row["last_at"])
                numbers[CoverageKey(version: version, arm: arm, at: time), default: 0] += row["count"] as Int
            }
            return numbers
        }
    }
}
