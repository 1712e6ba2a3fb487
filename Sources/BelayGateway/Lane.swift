import BelayCore
import BelayInference
import NIOCore
import NIOPosix
import Synchronization

/// The way to one loaded version: its own threads, its own short queue, its own circuit breaker.
///
/// Every run leaves the event loop. A candidate that hangs can then block nothing but its own threads, and
/// the fence never waits for a model. A thread that is woken does what waits, one after the other while
/// another may help, and gives back what it has done a few at a time: under load one hand-over serves many
/// requests, which makes this cheaper than running models on the loops (the figures are in
/// `Benchmarks/README.md`).
final class Lane: Sendable {
    /// Runs done before their answers are given back, at most.
    static let mostHeld = 16
    /// How long the first of them waits for the others, from its beginning; what takes longer waits for none.
    static let longestHeld = TimeAmount.microseconds(100)
    /// When the oldest request has waited this long, or no run has begun for so long, another thread helps.
    static let helpAfter = TimeAmount.milliseconds(1)

    let version: VersionID
    let signature: Signature
    private let state: Mutex<State>
    private let limits: Limits
    /// Started for the first request, so standbys have none.
    private let threads: NIOThreadPool

    struct Limits: Sendable {
        /// Runs at a time.
        let threads: Int
        /// Requests that may wait, whatever the version's speed.
        let waiting: Int
    }

    fileprivate struct State: Sendable {
        var instance: (any Instance)?
        var queue = CircularBuffer<Job>()
        /// Requests that wait or run.
        var inside = 0
        /// Threads at work.
        var busy = 0
        /// When a run was begun last.
        var began = NIODeadline.uptimeNanoseconds(0)
        var admission = Admission()
        var breaker = CircuitBreaker()
        /// Runs done whose answers are not given back yet.
        var held = Deliveries()
    }

    /// - Parameters:
    ///   - version: Which version it is, for what the response says.
    ///   - instance: The loaded version; the lane keeps it until the lane's own last reference goes.
    ///   - limits: How much of the machine one version may take.
    init(version: VersionID, instance: any Instance, limits: Limits) {
        self.version = version
        self.signature = instance.signature
        self.limits = limits
        self.threads = NIOThreadPool(numberOfThreads: limits.threads)
        self.state = Mutex(State(instance: instance))
    }

    /// Unloading a large model takes long, and the last reference may be dropped on an event loop, or while
    /// somebody waits for a rollback: so instance and threads are let go on a thread that answers nobody.
    deinit {
        let instance = state.withLock { state in
            defer { state.instance = nil }
            return state.instance
        }
        NIOThreadPool.singleton.submit { [threads, instance] _ in
            withExtendedLifetime(instance) {}
            threads.shutdownGracefully { _ in }
        }
    }

    func holds(_ instance: any Instance) -> Bool { state.withLock { $0.instance === instance } }

    /// Requests that wait or run; what shadows look at before they ask for anything.
    var load: Int { state.withLock { $0.inside } }

    var breaker: CircuitBreaker { state.withLock { $0.breaker } }

    /// Puts a question into the queue.
    ///
    /// - Parameters:
    ///   - job: Completed later, on its event loop; never when the question is refused.
    ///   - patience: How long it can wait for its turn.
    ///   - heedsBreaker: Whether an open breaker refuses it; false for the last version of a chain, where a
    ///     poor chance is better than none.
    ///   - waking: Sees to it that ``wake()`` is called when a thread is needed, soon; nil does so at once.
    /// - Returns: Why it is refused; nil when it is not.
    func submit(
        _ job: Job,
        patience: TimeAmount,
        heedsBreaker: Bool,
        waking: ((Lane) -> Void)? = nil
    ) -> Exchange.Failure? {
        let decision = state.withLock { state -> Decision in
            let threads = limits.threads
            guard state.inside < threads + limits.waiting,
                state.admission.admits(waiting: state.inside, threads: threads, patience: patience)
            else { return .refuse(.overloaded) }
            // Who does not heed it is no probe either: nobody would wait for what it finds out.
            guard !heedsBreaker || state.breaker.admits(at: job.submitted) else { return .refuse(.tripped) }
            state.queue.append(job)
            state.inside += 1
            return state.takesHelp(at: job.submitted, threads: threads) ? .wake : .wait
        }
        switch decision {
        case .refuse(let failure): return failure
        case .wait: return nil
        case .wake:
            if let waking { waking(self) } else { wake() }
            return nil
        }
    }

    /// Sends a thread to work, which a question has been given to.
    func wake() {
        threads.start()
        threads.submit { [self] _ in work() }
    }

    private enum Decision {
        /// A thread that is at work will come to it.
        case wait
        case wake
        case refuse(Exchange.Failure)
    }

    // MARK: - On the lane's threads

    private func work() {
        var began = NIODeadline.now()
        var next = state.withLock { $0.next(at: began) }
        while let (job, instance) = next {
            let ending = instance.map { job.run(by: $0, version: version, began: began) } ?? .cancelled
            let now = NIODeadline.now()
            let wasRun = if case .cancelled = ending.completion { false } else { true }
            let due: Deliveries?
            (due, next) = state.withLock { state in
                state.inside -= 1
                // What was not begun any more cost nothing, and says nothing of what the others will.
                if wasRun { state.admission.note(cost: now - began) }
                state.held.add(job, ending, began: began)
                let next = state.next(at: now)
                return (state.held.take(at: now, isLast: next == nil), next)
            }
            began = now
            guard let due else { continue }
            due.deliver()
            began = .now()
        }
    }

    /// Does what must not wait for runs that take longer than they should, or hang: gives back what is done
    /// and held, and wakes another thread for what has not begun.
    func relieve(at now: NIODeadline) {
        let (due, isWoken) = state.withLock { state in
            let isWoken = !state.queue.isEmpty && state.takesHelp(at: now, threads: limits.threads)
            return (state.held.take(at: now, isLast: false), isWoken)
        }
        due?.deliver()
        if isWoken { wake() }
    }

    /// Charges the version with the outcome of one request that it was asked, `begun` then.
    func note(_ outcome: Outcome, at now: NIODeadline, begun: NIODeadline) -> CircuitBreaker.Change {
        state.withLock { state in
            switch outcome {
            case .good: state.breaker.succeeded(at: now, begun: begun)
            case .bad: return state.breaker.failed(at: now, begun: begun)
            case .badLikeOthers: state.breaker.failedLikeOthers(at: now, begun: begun)
            case .neither: state.breaker.forget(begun: begun)
            }
            return .nothing
        }
    }

    enum Outcome {
        case good, bad
        /// It failed, and so did another version on the same request, or none could be asked.
        case badLikeOthers
        /// It was cancelled, or the caller asked nonsense.
        case neither
    }
}

extension Lane.State {
    /// The next run and who does it; nil when there is none, and the thread goes.
    fileprivate mutating func next(at now: NIODeadline) -> (job: Job, instance: (any Instance)?)? {
        guard let job = queue.popFirst() else {
            busy -= 1
            return nil
        }
        began = now
        return (job, instance)
    }

    /// Whether one more thread is to be woken for what waits, and counts it.
    fileprivate mutating func takesHelp(at now: NIODeadline, threads: Int) -> Bool {
        let oldest = queue.first?.submitted ?? now
        let isLate = busy == 0 || now - oldest > Lane.helpAfter || now - began > Lane.helpAfter
        guard isLate, busy < threads else { return false }
        busy += 1
        return true
    }
}

/// Completions on their way back, by the loop that waits for them.
private struct Deliveries: Sendable {
    private var waiting: [(eventLoop: any EventLoop, items: [(Job, Job.Ending)])] = []
    private var count = 0
    /// When the first of them was begun.
    private var first = NIODeadline.distantFuture

    mutating func add(_ job: Job, _ ending: Job.Ending, began: NIODeadline) {
        if count == 0 { first = began }
        count += 1
        if let index = waiting.firstIndex(where: { $0.eventLoop === job.eventLoop }) {
            waiting[index].items.append((job, ending))
        } else {
            var items: [(Job, Job.Ending)] = []
            items.reserveCapacity(Lane.mostHeld)
            items.append((job, ending))
            waiting.append((job.eventLoop, items))
        }
    }

    /// Takes all of them out, if they have waited long enough, are many, or nothing comes after them.
    mutating func take(at now: NIODeadline, isLast: Bool) -> Deliveries? {
        guard count > 0, isLast || count >= Lane.mostHeld || now - first >= Lane.longestHeld else {
            return nil
        }
        defer { self = Deliveries() }
        return self
    }

    func deliver() {
        for (eventLoop, items) in waiting {
            eventLoop.execute { for (job, ending) in items { job.completed(ending) } }
        }
    }
}
