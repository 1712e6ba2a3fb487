import BelayCore

/// The versions, endpoints and releases whose derived rows some entries can have changed.
///
/// It only saves work: a store with years of releases looks at the rows of one. ``Verification`` compares
/// all.
struct Reach {
    private(set) var versions: Set<VersionID> = []
    private(set) var endpoints: Set<EndpointID> = []
    private(set) var releases: Set<ReleaseID> = []

    /// Everything there is.
    init(of state: State) {
        versions = Set(state.models.values.flatMap { $0.versions.values.map(\.id) })
        endpoints = Set(state.endpoints.keys)
        releases = Set(state.releases.keys)
    }

    /// What these entries touched; the state is the one they led to.
    init(of entries: [SealedEntry], in state: State) {
        for entry in entries {
            switch entry.entry.event {
            case .registry(let event): include(event)
            case .release(let event): include(event, in: state)
            case .safety(let event): include(event)
            case .operation: break
            }
        }
    }

    private mutating func include(_ event: RegistryEvent) {
        switch event {
        case .modelCreated, .aliasMoved: break
        case .versionRegistered(let version): versions.insert(version.id)
        }
    }

    private mutating func include(_ event: ReleaseEvent, in state: State) {
        switch event {
        case .proposed(let proposal): include(proposal.release, in: state)
        case .gatesPassed(let result), .refused(let result): include(result.release, in: state)
        case .stepEntered(let step): include(step.release, in: state)
        case .held(let hold): include(hold.release, in: state)
        case .resumed(let id), .settled(let id): include(id, in: state)
        case .waived(let waiver): include(waiver.release, in: state)
        case .epochBegun(let start): include(start.release, in: state)
        case .rejudged(let rejudgement): include(rejudgement.release, in: state)
        case .stepsDone(let done): include(done.release, in: state)
        case .promoted(let promotion): include(promotion.release, in: state)
        case .rolledBack(let rollback):
            endpoints.insert(rollback.endpoint)
            rollback.release.map { include($0, in: state) }
        case .fenceCompleted(let fence): endpoints.insert(fence.endpoint)
        case .shadowChanged(let change): endpoints.insert(change.endpoint)
        }
    }

    private mutating func include(_ event: SafetyEvent) {
        switch event {
        // A model holds the same bytes only once.
        case .quarantined(let quarantine): versions.insert(quarantine.version)
        case .cleared(let version): versions.insert(version)
        case .automaticAllowed(let endpoint), .policyChanged(let endpoint, _): endpoints.insert(endpoint)
        }
    }

    private mutating func include(_ id: ReleaseID, in state: State) {
        releases.insert(id)
        if let endpoint = state.releases[id]?.proposal.endpoint { endpoints.insert(endpoint) }
    }
}
