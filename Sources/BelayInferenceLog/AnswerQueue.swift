import BelayCore
import Synchronization

/// An answer on its way to the disk; an object, because a record has many parts to retain when it is moved.
final class Pending: Sendable {
    let record: AnswerRecord
    let redactor: (any Redacting)?
    /// Told once whether the record is on disk; somebody's answer waits for it.
    let whenSettled: (@Sendable (_ isKept: Bool) -> Void)?
    /// About how much memory it holds, in bytes.
    let cost: Int
    let track: RunPage.Track

    init(
        _ record: consuming AnswerRecord,
        redactor: (any Redacting)? = nil,
        whenSettled: (@Sendable (_ isKept: Bool) -> Void)? = nil
    ) {
        self.cost = AnswerRecord.overhead + record.request.count + record.response.count
        self.track = record.kind == .shadow ? .shadow : whenSettled == nil ? .served : .held
        self.record = record
        self.redactor = redactor
        self.whenSettled = whenSettled
    }

    /// Packs the record as it may reach the disk.
    func pack(into packer: inout BlockPacker) {
        guard let redactor else { return packer.append(record) }
        packer.append(record.redacted(by: redactor))
    }
}

/// What lies between the gateway, which must not wait, and the one writer, which must.
///
/// Bounded by rows and by bytes, counting also what the writer holds and what is reserved; whatever does not
/// fit is dropped and counted. Rows leave in the order they came, so a number of settled rows is also a
/// position.
final class AnswerQueue: Sendable {
    private struct State {
        /// What would wake the writer.
        enum Wake { case nothing, anyRow, fullBatch }

        let page: RunPage
        var waiting: [Pending] = []
        /// Of those that wait, how many have somebody waiting for them.
        var held = 0
        /// Rows and bytes that wait, that the writer holds, or that are reserved.
        var rows = 0
        var bytes = 0
        var accepted = 0
        var settled = 0
        var counters = LogCounters()
        var wake = Wake.nothing
        var isClosed = false
        var isFinished = false
        /// Room is being made on a full disk.
        var isMakingRoom = false
        var flushes: [(through: Int, waiter: CheckedContinuation<Void, Never>)] = []
        var closings: [CheckedContinuation<Void, Never>] = []

        /// One alone always fits, or what is longer than the queue could never be recorded.
        func fits(_ cost: Int, _ limits: LogLimits) -> Bool {
            rows == 0 || rows < limits.queuedRows && bytes + cost <= limits.queuedBytes
        }

        mutating func giveBack(_ cost: Int) {
            rows -= 1
            bytes -= cost
        }
    }

    private enum Turn {
        case rows([Pending])
        case wait(milliseconds: Int32)
        case finished
    }

    private let limits: LogLimits
    private let bell: Doorbell
    private let copy: RunPageCopy?
    private let state: Mutex<State>

    init(limits: LogLimits, page: sending RunPage) throws(InferenceLogError) {
        self.limits = limits
        self.bell = try Doorbell()
        self.copy = page.copy
        self.state = Mutex(State(page: page))
    }

    var counters: LogCounters { state.withLock { $0.counters } }

    var totals: LogTotals { state.withLock { $0.page.totals(waiting: $0.counters.queued) } }

    /// Takes the record or counts it as dropped; never waits.
    ///
    /// With a reservation, which is used up, only a closed log drops it.
    func add(_ pending: Pending, in reservation: Reservation? = nil) {
        let (model, kind, track) = (pending.record.model, pending.record.kind, pending.track)
        let cost = pending.cost
        let isReserved = reservation?.use() ?? false
        let (isTaken, rings) = state.withLock { state in
            if isReserved, let reservation { state.giveBack(reservation.cost) }
            state.page[track, .answered] += 1
            let fits = state.fits(cost, limits)
            guard !state.isClosed, isReserved || fits else {
                state.page[track, .dropped] += 1
                state.counters.add(model, kind) {
                    ($0.answered, $0.dropped) = ($0.answered + 1, $0.dropped + 1)
                }
                return (false, false)
            }
            state.counters.add(model, kind) { ($0.answered, $0.queued) = ($0.answered + 1, $0.queued + 1) }
            state.accepted += 1
            state.rows += 1
            state.bytes += cost
            if pending.whenSettled != nil { state.held += 1 }
            state.waiting.append(pending)
            let isDue = state.wake == .anyRow || state.held > 0 || state.waiting.count >= limits.batchRows
            guard state.wake != .nothing, isDue else { return (true, false) }
            state.wake = .nothing
            return (true, true)
        }
        if rings { bell.ring() }
        if !isTaken { pending.whenSettled?(false) }
    }

    /// Counts an answer that nobody wants kept.
    func sampledOut(_ model: ModelName, _ kind: AnswerKind) {
        state.withLock { state in
            let track = kind == .shadow ? RunPage.Track.shadow : .served
            state.page[track, .answered] += 1
            state.page[track, .sampledOut] += 1
            state.counters.add(model, kind) {
                ($0.answered, $0.sampledOut) = ($0.answered + 1, $0.sampledOut + 1)
            }
        }
    }

    /// Takes a place for a record that is to come; nil when there is none, or when the disk refuses records.
    func reserve(_ cost: Int) -> Reservation? {
        let isAdmitted = state.withLock { state in
            guard !state.isClosed, state.counters.trouble == nil, state.fits(cost, limits) else {
                return false
            }
            state.rows += 1
            state.bytes += cost
            return true
        }
        return isAdmitted ? Reservation(cost: cost, queue: self) : nil
    }

    func giveBack(_ cost: Int) { state.withLock { $0.giveBack(cost) } }

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
    /// No rows at all mean: find out whether the disk takes records again. For one thread only: each row goes
    /// to one taker, who settles it.
    func take() -> [Pending]? {
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
            guard !state.isClosed else { return .finished }
            guard state.counters.trouble != nil else { return .wait(milliseconds: -1) }
            return hasLingered ? .rows([]) : .wait(milliseconds: Int32(clamping: limits.retryMilliseconds))
        }
        let isUrgent = state.isClosed || state.held > 0 || !state.flushes.isEmpty
        guard isUrgent || hasLingered || state.waiting.count >= limits.batchRows else {
            state.wake = .fullBatch
            return .wait(milliseconds: Int32(clamping: limits.batchMilliseconds))
        }
        state.wake = .nothing
        state.held = 0
        let rows = state.waiting
        state.waiting = []
        state.waiting.reserveCapacity(rows.count)
        return .rows(rows)
    }

    /// Counts the oldest rows the writer holds as logged, or as failed because of `trouble`.
    func settle(_ rows: ArraySlice<Pending>, _ trouble: InferenceLogError?) {
        let cost = rows.reduce(0) { $0 + $1.cost }
        let waiters = state.withLock { state in
            state.bytes -= cost
            state.rows -= rows.count
            state.settled += rows.count
            state.counters.trouble = trouble
            var rest = rows
            while let first = rest.first {
                let run = rest.prefix { $0.track == first.track && $0.record.model == first.record.model }
                rest = rest.dropFirst(run.count)
                if trouble != nil { state.page[first.track, .failed] += run.count }
                state.counters.add(first.record.model, first.record.kind) { counts in
                    counts.queued -= run.count
                    if trouble == nil { counts.logged += run.count } else { counts.failed += run.count }
                }
            }
            let settled = state.settled
            let done = state.flushes.filter { $0.through <= settled }
            state.flushes.removeAll { $0.through <= settled }
            return done.map(\.waiter)
        }
        for row in rows { row.whenSettled?(trouble == nil) }
        for waiter in waiters { waiter.resume() }
        // Last and outside of the lock: it may wait for the disk, and nobody may wait for that.
        if let copy { copy.take(state.withLock { $0.page.content }) }
    }

    /// While room is made on a full disk, the writer leaves to that what little there is.
    var isMakingRoom: Bool {
        get { state.withLock { $0.isMakingRoom } }
        set { state.withLock { $0.isMakingRoom = newValue } }
    }

    func removed(segments: Int) { state.withLock { $0.counters.segmentsRemoved += segments } }

    /// Tells those who wait for the end that it has come.
    func finish() {
        if let copy {
            copy.close(state.withLock { $0.page.content })
        } else {
            state.withLock { $0.page.markClosed() }
        }
        let waiters = state.withLock { state in
            state.isFinished = true
            defer { state.closings = [] }
            return state.closings
        }
        for waiter in waiters { waiter.resume() }
    }
}

/// A place in the log for one answer that is to come, given back when it is not used.
package final class Reservation: Sendable {
    let cost: Int
    private let queue: AnswerQueue
    private let isUsed = Atomic(false)

    fileprivate init(cost: Int, queue: AnswerQueue) {
        self.cost = cost
        self.queue = queue
    }

    deinit { if use() { queue.giveBack(cost) } }

    /// True the first time.
    fileprivate func use() -> Bool { !isUsed.exchange(true, ordering: .relaxed) }
}
