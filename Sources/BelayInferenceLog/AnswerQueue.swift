import Synchronization

/// What lies between the gateway, which must not wait, and the one writer, which must.
///
/// Bounded by rows and by bytes, counting also what the writer holds; whatever does not fit is dropped and
/// counted. Rows leave in the order they came, so a number of settled rows is also a position.
final class AnswerQueue: Sendable {
    private struct State {
        /// What would wake the writer.
        enum Wake { case nothing, anyRow, fullBatch }

        var waiting: [AnswerRecord] = []
        /// Of the waiting rows and of those the writer holds.
        var bytes = 0
        var counters = LogCounters()
        var wake = Wake.nothing
        var isClosed = false
        var isFinished = false
        var flushes: [(through: Int, waiter: CheckedContinuation<Void, Never>)] = []
        var closings: [CheckedContinuation<Void, Never>] = []

        var accepted: Int { counters.answered - counters.dropped }
        var settled: Int { counters.logged + counters.failed }
    }

    private enum Turn {
        case rows([AnswerRecord])
        case wait(milliseconds: Int32)
        case finished
    }

    private let limits: LogLimits
    private let bell: Doorbell
    private let state = Mutex(State())

    init(limits: LogLimits) throws(InferenceLogError) {
        self.limits = limits
        self.bell = try Doorbell()
    }

    var counters: LogCounters { state.withLock { $0.counters } }

    /// Takes the record or counts it as dropped; never waits.
    func add(_ record: AnswerRecord) {
        let rings = state.withLock { state in
            state.counters.answered += 1
            let cost = record.cost
            guard !state.isClosed, state.counters.queued < limits.queuedRows,
                state.bytes + cost <= limits.queuedBytes
            else {
                state.counters.dropped += 1
                return false
            }
            state.waiting.append(record)
            state.bytes += cost
            state.counters.queued += 1
            let isDue = state.wake == .anyRow || state.waiting.count >= limits.batchRows
            guard state.wake != .nothing, isDue else { return false }
            state.wake = .nothing
            return true
        }
        if rings { bell.ring() }
    }

    /// Returns once every record added before is in the log, or is counted as failed.
    func flush() async {
        await withCheckedContinuation { waiter in
            let isSettled = state.withLock { state in
                guard state.settled < state.accepted else { return true }
                state.flushes.append((through: state.accepted, waiter: waiter))
                return false
            }
            if isSettled { waiter.resume() } else { bell.ring() }
        }
    }

    /// From now on nothing is accepted; the writer drains and ends.
    func close() {
        state.withLock { $0.isClosed = true }
        bell.ring()
    }

    /// Returns once the writer has ended.
    func closed() async {
        await withCheckedContinuation { waiter in
            let isFinished = state.withLock { state in
                if !state.isFinished { state.closings.append(waiter) }
                return state.isFinished
            }
            if isFinished { waiter.resume() }
        }
    }
}

// MARK: - The writer's side

extension AnswerQueue {
    /// Waits for rows and takes all of them; nil once the queue is closed and empty.
    ///
    /// For one thread only: each row goes to one taker, who settles it.
    func take() -> [AnswerRecord]? {
        var hasLingered = false
        while true {
            let turn = state.withLock { Self.turn(&$0, limits, hasLingered) }
            switch turn {
            case .rows(let rows): return rows
            case .finished: return nil
            case .wait(let milliseconds):
                bell.wait(milliseconds: milliseconds)
                hasLingered = milliseconds >= 0
            }
        }
    }

    private static func turn(_ state: inout State, _ limits: LogLimits, _ hasLingered: Bool) -> Turn {
        guard !state.waiting.isEmpty else {
            state.wake = .anyRow
            return state.isClosed ? .finished : .wait(milliseconds: -1)
        }
        let isUrgent = state.isClosed || !state.flushes.isEmpty
        guard isUrgent || hasLingered || state.waiting.count >= limits.batchRows else {
            state.wake = .fullBatch
            return .wait(milliseconds: Int32(clamping: limits.batchMilliseconds))
        }
        state.wake = .nothing
        let rows = state.waiting
        state.waiting = []
        return .rows(rows)
    }

    /// Counts the oldest rows the writer holds as logged, or as failed because of `trouble`.
    func settle(_ rows: some Collection<AnswerRecord>, _ trouble: InferenceLogError?) {
        let cost = rows.reduce(0) { $0 + $1.cost }
        let waiters = state.withLock { state in
            state.bytes -= cost
            state.counters.queued -= rows.count
            state.counters.trouble = trouble
            if trouble == nil {
                state.counters.logged += rows.count
            } else {
                state.counters.failed += rows.count
            }
            let settled = state.settled
            let done = state.flushes.filter { $0.through <= settled }
            state.flushes.removeAll { $0.through <= settled }
            return done.map(\.waiter)
        }
        for waiter in waiters { waiter.resume() }
    }

    func removed(segments: Int) { state.withLock { $0.counters.segmentsRemoved += segments } }

    /// Tells those who wait for the end that it has come.
    func finish() {
        let waiters = state.withLock { state in
            state.isFinished = true
            defer { state.closings = [] }
            return state.closings
        }
        for waiter in waiters { waiter.resume() }
    }
}
