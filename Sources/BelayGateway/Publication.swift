import BelayCore
import BelayInference
import NIOCore
import Synchronization

/// The fence: hands tables to every event loop and knows when none can answer by an older one any more.
///
/// Publications go one at a time, so each starts from the snapshot that every loop has. After the last
/// acknowledgement no answer of a withdrawn version can leave, because
///
/// 1. a loop acknowledges in the turn in which it takes the snapshot;
/// 2. an answer's version is compared with the loop's current snapshot in the same turn in which head and
///    body are handed to the connection (``InferenceCall``), so the answer is wholly before or after it;
/// 3. after it, the comparison refuses the withdrawn version, whenever the run was started; where a policy
///    lets requests in flight finish, ``Handover/drained`` waits for the last of them.
///
/// A table that every loop was told of before (``prepare(_:)``) needs no turn of theirs. Then a loop itself
/// looks whether the table has become current, in the turn in which it compares and hands over, and instead
/// of 1 it was seen outside of such a turn after the table had become current (``Latch``).
///
/// Bytes handed over before may still be on their way to a slow reader, as they may be in the network.
final class Publication: Sendable {
    private let stations: [Station]
    private let pool: InstancePool
    private let seen: SeenUnits
    private let makeLane: @Sendable (VersionID, any Instance) -> Lane
    private let turnstile = Turnstile()
    private let current = Mutex(Snapshot())
    private let forthcoming = Mutex<Forthcoming?>(nil)
    /// No table is taken any more; only in the turnstile.
    private let isRetired = Mutex(false)

    init(
        stations: [Station],
        pool: InstancePool,
        seen: SeenUnits,
        makeLane: @escaping @Sendable (VersionID, any Instance) -> Lane
    ) {
        self.stations = stations
        self.pool = pool
        self.seen = seen
        self.makeLane = makeLane
    }

    /// Tells every loop which table comes next, so that publishing it takes a moment; nil takes that back.
    ///
    /// Nothing else changes. A table that leaves requests in flight to a version that it withdraws is not
    /// prepared: its receipt waits for those requests anyway.
    func prepare(_ table: RouteTable?) async {
        await turnstile.pass {
            guard !isRetired.withLock({ $0 }) else { return }
            let next = coming(table, after: current.withLock { $0 })
            guard next != nil || forthcoming.withLock({ $0 != nil }) else { return }
            // Only what every loop knows can become current without them.
            forthcoming.withLock { $0 = nil }
            _ = await stations.inTurn { [next] cell in cell.expect(next) }
            forthcoming.withLock { $0 = next }
        }
    }

    private func coming(_ table: RouteTable?, after former: Snapshot) -> Forthcoming? {
        guard let table, former.isPublished, table.epoch > former.table.epoch,
            !table.routes.values.contains(where: { $0.failing.inflight == .drain })
        else { return nil }
        return Forthcoming(Snapshot(table: table, pool: pool, former: former, makeLane: makeLane))
    }

    /// Makes `table` current on every loop, unless a newer one already is, and says which comes next.
    ///
    /// Instances are looked up anew in any case, and every loop acknowledges in any case: a publication that
    /// was cut short before is made good by the next, and control can publish a table again after a load.
    ///
    /// Others may publish while the requests end that this table lets finish.
    ///
    /// - Throws: ``GatewayError/stopped`` once every version has been let go.
    func hand(_ table: RouteTable, preparing following: RouteTable? = nil) async throws -> Handover {
        let began = NIODeadline.now()
        let proof = try await turnstile.pass { () -> Proof in
            guard !isRetired.withLock({ $0 }) else { throw GatewayError.stopped }
            let former = current.withLock { $0 }
            let next = forthcoming.withLock { next in
                defer { next = nil }
                return next
            }
            if let next, following == nil, next.snapshot.table == table,
                table.epoch > former.table.epoch
            {
                return await activate(next)
            }
            return await hand(table, after: former, preparing: following)
        }
        let acknowledged = receipt(proof, drained: 0, since: began)
        guard !proof.drains.isEmpty else { return Handover(acknowledged) }
        return Handover(acknowledged) {
            for each in proof.drains { try await each.get() }
            return self.receipt(proof, drained: proof.draining, since: began)
        }
    }

    private func receipt(_ proof: Proof, drained: Int, since began: NIODeadline) -> Receipt {
        Receipt(
            epoch: proof.epoch,
            loops: stations.count,
            replayed: proof.replayed,
            cutOff: proof.cutOff,
            drained: drained,
            elapsedMicroseconds: (NIODeadline.now() - began).nanoseconds / 1000
        )
    }

    /// What is known once no loop can answer by an older table.
    private struct Proof: Sendable {
        let epoch: Epoch
        let replayed: Int
        let cutOff: Int
        var draining = 0
        /// End with the requests that may still be answered.
        var drains: [EventLoopFuture<Void>] = []
    }

    /// Makes current what every loop knows already.
    private func activate(_ next: Forthcoming) async -> Proof {
        next.makeCurrent()
        current.withLock { $0 = next.snapshot }
        // They follow by themselves; whoever is between two answers now lets no old one leave any more.
        for station in stations { station.execute { $0.follow() } }
        let interrupted = stations.filter { !$0.latch.opens() }
        _ = await interrupted.inTurn { $0.follow() }
        forget(but: next.snapshot.table)
        return Proof(
            epoch: next.snapshot.table.epoch,
            replayed: stations.reduce(0) { $0 + $1.latch.replayed },
            cutOff: stations.reduce(0) { $0 + $1.latch.cutOff }
        )
    }

    /// Hands a table to every loop, in a turn of each.
    private func hand(
        _ table: RouteTable,
        after former: Snapshot,
        preparing following: RouteTable?
    ) async -> Proof {
        let isOlder = former.isPublished && table.epoch < former.table.epoch
        let next = Snapshot(
            table: isOlder ? former.table : table,
            pool: pool,
            former: former,
            makeLane: makeLane
        )
        let following = coming(following, after: next)
        current.withLock { $0 = next }
        let taken = await stations.inTurn { cell in
            let taken = cell.take(next)
            if let following { cell.expect(following) }
            return taken
        }
        forthcoming.withLock { $0 = following }
        forget(but: next.table)
        return Proof(
            epoch: next.table.epoch,
            replayed: taken.reduce(0) { $0 + $1.replayed },
            cutOff: taken.reduce(0) { $0 + $1.cutOff },
            draining: taken.reduce(0) { $0 + $1.draining },
            drains: taken.filter { $0.draining > 0 }.map(\.drained)
        )
    }

    /// Forgets the sticky units of releases that are over.
    private func forget(but table: RouteTable) {
        let candidates = table.routes.values.compactMap(\.candidate) + table.suspended
        seen.keepOnly(Set(candidates.map(EvidenceEpoch.init)))
    }

    /// Lets every version go; what is in flight keeps its own.
    func retire() async {
        await turnstile.pass {
            isRetired.withLock { $0 = true }
            let nothing = Snapshot()
            current.withLock { $0 = nothing }
            forthcoming.withLock { $0 = nil }
            for retirement in stations.map({ $0.submit { cell in _ = cell.take(nothing) } }) {
                // A loop that has stopped already answers nobody.
                try? await retirement.get()
            }
        }
    }
}

/// One event loop and the way to what it owns.
struct Station: Sendable {
    let eventLoop: any EventLoop
    let latch: Latch
    private let cell: NIOLoopBoundBox<EventLoopCell>

    init(eventLoop: any EventLoop) {
        let latch = Latch()
        self.eventLoop = eventLoop
        self.latch = latch
        cell = .makeBoxSendingValue(
            EventLoopCell(eventLoop: eventLoop, latch: latch),
            eventLoop: eventLoop
        )
    }

    /// What the loop owns; only on the loop.
    var cellOnLoop: EventLoopCell { cell.value }

    /// Does something with the cell, in a turn of the loop.
    func submit<Value: Sendable>(
        _ body: @escaping @Sendable (EventLoopCell) -> Value
    ) -> EventLoopFuture<Value> {
        eventLoop.submit { [cell] in body(cell.value) }
    }

    /// The same without an answer, which costs less.
    func execute(_ body: @escaping @Sendable (EventLoopCell) -> Void) {
        eventLoop.execute { [cell] in body(cell.value) }
    }
}
