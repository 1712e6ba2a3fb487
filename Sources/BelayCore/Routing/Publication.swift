/// Proof that every event loop has left the old route table.
package struct Receipt: Hashable, Codable, Sendable {
    package let epoch: Epoch
    /// How many event loops acknowledged.
    package let loops: Int
    /// Requests in flight on a withdrawn version that are answered again by stable.
    package let replayed: Int
    /// From the call of publish to the last acknowledgement.
    package let elapsedMicroseconds: Int64

    enum CodingKeys: String, CodingKey {
        case epoch, loops, replayed
        case elapsedMicroseconds = "elapsed_us"
    }

    package init(epoch: Epoch, loops: Int, replayed: Int, elapsedMicroseconds: Int64) {
        self.epoch = epoch
        self.loops = loops
        self.replayed = replayed
        self.elapsedMicroseconds = elapsedMicroseconds
    }
}

/// The seam through which control hands tables to the data plane.
package protocol RoutePublisher: Sendable {
    /// Makes `table` current everywhere; returns when no answer of a version it withdraws can leave any more.
    ///
    /// Publishing a table whose epoch is not newer than the current one changes nothing and is acknowledged
    /// with the current epoch.
    func publish(_ table: RouteTable) async throws -> Receipt
}

/// The seam through which control collects what the data plane has counted.
package protocol EvidenceSource: Sendable {
    /// Hands over everything counted since the last call; each count is handed over once.
    func collect() async -> EvidenceCounts
}
