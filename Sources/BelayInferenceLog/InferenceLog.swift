package import BelayCore
import Foundation

/// Every answer given, in SQLite segments under one folder, written behind the requests' back.
///
/// Recording never waits and never fails; whatever cannot be kept is counted. A process that dies loses at
/// most what waited and the last commits: rows are committed in batches with `synchronous = NORMAL`, which
/// survives a killed process, but after a power cut the newest commits may be gone. One server may have the
/// folder open, which the data directory's lock ensures.
package final class InferenceLog: Sendable {
    /// What was found on opening, for the operator's log.
    package let opening: LogOpening

    private let queue: AnswerQueue
    private let folder: SegmentFolder

    /// Opens the folder, makes it when it is missing, and starts the writer's thread.
    package convenience init(folder path: String, limits: LogLimits) throws(InferenceLogError) {
        try self.init(folder: path, limits: limits, before: { _ in })
    }

    init(
        folder path: String,
        limits: LogLimits,
        before: @escaping @Sendable (Int) throws(InferenceLogError) -> Void
    ) throws(InferenceLogError) {
        let queue = try AnswerQueue(limits: limits)
        let (folder, opening) = try SegmentFolder.open(path)
        self.queue = queue
        self.folder = folder
        self.opening = opening
        // A thread of its own, not a task: it waits for rows and for the disk, and a task that blocks takes
        // one of the few threads that everything else runs on.
        let thread = Thread {
            var writer = LogWriter(queue: queue, folder: folder, limits: limits, before: before)
            writer.run()
        }
        thread.name = "inference-log"
        thread.start()
    }

    /// An abandoned log still drains, but nobody waits for it; see ``close()``.
    deinit { queue.close() }

    /// Keeps the answer, or counts it as dropped when too many wait already; never waits, never fails.
    package func record(_ answer: AnswerRecord) { queue.add(answer) }

    /// Exact at the moment of reading.
    package var counters: LogCounters { queue.counters }

    /// Returns once everything recorded before is on disk or counted as failed.
    package func flush() async { await queue.flush() }

    /// Accepts no more answers, writes those that wait, seals the segment and returns when that is done.
    package func close() async {
        queue.close()
        await queue.closed()
    }
}

// MARK: - Questions

extension InferenceLog {
    /// The answer with this id, however recently it was recorded; the newest when the id was used again.
    ///
    /// - Throws: ``InferenceLogError/damaged(path:reason:)`` when the answer may be in a segment that cannot
    ///   be read.
    package func find(id: String, model: ModelName) async throws(InferenceLogError) -> AnswerRecord? {
        try await find(ids: [id], model: model)[id]
    }

    /// The answers with these ids, by id; one look into each segment for all of them, newest segment first.
    package func find(
        ids: some Sequence<String>,
        model: ModelName
    ) async throws(InferenceLogError) -> [String: AnswerRecord] {
        await queue.flush()
        var missing = Set(ids)
        var found: [String: AnswerRecord] = [:]
        var trouble: InferenceLogError?
        for segment in folder.segments.reversed() where !missing.isEmpty {
            do {
                found.merge(try await segment.find(missing, model)) { newer, _ in newer }
                missing.subtract(found.keys)
            } catch {
                // An older segment may still have them; if none has, the reason is this.
                if isListed(segment) { trouble = trouble ?? error }
            }
        }
        if let trouble, !missing.isEmpty { throw trouble }
        return found
    }

    /// The newest answers of a release, newest first.
    package func answers(
        release: ReleaseID,
        limit: Int
    ) async throws(InferenceLogError) -> [AnswerRecord] {
        await queue.flush()
        var answers: [AnswerRecord] = []
        for segment in folder.segments.reversed() where answers.count < limit {
            do {
                answers += try await segment.answers(release, limit: limit - answers.count)
            } catch  where !isListed(segment) { continue }
        }
        return answers
    }

    /// Every unit that has met a release so far; what a gateway must know after a restart, since only a
    /// unit's first outcome counts.
    package func units(of release: ReleaseID) async throws(InferenceLogError) -> Set<UnitHash> {
        await queue.flush()
        var units: Set<UnitHash> = []
        for segment in folder.segments {
            do {
                units.formUnion(try await segment.units(release))
            } catch  where !isListed(segment) { continue }
        }
        return units
    }

    /// False once the writer has removed a segment: not finding it is then no failure.
    private func isListed(_ segment: Segment) -> Bool { folder.segments.contains { $0 === segment } }
}
