import BelayCore
import NIOCore
import NIOHTTP1

/// Everything that one event loop owns: its reference to the routes, its requests in flight, its counts.
///
/// Confined to the loop, so nothing here is locked or atomic. Others reach it only by a task on the loop.
final class EventLoopCell {
    /// How exactly deadlines of requests are kept.
    static let pulse = TimeAmount.milliseconds(5)
    /// Request lines whose meaning is remembered.
    static let mostPaths = 256

    /// Bytes that are kept for the next answer, at most.
    static let mostOutput = 65_536

    let eventLoop: any EventLoop
    private(set) var snapshot = Snapshot()
    /// What the publisher sees of this loop.
    let latch: Latch
    /// The routes that may become current at any moment.
    private var forthcoming: Forthcoming?
    /// What they would do to requests in flight; only those to which they would do something.
    private var overtaken: [ObjectIdentifier: InferenceCall.Rerouting] = [:]
    private var isAnswering = false
    var tally = LoopTally()
    var retries = RetryBudget()
    var figures = LoopFigures()
    private var calls: [ObjectIdentifier: InferenceCall] = [:]
    private var shadowRuns: [ObjectIdentifier: ShadowRun] = [:]
    private var connections: [ObjectIdentifier: Connection] = [:]
    private var drains: [Drain] = []
    private var drained: EventLoopPromise<Void>?
    private var isLeaving: TimeAmount?
    /// Runs that have not come back to this loop, those included that nobody waits for any more.
    private var runs = 0
    private var lanesToWake: [Lane] = []
    private var isPulsing = false
    private var isSweeping = false
    /// What was written last; used again once the system has it.
    private var output = ByteBuffer()
    private var paths: [String: Result<InferencePath, Rejection>] = [:]
    /// The system's generator: callers must not be able to foresee which requests meet the candidate.
    private var generator = Entropy()

    init(eventLoop: any EventLoop, latch: Latch = Latch()) {
        self.eventLoop = eventLoop
        self.latch = latch
    }

    var now: NIODeadline { eventLoop.now }

    func freshUnit() -> UnitHash { UnitHash(generator.next()) }

    /// A number below one million.
    func toss() -> Int { Int(generator.next().multipliedFullWidth(by: 1_000_000).high) }

    /// The bytes of one answer, in the memory of the last one when that has left.
    func outgoing(about size: Int, _ write: (inout ByteBuffer) -> Void) -> ByteBuffer {
        // A short answer that nobody takes must not hold the memory of a long one.
        if output.capacity > 4 * size { output = ByteBuffer() }
        output.clear(minimumCapacity: size)
        write(&output)
        let bytes = output
        if bytes.capacity > Self.mostOutput { output = ByteBuffer() }
        return bytes
    }

    /// What a request line means; the same few come again and again.
    func path(method: HTTPMethod, uri: String) -> Result<InferencePath, Rejection> {
        let line = method == .POST ? uri : "\(method.rawValue) \(uri)"
        if let known = paths[line] { return known }
        let path = InferencePath.parse(method: method.rawValue, uri: uri)
        if paths.count >= Self.mostPaths { paths.removeAll() }
        if line.utf8.count <= 512 { paths[line] = path }
        return path
    }

    /// The version's shadows that this request is copied to.
    func chosenShadows(of route: Route) -> [Route.Shadow] {
        guard !route.shadows.isEmpty else { return [] }
        return route.shadows.filter { toss() < $0.share.partsPerMillion }
    }
}

// MARK: - Requests

extension EventLoopCell {
    func begin(_ call: InferenceCall) {
        calls[ObjectIdentifier(call)] = call
        pulse()
    }

    func end(_ call: InferenceCall) {
        let id = ObjectIdentifier(call)
        calls[id] = nil
        if forthcoming != nil { note(call, .undisturbed) }
        guard !drains.isEmpty else { return }
        for index in drains.indices { drains[index].ended(id) }
        drains.removeAll { $0.isOver }
    }

    func begin(_ run: ShadowRun) {
        shadowRuns[ObjectIdentifier(run)] = run
        pulse()
    }

    func end(_ run: ShadowRun) { shadowRuns[ObjectIdentifier(run)] = nil }

    /// Wakes a thread of the lane once everything that is ready on this loop has been looked at.
    ///
    /// Requests come in bunches. A thread that is woken for the first of one has done it before the second is
    /// read, sleeps, and is woken again: that costs more than most models do.
    func wakeSoon(_ lane: Lane) {
        lanesToWake.append(lane)
        guard lanesToWake.count == 1 else { return }
        eventLoop.assumeIsolated().execute { [self] in
            let lanes = lanesToWake
            lanesToWake.removeAll(keepingCapacity: true)
            for lane in lanes { lane.wake() }
        }
    }

    func runBegan() { runs += 1 }

    func runEnded() {
        runs -= 1
        finishDraining()
    }

    /// Looks at every request in flight while there are any.
    ///
    /// One look for all costs less than a timer for each, which would nearly always be cancelled.
    private func pulse() {
        guard !isPulsing else { return }
        isPulsing = true
        eventLoop.assumeIsolated().scheduleTask(in: Self.pulse) { [self] in
            isPulsing = false
            let now = now
            let waiting = calls.values.filter { now >= $0.alarm || now - $0.moment >= Self.pulse }
            // Each once, however many wait for it.
            let lanes = waiting.compactMap(\.lane) + shadowRuns.values.compactMap(\.lane)
            var relieved: Set<ObjectIdentifier> = []
            for lane in lanes where relieved.insert(ObjectIdentifier(lane)).inserted { lane.relieve(at: now) }
            // Looked at again: one that expires may let a new table be seen, which begins others anew.
            for call in waiting where now >= call.alarm { call.expire() }
            for run in shadowRuns.values.filter({ now >= $0.alarm }) { run.expire() }
            if !calls.isEmpty || !shadowRuns.isEmpty { pulse() }
        }
    }
}

// MARK: - The fence

extension EventLoopCell {
    /// What taking a table meant for the requests in flight.
    struct Taken: Sendable {
        /// They have to be answered again.
        let replayed: Int
        /// They were refused.
        let cutOff: Int
        /// They may still be answered by a withdrawn version.
        let draining: Int
        /// Succeeds when the last of those has left.
        let drained: EventLoopFuture<Void>
    }

    /// The requests that one table left to a version that it withdraws.
    private struct Drain {
        var open: Set<ObjectIdentifier>
        let promise: EventLoopPromise<Void>

        var isOver: Bool { open.isEmpty }

        mutating func ended(_ call: ObjectIdentifier) {
            if open.remove(call) != nil, open.isEmpty { promise.succeed() }
        }
    }

    /// Learns which routes come next; nil takes that back.
    func expect(_ next: Forthcoming?) {
        forthcoming = next
        overtaken.removeAll()
        if let next {
            for (id, call) in calls {
                let fate = call.fate(under: next.snapshot)
                if fate != .undisturbed { overtaken[id] = fate }
            }
        }
        showOvertaken(cutOff: overtaken.values.count { $0 == .cutOff })
    }

    /// Follows the routes that came, as soon as they are current.
    func follow() {
        guard let forthcoming, forthcoming.isCurrent else { return }
        _ = take(forthcoming.snapshot)
    }

    /// Does what may let an answer leave.
    ///
    /// By the time that it compares, the cell's snapshot is the one that is current everywhere, and another
    /// one becomes so only after what is done.
    func underCurrentTable(_ body: () -> Void) {
        guard let forthcoming, !isAnswering else { return body() }
        latch.isShut = true
        guard !forthcoming.isCurrent else {
            // Nothing that the new routes forbid can leave any more, so nobody need wait for the rest.
            latch.isShut = false
            follow()
            return body()
        }
        isAnswering = true
        body()
        isAnswering = false
        latch.isShut = false
    }

    /// Counts a request in flight that the coming routes would take from its version.
    func noteAttempt(of call: InferenceCall) {
        guard let forthcoming else { return }
        note(call, call.fate(under: forthcoming.snapshot))
    }

    private func note(_ call: InferenceCall, _ fate: InferenceCall.Rerouting) {
        let before = overtaken.removeValue(forKey: ObjectIdentifier(call))
        if fate != .undisturbed { overtaken[ObjectIdentifier(call)] = fate }
        // By the difference: all of them are looked at once, when the routes come.
        showOvertaken(cutOff: latch.cutOff + (fate == .cutOff ? 1 : 0) - (before == .cutOff ? 1 : 0))
    }

    private func showOvertaken(cutOff: Int) {
        latch.cutOff = cutOff
        latch.replayed = overtaken.count - cutOff
    }

    /// Makes `next` current, and lets every request in flight see whether its version still answers.
    func take(_ next: Snapshot) -> Taken {
        snapshot = next
        forthcoming = nil
        var (replayed, cutOff, draining) = (0, 0, Set<ObjectIdentifier>())
        // A copy, because a pinned request ends here and the next one of its connection may begin.
        for (id, call) in calls.map({ ($0.key, $0.value) }) {
            switch call.reroute() {
            case .undisturbed: break
            case .replayed: replayed += 1
            case .cutOff: cutOff += 1
            case .draining: draining.insert(id)
            }
        }
        for run in Array(shadowRuns.values) { run.reroute() }
        let promise = eventLoop.makePromise(of: Void.self)
        if draining.isEmpty {
            promise.succeed()
        } else {
            drains.append(Drain(open: draining, promise: promise))
        }
        return Taken(
            replayed: replayed,
            cutOff: cutOff,
            draining: draining.count,
            drained: promise.futureResult
        )
    }
}

// MARK: - Connections

extension EventLoopCell {
    /// The loop looks at the patience of all its connections every `pulse`.
    func opened(_ connection: Connection, pulse: TimeAmount) {
        connections[ObjectIdentifier(connection)] = connection
        if let isLeaving { connection.leave(within: isLeaving) }
        sweep(every: pulse)
    }

    func closed(_ connection: Connection) {
        connections[ObjectIdentifier(connection)] = nil
        finishDraining()
    }

    var openConnections: Int { connections.count }

    /// What has been counted, with the levels of this moment.
    var allFigures: LoopFigures {
        var all = figures
        all.shown.connections = connections.count
        all.shown.inFlight = calls.count
        for routed in snapshot.all {
            for (number, lane) in routed.lanes {
                all.shown.set(lane.breaker.shown, of: VersionID(routed.route.endpoint.model, number))
            }
        }
        return all
    }

    private func sweep(every pulse: TimeAmount) {
        guard !isSweeping else { return }
        isSweeping = true
        eventLoop.assumeIsolated().scheduleTask(in: pulse) { [self] in
            isSweeping = false
            let now = now
            for connection in Array(connections.values) { connection.expire(at: now) }
            if !connections.isEmpty { sweep(every: pulse) }
        }
    }

    /// From now on every answer is the last of its connection, and whoever is silent for `linger` is let go.
    func leave(linger: TimeAmount) {
        isLeaving = linger
        for connection in connections.values { connection.leave(within: linger) }
    }

    /// Waits until every connection has gone and every run has come back.
    ///
    /// What is left at `deadline` is closed, and its runs are wished to end. A model that does not hear that
    /// is not waited for longer than `grace`.
    func drain(until deadline: NIODeadline, grace: TimeAmount) -> EventLoopFuture<Void> {
        if let drained { return drained.futureResult }
        let promise = eventLoop.makePromise(of: Void.self)
        drained = promise
        let loop = eventLoop.assumeIsolated()
        let cutOff = loop.scheduleTask(deadline: deadline) {
            for connection in Array(self.connections.values) { connection.close() }
            for call in Array(self.calls.values) { call.cancel() }
            for run in Array(self.shadowRuns.values) { run.cancel() }
        }
        let giveUp = loop.scheduleTask(deadline: deadline + grace) { promise.succeed() }
        promise.futureResult.assumeIsolated().whenComplete { _ in
            cutOff.cancel()
            giveUp.cancel()
        }
        finishDraining()
        return promise.futureResult
    }

    private func finishDraining() {
        if connections.isEmpty, runs == 0 { drained?.succeed() }
    }
}
