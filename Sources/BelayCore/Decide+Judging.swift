/// A person's override is recorded before what it permits, in the same batch.
func decideWaiver(_ id: ReleaseID, _ names: [String], in state: State) throws(Refusal) -> [Event] {
    let release = try active(id, in: state)
    let known = Set(release.proposal.policy.guards.map(\.name))
    if let unknown = names.first(where: { !known.contains($0) }) { throw .unknownGuard(id, unknown) }
    let causes = names.map(HoldCause.breach).filter { !release.waived.contains($0) }
    return causes.isEmpty ? [] : [.release(.waived(Waiver(release: id, causes: causes)))]
}

func decideEpoch(_ id: ReleaseID, in state: State) -> [Event] {
    guard let release = state.releases[id], release.hold == nil, release.share > .none,
        release.share < .all
    else { return [] }
    return [.release(.epochBegun(EpochStart(release: id, epoch: release.evidenceEpoch + 1)))]
}

/// A release that is over cannot be rolled back any more; where its version still serves, somebody must look.
func decideRejudgement(_ rejudgement: Rejudgement, in state: State) -> [Event] {
    guard let release = state.releases[rejudgement.release], release.hasEnded, !release.isRejudged else {
        return []
    }
    let endpoint = release.proposal.endpoint
    let recorded = Event.release(.rejudged(rejudgement))
    guard state.endpoints[endpoint]?.stable?.version == release.proposal.candidate else { return [recorded] }
    let finding = StableFinding(kind: .rejudged, guards: rejudgement.guards)
    return [recorded] + incident(of: finding, at: endpoint, selection: [], in: state)
}

/// A decayed version goes back to one whose own last figures are better; else somebody is told.
func decideFinding(
    _ finding: StableFinding,
    at id: EndpointID,
    in state: State,
    _ unready: [VersionID: String]
) -> [Event] {
    guard let endpoint = state.endpoints[id], let stable = endpoint.stable, endpoint.release == nil,
        !state.openIncidents.values.contains(where: { $0.endpoint == id && $0.version == stable.version })
    else { return [] }
    let possible = selectTarget(
        for: endpoint,
        unloadable: [:],
        in: state,
        unready: unready,
        first: finding.better.keys.min(),
        unfit: finding.notBetter
    )
    guard let target = possible.first(where: \.taken)?.version, let why = finding.better[target],
        let breached = finding.guards.first, unready[VersionID(id.model, target)] == nil
    else {
        let selection = possible.map { considered in
            considered.taken
                ? Considered(
                    version: considered.version,
                    taken: false,
                    why: unready[VersionID(id.model, considered.version)].map { "is not ready: \($0)" }
                        ?? "has no figures of its own that are better"
                ) : considered
        }
        return incident(of: finding, at: id, selection: selection, in: state)
    }
    let selection = possible.map { $0.taken ? Considered(version: target, taken: true, why: why) : $0 }
    let rollback = Rollback(
        endpoint: id,
        release: nil,
        from: stable.version,
        to: target,
        cause: .breach(of: breached.name, guards: finding.guards),
        selection: selection
    )
    return [.release(.rolledBack(rollback))]
        + quarantine(VersionID(id.model, stable.version), in: state)
        + closures(ofIncidentsAt: id, in: state)
}

private func incident(
    of finding: StableFinding,
    at id: EndpointID,
    selection: [Considered],
    in state: State
) -> [Event] {
    guard let stable = state.endpoints[id]?.stable else { return [] }
    let incident = Incident(
        id: state.nextIncident,
        endpoint: id,
        version: stable.version,
        release: stable.release,
        kind: finding.kind,
        guards: finding.guards,
        selection: selection
    )
    return [.operation(.incidentOpened(incident))]
}

func decideClosure(_ id: IncidentID, in state: State) throws(Refusal) -> [Event] {
    guard state.openIncidents[id] != nil else { throw .unknownIncident(id) }
    return [.operation(.incidentClosed(IncidentClosure(id: id, cause: .person)))]
}

/// What a version was blamed for is over when it serves no more.
func closures(ofIncidentsAt id: EndpointID, in state: State) -> [Event] {
    state.openIncidents.values.filter { $0.endpoint == id }.sorted { $0.id < $1.id }.map {
        .operation(.incidentClosed(IncidentClosure(id: $0.id, cause: .replaced)))
    }
}
