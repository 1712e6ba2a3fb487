package import BelayCore
import Synchronization

/// A store for tests and rehearsals: the full contract, none of the durability.
package final class InMemoryStore: Store {
    private struct Content {
        var chain = Chain()
        var entries: [SealedEntry] = []
        var ticks: [ReleaseID: [EvidenceTick]] = [:]
        var golden: [VersionID: GoldenAnswer] = [:]
    }

    private let content = Mutex(Content())

    package init() {}

    package var standing: Standing { content.withLock { $0.chain.standing } }

    package func seal(_ drafts: [EntryDraft], after head: Head) throws(StoreError) -> Batch {
        try Batch(drafts, after: head, of: content.withLock { $0.chain })
    }

    package func append(_ batch: Batch) throws(StoreError) {
        try content.withLock { content throws(StoreError) in
            guard content.chain.head == batch.before.head else {
                throw .headMoved(expected: batch.before.head, found: content.chain.head)
            }
            content.chain = batch.after
            content.entries += batch.entries
        }
    }

    package func entries(after sequence: Int, limit: Int) -> [SealedEntry] {
        content.withLock { Array($0.entries.dropFirst(max(0, sequence)).prefix(max(0, limit))) }
    }

    package func appendTicks(_ ticks: [EvidenceTick]) {
        content.withLock { content in
            for tick in ticks { content.ticks[tick.release, default: []].append(tick) }
        }
    }

    package func ticks(of release: ReleaseID) -> [EvidenceTick] {
        content.withLock { $0.ticks[release] ?? [] }
    }

    package func releasesWithTicks(limit: Int) -> [ReleaseID] {
        content.withLock { content in
            let repeated = content.ticks.filter { _, ticks in
                ticks.count > Set(ticks.map(\.step)).count
            }
            return Array(repeated.keys.sorted().prefix(max(0, limit)))
        }
    }

    package func sumTicks(of release: ReleaseID) {
        content.withLock { content in
            content.ticks[release] = content.ticks[release].map(EvidenceTick.sums)
        }
    }

    package func keep(_ golden: GoldenAnswer) {
        content.withLock { content in
            if content.golden[golden.version] == nil { content.golden[golden.version] = golden }
        }
    }

    package func golden(of version: VersionID) -> GoldenAnswer? { content.withLock { $0.golden[version] } }

    package func tidy() {}
}
