package import BelayCore

/// The append-only record from which all other state is derived.
///
/// An implementation must satisfy `LedgerContractTests`; the prose here is only its summary.
package protocol Ledger: Sendable {
    /// Gives the drafts their places, in order, directly after `head`; nothing is written yet.
    ///
    /// What they lead to is known before they are on disk, so that others can get ready meanwhile.
    ///
    /// - Throws: ``StoreError/headMoved(expected:found:)`` if another writer came first, and
    ///   ``StoreError/illegalEntry(sequence:kind:reason:)`` if the state refuses an event.
    func seal(_ drafts: [EntryDraft], after head: Head) throws(StoreError) -> Batch

    /// Appends all of the batch, or nothing.
    ///
    /// When it returns the entries are durable, and the projections and ``standing`` include them. A batch is
    /// never cut off half-way by the cancellation of its task.
    ///
    /// - Throws: ``StoreError/headMoved(expected:found:)`` if another writer came first, or what kept it from
    ///   the disk.
    func append(_ batch: Batch) async throws(StoreError)

    /// The entries that follow `sequence` (0 for the beginning), oldest first, at most `limit` of them.
    func entries(after sequence: Int, limit: Int) async throws(StoreError) -> [SealedEntry]

    /// The newest head together with the state it leads to.
    ///
    /// One value, so that a decision made on the state and appended after the head cannot miss an entry.
    var standing: Standing { get async throws(StoreError) }
}

extension Ledger {
    @discardableResult
    package func append(_ drafts: [EntryDraft], after head: Head) async throws(StoreError) -> Batch {
        let batch = try seal(drafts, after: head)
        try await append(batch)
        return batch
    }

    package var head: Head {
        get async throws(StoreError) { try await standing.head }
    }

    package var state: State {
        get async throws(StoreError) { try await standing.state }
    }
}

/// What was counted during releases: too much for the ledger, and still needed to repeat any decision.
package protocol EvidenceStore: Sendable {
    /// Keeps the ticks, all or none of them, in this order.
    func appendTicks(_ ticks: [EvidenceTick]) async throws(StoreError)

    /// All ticks of one release, in the order in which they were recorded.
    func ticks(of release: ReleaseID) async throws(StoreError) -> [EvidenceTick]

    /// Releases of which more than one tick of a step is kept, oldest first, at most `limit` of them.
    func releasesWithTicks(limit: Int) async throws(StoreError) -> [ReleaseID]

    /// Puts one tick for each step, the sum of all that are kept of it, in their place.
    ///
    /// For releases that are over: nobody will judge them again, and sums still agree. Repeating it is
    /// harmless.
    func sumTicks(of release: ReleaseID) async throws(StoreError)
}

/// What versions answered when they became stable.
package protocol GoldenStore: Sendable {
    /// Keeps the answer unless there is one of this version already: the first counts.
    func keep(_ golden: GoldenAnswer) async throws(StoreError)

    func golden(of version: VersionID) async throws(StoreError) -> GoldenAnswer?
}

/// What a version answered to its golden request, for the store a text like any other.
package struct GoldenAnswer: Equatable, Sendable {
    package let version: VersionID
    package let at: Timestamp
    package let body: String

    package init(version: VersionID, at: Timestamp, body: String) {
        self.version = version
        self.at = at
        self.body = body
    }
}

/// What is kept beside the ledger: too much of it, or of no consequence for what serves.
///
/// What is kept here may be lost in a power failure until the ledger's next entry, never after it: no
/// decision is ever on disk without the evidence that it rests on.
package protocol Archive: EvidenceStore, GoldenStore {
    /// Does what the store has to do from time to time, while nobody waits for it.
    func tidy() async throws(StoreError)
}

/// Everything that must not be forgotten.
package typealias Store = Ledger & Archive

/// The place after which the next entry goes.
package struct Head: Hashable, Sendable, CustomStringConvertible {
    /// The sequence of the newest entry; 0 while there is none.
    package let sequence: Int
    /// The hash of the newest entry; 32 zero bytes while there is none.
    package let hash: Digest

    package init(sequence: Int, hash: Digest) {
        self.sequence = sequence
        self.hash = hash
    }

    package static let genesis = Head(sequence: 0, hash: .zero)

    package var description: String { "\(sequence):\(hash.short)" }
}

/// Where a ledger stands: its head, and the state folded from every entry up to it.
package struct Standing: Equatable, Sendable {
    package let head: Head
    package let state: State
    /// When the newest entry was recorded; nil while there is none.
    package let newest: Timestamp?

    package init(head: Head, state: State, newest: Timestamp?) {
        self.head = head
        self.state = state
        self.newest = newest
    }
}

/// Entries at their places behind a head, and what they lead to.
package struct Batch: Equatable, Sendable {
    /// The entries as they are sealed; empty when nothing was asked for.
    package let entries: [SealedEntry]
    let before: Chain
    let after: Chain

    package var head: Head { after.head }
    package var state: State { after.state }

    /// - Throws: As ``Ledger/seal(_:after:)``.
    init(_ drafts: [EntryDraft], after head: Head, of chain: Chain) throws(StoreError) {
        guard chain.head == head else { throw .headMoved(expected: head, found: chain.head) }
        before = chain
        var after = chain
        var entries: [SealedEntry] = []
        for draft in drafts { entries.append(try after.seal(draft)) }
        self.entries = entries
        self.after = after
    }
}
