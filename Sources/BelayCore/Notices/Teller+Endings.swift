/// What is told when something is taken back.
extension Teller {
    /// A breach is told twice over, as what a guard found and as what Belay did, for different people ask.
    func rolledBack(_ rollback: Rollback) -> [Notice] {
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

    func confirmed(_ record: FenceRecord) -> Notice {
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
    func opened(_ incident: Incident) -> Notice {
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
            "belay incidents \(incident.endpoint.model)",
            effect: .init(raises: Notice.Condition.incident)
        )
    }

    func closed(_ incident: Incident, _ closure: IncidentClosure) -> Notice {
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
