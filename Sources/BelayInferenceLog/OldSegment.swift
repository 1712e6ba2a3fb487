import BelayCore
import Foundation
import GRDB

/// A segment of Belay 0.1, which had one row an answer; rewritten once, at the first opening.
enum OldSegment {
    private static let batchRows = 1000

    /// Puts a segment of today's form in its place; done again from the start when it is interrupted.
    ///
    /// - Returns: Where the log stands after its answers.
    static func migrate(
        _ segment: Segment,
        at start: LogTail,
        _ limits: LogLimits
    ) throws(InferenceLogError) -> LogTail {
        let fresh = Segment(path: segment.path + ".new", number: segment.number)
        // Whatever an interrupted migration left is begun again.
        try fresh.removeLeftovers()
        _ = try fresh.open(at: start)
        var tail = start
        var position: Int64 = 0
        while let batch = try rows(segment, after: position) {
            position = batch.last
            var blocks = pack(batch.records, limits)
            blocks.seal(from: tail.position)
            tail.position += batch.records.count
            // Synced, they are in their rows: one file takes the old one's place in one step.
            if !blocks.isEmpty { try fresh.append(blocks, ending: tail, isSynced: true) }
        }
        try fresh.seal()
        try fresh.move(over: segment)
        return tail
    }

    private static func rows(
        _ segment: Segment,
        after position: Int64
    ) throws(InferenceLogError) -> (records: [AnswerRecord], last: Int64)? {
        try segment.sync { database in
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT * FROM answer WHERE position > $1 ORDER BY position LIMIT $2",
                arguments: [position, batchRows]
            )
            guard let last = rows.last else { return nil }
            // A row that 0.1 could not have written is left behind: its bytes say nothing for certain.
            return (rows.compactMap(record), last["position"])
        }
    }

    private static func pack(_ records: [AnswerRecord], _ limits: LogLimits) -> [Block] {
        var packer = BlockPacker(limits: limits)
        for record in records { packer.append(record) }
        return packer.finish()
    }

    private static func record(_ row: Row) -> AnswerRecord? {
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
