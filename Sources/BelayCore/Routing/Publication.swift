/// Proof that every event loop has left the old route table.
package struct Receipt: Hashable, Codable, Sendable {
    package let epoch: Epoch
    /// How many event loops acknowledged.
    package let loops: Int
    /// Requests in flight on a withdrawn version that are answered again by another.
    package let replayed: Int
    /// Requests in flight on a withdrawn version that were refused: by the policy, because they had named the
    /// version, or because nothing else answers.
    package let cutOff: Int
    /// Requests in flight that the withdrawn version was still allowed to answer before the receipt.
    package let drained: Int
    /// From the call of publish to the last acknowledgement.
    package let elapsedMicroseconds: Int64

    enum CodingKeys: String, CodingKey {
        case epoch, loops, replayed, drained
        case cutOff = "cut_off"
        case elapsedMicroseconds = "elapsed_us"
    }

    package init(
        epoch: Epoch,
        loops: Int,
        replayed: Int,
        cutOff: Int = 0,
        drained: Int,
        elapsedMicroseconds: Int64
    ) {
        self.epoch = epoch
        self.loops = loops
        self.replayed = replayed
        self.cutOff = cutOff
        self.drained = drained
        self.elapsedMicroseconds = elapsedMicroseconds
    }

    /// Older receipts had nothing to drain, and counted what was cut off among the replayed.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        epoch = try container.decode(Epoch.self, forKey: .epoch)
        loops = try container.decode(Int.self, forKey: .loops)
        replayed = try container.decode(Int.self, forKey: .replayed)
        cutOff = try container.decodeIfPresent(Int.self, forKey: .cutOff) ?? 0
        drained = try container.decodeIfPresent(Int.self, forKey: .drained) ?? 0
        elapsedMicroseconds = try container.decode(Int64.self, forKey: .elapsedMicroseconds)
    }
}

extension Receipt {
    /// With the requests of an earlier one; all else is this one's.
    fileprivate func adding(_ earlier: Receipt) -> Receipt {
        Receipt(
            epoch: epoch,
            loops: loops,
            replayed: replayed + earlier.replayed,
            cutOff: cutOff + earlier.cutOff,
            drained: drained + earlier.drained,
            elapsedMicroseconds: elapsedMicroseconds
        )
    }
}

/// A table that every event loop has, and what may still come of the one before.
package struct Handover: Sendable {
    /// As of the last acknowledgement: no request that came since is answered by a withdrawn version.
    package let acknowledged: Receipt
    /// Waits for requests in flight that the policy lets a withdrawn version finish.
    ///
    /// It gives the receipt behind the last of them, and may be called more than once; nil when there are
    /// none.
    package let drained: (@Sendable () async throws -> Receipt)?

    package init(_ acknowledged: Receipt, drained: (@Sendable () async throws -> Receipt)? = nil) {
        self.acknowledged = acknowledged
        self.drained = drained
    }

    /// What both meant for requests, as one: this one completed what an `earlier` one had begun.
    package func completing(_ earlier: Handover) -> Handover {
        let acknowledged = acknowledged.adding(earlier.acknowledged)
        guard drained != nil || earlier.drained != nil else { return Handover(acknowledged) }
        return Handover(acknowledged) { [self] in
            let first = try await earlier.drained?() ?? earlier.acknowledged
            return try await (drained?() ?? self.acknowledged).adding(first)
        }
    }
}

/// The seam through which control hands tables to the data plane.
package protocol RoutePublisher: Sendable {
    /// Makes `table` current everywhere; returns when every event loop has it.
    ///
    /// From then on no answer of a version that it withdraws can leave any more, save those that
    /// ``Handover/drained`` waits for. A table whose epoch is older than the current one changes nothing and
    /// is acknowledged with the current epoch. Of two with the same epoch the later one counts: they differ
    /// in what a rollback keeps from callers while it is being recorded.
    ///
    /// With `next`, it says in the same turn of every event loop which table will come after it, as
    /// ``prepare(_:)`` does.
    func hand(_ table: RouteTable, preparing next: RouteTable?) async throws -> Handover

    /// Says which table will probably come next, so that publishing it takes less time; nil takes that back.
    ///
    /// It changes nothing that anybody is answered, and any other table may still be published.
    func prepare(_ table: RouteTable?) async
}

extension RoutePublisher {
    /// Makes `table` current everywhere; returns when no answer of a version it withdraws can leave any more.
    package func publish(_ table: RouteTable) async throws -> Receipt {
        let handover = try await hand(table, preparing: nil)
        return try await handover.drained?() ?? handover.acknowledged
    }
}

/// The seam through which control collects what the data plane has counted.
package protocol EvidenceSource: Sendable {
    /// Hands over everything counted since the last call; each count is handed over once.
    func collect() async -> EvidenceCounts
}
