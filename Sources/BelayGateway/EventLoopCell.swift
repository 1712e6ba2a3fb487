import BelayCore
import NIOCore

/// Everything that one event loop owns: its reference to the routes, its requests in flight, its counts.
///
/// Confined to the loop, so nothing here is locked or atomic. Others reach it only by a task on the loop.
final class EventLoopCell {
    let eventLoop: any EventLoop
    private(set) var snapshot = Snapshot()
    var tally = LoopTally()
    private var calls: [ObjectIdentifier: InferenceCall] = [:]
    private var connections: [ObjectIdentifier: any Channel] = [:]
    private var drained: EventLoopPromise<Void>?
    /// Runs that have not come back to this loop, those included that nobody waits for any more.
    private var runs = 0
    /// The system's generator: callers must not be able to foresee which requests meet the candidate.
    private var generator = SystemRandomNumberGenerator()

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Makes `next` current, and lets every request in flight see whether its version still answers.
    ///
    /// - Returns: How many have to be answered again because it does not.
    func take(_ next: Snapshot) -> Int {
        snapshot = next
        // A copy, because a pinned request ends here and the next one of its connection may begin.
        return Array(calls.values).count { $0.reroute() }
    }

    func freshUnit() -> UnitHash { UnitHash(generator.next()) }

    func begin(_ call: InferenceCall) { calls[ObjectIdentifier(call)] = call }

    func end(_ call: InferenceCall) { calls[ObjectIdentifier(call)] = nil }

    func runBegan() { runs += 1 }

    func runEnded() {
        runs -= 1
        finishDraining()
    }
}

// MARK: - Connections

extension EventLoopCell {
    func opened(_ channel: any Channel) {
        connections[ObjectIdentifier(channel)] = channel
        if drained != nil { quiesce(channel) }
    }

    func closed(_ channel: any Channel) {
        connections[ObjectIdentifier(channel)] = nil
        finishDraining()
    }

    /// Closes idle connections now and busy ones after their answer.
    ///
    /// What is left at `deadline` is closed, and its runs are wished to end. A model that does not hear that
    /// is not waited for longer than `grace`.
    func drain(until deadline: NIODeadline, grace: TimeAmount) -> EventLoopFuture<Void> {
        if let drained { return drained.futureResult }
        let promise = eventLoop.makePromise(of: Void.self)
        drained = promise
        for channel in connections.values { quiesce(channel) }
        let loop = eventLoop.assumeIsolated()
        let cutOff = loop.scheduleTask(deadline: deadline) {
            for channel in self.connections.values { channel.close(promise: nil) }
            for call in self.calls.values { call.cancel() }
        }
        let giveUp = loop.scheduleTask(deadline: deadline + grace) { promise.succeed() }
        promise.futureResult.assumeIsolated().whenComplete { _ in
            cutOff.cancel()
            giveUp.cancel()
        }
        finishDraining()
        return promise.futureResult
    }

    private func quiesce(_ channel: any Channel) {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }

    private func finishDraining() {
        if connections.isEmpty, runs == 0 { drained?.succeed() }
    }
}
