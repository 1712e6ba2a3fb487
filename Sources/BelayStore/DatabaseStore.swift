package import BelayCore
import Synchronization

/// The durable store over any ``Database``: decides in memory, writes one transaction, then believes it.
///
/// It holds no lock while it writes. Two appends that race start from the same head, the database lets one of
/// them advance it, and the other is told so.
package final class DatabaseStore<Backing: Database>: Ledger {
    package let database: Backing
    /// What the store believes of its database.
    private let chain: Mutex<Chain>

    /// Folds every entry of the ledger, checking the chain on the way, and mends the derived tables.
    ///
    /// - Throws: ``StoreError/broken(_:)`` naming the first bad entry, and every error of the database.
    package init(_ database: Backing) async throws(StoreError) {
        let chain = try await Chain().following(database)
        let recorded = try await database.head()
        try orBroken { () throws(LedgerProblem) in try chain.checkEnd(recorded: recorded) }
        let demanded = Projections(of: projectionRows(of: chain.state))
        let changes = demanded.changes(from: try await database.projections())
        if !changes.isEmpty { _ = try await database.transact(changes.map(Step.run)) }
        self.database = database
        self.chain = Mutex(chain)
    }

    package var standing: Standing { chain.withLock { $0.standing } }

    package func seal(_ drafts: [EntryDraft], after head: Head) throws(StoreError) -> Batch {
        try Batch(drafts, after: head, of: chain.withLock { $0 })
    }

    package func append(_ batch: Batch) async throws(StoreError) {
        guard !batch.entries.isEmpty else { return }
        let isUrgent = batch.entries.contains { $0.entry.event.isUrgent }
        switch try await transact(batch.steps, isUrgent: isUrgent) {
        case .committed: advance(to: batch.after)
        case .unmet:
            advance(to: try await batch.before.following(database))
            throw .headMoved(expected: batch.before.head, found: standing.head)
        }
    }

    /// A full disk must not keep a version in service: what is urgent takes from the reserve.
    private func transact(_ steps: [Step], isUrgent: Bool) async throws(StoreError) -> Outcome {
        while true {
            do {
                return try await database.transact(steps)
            } catch {
                guard case .storageFull = error, isUrgent, await database.spendReserve() else { throw error }
            }
        }
    }

    package func entries(after sequence: Int, limit: Int) async throws(StoreError) -> [SealedEntry] {
        let rows = try await database.rows(LedgerTable.after(sequence, limit: max(0, limit)))
        return try orBroken { () throws(LedgerProblem) in
            var entries: [SealedEntry] = []
            for (index, row) in rows.enumerated() {
                // There is a row, so its number can be said; how large `sequence` may be, nobody promises.
                let stored = try LedgerTable.entry(row, expected: max(0, sequence) + index + 1)
                entries.append(SealedEntry(entry: try read(stored), stored: stored))
            }
            return entries
        }
    }

    /// Two appends may end in either order; the longer chain always contains the shorter.
    private func advance(to next: Chain) {
        chain.withLock { chain in
            if next.head.sequence > chain.head.sequence { chain = next }
        }
    }
}

extension DatabaseStore: Archive {
    package func appendTicks(_ ticks: [EvidenceTick]) async throws(StoreError) {
        guard !ticks.isEmpty else { return }
        _ = try await database.transact(ticks.map { .run(EvidenceTable.insertion($0)) }, .later)
    }

    package func tidy() async throws(StoreError) { try await database.checkpoint() }

    package func ticks(of release: ReleaseID) async throws(StoreError) -> [EvidenceTick] {
        let rows = try await database.rows(EvidenceTable.of(release))
        return try orBroken { () throws(LedgerProblem) in
            try rows.map { row throws(LedgerProblem) in try EvidenceTable.tick(row) }
        }
    }

    package func releasesWithTicks(limit: Int) async throws(StoreError) -> [ReleaseID] {
        try await database.rows(EvidenceTable.repeated(limit: max(0, limit)))
            .compactMap { $0[0].integer.flatMap { Int(exactly: $0) } }.map(ReleaseID.init)
    }

    package func sumTicks(of release: ReleaseID) async throws(StoreError) {
        let sums = EvidenceTick.sums(of: try await ticks(of: release))
        guard !sums.isEmpty else { return }
        let steps = [EvidenceTable.deletion(of: release)] + sums.map(EvidenceTable.insertion)
        _ = try await database.transact(steps.map(Step.run), .later)
    }

    package func keep(_ golden: GoldenAnswer) async throws(StoreError) {
        _ = try await database.transact([.run(GoldenTable.insertion(golden))], .later)
    }

    package func golden(of version: VersionID) async throws(StoreError) -> GoldenAnswer? {
        try await database.rows(GoldenTable.of(version)).first.flatMap { row in
            guard let at = row[0].integer, let body = row[1].text else { return nil }
            return GoldenAnswer(version: version, at: Timestamp(milliseconds: at), body: body)
        }
    }
}

extension Batch {
    /// The entries and what they change in the derived tables.
    fileprivate var steps: [Step] {
        let reach = Reach(of: entries, in: after.state)
        let rows = Projections(of: projectionRows(of: after.state, within: reach))
        let changes = rows.changes(from: Projections(of: projectionRows(of: before.state, within: reach)))
        return [.require(LedgerTable.advance(from: before.head, to: after.head))]
            + entries.map { .run(LedgerTable.insertion($0.stored)) } + changes.map(Step.run)
    }
}

extension Event {
    /// Whether it must be recorded even on a full disk: a rollback, or that a server is there for one.
    fileprivate var isUrgent: Bool {
        switch self {
        case .release(.rolledBack), .safety(.quarantined), .operation(.serverStarted): true
        default: false
        }
    }
}

extension EvidenceTick {
    /// One tick for each step that counts what all of its ticks counted, at the time of the newest.
    ///
    /// What a version showed while it was tried stays apart from what it has shown since.
    static func sums(of ticks: [EvidenceTick]) -> [EvidenceTick] {
        Dictionary(grouping: ticks, by: \.step).sorted { $0.key < $1.key }.compactMap { step, ticks in
            guard let newest = ticks.last else { return nil }
            var sum = EvidenceCounts()
            for tick in ticks { sum.merge(tick.counts) }
            return EvidenceTick(release: newest.release, at: newest.at, step: step, counts: sum)
        }
    }
}

extension Chain {
    /// The chain with all entries that follow it in the database.
    fileprivate func following(_ database: some Database) async throws(StoreError) -> Chain {
        var chain = self
        while true {
            let after = chain.head.sequence == 0 ? Int.min : chain.head.sequence
            let rows = try await database.rows(LedgerTable.after(after, limit: LedgerTable.page))
            try orBroken { () throws(LedgerProblem) in
                for row in rows {
                    try chain.take(LedgerTable.entry(row, expected: chain.head.sequence + 1))
                }
            }
            guard rows.count == LedgerTable.page else { return chain }
        }
    }
}

extension Database {
    fileprivate func head() async throws(StoreError) -> Head {
        let rows = try await rows(LedgerTable.head)
        return try orBroken { () throws(LedgerProblem) in try LedgerTable.head(rows) }
    }

    fileprivate func projections() async throws(StoreError) -> Projections {
        var found: [ProjectedRow] = []
        for table in ProjectedTable.allCases {
            found += try await rows(table.selection).map { ProjectedRow(table: table, values: $0) }
        }
        return Projections(of: found)
    }
}

/// What is a finding to a verifier is a failure to a store.
private func orBroken<Value>(_ body: () throws(LedgerProblem) -> Value) throws(StoreError) -> Value {
    do { return try body() } catch { throw .broken(error) }
}
