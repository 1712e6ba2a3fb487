/// Everything that is true now: a fold over the ledger.
///
/// Two processes that replay the same entries hold equal states. Nothing here is measured, timed or guessed.
package struct State: Equatable, Sendable {
    /// Number of entries folded so far; the sequence of the newest one.
    package private(set) var sequence = 0
    /// The sequence of the newest entry that changed a route.
    package private(set) var epoch = Epoch(0)
    package private(set) var models: [ModelName: Model] = [:]
    package private(set) var endpoints: [EndpointID: Endpoint] = [:]
    package private(set) var releases = Releases()
    private var newestRelease = 0
    package private(set) var openIncidents: [IncidentID: Incident] = [:]
    private var newestIncident = 0

    package init() {}

    /// The state after `entry`.
    ///
    /// - Throws: ``ReplayError`` when the entry does not follow; the state is then unchanged. It means that
    ///   the ledger was written by other rules, or that one entry was left out.
    package mutating func apply(_ entry: Entry) throws(ReplayError) {
        guard entry.sequence == sequence + 1 else {
            throw .outOfOrder(expected: sequence + 1, found: entry.sequence)
        }
        let changesRoutes = entry.event.changesRoutes(of: self)
        do {
            try fold(entry)
        } catch {
            throw .illegal(sequence: entry.sequence, kind: entry.event.kind)
        }
        sequence = entry.sequence
        for endpoint in replanned(by: entry.event) { endpoints[endpoint]?.lastChange = entry.sequence }
        if changesRoutes { epoch = Epoch(entry.sequence) }
    }
}

/// Why a ledger could not be folded.
package enum ReplayError: Error, Equatable, Sendable {
    case outOfOrder(expected: Int, found: Int)
    case illegal(sequence: Int, kind: Event.Kind)
}

/// A fact that the entry presumes and the state does not hold.
private struct MissingSubject: Error {}

// MARK: - Looking things up

extension State {
    package func version(_ id: VersionID) -> Version? { models[id.model]?.versions[id.number] }

    package func isQuarantined(_ id: VersionID) -> Bool {
        guard let model = models[id.model], let version = model.versions[id.number] else { return false }
        return model.withdrawn.contains(version.id.number)
    }

    /// The release that has not ended at an endpoint; at most one.
    package func activeRelease(at endpoint: EndpointID) -> Release? {
        endpoints[endpoint]?.release.flatMap { releases[$0] }
    }

    package var nextRelease: ReleaseID { ReleaseID(newestRelease + 1) }
    package var nextIncident: IncidentID { IncidentID(newestIncident + 1) }
}

// MARK: - The fold
//
// Every fold checks first and then writes in place. Working on a copy would be safe without that order, but
// would copy all releases for each entry, and a long ledger would take hours to read.

extension Event {
    /// Whether the route table may differ from that of `state` after this.
    func changesRoutes(of state: State) -> Bool {
        switch self {
        case .registry(.aliasMoved), .release(.stepEntered), .release(.promoted), .release(.rolledBack),
            .release(.shadowChanged), .release(.epochBegun), .release(.settled), .safety(.quarantined),
            .safety(.cleared), .safety(.policyChanged):
            true
        // What has spent its exposure gets no more requests until it is resumed.
        case .release(.held(let hold)): hold.cause == .exposure
        case .release(.resumed(let id)): state.releases[id]?.hold?.cause == .exposure
        default: false
        }
    }
}

extension State {
    private mutating func fold(_ entry: Entry) throws {
        switch entry.event {
        case .registry(let event): try fold(event, at: entry.at)
        case .release(let event): try fold(event, entry)
        case .safety(let event): try fold(event)
        case .operation(let event): try fold(event, at: entry.at)
        }
    }

    private mutating func fold(_ event: RegistryEvent, at time: Timestamp) throws {
        switch event {
        case .modelCreated(let name):
            guard models[name] == nil else { throw MissingSubject() }
            models[name] = Model(name: name)
        case .versionRegistered(let version):
            guard models[version.id.model]?.register(version, at: time) == true else {
                throw MissingSubject()
            }
        case .aliasMoved(let move):
            guard models[move.model]?.move(move) == true else { throw MissingSubject() }
        }
    }

    private mutating func fold(_ event: ReleaseEvent, _ entry: Entry) throws {
        switch event {
        case .proposed(let proposal): try propose(proposal, entry)
        case .gatesPassed(let result):
            guard releases[result.release]?.phase == .gating else { throw MissingSubject() }
        case .refused(let result): try move(result.release, .refused(result.gates), at: entry.at)
        case .stepEntered(let step): try enter(step, at: entry.at)
        case .held(let hold):
            try move(hold.release, .held(Release.Hold(entry, hold)), at: entry.at)
        case .waived(let waiver): try move(waiver.release, .waived(Set(waiver.causes)), at: entry.at)
        case .epochBegun(let start): try move(start.release, .epochBegun(start.epoch), at: entry.at)
        case .rejudged(let rejudgement): try move(rejudgement.release, .rejudged, at: entry.at)
        case .stepsDone(let done): try move(done.release, .stepsDone(Release.Hold(entry)), at: entry.at)
        case .resumed(let id): try move(id, .resumed, at: entry.at)
        case .promoted(let promotion): try promote(promotion.release, at: entry.at)
        case .settled(let id): try move(id, .settled, at: entry.at)
        case .rolledBack(let rollback): try rollBack(rollback, entry)
        case .fenceCompleted(let fence):
            guard let pending = endpoints[fence.endpoint]?.unfenced, fence.receipt.epoch >= pending.epoch
            else { throw MissingSubject() }
            endpoints[fence.endpoint]?.unfenced = nil
        case .shadowChanged(let change): try changeShadow(change)
        }
    }

    private mutating func fold(_ event: SafetyEvent) throws {
        switch event {
        case .quarantined(let quarantine):
            guard version(quarantine.version)?.digest == quarantine.digest else { throw MissingSubject() }
            models[quarantine.version.model]?.withdraw(quarantine.digest)
            for id in endpoints.keys.filter({ $0.model == quarantine.version.model }) {
                endpoints[id]?.endShadow(of: quarantine.version.number)
            }
        case .cleared(let id):
            guard let version = version(id) else { throw MissingSubject() }
            models[id.model]?.clear(version.digest)
        case .automaticAllowed(let id):
            guard endpoints[id] != nil else { throw MissingSubject() }
            endpoints[id]?.automatic = .allowed
        case .policyChanged(let id, let policy):
            guard policy.model == id.model else { throw MissingSubject() }
            endpoints[id, default: Endpoint(id: id)].policy = policy
        }
    }

    private mutating func fold(_ event: OperationEvent, at time: Timestamp) throws {
        switch event {
        case .serverStarted: break
        case .subjectErased(let erasure):
            guard models[erasure.model] != nil else { throw MissingSubject() }
        case .incidentOpened(let incident):
            guard endpoints[incident.endpoint] != nil, incident.id >= nextIncident else {
                throw MissingSubject()
            }
            newestIncident = incident.id.value
            openIncidents[incident.id] = incident
        case .incidentClosed(let closure):
            guard let incident = openIncidents.removeValue(forKey: closure.id) else { throw MissingSubject() }
            if closure.cause == .person, endpoints[incident.endpoint]?.stable?.version == incident.version {
                endpoints[incident.endpoint]?.incidentClosed = time
            }
        }
    }

    private mutating func propose(_ proposal: Proposal, _ entry: Entry) throws {
        let endpoint = proposal.endpoint
        guard endpoints[endpoint]?.release == nil, releases[proposal.release] == nil else {
            throw MissingSubject()
        }
        newestRelease = max(newestRelease, proposal.release.value)
        endpoints[endpoint, default: Endpoint(id: endpoint)].release = proposal.release
        endpoints[endpoint]?.lastTakenOut = nil
        releases[proposal.release] = Release(
            proposal: proposal,
            by: entry.actor,
            at: entry.at,
            reason: entry.reason
        )
    }

    private mutating func move(_ id: ReleaseID, _ move: Release.Move, at time: Timestamp) throws {
        guard var release = releases[id] else { throw MissingSubject() }
        try release.apply(move, at: time)
        releases[id] = release
        // A release that is judged again once it is over leaves the next one alone.
        let endpoint = release.proposal.endpoint
        if release.hasEnded, endpoints[endpoint]?.release == id { endpoints[endpoint]?.release = nil }
    }

    /// The recorded share is what auditors read, so it must be the one that the plan makes effective.
    private mutating func enter(_ entry: StepEntry, at time: Timestamp) throws {
        guard let steps = releases[entry.release]?.plan.steps, steps.indices.contains(entry.step),
            steps[entry.step].share == entry.share, steps[entry.step].kind == entry.kind ?? .canary
        else { throw MissingSubject() }
        try move(entry.release, .entered(step: entry.step), at: time)
    }

    private mutating func promote(_ id: ReleaseID, at time: Timestamp) throws {
        guard let proposal = releases[id]?.proposal, endpoints[proposal.endpoint] != nil else {
            throw MissingSubject()
        }
        try move(id, .promoted, at: time)
        endpoints[proposal.endpoint]?.serve(proposal.candidate, from: id, at: time)
    }

    private mutating func rollBack(_ rollback: Rollback, _ entry: Entry) throws {
        guard endpoints[rollback.endpoint] != nil else { throw MissingSubject() }
        if let release = rollback.release {
            guard releases[release]?.proposal.endpoint == rollback.endpoint else { throw MissingSubject() }
            try move(release, .rolledBack(rollback.cause), at: entry.at)
        }
        endpoints[rollback.endpoint]?.goBack(rollback, at: entry.at, entry.sequence)
    }

    private mutating func changeShadow(_ change: ShadowChange) throws {
        guard endpoints[change.endpoint]?.stable != nil else { throw MissingSubject() }
        if let shadow = change.shadow {
            let id = VersionID(change.endpoint.model, shadow.version)
            guard version(id) != nil, !isQuarantined(id), shadow.share > .none else { throw MissingSubject() }
        }
        endpoints[change.endpoint]?.shadow = change.shadow
    }
}

extension Release.Hold {
    fileprivate init(_ entry: Entry, _ hold: HoldEntry? = nil) {
        let judged = hold?.guards.filter { $0.verdict == .breach }.map { HoldCause.breach(of: $0.name) } ?? []
        self.init(
            by: entry.actor,
            why: entry.reason,
            since: entry.at,
            cause: hold?.cause,
            others: judged.filter { $0 != hold?.cause }
        )
    }
}
