import BelayCore
import BelayInference
import BelayStore
import Synchronization

/// A data plane that answers nobody: it takes tables as a gateway does, and checks each against the ledger.
final class RecordingPublisher: RoutePublisher {
    struct Unacknowledged: Error {}

    private struct Content {
        var pool = InstancePool()
        var current: RouteTable?
        var visible: Set<VersionID> = []
        var offered: [RouteTable] = []
        var prepared: RouteTable?
        var violations: [String] = []
        var failures = 0
        var inFlight = 0
    }

    /// Where publications wait.
    let door = Door()
    /// Where requests wait that a withdrawn version may finish.
    let exit = Door()
    private let store: InMemoryStore
    private let fate: Fate
    private let content = Mutex(Content())

    init(store: InMemoryStore, fate: Fate) {
        self.store = store
        self.fate = fate
    }

    /// The table that requests follow; nil before the first publication of this process.
    var current: RouteTable? { content.withLock { $0.current } }
    /// The instances that requests can reach: those that were loaded at the newest publication.
    var visible: Set<VersionID> { content.withLock { $0.visible } }
    /// Every table handed over, acknowledged or not, over all processes.
    var offered: [RouteTable] { content.withLock { $0.offered } }
    /// The table that was said to come, until another one was said to or came.
    var prepared: RouteTable? { content.withLock { $0.prepared } }
    /// What should never have been seen; empty in a good story.
    var violations: [String] { content.withLock { $0.violations } }

    /// Lets so many of the next publications fail.
    func fail(_ times: Int) { content.withLock { $0.failures = times } }

    /// The next table leaves so many requests to the version that they went to.
    func leaveInFlight(_ requests: Int) { content.withLock { $0.inFlight = requests } }

    private static func receipt(_ epoch: Epoch, drained: Int) -> Receipt {
        Receipt(epoch: epoch, loops: 1, replayed: 0, drained: drained, elapsedMicroseconds: 0)
    }

    /// A new process: no table, no instance.
    func restart(pool: InstancePool) {
        content.withLock { content in
            content.pool = pool
            content.current = nil
            content.visible = []
        }
    }

    func prepare(_ table: RouteTable?) async { content.withLock { $0.prepared = table } }

    func hand(_ table: RouteTable, preparing next: RouteTable?) async throws -> Handover {
        await door.pass()
        guard !fate.isDead else { throw Unacknowledged() }
        let standing = store.standing
        return try content.withLock { content throws(Unacknowledged) in
            content.violations += objections(to: table, after: content.offered, standing)
            content.offered.append(table)
            content.prepared = next
            guard content.failures == 0 else {
                content.failures -= 1
                throw Unacknowledged()
            }
            let current = content.current.flatMap { $0.epoch > table.epoch ? $0 : nil } ?? table
            content.current = current
            content.visible = content.pool.loaded
            let epoch = current.epoch
            guard content.inFlight > 0 else { return Handover(Self.receipt(epoch, drained: 0)) }
            let drained = content.inFlight
            content.inFlight = 0
            return Handover(Self.receipt(epoch, drained: 0)) { [exit] in
                await exit.pass()
                return Self.receipt(epoch, drained: drained)
            }
        }
    }
}

/// What must hold of every table that is handed to the data plane.
private func objections(to table: RouteTable, after former: [RouteTable], _ standing: Standing) -> [String] {
    var found: [String] = []
    if let last = former.last, table.epoch < last.epoch {
        found.append("epoch \(table.epoch) came after \(last.epoch)")
    }
    if table.epoch.value > standing.head.sequence {
        found.append("table \(table.epoch) was published before its entry was recorded")
    }
    let recorded = standing.state.routeTable
    for same in former where same.epoch == table.epoch && !differOnlyInSuspensions(same, table, recorded) {
        found.append("two tables of epoch \(table.epoch) differ")
    }
    for route in table.routes.values {
        for number in [route.stable, route.candidate?.version].compactMap(\.self) + route.standbys {
            let id = VersionID(route.endpoint.model, number)
            if route.withdrawn.contains(number) || standing.state.isQuarantined(id) {
                found.append("table \(table.epoch) lets \(id) answer, which is withdrawn")
            }
        }
    }
    return found
}

/// Whether two tables differ in nothing but a rollback that is not recorded yet.
private func differOnlyInSuspensions(
    _ one: RouteTable,
    _ other: RouteTable,
    _ recorded: RouteTable
) -> Bool {
    guard one.routes.keys == other.routes.keys else { return false }
    return one.routes.allSatisfy { model, route in
        guard let second = other.routes[model], route != second else { return true }
        return route.withdrawn.isStrictSubset(of: second.withdrawn)
            || second.withdrawn.isStrictSubset(of: route.withdrawn)
            // Another target was named meanwhile.
            || recorded.routes[model]?.withdrawn.isStrictSubset(of: route.withdrawn) ?? false
    }
}
