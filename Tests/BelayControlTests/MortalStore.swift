import BelayCore
import BelayStore
import Synchronization

/// When a process dies, or loses an answer: at which append, and on which side of it.
final class Fate: Sendable {
    enum Blow: Sendable, CaseIterable {
        /// The process dies before the append reaches the store.
        case beforeAppend
        /// The append is durable, but the process dies before it learns so: nothing is applied or published.
        case beforeAnswer
        /// The append is answered and applied; the process dies before it publishes.
        case afterAnswer
        /// The append is durable, its answer is an error, and the process lives on.
        case answerLost
    }

    private struct Content {
        var appends = 0
        var isDead = false
    }

    let blow: Blow?
    private let point: Int
    private let content = Mutex(Content())

    /// The blow falls at the append `point`, counted from 1; later ones are spared.
    init(_ blow: Blow?, at point: Int) {
        self.blow = blow
        self.point = point
    }

    static func spared() -> Fate { Fate(nil, at: 0) }

    /// How many appends were tried so far.
    var appends: Int { content.withLock { $0.appends } }
    var isDead: Bool { content.withLock { $0.isDead } }

    func kill() { content.withLock { $0.isDead = true } }
    func revive() { content.withLock { $0.isDead = false } }

    /// What befalls the append that begins now.
    func next() -> Blow? {
        content.withLock { content in
            content.appends += 1
            return content.appends == point ? blow : nil
        }
    }
}

/// A store as one process sees it: when the process is dead, nothing reaches the store any more.
final class MortalStore: Store {
    private let inner: InMemoryStore
    private let fate: Fate
    private let refusedTicks = Mutex(0)
    private let refusedEntries = Mutex(0)
    /// Where entries, and evidence, wait on their way to the disk.
    let entriesDoor = Door()
    let ticksDoor = Door()

    init(_ inner: InMemoryStore, fate: Fate) {
        self.inner = inner
        self.fate = fate
    }

    /// Lets so many of the next appends of entries fail, as a full disk would.
    func refuseEntries(_ times: Int) { refusedEntries.withLock { $0 = times } }

    /// Lets so many of the next appends of evidence fail, as a full disk would.
    func refuseTicks(_ times: Int) { refusedTicks.withLock { $0 = times } }

    var standing: Standing {
        get async throws(StoreError) {
            try live()
            return inner.standing
        }
    }

    func seal(_ drafts: [EntryDraft], after head: Head) throws(StoreError) -> Batch {
        try live()
        return try inner.seal(drafts, after: head)
    }

    func append(_ batch: Batch) async throws(StoreError) {
        try live()
        await entriesDoor.pass()
        let isRefused = refusedEntries.withLock { times in
            defer { times = max(0, times - 1) }
            return times > 0
        }
        guard !isRefused else { throw .storageFull(path: "ledger") }
        let blow = fate.next()
        guard blow != .beforeAppend else { throw die() }
        try inner.append(batch)
        switch blow {
        case .beforeAnswer: throw die()
        case .afterAnswer: fate.kill()
        case .answerLost: throw .unavailable(path: "ledger", reason: "the answer was lost")
        case .beforeAppend, nil: break
        }
    }

    func entries(after sequence: Int, limit: Int) async throws(StoreError) -> [SealedEntry] {
        try live()
        return inner.entries(after: sequence, limit: limit)
    }

    func appendTicks(_ ticks: [EvidenceTick]) async throws(StoreError) {
        try live()
        await ticksDoor.pass()
        let isRefused = refusedTicks.withLock { times in
            defer { times = max(0, times - 1) }
            return times > 0
        }
        guard !isRefused else { throw .storageFull(path: "evidence") }
        inner.appendTicks(ticks)
        // Counts that die before they are recorded are lost with the process, which is no story of its own.
        guard !ticks.isEmpty, fate.blow == .beforeAnswer || fate.blow == .afterAnswer else { return }
        switch fate.next() {
        case .beforeAnswer: throw die()
        case .afterAnswer: fate.kill()
        case .beforeAppend, .answerLost, nil: break
        }
    }

    func ticks(of release: ReleaseID) async throws(StoreError) -> [EvidenceTick] {
        try live()
        return inner.ticks(of: release)
    }

    func releasesWithTicks(limit: Int) async throws(StoreError) -> [ReleaseID] {
        try live()
        return inner.releasesWithTicks(limit: limit)
    }

    func sumTicks(of release: ReleaseID) async throws(StoreError) {
        try live()
        inner.sumTicks(of: release)
    }

    func keep(_ golden: GoldenAnswer) async throws(StoreError) {
        try live()
        inner.keep(golden)
    }

    func golden(of version: VersionID) async throws(StoreError) -> GoldenAnswer? {
        try live()
        return inner.golden(of: version)
    }

    func tidy() async throws(StoreError) { try live() }

    private func live() throws(StoreError) {
        guard !fate.isDead else { throw .unavailable(path: "ledger", reason: "the process is dead") }
    }

    private func die() -> StoreError {
        fate.kill()
        return .unavailable(path: "ledger", reason: "the process is dead")
    }
}
