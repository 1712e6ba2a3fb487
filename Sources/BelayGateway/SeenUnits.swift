import BelayCore
import Synchronization

/// The time in which a release's units are one toss: a later epoch tosses all of them anew.
struct EvidenceEpoch: Hashable, Sendable {
    let release: ReleaseID
    /// Counts from 0.
    let number: Int

    /// The one before; nil for the first.
    var former: EvidenceEpoch? { number > 0 ? EvidenceEpoch(release: release, number: number - 1) : nil }
}

extension EvidenceEpoch {
    init(_ candidate: Route.Candidate) {
        self.init(release: candidate.release, number: candidate.evidenceEpoch)
    }
}

/// How far each sticky unit has been tossed in each release's evidence epoch, shared by all loops.
///
/// With sticky routing the unit is the coin. A unit that has fallen to the candidate stays there, and one
/// that stayed with stable is tossed again only when the share rises: then with the probability that is
/// left. Units fall into shards by hash, each with its own lock, so that loops seldom meet.
final class SeenUnits: Sendable {
    /// A `Mutex` cannot be an element of an array, so each has an object around it.
    private final class Shard: Sendable {
        /// The share up to which a unit has been tossed and stayed; all once it has fallen.
        let units = Mutex<[EvidenceEpoch: [UnitHash: Share]]>([:])
    }

    private let shards: [Shard]
    private let limitPerShard: Int
    private let refused = Mutex(0)

    /// - Parameter limit: Units remembered per release and epoch, shared out evenly among the shards.
    init(limit: Int) {
        let count = 16
        shards = (0..<count).map { _ in Shard() }
        limitPerShard = max(1, (limit + count - 1) / count)
    }

    /// Units whose outcome was no evidence because there was no room to remember them.
    var uncounted: Int { refused.withLock { $0 } }

    /// With which probability the candidate could have got this outcome, given what was known of the unit.
    ///
    /// None or all when nothing was left to chance: the unit repeats itself, or there was no room to remember
    /// it, for then it could not be told from a repetition later.
    func chance(of unit: UnitHash, on arm: Arm, at share: Share, in epoch: EvidenceEpoch) -> Share {
        let tossed: Share = arm == .candidate ? .all : share
        let certain: Share = arm == .candidate ? .all : .none
        let (chance, isFull) = shard(of: unit).units.withLock { epochs -> (Share, Bool) in
            guard let before = epochs[epoch]?[unit] else {
                guard (epochs[epoch]?.count ?? 0) < limitPerShard else { return (certain, true) }
                epochs[epoch, default: [:]][unit] = tossed
                return (share, false)
            }
            guard share > before else { return (certain, false) }
            epochs[epoch]?[unit] = tossed
            return (share.given(before), false)
        }
        if isFull { refused.withLock { $0 += 1 } }
        return chance
    }

    /// Puts back units that were counted before a restart; they are not tossed again in this epoch, because
    /// how far they had been is not kept.
    func seed(_ units: some Sequence<UnitHash>, in epoch: EvidenceEpoch) {
        for unit in units { _ = chance(of: unit, on: .candidate, at: .all, in: epoch) }
    }

    /// Forgets every epoch but these, and the one before each: requests that were routed in it may still be
    /// under way, and a unit that had been forgotten by then would be evidence twice.
    func keepOnly(_ epochs: Set<EvidenceEpoch>) {
        let kept = epochs.union(epochs.compactMap(\.former))
        for shard in shards {
            shard.units.withLock { units in units = units.filter { kept.contains($0.key) } }
        }
    }

    private func shard(of unit: UnitHash) -> Shard { shards[Int(unit.value & 15)] }
}

extension Share {
    /// The probability of falling below this share for a unit that lies above `before`: (w − b) / (1 − b).
    fileprivate func given(_ before: Share) -> Share {
        let left = 1_000_000 - before.partsPerMillion
        guard left > 0 else { return .all }
        let parts = (partsPerMillion - before.partsPerMillion) * 1_000_000 / left
        return Share(partsPerMillion: parts) ?? .all
    }
}
