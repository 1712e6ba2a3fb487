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
        package var receipt: Receipt?
        /// A rollback that had just been carried out, and was what was asked for.
        package var alreadyDone: Endpoint.TakenOut?
    }

    let ledger: any Ledger
    let archive: any Archive
    let publisher: any RoutePublisher
    let sources: [any EvidenceSource]
    let loader: VersionLoader
    let now: @Sendable () -> Timestamp
    let logger: Logger
    /// Whoever decides, records and publishes; never held while something else is waited for.
    let turnstile = Turnstile()
    /// One round at a time; who is in a round passes the turnstile like everybody else.
    let rounds = Turnstile()

    package private(set) var state: State
    private(set) var head: Head
    /// The routes that the newest record which changed any led to.
    private var newestTable: RouteTable?
    /// Recorded entries that the server's log does not say yet.
    private var unsaid: [SealedEntry] = []
    /// What is shown while a table is recorded that the gateways do not have yet; nil when all have it.
    private var shown: State?
    /// What was collected and is not recorded yet.
    var unrecorded = EvidenceCounts()
    /// What of that is on its way to the record.
    var recording: [EvidenceTick] = []
    /// How often the round under way has been looked at; nil between rounds.
    var looksAtRound: Int?
    /// The same of releases that are over, which are recorded less often; since when.
    var resting = EvidenceCounts()
    var rested: Timestamp?
    /// What monitors elsewhere said and is not recorded yet.
    var readings: [ReleaseID: [EvidenceTick.Reading]] = [:]
    /// Over what serves and has settled.
    var watches: [EndpointID: (watch: StableWatch, since: Timestamp?)] = [:]
    /// Of releases that are over and get labels late; only the newest few.
    var lateJudges: [ReleaseID: Judge] = [:]
    /// Whether those have been brought back that were there before this process.
    var hasLookedBack = false
    var judges: [ReleaseID: Judge] = [:]
    var rulings: [ReleaseID: Ruling] = [:]
    var published: Receipt?
    /// Rollbacks that are over, with the proof, until the record says so.
    var proven: [EndpointID: (fence: PendingFence, receipt: Receipt)] = [:]
    /// Versions that answer nobody although their rollbacks are not recorded yet.
    var suspensions: [EndpointID: Suspension] = [:]
    var suspensionsMade = 0
    /// When rollbacks were recorded that had been answered with an error: whoever repeats one means the same,
    /// however much later, until somebody has been told that it is done.
    var retried: [EndpointID: Timestamp] = [:]
    /// Since when the gateways answer by each endpoint's newest rollback, and when that was recorded.
    var rollbackEnds: [EndpointID: (of: Timestamp, at: Timestamp)] = [:]
    /// Why the newest could not be, as far as the server's log has said so.
    var toldFailure: String?
    /// Tables go out one at a time, so that an older one never follows a newer one of the same epoch.
    let publishing = Turnstile()
    /// Rollbacks that some requests in flight do not follow yet.
    var draining: [EndpointID: Drain] = [:]
    /// Rings when there is one more of them.
    let drains = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    /// Rings when there is a proof to record, so that the record follows the answer and does not wait for the
    /// next round.
    let proofs = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    /// What is being done beside the rounds, and since when.
    var underway: [Chore: Timestamp] = [:]
    /// When a load last failed, and why.
    var loadFailures: [VersionID: (at: Timestamp, reason: String)] = [:]
    /// What golden requests came to.
    var checks: [VersionID: StandbyHealth] = [:]
    /// When evidence was last looked through for releases that are long over.
    var prunedAt: Timestamp?
    var tallies = ControlTallies()
    /// Versions that nothing demands before the rollbacks that load them are recorded; how many those are.
    var reserved: [VersionID: Int] = [:]

    /// Takes over where the ledger stands: `state` is its fold up to `head`.
    ///
    /// The `sources`, where outcomes are counted, are drained at every tick. The wall clock `now` is recorded
    /// with entries and used for dwell times, never for order.
    package init(
        ledger: any Ledger,
        archive: any Archive,
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

    /// What is so at one moment.
    package struct Picture: Sendable {
        /// Of which every event loop of the gateways has the table: what is said here to serve can be asked.
        package let state: State
        /// The guards' newest reports for each running release.
        package let reports: [ReleaseID: [GuardReport]]
        package let standbys: [EndpointID: [StandbyHealth]]
        /// Endpoints whose newest rollback is over although the record does not say so yet.
        package let fenced: Set<EndpointID>
        /// Versions that answer nobody although they would by the record, which says nothing of it yet.
        package let suspended: [EndpointID: Suspended]
        package let tallies: ControlTallies
    }

    package var picture: Picture {
        let known = shown ?? state
        return Picture(
            state: known,
            reports: rulings.mapValues(\.reports),
            standbys: standbys(in: known),
            fenced: Set(proven.keys),
            suspended: suspensions.compactMapValues(\.shown),
            tallies: tallies
        )
    }

    /// The routes of the state; equal epochs mean equal tables.
    var recordedTable: RouteTable {
        if let newestTable, newestTable.epoch == state.epoch { newestTable } else { state.routeTable }
    }

    // MARK: - Commands

    /// Decides, records, applies, and publishes what changed; returns when all of that is done.
    ///
    /// It waits, too, for requests that the policy lets a withdrawn version finish; others do not.
    ///
    /// - Throws: A ``Refusal`` when the state does not allow it; a store error when it could not be recorded,
    ///   in which case nothing has happened. If only the store's answer was lost, what it recorded stands
    ///   and the next round carries it out.
    @discardableResult
    package func perform(
        _ command: Command,
        by actor: Actor,
        reason: String?,
        expecting expectation: Expectation? = nil
    ) async throws -> Performed {
        if case .promote(let id) = command { try await hear(id) }
        let (performed, drains) = try await turn { () -> (Performed, [Drain]) in
            try expectation?.check(in: state)
            let before = state.sequence
            let performed = try await performNow(command, by: actor, reason: reason)
            // Now: the next command may leave some in flight, too, which are not this one's.
            return (performed, draining.values.filter { $0.fence.epoch.value > before })
        }
        return await drained(performed, drains)
    }

    /// In a turn of somebody's.
    func performNow(_ command: Command, by actor: Actor, reason: String?) async throws -> Performed {
        let reports = rulings.mapValues(\.reports)
        let events = try decide(command, by: actor, in: state, unready: unready, reports: reports)
        return try await carryOut(events, of: command, by: actor, reason: reason)
    }

    /// Records what was decided, and publishes what it changes.
    func carryOut(
        _ events: [Event],
        of command: Command,
        by actor: Actor,
        reason: String?
    ) async throws -> Performed {
        guard !events.isEmpty else { return Performed(events: [], receipt: try await publishIfNewer()) }
        // Nobody is told of routes that the gateways are still being told of.
        shown = state
        defer { shown = nil }
        do {
            try await append(events, by: actor, reason: reason)
        } catch let error as StoreError {
            throw unrecorded(events, of: command, by: actor, reason: reason, error)
        }
        do {
            let receipt = try await publishIfNewer()
            for (endpoint, _) in events.takenOut { noteRollbackEnd(at: endpoint) }
            return Performed(events: events, receipt: receipt)
        } catch {
            // It is recorded, so it stands; the next tick publishes again and completes the fence.
            logger.error("a table was not acknowledged", metadata: ["error": "\(reasonText(error))"])
            return Performed(events: events, receipt: nil)
        }
    }

    /// Records the events, and with them the rollbacks that have been proven over since the last record.
    func append(_ events: [Event], by actor: Actor, reason: String?) async throws {
        let drafts = drafts(of: events, by: actor, reason: reason)
        guard !drafts.isEmpty else { return }
        do {
            let batch = try ledger.seal(drafts, after: head)
            try await record(batch)
            adopt(batch)
        } catch {
            // The answer may be lost although the entries are not, or another writer may have come first: the
            // record counts. A store that cannot be read either has said so by this error already.
            if let standing = try? await ledger.standing, standing.head != head {
                (state, head) = (standing.state, standing.head)
                noteRecordedSuspensions()
            }
            throw error
        }
        forgetRecordedFences()
    }

    /// What is to be recorded: the events, behind the rollbacks that have been proven over.
    ///
    /// A rollback answers as soon as it is recorded and fenced. That it was fenced is recorded directly
    /// afterwards, or by whatever comes first; after a crash in between, the next start sees it again.
    func drafts(of events: [Event], by actor: Actor, reason: String?) -> [EntryDraft] {
        let time = now()
        let fences = provenFences.map { EntryDraft(at: time, actor: .belay, reason: nil, event: $0) }
        return fences + events.map { EntryDraft(at: time, actor: actor, reason: reason, event: $0) }
    }

    /// Makes the batch durable while the gateways are told which table it leads to, if to another.
    ///
    /// They answer by the one that they have until that is published, which is after the record; but what is
    /// rolled back answers nobody any more.
    private func record(_ batch: Batch) async throws {
        guard batch.state.epoch > state.epoch else { return try await ledger.append(batch) }
        let table = batch.state.routeTable
        async let isPrepared: Void = getReady(for: table, batch)
        do {
            try await ledger.append(batch)
        } catch {
            await isPrepared
            await publisher.prepare(nil)
            throw error
        }
        await isPrepared
        newestTable = table
    }

    private func getReady(for table: RouteTable, _ batch: Batch) async {
        let events = batch.entries.map(\.entry.event)
        if await suspend(events, by: table, preparing: table).isEmpty { await publisher.prepare(table) }
    }

    private func adopt(_ batch: Batch) {
        (state, head) = (batch.state, batch.head)
        noteRecordedSuspensions()
        for entry in batch.entries { tallies.count(entry.entry.event) }
        unsaid += batch.entries
    }

    /// Tells the server's log what was recorded; whoever waits for an answer does not wait for this.
    func sayRecorded() {
        for entry in unsaid {
            let event = entry.entry.event
            logger.notice(
                "recorded",
                metadata: ["kind": "\(event.kind.rawValue)", "subject": "\(event.subject)"]
            )
        }
        unsaid = []
    }
}

/// The sentence that people need, whatever threw.
func reasonText(_ error: any Error) -> String {
    (error as? any Explainable)?.explanation.summary ?? String(String(describing: error).prefix(500))
}
