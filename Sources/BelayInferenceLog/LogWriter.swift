import BelayCore

/// The one writer: takes rows from the queue and puts them into segments until the queue is closed.
///
/// Confined to its thread. A batch that cannot be written is counted as failed and forgotten: holding on to
/// it would fill the queue while the disk is full, and newer answers are worth as much.
struct LogWriter {
    private let queue: AnswerQueue
    private let folder: SegmentFolder
    private let limits: LogLimits
    /// Called before each batch with its number of rows; tests hold the writer here, or fail the batch.
    private let before: @Sendable (Int) throws(InferenceLogError) -> Void
    private var current: (segment: Segment, fill: Segment.Fill)?
    /// A segment from before that has room left; used up by the first batch.
    private var candidate: Segment?
    private var tail: LogTail

    init(
        queue: AnswerQueue,
        folder: SegmentFolder,
        tail: LogTail,
        limits: LogLimits,
        before: @escaping @Sendable (Int) throws(InferenceLogError) -> Void
    ) {
        self.queue = queue
        self.folder = folder
        self.tail = tail
        self.limits = limits
        self.before = before
        self.candidate = folder.segments.last
    }

    /// Runs until the queue is closed and empty.
    mutating func run() {
        while let rows = queue.take() {
            var rest = rows[...]
            repeat {
                let batch = rest.prefix(limits.batchRows)
                rest = rest.dropFirst(batch.count)
                do throws(InferenceLogError) {
                    try before(batch.count)
                    if queue.isMakingRoom { throw .storageFull(path: folder.path) }
                    if batch.isEmpty { try probe() } else { try write(batch) }
                    queue.settle(batch, nil)
                } catch {
                    // The counters say so, and `/v1/info` shows them among the answers that are not kept.
                    queue.settle(batch, error)
                }
            } while !rest.isEmpty
        }
        // Unsealed only means that the next start looks at it more closely.
        try? current?.segment.seal()
        queue.finish()
    }

    private mutating func write(_ batch: ArraySlice<Pending>) throws(InferenceLogError) {
        guard let first = batch.first else { return }
        var blocks = pack(batch)
        blocks.seal(from: tail.position)
        var (segment, fill) = try ready(for: first.record)
        var end = tail
        end.position += batch.count
        end.held += batch.count { $0.track == .held }
        end.shadow += batch.count { $0.track == .shadow }
        do throws(InferenceLogError) {
            try segment.append(blocks, ending: end, isSynced: end.held > tail.held)
        } catch .damaged(let path, let reason) {
            // Nothing more goes into a broken file; the next batch begins a new one.
            current = nil
            throw .damaged(path: path, reason: reason)
        }
        tail = end
        fill.bytes += blocks.reduce(0) { $0 + Int64($1.bytes) }
        fill.rows += batch.count
        current = (segment, fill)
    }

    private func pack(_ batch: ArraySlice<Pending>) -> [Block] {
        var packer = BlockPacker(limits: limits, capacity: batch.count)
        for pending in batch { pending.pack(into: &packer) }
        return packer.finish()
    }

    /// Asks the disk whether it takes records again.
    private mutating func probe() throws(InferenceLogError) {
        if let current { return try current.segment.probe() }
        try folder.probe()
    }

    private mutating func ready(
        for record: AnswerRecord
    ) throws(InferenceLogError) -> (Segment, Segment.Fill) {
        if let current, hasRoom(current.fill) { return current }
        if let full = current?.segment {
            current = nil
            // Unsealed it is as readable; the next start tries again.
            try? full.seal()
        }
        if let candidate {
            self.candidate = nil
            if candidate.size < limits.segmentBytes, let fill = try? candidate.open(at: tail) {
                if hasRoom(fill) {
                    current = (candidate, fill)
                    return (candidate, fill)
                }
                try? candidate.seal()
            }
        }
        let (segment, fill) = try folder.add(since: record.at, at: tail)
        current = (segment, fill)
        // What cannot be removed now is seen again at the next start, and no answer is lost over it.
        if let removed = try? folder.trim(to: limits.totalBytes) { queue.removed(segments: removed) }
        return (segment, fill)
    }

    private func hasRoom(_ fill: Segment.Fill) -> Bool {
        fill.rows < limits.segmentRows && fill.bytes < limits.segmentBytes
    }
}
