func decideRelease(_ request: ReleaseRequest, in state: State) throws(Refusal) -> [Event] {
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
    let policy = request.policy ?? endpoint?.effectivePolicy ?? .standard(for: request.endpoint.model)
    if let stray = candidate.signature.stray(in: policy) {
        throw .unknownName(stray.name, at: stray.key, of: candidate.id, known: stray.known)
    }
    try checkFallback(policy, of: candidate)
    if let whole = candidate.signature.neverMissing(in: policy) {
        throw .neverMissing(guardName: whole.guarded.name, whole.type, of: candidate.id)
    }
    if !request.allowsUndecidable, let what = undecidable(policy, profile: request.profile) {
        throw .undecidable(request.endpoint, what)
    }
    let proposal = Proposal(
        release: state.nextRelease,
        endpoint: request.endpoint,
        candidate: candidate.id.number,
        stable: endpoint?.stable?.version,
        policy: policy,
        salt: request.salt,
        profile: request.profile
    )
    return (changed ?? []) + [.release(.proposed(proposal))]
}

func decideHold(_ id: ReleaseID, in state: State) throws(Refusal) -> [Event] {
    guard try active(id, in: state).hold == nil else { throw .alreadyHeld(id) }
    return [.release(.held(HoldEntry(release: id)))]
}

/// A release whose steps are done was held for this: to let it go on is to promote it.
func decideResumption(
    _ id: ReleaseID,
    in state: State,
    _ unready: [VersionID: String]
) throws(Refusal) -> [Event] {
    let release = try active(id, in: state)
    guard let hold = release.hold else { throw .notHeld(id) }
    let resumed = waiver(of: release, hold.waives) + [Event.release(.resumed(id))]
    guard release.awaitsPerson else { return resumed }
    try checkStandby(of: release, in: state, unready)
    return resumed + promotion(of: release, guards: [], skipped: 0, in: state)
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

func decidePromotion(
    _ id: ReleaseID,
    in state: State,
    _ unready: [VersionID: String],
    _ reports: [GuardReport]
) throws(Refusal) -> [Event] {
    let release = try active(id, in: state)
    if release.phase == .gating { throw .gatesRunning(id) }
    guard let step = release.phase.step else { return [] }
    try checkStandby(of: release, in: state, unready)
    let overridden = reports.filter { $0.verdict != .pass && $0.verdict != .unjudged }
    let skipped = release.plan.steps.count - step - 1
    return waiver(of: release, overridden.map { .breach(of: $0.name) })
        + promotion(of: release, guards: reports, skipped: skipped, in: state)
}

/// What a person overrides by an act that says nothing of it, unless that was overridden before.
private func waiver(of release: Release, _ causes: [HoldCause]) -> [Event] {
    let causes = causes.filter { !release.waived.contains($0) }
    return causes.isEmpty ? [] : [.release(.waived(Waiver(release: release.id, causes: causes)))]
}

/// Without a stable version there is nothing to compare with, and the candidate serves at once.
///
/// So it does when the plan has no steps. That asks for no standby: it is how a broken stable is replaced.
///
/// A hold freezes the share, and no share is the share of a release whose gates are running: what they passed
/// counts for nothing then, and they are run again once it is resumed.
func decideGates(_ result: GateResult, in state: State) -> [Event] {
    guard let release = state.releases[result.release], release.phase == .gating else { return [] }
    guard result.gates.allSatisfy({ $0.outcome == .pass || $0.outcome == .skipped }) else {
        return [.release(.refused(result))]
    }
    guard release.hold == nil else { return [] }
    let passed = Event.release(.gatesPassed(result))
    let isFirst = state.endpoints[release.proposal.endpoint]?.stable == nil
    guard !release.plan.steps.isEmpty, !isFirst else {
        return [passed] + promotion(of: release, guards: [], skipped: 0, in: state)
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
private func promotion(
    of release: Release,
    guards: [GuardReport],
    skipped: Int,
    in state: State
) -> [Event] {
    let promoted = Promotion(release: release.id, guards: guards, skippedSteps: skipped)
    let settled: [Event] = release.plan.watchMilliseconds == 0 ? [.release(.settled(release.id))] : []
    return [.release(.promoted(promoted))] + settled
        + closures(ofIncidentsAt: release.proposal.endpoint, in: state)
}

func decideRuling(
    _ ruling: Ruling,
    on id: ReleaseID,
    in state: State,
    _ unready: [VersionID: String]
) -> [Event] {
    guard let release = state.releases[id], !release.hasEnded else { return [] }
    switch ruling {
    case .wait: return []
    case .hold(let cause, let reports):
        let isNews = cause == .exposure ? release.hold?.cause != .exposure : release.hold == nil
        return isNews ? [.release(.held(HoldEntry(release: id, cause: cause, guards: reports)))] : []
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
            return waits ? [] : promotion(of: release, guards: reports, skipped: 0, in: state)
        case .hold: return [.release(.stepsDone(StepsDone(release: release.id, guards: reports)))]
        }
    case .watching: return [.release(.settled(release.id))]
    case .gating, .refused, .settled, .rolledBack: return []
    }
}
