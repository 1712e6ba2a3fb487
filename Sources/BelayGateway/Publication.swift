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
///    lets requests in flight finish, the receipt waits for the last of them.
///
/// Bytes handed over before may still be on their way to a slow reader, as they may be in the network.
final class Publication: Sendable {
    private let stations: [Station]
    private let pool: InstancePool
    private let seen: SeenUnits
    private let makeLane: @Sendable (VersionID, any Instance) -> Lane
    private let turnstile = Turnstile()
    private let current = Mutex(Snapshot())

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

    /// Makes `table` current on every loop, unless a newer or equal one already is.
    ///
    /// Instances are looked up anew in any case, and every loop acknowledges in any case: a publication that
    /// was cut short before is made good by the next, and control can publish a table again after a load.
    ///
    /// - Throws: `EventLoopError` when the loops are shutting down; then nothing is proven.
    func publish(_ table: RouteTable) async throws -> Receipt {
        let began = NIODeadline.now()
        let (next, taken) = try await turnstile.pass { () -> (Snapshot, [EventLoopCell.Taken]) in
            let former = current.withLock { $0 }
            let isNewer = !former.isPublished || table.epoch > former.table.epoch
            let next = Snapshot(
                table: isNewer ? table : former.table,
                pool: pool,
                former: former,
                makeLane: makeLane
            )
            current.withLock { $0 = next }
            let acknowledgements = stations.map { $0.submit { cell in cell.take(next) } }
            var taken: [EventLoopCell.Taken] = []
            for acknowledgement in acknowledgements { taken.append(try await acknowledgement.get()) }
            seen.keepOnly(Set(next.table.routes.values.compactMap(\.candidate).map(EvidenceEpoch.init)))
            return (next, taken)
        }
        // Others may publish meanwhile: only this receipt waits for its own requests.
        for each in taken where each.draining > 0 { try await each.drained.get() }
        return Receipt(
            epoch: next.table.epoch,
            loops: stations.count,
            replayed: taken.reduce(0) { $0 + $1.replayed },
            drained: taken.reduce(0) { $0 + $1.draining },
            elapsedMicroseconds: (NIODeadline.now() - began).nanoseconds / 1000
        )
    }

    /// Lets every version go; what is in flight keeps its own.
    func retire() async {
        await turnstile.pass {
            let nothing = Snapshot()
            current.withLock { $0 = nothing }
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
    private let cell: NIOLoopBoundBox<EventLoopCell>

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        cell = .makeBoxSendingValue(EventLoopCell(eventLoop: eventLoop), eventLoop: eventLoop)
    }

    /// What the loop owns; only on the loop.
    var cellOnLoop: EventLoopCell { cell.value }

    /// Does something with the cell, in a turn of the loop.
    func submit<Value: Sendable>(
        _ body: @escaping @Sendable (EventLoopCell) -> Value
    ) -> EventLoopFuture<Value> {
        eventLoop.submit { [cell] in body(cell.value) }
    }
}
