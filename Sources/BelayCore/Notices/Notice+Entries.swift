/// What has to be told of an entry, given the state that it led to or any later one.
///
/// Pure. There is no default case on purpose: whoever adds an event decides here whether anybody hears of it,
/// and every way in which a release ends is told.
///
/// An incident that was closed is not in the state any more; `incident` finds what was opened.
package func notices(
    of entry: Entry,
    in state: State,
    incident: (IncidentID) -> Incident? = { _ in nil }
) -> [Notice] {
    let teller = Teller(entry: entry, state: state)
    switch entry.event {
    case .registry(let event): return teller.notices(event)
    case .release(let event): return teller.notices(event)
    case .safety(let event): return teller.notices(event)
    case .operation(.serverStarted), .operation(.subjectErased): return []
    case .operation(.incidentOpened(let incident)): return [teller.opened(incident)]
    case .operation(.incidentClosed(let closure)):
        return incident(closure.id).map { [teller.closed($0, closure)] } ?? []
    }
}

/// Tells of one entry.
struct Teller {
    let entry: Entry
    let state: State

    func notices(_ event: RegistryEvent) -> [Notice] {
        switch event {
        case .modelCreated: return []
        case .versionRegistered(let version):
            let id = version.id
            let summary = "\(id) was registered by \(entry.actor)"
            return [
                notice(
                    .versionRegistered,
                    at: EndpointID(id.model, in: .prod),
                    to: id.number,
                    summary,
                    "belay release \(id)"
                )
            ]
        case .aliasMoved(let move):
            let place = move.to.map { "now names \(move.model)@\($0)" } ?? "was removed"
            return [
                notice(
                    .aliasMoved,
                    at: EndpointID(move.model, in: .prod),
                    from: move.from,
                    to: move.to,
                    "alias \(move.alias) of \(move.model) \(place)",
                    "belay versions \(move.model)"
                )
            ]
        }
    }

    func notices(_ event: ReleaseEvent) -> [Notice] {
        switch event {
        case .proposed(let proposal): [started(proposal)]
        case .gatesPassed, .shadowChanged, .epochBegun: []
        case .refused(let result): told(result.release) { refused($0, result) }
        case .stepEntered(let step): told(step.release) { entered($0, step) }
        case .held(let hold): told(hold.release) { held($0, hold) }
        case .waived(let waiver): told(waiver.release) { waived($0, waiver) }
        case .rejudged(let rejudgement): told(rejudgement.release) { rejudged($0, rejudgement) }
        case .stepsDone(let done): told(done.release, waiting)
        case .resumed(let id): told(id, resumed)
        case .promoted(let promotion): told(promotion.release) { promoted($0, promotion) }
        case .settled(let id): told(id, settled)
        case .rolledBack(let rollback): rolledBack(rollback)
        case .fenceCompleted(let record): [confirmed(record)]
        }
    }

    func notices(_ event: SafetyEvent) -> [Notice] {
        switch event {
        // Told with the rollback that it belongs to.
        case .quarantined: return []
        case .cleared(let id):
            return [
                notice(
                    .versionCleared,
                    at: EndpointID(id.model, in: .prod),
                    to: id.number,
                    "\(id) was cleared from quarantine by \(entry.actor)",
                    "belay release \(id)",
                    effect: .init(clears: acknowledged)
                )
            ]
        case .automaticAllowed(let id):
            return [
                notice(
                    .automaticAllowed,
                    at: id,
                    "\(place(id)): automatic releases are allowed again",
                    "belay status \(id.model)",
                    effect: .init(clears: acknowledged)
                )
            ]
        case .policyChanged(let id, _):
            return [
                notice(
                    .policyChanged,
                    at: id,
                    "\(place(id)): \(entry.actor) changed the policy",
                    "belay policy show \(id.model)"
                )
            ]
        }
    }

    func told(_ id: ReleaseID, _ tell: (Release) -> Notice) -> [Notice] {
        // An entry about a release that is unknown would not have been folded.
        state.releases[id].map { [tell($0)] } ?? []
    }

    /// What stays wrong after a rollback or a refusal until somebody does something at the endpoint.
    var acknowledged: [Notice.Clearing] {
        [Notice.Condition.rollback, Notice.Condition.breach, Notice.Condition.refused].map {
            .everywhere($0)
        }
    }

    func place(_ id: EndpointID) -> String { "\(id.model) \(id.environment)" }
}

// MARK: - Making one

extension Teller {
    func notice(
        _ kind: Notice.Kind,
        of release: Release,
        severity: Notice.Severity = .info,
        figures: GuardReport? = nil,
        _ what: String,
        command: String? = nil,
        effect: Notice.Effect = .none
    ) -> Notice {
        let proposal = release.proposal
        return notice(
            kind,
            at: proposal.endpoint,
            release: release.id,
            from: proposal.stable,
            to: proposal.candidate,
            severity: severity,
            figures: figures,
            "\(place(proposal.endpoint)): \(release.id) of \(proposal.candidate) \(what)",
            command ?? "belay why \(release.id)",
            effect: effect
        )
    }

    func notice(
        _ kind: Notice.Kind,
        at endpoint: EndpointID,
        release: ReleaseID? = nil,
        incident: IncidentID? = nil,
        from: VersionNumber? = nil,
        to: VersionNumber? = nil,
        severity: Notice.Severity = .info,
        figures: GuardReport? = nil,
        _ summary: String,
        _ command: String,
        second: Bool = false,
        effect: Notice.Effect = .none
    ) -> Notice {
        Notice(
            id: "n\(entry.sequence)\(second ? ".1" : "")",
            kind: kind,
            at: entry.at,
            endpoint: endpoint,
            release: release,
            incident: incident,
            from: from,
            to: to,
            actor: entry.actor.description,
            reason: entry.reason,
            figures: figures,
            severity: severity,
            summary: summary,
            command: command,
            effect: effect
        )
    }
}
