package import BelayCore
import BelayDisk
import Foundation
import Synchronization

/// Every answer given, in SQLite segments under one folder, written behind the requests' back.
///
/// Recording never waits and never fails; whatever cannot be kept is counted, and what a killed process took
/// with it is counted at the next opening. Answers are committed in batches: with `synchronous = NORMAL`,
/// which survives a killed process but not a power cut, or with `FULL` when somebody waits for one of them.
/// One server may have the folder open, which the data directory's lock ensures.
package final class InferenceLog: Sendable {
    /// What was found on opening, for the operator's log.
    package let opening: LogOpening

    let queue: AnswerQueue
    let folder: SegmentFolder
    private let retention = Mutex<[ModelName: Retention]>([:])
    /// For removing answers from a full disk.
    private let reserve: Reserve

    /// Opens the folder, makes it when it is missing, and starts the writer's thread.
    ///
    /// - Parameters:
    ///   - path: Of the folder.
    ///   - limits: What may wait, and how large segments are.
    ///   - memory: A folder of a file system that is memory, where answers are counted without waiting for
    ///     the disk; nil counts them in `path`.
    /// - Throws: When the folder or what is in it cannot be used.
    package convenience init(
        folder path: String,
        limits: LogLimits,
        memory: String? = nil
    ) throws(InferenceLogError) {
        try self.init(folder: path, limits: limits, memory: memory, before: { _ in })
    }

    init(
        folder path: String,
        limits: LogLimits,
        memory: String? = nil,
        before: @escaping @Sendable (Int) throws(InferenceLogError) -> Void
    ) throws(InferenceLogError) {
        var (folder, opening) = try SegmentFolder.open(path, limits)
        let page = try RunPage(path: "\(path)/counters", memory: memory)
        let tail = try folder.tail(after: page, opening)
        opening.gap = page.settle(with: tail)
        opening.countsOnDisk = memory != nil && page.copy == nil
        let queue = try AnswerQueue(limits: limits, page: page)
        self.queue = queue
        self.folder = folder
        self.opening = opening
        self.reserve = Reserve.forRemoving(in: path)
        // A thread of its own, not a task: it waits for rows and for the disk, and a task that blocks takes
        // one of the few threads that everything else runs on.
        let thread = Thread { [folder] in
            var writer = LogWriter(queue: queue, folder: folder, tail: tail, limits: limits, before: before)
            writer.run()
        }
        thread.name = "inference-log"
        thread.start()
        if let memory { Thread.detachNewThread { RunPage.sweep(memory) } }
    }

    /// An abandoned log still drains, but nobody waits for it; see ``close()``.
    deinit { queue.close() }

    /// Exact at the moment of reading; of this process.
    package var counters: LogCounters { queue.counters }

    /// Exact at the moment of reading; of all runs since the log began.
    package var totals: LogTotals { queue.totals }

    /// Returns once everything recorded before is on disk or counted as failed.
    package func flush() async { await queue.flush() }

    /// Accepts no more answers, writes those that wait, seals the segment and returns when that is done.
    package func close() async {
        queue.close()
        await queue.closed()
    }
}

// MARK: - Recording

extension InferenceLog {
    /// Keeps the answer, or counts it as dropped when too many wait already; never waits, never fails.
    ///
    /// The redactor is applied on the writer's thread, before anything of the answer reaches the disk. With
    /// a reservation from ``admit(bytes:)`` the answer is not dropped. Who passes `whenSettled` holds the
    /// answer back until it is called: once, on the writer's thread or on this one, as soon as the record is
    /// on disk and synchronised, or cannot be.
    package func record(
        _ answer: consuming AnswerRecord,
        redactor: (any Redacting)? = nil,
        reservation: Reservation? = nil,
        whenSettled: (@Sendable (_ isKept: Bool) -> Void)? = nil
    ) {
        queue.add(Pending(answer, redactor: redactor, whenSettled: whenSettled), in: reservation)
    }

    /// Takes a place for an answer before it is given, `bytes` being about how long request and response are.
    ///
    /// Nil when the log is full, closed, or the disk refuses records: the caller is then told so instead of
    /// being given an answer that nobody could account for.
    package func admit(bytes: Int) -> Reservation? {
        queue.reserve(AnswerRecord.overhead + min(max(0, bytes), 1 << 30))
    }

    /// Counts an answer that the model's policy does not want kept.
    package func sampledOut(model: ModelName, kind: AnswerKind = .served) { queue.sampledOut(model, kind) }
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
    ///
    /// A shadow's answer has the id of the one that was served; without `shadows`, only the latter is found.
    package func find(
        ids: some Sequence<String>,
        model: ModelName,
        shadows: Bool = true
    ) async throws(InferenceLogError) -> [String: AnswerRecord] {
        await queue.flush()
        var missing = Set(ids)
        var found: [String: AnswerRecord] = [:]
        var trouble: InferenceLogError?
        for segment in folder.segments.reversed() where !missing.isEmpty {
            do {
                found.merge(try await segment.find(missing, model, shadows: shadows)) { newer, _ in newer }
                missing.subtract(found.keys)
            } catch {
                // An older segment may still have them; if none has, the reason is this.
                if isListed(segment) { trouble = trouble ?? error }
            }
        }
        if let trouble, !missing.isEmpty { throw trouble }
        return found
    }

    /// Which of these answers were recorded before they were to be given, and then not given, because a
    /// rollback overtook them: by their positions.
    ///
    /// The request was answered again, or refused, and recorded again under the same id; that record counts.
    /// Only `durability: durable` makes them.
    package func superseded(
        among answers: [StoredAnswer],
        of model: ModelName
    ) async throws(InferenceLogError) -> Set<Int> {
        let served = answers.filter { $0.record.kind == .served && $0.record.status == 200 }
        guard !served.isEmpty else { return [] }
        let newest = try await find(ids: served.map(\.record.id), model: model, shadows: false)
        return Set(
            served.lazy.filter { answer in
                newest[answer.record.id].map { $0.supersedes(answer.record) } ?? false
            }.map(\.position)
        )
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

    /// Every unit that has met a release since a moment, or some more, for whole blocks are looked at.
    ///
    /// What a gateway must know after a restart, since only a unit's first outcome counts. Those in a damaged
    /// segment are missing, and that is said.
    package func units(
        of release: ReleaseID,
        since: Timestamp? = nil
    ) async -> (units: Set<UnitHash>, fault: InferenceLogError?) {
        await queue.flush()
        var (units, fault): (Set<UnitHash>, InferenceLogError?) = ([], nil)
        for segment in folder.segments {
            do throws(InferenceLogError) {
                units.formUnion(try await segment.units(release, since: since))
            } catch {
                if isListed(segment) { fault = fault ?? error }
            }
        }
        return (units, fault)
    }

    /// All answers that match from a position on, oldest first, a block at a time.
    package func answers(matching filter: AnswerFilter, from position: Int = 0) async -> AnswerCursor {
        await queue.flush()
        return AnswerCursor(folder: folder, filter: filter, position: position)
    }

    /// All answers that match, newest first, a block at a time.
    package func newest(matching filter: AnswerFilter) async -> NewestCursor {
        await queue.flush()
        return NewestCursor(folder: folder, filter: filter)
    }

    /// Reads the whole log: every checksum, and that no position is missing.
    package func check() async throws(InferenceLogError) -> LogCheck {
        await queue.flush()
        var check = LogCheck()
        var next: Int?
        for segment in folder.segments {
            do {
                (next, check) = try await segment.check(next, into: check)
            } catch  where isListed(segment) {
                check.findings.append(
                    .init(
                        path: segment.path,
                        position: next ?? 0,
                        count: 0,
                        reason: error.explanation.summary
                    )
                )
                // Where the next one begins cannot be foretold.
                next = nil
            } catch { continue }
        }
        return check
    }

    /// False once the writer has removed a segment: not finding it is then no failure.
    private func isListed(_ segment: Segment) -> Bool { folder.segments.contains { $0 === segment } }
}

// MARK: - Removing

/// How long a model's answers are kept.
package struct Retention: Equatable, Sendable {
    /// Older answers are removed, in milliseconds.
    package let keepMilliseconds: Int64?
    /// The oldest answers are removed while there are more bytes than this.
    package let keepBytes: Int64?

    package init(keepMilliseconds: Int64?, keepBytes: Int64?) {
        self.keepMilliseconds = keepMilliseconds
        self.keepBytes = keepBytes
    }

    /// The same for older answers, when so many bytes of younger ones are there.
    func leaving(_ kept: Int64) -> Retention {
        Retention(keepMilliseconds: keepMilliseconds, keepBytes: keepBytes.map { max(0, $0 - kept) })
    }
}

/// What was erased for one subject.
package struct ErasureCount: Equatable, Sendable {
    package internal(set) var answers = 0
    package internal(set) var labels = 0
}

extension InferenceLog {
    /// Says how long each model's answers are kept; those of other models are, until the log is too large.
    package func setRetention(_ retention: [ModelName: Retention]) {
        self.retention.withLock { $0 = retention }
    }

    /// Removes the answers that need no longer be kept, and seals what a full disk kept from that.
    ///
    /// Whole blocks go, so that a block's youngest answer decides. Labels stay, and so does the number of
    /// answers. On a full disk it takes what was kept free for it.
    ///
    /// - Returns: How many answers were removed.
    /// - Throws: The first error; what it did not concern is removed all the same.
    package func applyRetention(now: Timestamp) async throws(InferenceLogError) -> Int {
        await queue.flush()
        var (removed, failure): (Int, InferenceLogError?) = (0, nil)
        defer { queue.isMakingRoom = false }
        for (model, retention) in retention.withLock({ $0 }) {
            var kept: Int64 = 0
            for segment in folder.segments.reversed() {
                do throws(InferenceLogError) {
                    let left = retention.leaving(kept)
                    removed += try await makingRoom { () throws(InferenceLogError) in
                        try await segment.remove(model, left, now: now)
                    }
                    if retention.keepBytes != nil { kept += try await segment.bytes(of: model) }
                } catch {
                    if isListed(segment) { failure = failure ?? error }
                }
            }
        }
        reserve.fill()
        // The newest is the writer's. What is damaged stays as it is; searching it says so.
        for segment in folder.segments.dropLast() where segment.isUnsealed || segment.hasLog {
            try? await segment.sealLate(leaving: reserve.whole)
        }
        if let failure { throw failure }
        return removed
    }

    /// Tries it again with the space that is kept for that, and no answer may take any meanwhile.
    private func makingRoom<Value: Sendable>(
        _ work: () async throws(InferenceLogError) -> Value
    ) async throws(InferenceLogError) -> Value {
        do throws(InferenceLogError) {
            return try await work()
        } catch {
            guard case .storageFull = error else { throw error }
            queue.isMakingRoom = true
            _ = reserve.spend()
            return try await work()
        }
    }

    /// Blanks everything that says what a subject asked and was told; rows and counts stay.
    ///
    /// The subject is the one that answers name, or their unit when they name none. The values of these
    /// answers' labels go too, but not their weight as evidence. After an error some are blanked; repeat it.
    ///
    /// - Returns: How many answers and labels were blanked.
    package func erase(
        subject: UnitHash,
        model: ModelName,
        labels: LabelStore?
    ) async throws(InferenceLogError) -> ErasureCount {
        await queue.flush()
        let erasedLabels = Mutex(0)
        var count = ErasureCount()
        var failure: InferenceLogError?
        for segment in folder.segments {
            do throws(InferenceLogError) {
                count.answers += try await segment.erase(subject, model) {
                    (ids) throws(InferenceLogError) in
                    let number = try await labels?.erase(ids: ids, model: model) ?? 0
                    erasedLabels.withLock { $0 += number }
                }
            } catch {
                // What is damaged must not keep the rest.
                if isListed(segment) { failure = failure ?? error }
            }
        }
        count.labels = erasedLabels.withLock { $0 }
        // Although nothing was blanked: an erasure before this one may have failed just here.
        try await labels?.forgetOldPages()
        if let failure { throw failure }
        return count
    }
}
