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
    case .operation(.serverStarted): return []
    case .operation(.incidentOpened(let incident)): return [teller.opened(incident)]
    case .operation(.incidentClosed(let closure)):
        return incident(closure.id).map { [teller.closed($0, closure)] } ?? []
    }
}

private struct Teller {
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

    private func told(_ id: ReleaseID, _ tell: (Release) -> Notice) -> [Notice] {
        // An entry about a release that is unknown would not have been folded.
        state.releases[id].map { [tell($0)] } ?? []
    }

    /// What stays wrong after a rollback or a refusal until somebody does something at the endpoint.
    private var acknowledged: [Notice.Clearing] {
        [Notice.Condition.rollback, Notice.Condition.breach, Notice.Condition.refused].map {
            .everywhere($0)
        }
    }

    private func place(_ id: EndpointID) -> String { "\(id.model) \(id.environment)" }
}

// MARK: - Releases

extension Teller {
    private func started(_ proposal: Proposal) -> Notice {
        let from = proposal.stable.map { "\($0) → " } ?? ""
        return notice(
            .releaseStarted,
            at: proposal.endpoint,
            release: proposal.release,
            from: proposal.stable,
            to: proposal.candidate,
            "\(place(proposal.endpoint)): release \(proposal.release) of \(from)\(proposal.candidate) "
                + "started by \(entry.actor)",
            "belay status -w \(proposal.endpoint.model)",
            effect: .init(clears: acknowledged)
        )
    }

    private func refused(_ release: Release, _ result: GateResult) -> Notice {
        let failed = result.gates.first { $0.outcome == .fail || $0.outcome == .error }
        let why = failed.map { "gate \($0.gate.rawValue): \($0.detail)" } ?? "a gate"
        return notice(
            .releaseRefused,
            of: release,
            severity: .warning,
            "refused by \(why)",
            effect: .init(raises: Notice.Condition.refused, clears: [.topic(topic(release))])
        )
    }

    private func entered(_ release: Release, _ step: StepEntry) -> Notice {
        let what = step.kind == .shadow ? "copies of \(step.share)" : "\(step.share)"
        return notice(
            .releaseStepEntered,
            of: release,
            "gets \(what) of requests (step \(step.step + 1) of \(release.plan.steps.count))"
        )
    }

    private func held(_ release: Release, _ hold: HoldEntry) -> Notice {
        let by = entry.actor == .belay ? "" : " by \(entry.actor)"
        var report: GuardReport?
        if case .breach(let name) = hold.cause { report = hold.guards.first { $0.name == name } }
        let why = report.map { ": \($0.line)" } ?? hold.cause.map { ": \($0.sentence)" } ?? because
        return notice(
            .releaseHeld,
            of: release,
            severity: .warning,
            figures: report,
            "held\(by)\(why)",
            effect: .init(raises: Notice.Condition.held)
        )
    }

    private func waived(_ release: Release, _ waiver: Waiver) -> Notice {
        let causes = waiver.causes.map(\.description).joined(separator: ", ")
        return notice(
            .releaseWaived,
            of: release,
            severity: .warning,
            "goes on in spite of \(causes), says \(entry.actor)\(because)"
        )
    }

    private func rejudged(_ release: Release, _ rejudgement: Rejudgement) -> Notice {
        let report = rejudgement.guards.first { $0.name == rejudgement.breached }
        return notice(
            .releaseRejudged,
            of: release,
            severity: .error,
            figures: report,
            "was worse, as late labels prove: \(report?.line ?? "guard \(rejudgement.breached)")"
        )
    }

    private func waiting(_ release: Release) -> Notice {
        notice(
            .releaseWaiting,
            of: release,
            severity: .warning,
            "has done its steps and waits for a person",
            command: "belay promote \(release.id)",
            effect: .init(raises: Notice.Condition.waiting)
        )
    }

    private func resumed(_ release: Release) -> Notice {
        let topic = topic(release)
        return notice(
            .releaseResumed,
            of: release,
            "resumed by \(entry.actor)\(because)",
            effect: .init(clears: ended(topic))
        )
    }

    private func promoted(_ release: Release, _ promotion: Promotion) -> Notice {
        let skipped = promotion.skippedSteps > 0 ? ", leaving out \(promotion.skippedSteps) steps" : ""
        return notice(
            .releasePromoted,
            of: release,
            "serves all requests\(skipped)",
            effect: .init(clears: ended(topic(release)))
        )
    }

    private func settled(_ release: Release) -> Notice {
        notice(
            .releaseSettled,
            of: release,
            "settled",
            effect: .init(clears: [.topic(topic(release))])
        )
    }

    private func topic(_ release: Release) -> String {
        Notice.topic(of: release.proposal.endpoint, release.id)
    }

    /// Whatever kept the release waiting is over.
    private func ended(_ topic: String) -> [Notice.Clearing] {
        [
            .condition(Notice.Condition.held, topic: topic),
            .condition(Notice.Condition.waiting, topic: topic),
        ]
    }

    private var because: String { entry.reason.map { ": \($0)" } ?? "" }
}

// MARK: - Rollbacks

extension Teller {
    /// A breach is told twice over, as what a guard found and as what Belay did, for different people ask.
    private func rolledBack(_ rollback: Rollback) -> [Notice] {
        let topic = Notice.topic(of: rollback.endpoint, rollback.release)
        let target = rollback.to.map { "\(rollback.from) → \($0)" } ?? "\(rollback.from), and nothing serves"
        let what = "\(place(rollback.endpoint)) rolled back \(target)"
        let command = rollback.release.map { "belay why \($0)" } ?? "belay why \(rollback.endpoint.model)"
        switch rollback.cause {
        case .request(let actor):
            return [
                notice(
                    .rollbackManual,
                    at: rollback.endpoint,
                    release: rollback.release,
                    from: rollback.from,
                    to: rollback.to,
                    severity: .warning,
                    "\(what) by \(actor)\(because)",
                    command,
                    effect: .init(clears: [.topic(topic)] + acknowledged)
                )
            ]
        case .breach(let name, let reports):
            let report = reports.first { $0.name == name }
            let severity: Notice.Severity = rollback.to == nil ? .critical : .error
            let found = report?.line ?? "guard \(name)"
            return [
                notice(
                    .guardBreached,
                    at: rollback.endpoint,
                    release: rollback.release,
                    from: rollback.from,
                    to: rollback.to,
                    severity: severity,
                    figures: report,
                    "\(place(rollback.endpoint)): \(rollback.from) breached \(found)",
                    command,
                    effect: .init(raises: Notice.Condition.breach, clears: [.topic(topic)])
                ),
                notice(
                    .rollbackAutomatic,
                    at: rollback.endpoint,
                    release: rollback.release,
                    from: rollback.from,
                    to: rollback.to,
                    severity: severity,
                    figures: report,
                    "\(what): \(found)",
                    command,
                    second: true,
                    effect: .init(raises: Notice.Condition.rollback)
                ),
            ]
        }
    }

    private func confirmed(_ record: FenceRecord) -> Notice {
        let topic = Notice.topic(of: record.endpoint, record.release)
        let milliseconds = significant(Double(record.receipt.elapsedMicroseconds) / 1000)
        return notice(
            .rollbackConfirmed,
            at: record.endpoint,
            release: record.release,
            "\(place(record.endpoint)): the rollback was complete in \(milliseconds) ms; no answer of the "
                + "withdrawn version can leave any more",
            record.release.map { "belay why \($0)" } ?? "belay why \(record.endpoint.model)",
            effect: .init(clears: [.condition(Notice.Condition.unfinished, topic: topic)])
        )
    }
}

// MARK: - Incidents

extension Teller {
    fileprivate func opened(_ incident: Incident) -> Notice {
        let found = incident.guards.first.map { ": \($0.line)" } ?? ""
        return notice(
            .incidentOpened,
            at: incident.endpoint,
            release: incident.release,
            incident: incident.id,
            from: incident.version,
            severity: .error,
            figures: incident.guards.first,
            "\(place(incident.endpoint)): \(incident.kind.words) in \(incident.version)\(found)",
            "belay why \(incident.endpoint.model)",
            effect: .init(raises: Notice.Condition.incident)
        )
    }

    fileprivate func closed(_ incident: Incident, _ closure: IncidentClosure) -> Notice {
        let how = closure.cause == .replaced ? "another version serves" : "closed by \(entry.actor)\(because)"
        let topic = Notice.topic(of: incident.endpoint, incident.id)
        return notice(
            .incidentClosed,
            at: incident.endpoint,
            release: incident.release,
            incident: incident.id,
            from: incident.version,
            "\(place(incident.endpoint)): \(incident.id) (\(incident.kind.words)) is over: \(how)",
            "belay status \(incident.endpoint.model)",
            effect: .init(clears: [.topic(topic)])
        )
    }
}

extension Incident.Kind {
    fileprivate var words: String {
        switch self {
        case .decay: "decay"
        case .drift: "drift"
        case .rejudged: "proof of harm by late labels"
        }
    }
}

// MARK: - Making one

extension Teller {
    private func notice(
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

    private func notice(
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
