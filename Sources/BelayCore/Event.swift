/// Everything that can be recorded: a closed set of closed sets.
package enum Event: Equatable, Sendable {
    case registry(RegistryEvent)
    case release(ReleaseEvent)
    case safety(SafetyEvent)
    case operation(OperationEvent)
}

/// What happened to models and versions.
package enum RegistryEvent: Equatable, Sendable {
    case modelCreated(ModelName)
    case versionRegistered(Version)
    case aliasMoved(AliasMove)
}

/// What happened to a release or to what an endpoint serves.
package enum ReleaseEvent: Equatable, Sendable {
    case proposed(Proposal)
    case gatesPassed(GateResult)
    case refused(GateResult)
    case stepEntered(StepEntry)
    case held(HoldEntry)
    case waived(Waiver)
    case epochBegun(EpochStart)
    /// The last step has done its time, and the plan leaves what follows to a person.
    case stepsDone(StepsDone)
    case resumed(ReleaseID)
    case promoted(Promotion)
    case settled(ReleaseID)
    /// Labels that came late say something else of a release that is over.
    case rejudged(Rejudgement)
    case rolledBack(Rollback)
    case fenceCompleted(FenceRecord)
    case shadowChanged(ShadowChange)
}

/// What happened to the right to serve.
package enum SafetyEvent: Equatable, Sendable {
    case quarantined(Quarantine)
    case cleared(VersionID)
    case automaticAllowed(EndpointID)
    case policyChanged(EndpointID, Policy)
}

/// What happened to the server itself.
package enum OperationEvent: Equatable, Sendable {
    case serverStarted(ServerStart)
    case incidentOpened(Incident)
    case incidentClosed(IncidentClosure)
    case subjectErased(Erasure)
}
