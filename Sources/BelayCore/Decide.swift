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
/// standby, and a rollback prefers versions that it does not name.
///
/// - Returns: The events to append, in order, as one atomic batch.
/// - Throws: ``Refusal`` when the state does not allow it.
package func decide(
    _ command: Command,
    by actor: Actor,
    in state: State,
    unready: [VersionID: String] = [:]
) throws(Refusal) -> [Event] {
    switch command {
    case .register(let draft): try decideRegistration(draft, in: state)
    case .release(let request): try decideRelease(request, in: state)
    case .hold(let id): try decideHold(id, in: state)
    case .resume(let id): try decideResumption(id, in: state, unready)
    case .promote(let id): try decidePromotion(id, in: state, unready)
    case .rollback(let request): try decideRollback(request, by: actor, in: state, unready)
    case .concludeGates(let result): decideGates(result, in: state)
    case .rule(let id, let ruling): decideRuling(ruling, on: id, in: state, unready)
    case .recordFence(let fence, let receipt): decideFence(fence, receipt, in: state)
    case .clearQuarantine(let id): try decideClearance(id, in: state)
    case .moveAlias(let alias, let model, let to): try decideAlias(alias, of: model, to: to, in: state)
    case .allowAutomatic(let id): try decideAutomatic(id, in: state)
    case .changePolicy(let id, let policy): try decidePolicy(policy, for: id, in: state)
    case .changeShadow(let id, let request): try decideShadow(request, at: id, in: state)
    case .recordStart(let start): [.operation(.serverStarted(start))]
    }
}

// MARK: - Releases

private func decideRelease(_ request: ReleaseRequest, in state: State) throws(Refusal) -> [Event] {
    let candidate = try find(request.candidate, of: request.endpoint.model, in: state)
    let endpoint = state.endpoints[request.endpoint]
    if let running = endpoint?.release { throw .releaseInProgress(running, request.endpoint) }
    guard !state.isQuarantined(candidate.id) else { throw .quarantined(candidate.id) }
    guard endpoint?.stable?.version != candidate.id.number else { throw .alreadyServing(candidate.id) }
    if case .suspended = endpoint?.automatic, request.origin == .automatic {
        throw .automaticSuspended(request.endpoint)
    }
    let changed = try request.policy.map { policy throws(Refusal) in
        try decidePolicy(policy, for: request.endpoint, in: state)
    }
    let proposal = Proposal(
        release: state.nextRelease,
        endpoint: request.endpoint,
        candidate: candidate.id.number,
        stable: endpoint?.stable?.version,
        policy: request.policy ?? endpoint?.effectivePolicy ?? .standard(for: request.endpoint.model),
        salt: request.salt,
        profile: request.profile
    )
    return (changed ?? []) + [.release(.proposed(proposal))]
}

private func decideHold(_ id: ReleaseID, in state: State) throws(Refusal) -> [Event] {
    guard try active(id, in: state).hold == nil else { throw .alreadyHeld(id) }
    return [.release(.held(id))]
}

/// A release whose steps are done was held for this: to let it go on is to promote it.
private func decideResumption(
    _ id: ReleaseID,
    in state: State,
    _ unready: [VersionID: String]
) throws(Refusal) -> [Event] {
    let release = try active(id, in: state)
    guard release.hold != nil else { throw .notHeld(id) }
    let resumed = Event.release(.resumed(id))
    guard release.awaitsPerson else { return [resumed] }
    try checkStandby(of: release, in: state, unready)
    return [resumed] + promotion(of: release, guards: [], skipped: 0)
}

/// What stable would become when `release` is promoted, if it could not come back at once and the policy
/// minds that.
private func unreadyStandby(
    of release: Release,
    in state: State,
    _ unready: [VersionID: String]
) -> (id: VersionID, reason: String)? {
    let endpoint = release.proposal.endpoint
    guard release.proposal.policy.rollback.standby != .ignore,
        let stable = state.endpoints[endpoint]?.stable?.version
    else { return nil }
    let id = VersionID(endpoint.model, stable)
    return unready[id].map { (id, $0) }
}

private func checkStandby(
    of release: Release,
    in state: State,
    _ unready: [VersionID: String]
) throws(Refusal) {
    guard let standby = unreadyStandby(of: release, in: state, unready) else { return }
    throw .standbyNotReady(release.id, standby.id, reason: standby.reason)
}

private func decidePromotion(
    _ id: ReleaseID,
    in state: State,
    _ unready: [VersionID: String]
) throws(Refusal) -> [Event] {
    let release = try active(id, in: state)
    if release.phase == .gating { throw .gatesRunning(id) }
    guard let step = release.phase.step else { return [] }
    try checkStandby(of: release, in: state, unready)
    return promotion(of: release, guards: [], skipped: release.plan.steps.count - step - 1)
}

/// Without a stable version there is nothing to compare with, and the candidate serves at once.
///
/// So it does when the plan has no steps. That asks for no standby: it is how a broken stable is replaced.
///
/// A hold freezes the share, and no share is the share of a release whose gates are running: what they passed
/// counts for nothing then, and they are run again once it is resumed.
private func decideGates(_ result: GateResult, in state: State) -> [Event] {
    guard let release = state.releases[result.release], release.phase == .gating else { return [] }
    guard result.gates.allSatisfy({ $0.outcome == .pass || $0.outcome == .skipped }) else {
        return [.release(.refused(result))]
    }
    guard release.hold == nil else { return [] }
    let passed = Event.release(.gatesPassed(result))
    let isFirst = state.endpoints[release.proposal.endpoint]?.stable == nil
    guard !release.plan.steps.isEmpty, !isFirst else {
        return [passed] + promotion(of: release, guards: [], skipped: 0)
    }
    return [passed, entry(of: release, into: 0, guards: [])]
}

private func entry(of release: Release, into index: Int, guards: [GuardReport]) -> Event {
    let step = release.plan.steps[index]
    let entry = StepEntry(
        release: release.id,
        step: index,
        kind: step.kind,
        share: step.share,
        guards: guards
    )
    return .release(.stepEntered(entry))
}

/// Promotion, and settlement in the same batch when the policy asks for no watch.
private func promotion(of release: Release, guards: [GuardReport], skipped: Int) -> [Event] {
    let promoted = Promotion(release: release.id, guards: guards, skippedSteps: skipped)
    let settled: [Event] = release.plan.watchMilliseconds == 0 ? [.release(.settled(release.id))] : []
    return [.release(.promoted(promoted))] + settled
}

private func decideRuling(
    _ ruling: Ruling,
    on id: ReleaseID,
    in state: State,
    _ unready: [VersionID: String]
) -> [Event] {
    guard let release = state.releases[id], !release.hasEnded else { return [] }
    switch ruling {
    case .wait: return []
    case .hold: return release.hold == nil ? [.release(.held(id))] : []
    case .rollback(let breached, let reports):
        return takeOut(release, cause: .breach(of: breached, guards: reports), in: state, unready)
    case .advance(let reports):
        return release.hold == nil ? advance(release, reports, in: state, unready) : []
    }
}

private func advance(
    _ release: Release,
    _ reports: [GuardReport],
    in state: State,
    _ unready: [VersionID: String]
) -> [Event] {
    switch release.phase {
    case .shadow(let step, _), .canary(let step, _):
        if step + 1 < release.plan.steps.count {
            return [entry(of: release, into: step + 1, guards: reports)]
        }
        switch release.plan.ending {
        case .promote:
            let waits = unreadyStandby(of: release, in: state, unready) != nil
            return waits ? [] : promotion(of: release, guards: reports, skipped: 0)
        case .hold: return [.release(.stepsDone(StepsDone(release: release.id, guards: reports)))]
        }
    case .watching: return [.release(.settled(release.id))]
    case .gating, .refused, .settled, .rolledBack: return []
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
