/// Decides what follows from a command.
///
/// Pure: the same arguments give the same events on any machine at any hour, and nothing has happened yet
/// when it returns. No events means that what was asked for is already so.
///
/// Time does not come in: what depends on it (a dwell, a breach) arrives as the judge's ``Ruling``, and the
/// moment of recording is the entry's own.
///
/// `unready` says which versions could not take over at once, each with the reason: because they are not
/// loaded, or no longer answer as they did. A promotion asks it for the version that would become the newest
/// standby, and a rollback prefers versions that it does not name. `reports` are the newest of each release,
/// for what a person overrides is recorded with what the guards said.
///
/// - Returns: The events to append, in order, as one atomic batch.
/// - Throws: ``Refusal`` when the state does not allow it.
package func decide(
    _ command: Command,
    by actor: Actor,
    in state: State,
    unready: [VersionID: String] = [:],
    reports: [ReleaseID: [GuardReport]] = [:]
) throws(Refusal) -> [Event] {
    switch command {
    case .register(let draft): try decideRegistration(draft, in: state)
    case .release(let request): try decideRelease(request, in: state)
    case .hold(let id): try decideHold(id, in: state)
    case .resume(let id): try decideResumption(id, in: state, unready)
    case .promote(let id): try decidePromotion(id, in: state, unready, reports[id] ?? [])
    case .rollback(let request): try decideRollback(request, by: actor, in: state, unready)
    case .concludeGates(let result): decideGates(result, in: state)
    case .rule(let id, let ruling): decideRuling(ruling, on: id, in: state, unready)
    case .waive(let id, let guards): try decideWaiver(id, guards, in: state)
    case .beginEpoch(let id): decideEpoch(id, in: state)
    case .rejudge(let id, let breached, let guards):
        decideRejudgement(Rejudgement(release: id, breached: breached, guards: guards), in: state)
    case .ruleStable(let id, let finding): decideFinding(finding, at: id, in: state, unready)
    case .closeIncident(let id): try decideClosure(id, in: state)
    case .recordFence(let fence, let receipt): decideFence(fence, receipt, in: state)
    case .clearQuarantine(let id): try decideClearance(id, in: state)
    case .moveAlias(let alias, let model, let to): try decideAlias(alias, of: model, to: to, in: state)
    case .allowAutomatic(let id): try decideAutomatic(id, in: state)
    case .changePolicy(let id, let policy): try decidePolicyChange(policy, for: id, in: state)
    case .changeShadow(let id, let request): try decideShadow(request, at: id, in: state)
    case .recordStart(let start): [.operation(.serverStarted(start))]
    case .recordErasure(let erasure): try decideErasure(erasure, in: state)
    }
}

// MARK: - Names

func active(_ id: ReleaseID, in state: State) throws(Refusal) -> Release {
    guard let release = state.releases[id] else { throw .unknownRelease(id) }
    guard !release.hasEnded else { throw .releaseEnded(id) }
    return release
}

/// The version that a person named.
package func find(
    _ reference: VersionReference,
    of model: ModelName,
    in state: State
) throws(Refusal) -> Version {
    guard let version = try line(model, in: state).version(reference) else {
        throw .unknownVersion(model, reference.description)
    }
    return version
}

func line(_ model: ModelName, in state: State) throws(Refusal) -> Model {
    guard let line = state.models[model] else {
        throw .unknownModel(model, near: nearest(model, among: state.models.keys))
    }
    return line
}
