extension Event {
    /// The stable name of an event's shape, as the ledger's column `kind` holds it.
    package enum Kind: String, CaseIterable, Sendable {
        case modelCreated = "registry.model_created"
        case versionRegistered = "registry.version_registered"
        case aliasMoved = "registry.alias_moved"
        case proposed = "release.proposed"
        case gatesPassed = "release.gates_passed"
        case refused = "release.refused"
        case stepEntered = "release.step_entered"
        case held = "release.held"
        case stepsDone = "release.steps_done"
        case resumed = "release.resumed"
        case promoted = "release.promoted"
        case settled = "release.settled"
        case waived = "release.waived"
        case epochBegun = "release.epoch_begun"
        case rejudged = "release.rejudged"
        case rolledBack = "release.rolled_back"
        case fenceCompleted = "release.fence_completed"
        case shadowChanged = "release.shadow_changed"
        case quarantined = "safety.quarantined"
        case cleared = "safety.cleared"
        case automaticAllowed = "safety.automatic_allowed"
        case policyChanged = "safety.policy_changed"
        case serverStarted = "operation.server_started"
        case incidentOpened = "operation.incident_opened"
        case incidentClosed = "operation.incident_closed"
        case subjectErased = "operation.subject_erased"
    }

    package var kind: Kind {
        switch self {
        case .registry(.modelCreated): .modelCreated
        case .registry(.versionRegistered): .versionRegistered
        case .registry(.aliasMoved): .aliasMoved
        case .release(.proposed): .proposed
        case .release(.gatesPassed): .gatesPassed
        case .release(.refused): .refused
        case .release(.stepEntered): .stepEntered
        case .release(.held): .held
        case .release(.stepsDone): .stepsDone
        case .release(.resumed): .resumed
        case .release(.promoted): .promoted
        case .release(.settled): .settled
        case .release(.rolledBack): .rolledBack
        case .release(.fenceCompleted): .fenceCompleted
        case .release(.shadowChanged): .shadowChanged
        case .safety(.quarantined): .quarantined
        case .safety(.cleared): .cleared
        case .safety(.automaticAllowed): .automaticAllowed
        case .safety(.policyChanged): .policyChanged
        case .release(.waived): .waived
        case .release(.epochBegun): .epochBegun
        case .release(.rejudged): .rejudged
        case .operation(.serverStarted): .serverStarted
        case .operation(.incidentOpened): .incidentOpened
        case .operation(.incidentClosed): .incidentClosed
        case .operation(.subjectErased): .subjectErased
        }
    }

    /// What the event speaks of, as the ledger's column `subject` holds it: `fraud`, `fraud@3`, `r142`.
    package var subject: String {
        switch self {
        case .registry(.modelCreated(let model)): model.description
        case .registry(.versionRegistered(let version)): version.id.description
        case .registry(.aliasMoved(let move)): move.model.description
        case .release(.proposed(let proposal)): proposal.release.description
        case .release(.gatesPassed(let result)), .release(.refused(let result)): result.release.description
        case .release(.stepEntered(let entry)): entry.release.description
        case .release(.held(let hold)): hold.release.description
        case .release(.waived(let waiver)): waiver.release.description
        case .release(.epochBegun(let start)): start.release.description
        case .release(.rejudged(let rejudgement)): rejudgement.release.description
        case .release(.resumed(let release)), .release(.settled(let release)): release.description
        case .release(.stepsDone(let done)): done.release.description
        case .release(.promoted(let promotion)): promotion.release.description
        case .release(.rolledBack(let rollback)): rollback.release?.description ?? "\(rollback.endpoint)"
        case .release(.fenceCompleted(let fence)): fence.release?.description ?? "\(fence.endpoint)"
        case .release(.shadowChanged(let change)): change.endpoint.description
        case .safety(.quarantined(let quarantine)): quarantine.version.description
        case .safety(.cleared(let version)): version.description
        case .safety(.automaticAllowed(let endpoint)), .safety(.policyChanged(let endpoint, _)):
            endpoint.description
        case .operation(.serverStarted): "server"
        case .operation(.incidentOpened(let incident)): incident.id.description
        case .operation(.incidentClosed(let closure)): closure.id.description
        case .operation(.subjectErased(let erasure)): erasure.model.description
        }
    }

    /// The event's payload, for a JSON encoder; ``kind`` is kept beside it.
    package struct Body: Encodable {
        let event: Event

        package func encode(to encoder: any Encoder) throws {
            switch event {
            case .registry(.modelCreated(let model)): try ModelSubject(model: model).encode(to: encoder)
            case .registry(.versionRegistered(let version)): try version.encode(to: encoder)
            case .registry(.aliasMoved(let move)): try move.encode(to: encoder)
            case .release(.proposed(let proposal)): try proposal.encode(to: encoder)
            case .release(.gatesPassed(let result)), .release(.refused(let result)):
                try result.encode(to: encoder)
            case .release(.stepEntered(let entry)): try entry.encode(to: encoder)
            case .release(.stepsDone(let done)): try done.encode(to: encoder)
            case .release(.held(let hold)): try hold.encode(to: encoder)
            case .release(.waived(let waiver)): try waiver.encode(to: encoder)
            case .release(.epochBegun(let start)): try start.encode(to: encoder)
            case .release(.rejudged(let rejudgement)): try rejudgement.encode(to: encoder)
            case .release(.resumed(let release)), .release(.settled(let release)):
                try ReleaseSubject(release: release).encode(to: encoder)
            case .release(.promoted(let promotion)): try promotion.encode(to: encoder)
            case .release(.rolledBack(let rollback)): try rollback.encode(to: encoder)
            case .release(.fenceCompleted(let fence)): try fence.encode(to: encoder)
            case .release(.shadowChanged(let change)): try change.encode(to: encoder)
            case .safety(.quarantined(let quarantine)): try quarantine.encode(to: encoder)
            case .safety(.cleared(let version)): try VersionSubject(version: version).encode(to: encoder)
            case .safety(.automaticAllowed(let endpoint)):
                try EndpointSubject(endpoint: endpoint, policy: nil).encode(to: encoder)
            case .safety(.policyChanged(let endpoint, let policy)):
                try EndpointSubject(endpoint: endpoint, policy: policy).encode(to: encoder)
            case .operation(.serverStarted(let start)): try start.encode(to: encoder)
            case .operation(.incidentOpened(let incident)): try incident.encode(to: encoder)
            case .operation(.incidentClosed(let closure)): try closure.encode(to: encoder)
            case .operation(.subjectErased(let erasure)): try erasure.encode(to: encoder)
            }
        }
    }

    package var body: Body { Body(event: self) }

    /// Reads the payload that ``Body`` wrote.
    package init(kind: Kind, from decoder: any Decoder) throws {
        switch kind {
        case .modelCreated: self = .registry(.modelCreated(try ModelSubject(from: decoder).model))
        case .versionRegistered: self = .registry(.versionRegistered(try Version(from: decoder)))
        case .aliasMoved: self = .registry(.aliasMoved(try AliasMove(from: decoder)))
        case .proposed: self = .release(.proposed(try Proposal(from: decoder)))
        case .gatesPassed: self = .release(.gatesPassed(try GateResult(from: decoder)))
        case .refused: self = .release(.refused(try GateResult(from: decoder)))
        case .stepEntered: self = .release(.stepEntered(try StepEntry(from: decoder)))
        case .held: self = .release(.held(try HoldEntry(from: decoder)))
        case .waived: self = .release(.waived(try Waiver(from: decoder)))
        case .epochBegun: self = .release(.epochBegun(try EpochStart(from: decoder)))
        case .rejudged: self = .release(.rejudged(try Rejudgement(from: decoder)))
        case .stepsDone: self = .release(.stepsDone(try StepsDone(from: decoder)))
        case .resumed: self = .release(.resumed(try ReleaseSubject(from: decoder).release))
        case .promoted: self = .release(.promoted(try Promotion(from: decoder)))
        case .settled: self = .release(.settled(try ReleaseSubject(from: decoder).release))
        case .rolledBack: self = .release(.rolledBack(try Rollback(from: decoder)))
        case .fenceCompleted: self = .release(.fenceCompleted(try FenceRecord(from: decoder)))
        case .shadowChanged: self = .release(.shadowChanged(try ShadowChange(from: decoder)))
        case .quarantined: self = .safety(.quarantined(try Quarantine(from: decoder)))
        case .cleared: self = .safety(.cleared(try VersionSubject(from: decoder).version))
        case .automaticAllowed:
            self = .safety(.automaticAllowed(try EndpointSubject(from: decoder).endpoint))
        case .policyChanged:
            let subject = try EndpointSubject(from: decoder)
            guard let policy = subject.policy else {
                let context = DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: "the policy is missing"
                )
                throw DecodingError.dataCorrupted(context)
            }
            self = .safety(.policyChanged(subject.endpoint, policy))
        case .serverStarted: self = .operation(.serverStarted(try ServerStart(from: decoder)))
        case .incidentOpened: self = .operation(.incidentOpened(try Incident(from: decoder)))
        case .incidentClosed: self = .operation(.incidentClosed(try IncidentClosure(from: decoder)))
        case .subjectErased: self = .operation(.subjectErased(try Erasure(from: decoder)))
        }
    }
}

private struct ModelSubject: Codable { let model: ModelName }
private struct VersionSubject: Codable { let version: VersionID }
private struct ReleaseSubject: Codable { let release: ReleaseID }

private struct EndpointSubject: Codable {
    let endpoint: EndpointID
    let policy: Policy?
}
