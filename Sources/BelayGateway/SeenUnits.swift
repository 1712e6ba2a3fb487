import BelayCore
import Synchronization

/// Which sticky units have been counted in each release, shared by all loops.
///
/// With sticky routing the unit is the coin that was tossed, so only its first outcome in a release is
/// evidence. Units fall into shards by hash, each with its own lock, so that loops seldom meet.
final class SeenUnits: Sendable {
    /// A `Mutex` cannot be an element of an array, so each has an object around it.
    private final class Shard: Sendable {
        let units = Mutex<[ReleaseID: Set<UnitHash>]>([:])
    }

    private let shards: [Shard]
    private let limitPerShard: Int
    private let refused = Mutex(0)

    /// - Parameter limit: Units remembered per release, shared out evenly among the shards.
    init(limit: Int) {
        let count = 16
        shards = (0..<count).map { _ in Shard() }
        limitPerShard = max(1, (limit + count - 1) / count)
    }

    /// Units whose outcome was not counted because there was no room to remember them.
    var uncounted: Int { refused.withLock { $0 } }

    /// Remembers `unit`; true when this is its first outcome in the release and there was room.
    ///
    /// Without room the unit is not counted at all, because it could not be told from a second outcome later.
    func isFirst(_ unit: UnitHash, in release: ReleaseID) -> Bool {
        let (isFirst, isFull) = shard(of: unit).units.withLock { units in
            guard units[release, default: []].count < limitPerShard else {
                return (false, !units[release, default: []].contains(unit))
            }
            return (units[release, default: []].insert(unit).inserted, false)
        }
        if isFull { refused.withLock { $0 += 1 } }
        return isFirst
    }

    /// Puts back units that were counted before a restart.
    func seed(_ units: some Sequence<UnitHash>, in release: ReleaseID) {
        for unit in units { _ = isFirst(unit, in: release) }
    }

    /// Forgets every release but these.
    func keepOnly(_ releases: Set<ReleaseID>) {
        for shard in shards {
            shard.units.withLock { units in units = units.filter { releases.contains($0.key) } }
        }
    }

    private func shard(of unit: UnitHash) -> Shard { shards[Int(unit.value & 15)] }
}
