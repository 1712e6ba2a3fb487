package import BelayCore
import BelayInference
package import BelayStore
package import Logging

/// The loop that makes the world follow the ledger: gather → decide → append → apply → enact.
///
/// It holds no truth of its own. Everything here can be rebuilt from the ledger and the recorded evidence, so
/// killing it anywhere and starting again continues with the same step. What comes from people passes the
/// same door as what comes from the judge, one at a time.
package actor Conductor {
    /// What came of a command.
    package struct Performed: Sendable {
        /// The entries that were appended; none when what was asked for was already so.
        package let events: [Event]
        package let receipt: Receipt?
        /// A rollback that had just been carried out, and was what was asked for.
        package var alreadyDone: Rollback?
    }

    /// Within this time of a candidate's rollback, asking for one again means the same one.
    private static let echo = Duration.seconds(10)

    /// A version that did not load is tried again after this long.
    static let loadPatience = Duration.seconds(30)

    private let ledger: any Ledger
    private let archive: any EvidenceStore
    let publisher: any RoutePublisher
    private let sources: [any EvidenceSource]
    let loader: VersionLoader
    let now: @Sendable () -> Timestamp
    let logger: Logger
    let turnstile = Turnstile()

    package private(set) var state: State
    private var head: Head
    /// What was collected and is not recorded yet.
    private var unrecorded = EvidenceCounts()
    private var judges: [ReleaseID: Judge] = [:]
    private var rulings: [ReleaseID: Ruling] = [:]
    var published: Receipt?
    /// When a load last failed.
    var loadFailures: [VersionID: Timestamp] = [:]
    /// Versions that nothing demands before the rollbacks that load them are recorded; how many those are.
    var reserved: [VersionID: Int] = [:]

    /// Takes over where the ledger stands: `state` is its fold up to `head`.
    ///
    /// The `sources`, where outcomes are counted, are drained at every tick. The wall clock `now` is recorded
    /// with entries and used for dwell times, never for order.
    package init(
        ledger: any Ledger,
        archive: any EvidenceStore,
        state: State,
        head: Head,
        publisher: any RoutePublisher,
        sources: [any EvidenceSource],
        loader: VersionLoader,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.ledger = ledger
        self.archive = archive
        self.state = state
        self.head = head
        self.publisher = publisher
        self.sources = sources
        self.loader = loader
        self.now = now
        self.logger = logger
    }

    // MARK: - Reading

    /// The state with the guards' newest reports for each running release, as of one moment.
    package var picture: (state: State, reports: [ReleaseID: [GuardReport]]) {
        (state, rulings.mapValues(\.reports))
    }

    // MARK: - Commands

    /// Decides, records, applies, and publishes what changed; returns when all of that is done.
    ///
    /// - Throws: A ``Refusal`` when the state does not allow it; a store error when it could not be recorded,
    ///   in which case nothing has happened. If only the store's answer was lost, what it recorded stands
    ///   and the next round carries it out.
    @discardableResult
    package func perform(_ command: Command, by actor: Actor, reason: String?) async throws -> Performed {
        try await turnstile.pass { try await performNow(command, by: actor, reason: reason) }
    }

    /// Takes a version out and returns with the proof that it is over.
    ///
    /// The version gone back to is loaded before anything is recorded. One that does not load is passed over
    /// and named in the record; while it loads, the endpoint goes on serving what it serves.
    package func rollback(
        _ endpoint: EndpointID,
        to reference: VersionReference?,
        by actor: Actor,
        reason: String?
    ) async throws -> Performed {
        var unloadable: [VersionNumber: String] = [:]
        var loading: Set<VersionID> = []
        // Until the end: a round between the load and the record would unload what nothing demands yet.
        defer { for id in loading { reserved[id] = reserved[id].flatMap { $0 > 1 ? $0 - 1 : nil } } }
        while true {
            let request = RollbackRequest(endpoint: endpoint, to: reference, unloadable: unloadable)
            let attempt = try await turnstile.pass { () -> Performed? in
                if reference == nil, let done = justTakenOut(at: endpoint) {
                    return Performed(events: [], receipt: try await publishIfNewer(), alreadyDone: done)
                }
                let events = try decide(.rollback(request), by: actor, in: state)
                guard unloadedTarget(of: events) == nil else { return nil }
                return try await performNow(.rollback(request), by: actor, reason: reason)
            }
            if let attempt { return attempt }
            let events = try decide(.rollback(request), by: actor, in: state)
            guard let target = unloadedTarget(of: events) else { continue }
            // A decision that insists on what does not load would be tried for ever.
            if let why = unloadable[target.id.number] { throw Refusal.doesNotLoad(target.id, reason: why) }
            if loading.insert(target.id).inserted { reserved[target.id, default: 0] += 1 }
            do {
                try await loader.load(target)
            } catch {
                unloadable[target.id.number] = reasonText(error)
            }
        }
    }

    /// The rollback that somebody, or a guard, was a moment quicker with.
    ///
    /// Who types `rollback` while a guard does the same means the candidate. Taken literally, a moment later,
    /// it would take out stable, which nobody has accused.
    private func justTakenOut(at endpoint: EndpointID) -> Rollback? {
        guard let last = state.endpoints[endpoint]?.lastTakenOut else { return nil }
        let since = now().since(last.at)
        return since >= .zero && since < Self.echo ? last.rollback : nil
    }

    private func unloadedTarget(of events: [Event]) -> Version? {
        for case .release(.rolledBack(let rollback)) in events {
            guard let number = rollback.to else { continue }
            let id = VersionID(rollback.endpoint.model, number)
            // Stable's place is its own: going back to what already serves never waits for anything.
            if state.endpoints[rollback.endpoint]?.stable?.version == number { continue }
            if !loader.isLoaded(id) { return state.version(id) }
        }
        return nil
    }

    func performNow(_ command: Command, by actor: Actor, reason: String?) async throws -> Performed {
        let events = try decide(command, by: actor, in: state)
        guard !events.isEmpty else { return Performed(events: [], receipt: try await publishIfNewer()) }
        try await append(events, by: actor, reason: reason)
        do {
            return Performed(events: events, receipt: try await publishIfNewer())
        } catch {
            // It is recorded, so it stands; the next tick publishes again and completes the fence.
            logger.error("a table was not acknowledged", metadata: ["error": "\(reasonText(error))"])
            return Performed(events: events, receipt: nil)
        }
    }

    func append(_ events: [Event], by actor: Actor, reason: String?) async throws {
        let time = now()
        let drafts = events.map { EntryDraft(at: time, actor: actor, reason: reason, event: $0) }
        do {
            let appended = try await ledger.append(drafts, after: head)
            for entry in appended.entries {
                try state.apply(entry.entry)
                logger.notice(
                    "recorded",
                    metadata: [
                        "kind": "\(entry.entry.event.kind.rawValue)",
                        "subject": "\(entry.entry.event.subject)",
                    ]
                )
            }
            head = appended.head
        } catch {
            // The answer may be lost although the entries are not, or another writer may have come first: the
            // record counts. A store that cannot be read either has said so by this error already.
            if let standing = try? await ledger.standing, standing.head != head {
                (state, head) = (standing.state, standing.head)
            }
            throw error
        }
    }

    // MARK: - The loop

    /// Keeps the world in step until the task is cancelled.
    ///
    /// Loading has a loop of its own, so that a large model never delays a verdict or a rollback.
    package func run(clock: some Clock<Duration>, every cadence: Duration) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.repeatedly(clock, cadence) { try await self.tick() } }
            group.addTask { try await self.repeatedly(clock, cadence) { try await self.load() } }
            try await group.waitForAll()
        }
    }

    private func repeatedly(
        _ clock: some Clock<Duration>,
        _ cadence: Duration,
        _ work: () async throws -> Void
    ) async throws {
        while !Task.isCancelled {
            do {
                try await work()
            } catch let error where !(error is CancellationError) {
                // The loop must outlive a full disk: nothing was recorded, so the next round decides again.
                logger.error("a round failed", metadata: ["error": "\(reasonText(error))"])
            }
            try await clock.sleep(for: cadence)
        }
    }

    /// One round: collect and judge, then make up what the state demands and the world lacks.
    package func tick() async throws {
        try await turnstile.pass {
            do {
                try await gather()
                for release in state.releases.values.filter({ !$0.hasEnded }).sorted(by: { $0.id < $1.id }) {
                    try await rule(on: release)
                }
                forgetEnded()
            } catch {
                // What is recorded is carried out even while nothing more can be recorded.
                try await reconcile()
                throw error
            }
            try await reconcile()
        }
    }

    private func gather() async throws {
        // Sources hand each count over once, so what cannot be recorded now is kept for the next round.
        for source in sources { unrecorded.merge(await source.collect()) }
        guard !unrecorded.isEmpty else { return }
        let time = now()
        var ticks: [EvidenceTick] = []
        for release in state.releases.values {
            guard let step = release.phase.step else { continue }
            let own = unrecorded.of(release.id)
            if !own.isEmpty {
                ticks.append(EvidenceTick(release: release.id, at: time, step: step, counts: own))
            }
        }
        // Before the ticks are recorded: a judge brought back afterwards would count them twice.
        for tick in ticks { judges[tick.release] = try await judge(of: tick.release) }
        try await archive.appendTicks(ticks)
        unrecorded = EvidenceCounts()
        for tick in ticks { judges[tick.release]?.settle(tick) }
    }

    /// The judge of a release, brought back from the recorded evidence when this process has none yet.
    private func judge(of id: ReleaseID) async throws -> Judge? {
        if let judge = judges[id] { return judge }
        guard let release = state.releases[id] else { return nil }
        var judge = Judge(of: release)
        for tick in try await archive.ticks(of: id) { judge.settle(tick) }
        return judge
    }

    private func rule(on release: Release) async throws {
        if judges[release.id] == nil { judges[release.id] = try await judge(of: release.id) }
        guard let judge = judges[release.id] else { return }
        let ruling = judge.rule(on: release.phase, waived: release.holdWaived, now: now())
        rulings[release.id] = ruling
        if case .wait = ruling { return }
        _ = try await performNow(.rule(release.id, ruling), by: .belay, reason: ruling.sentence)
    }

    /// However a release ended, its judge is needed no more.
    private func forgetEnded() {
        judges = judges.filter { state.releases[$0.key]?.hasEnded == false }
        rulings = rulings.filter { state.releases[$0.key]?.hasEnded == false }
    }
}

/// The sentence that people need, whatever threw.
func reasonText(_ error: any Error) -> String {
    (error as? any Explainable)?.explanation.summary ?? String(String(describing: error).prefix(500))
}
