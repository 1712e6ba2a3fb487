/// Decides what follows from a command.
///
/// Pure: the same arguments give the same events on any machine at any hour, and nothing has happened yet
/// when it returns. No events means that what was asked for is already so.
///
/// Time does not come in: what depends on it (a dwell, a breach) arrives as the judge's ``Ruling``, and the
/// moment of recording is the entry's own.
///
/// - Returns: The events to append, in order, as one atomic batch.
/// - Throws: ``Refusal`` when the state does not allow it.
package func decide(
    _ command: Command,
    by actor: Actor,
    in state: State
) throws(Refusal) -> [Event] {
    switch command {
    case .register(let draft): try decideRegistration(draft, in: state)
    case .release(let request): try decideRelease(request, in: state)
    case .hold(let id): try decideHold(id, in: state)
    case .resume(let id): try decideResumption(id, in: state)
    case .promote(let id): try decidePromotion(id, in: state)
    case .rollback(let request): try decideRollback(request, by: actor, in: state)
    case .concludeGates(let result): decideGates(result, in: state)
    case .rule(let id, let ruling): decideRuling(ruling, on: id, in: state)
    case .recordFence(let fence, let receipt): decideFence(fence, receipt, in: state)
    case .clearQuarantine(let id): try decideClearance(id, in: state)
    case .moveAlias(let alias, let model, let to): try decideAlias(alias, of: model, to: to, in: state)
    case .allowAutomatic(let id): try decideAutomatic(id, in: state)
    case .changePolicy(let id, let policy): try decidePolicy(policy, for: id, in: state)
    case .changeShadow(let id, let request): try decideShadow(request, at: id, in: state)
    case .recordStart(let start): [.operation(.serverStarted(start))]
    }
}

// MARK: - Registry

private func decideRegistration(_ draft: VersionDraft, in state: State) throws(Refusal) -> [Event] {
    let model = state.models[draft.model]
    if model?.version(digest: draft.digest) != nil { return [] }
    if let label = draft.label, let holder = model?.version(.label(label)) {
        throw .labelTaken(label, by: holder.id)
    }
    let number = model?.nextNumber ?? .first
    let version = Version(id: VersionID(draft.model, number), draft: draft)
    let registered = Event.registry(.versionRegistered(version))
    return model == nil ? [.registry(.modelCreated(draft.model)), registered] : [registered]
}

private func decideClearance(_ id: VersionID, in state: State) throws(Refusal) -> [Event] {
    guard state.version(id) != nil else { throw .unknownVersion(id.model, "\(id.number)") }
    guard state.isQuarantined(id) else { throw .notQuarantined(id) }
    return [.safety(.cleared(id))]
}

private func decideAlias(
    _ alias: AliasName,
    of name: ModelName,
    to reference: VersionReference?,
    in state: State
) throws(Refusal) -> [Event] {
    let model = try line(name, in: state)
    let from = model.aliases[alias]
    let target = try reference.map { reference throws(Refusal) in
        let version = try find(reference, of: name, in: state).id
        guard !state.isQuarantined(version) else { throw .quarantined(version) }
        return version.number
    }
    guard target != from else { return [] }
    if from == nil {
        if let label = VersionLabel(alias.text), let holder = model.version(.label(label)) {
            throw .aliasIsLabel(alias, of: holder.id)
        }
        guard model.aliases.count < Model.mostAliases else { throw .tooManyAliases(name) }
    }
    let move = AliasMove(model: name, alias: alias, from: from, to: target)
    return [.registry(.aliasMoved(move))]
}

private func decideAutomatic(_ id: EndpointID, in state: State) throws(Refusal) -> [Event] {
    _ = try line(id.model, in: state)
    guard let endpoint = state.endpoints[id], endpoint.automatic != .allowed else { return [] }
    return [.safety(.automaticAllowed(id))]
}

private func decidePolicy(_ policy: Policy, for id: EndpointID, in state: State) throws(Refusal) -> [Event] {
    _ = try line(id.model, in: state)
    guard policy.model == id.model else { throw .policyForAnotherModel(policy.model, expected: id.model) }
    // It would change the coin, or the meaning of "wrong", in the middle of a bet.
    if let running = state.endpoints[id]?.release { throw .releaseInProgress(running, id) }
    return state.endpoints[id]?.policy == policy ? [] : [.safety(.policyChanged(id, policy))]
}

private func decideShadow(
    _ request: ShadowRequest?,
    at id: EndpointID,
    in state: State
) throws(Refusal) -> [Event] {
    _ = try line(id.model, in: state)
    guard let request else {
        guard state.endpoints[id]?.shadow != nil else { return [] }
        return [.release(.shadowChanged(ShadowChange(endpoint: id, shadow: nil)))]
    }
    let version = try find(request.version, of: id.model, in: state).id
    guard let stable = state.endpoints[id]?.stable else { throw .nothingServes(id) }
    guard !state.isQuarantined(version) else { throw .quarantined(version) }
    guard stable.version != version.number else { throw .alreadyServing(version) }
    let shadow = StandingShadow(version: version.number, share: request.share)
    guard request.share > .none, state.endpoints[id]?.shadow != shadow else { return [] }
    return [.release(.shadowChanged(ShadowChange(endpoint: id, shadow: shadow)))]
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
        salt: request.salt
    )
    return (changed ?? []) + [.release(.proposed(proposal))]
}

private func decideHold(_ id: ReleaseID, in state: State) throws(Refusal) -> [Event] {
    guard try active(id, in: state).hold == nil else { throw .alreadyHeld(id) }
    return [.release(.held(id))]
}

/// A release whose steps are done was held for this: to let it go on is to promote it.
private func decideResumption(_ id: ReleaseID, in state: State) throws(Refusal) -> [Event] {
    let release = try active(id, in: state)
    guard release.hold != nil else { throw .notHeld(id) }
    let resumed = Event.release(.resumed(id))
    return release.awaitsPerson ? [resumed] + promotion(of: release, guards: [], skipped: 0) : [resumed]
}

private func decidePromotion(_ id: ReleaseID, in state: State) throws(Refusal) -> [Event] {
    let release = try active(id, in: state)
    if release.phase == .gating { throw .gatesRunning(id) }
    guard let step = release.phase.step else { return [] }
    return promotion(of: release, guards: [], skipped: release.plan.steps.count - step - 1)
}

/// A release whose endpoint serves nothing has nothing to compare with: it serves at once.
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

private func decideRuling(_ ruling: Ruling, on id: ReleaseID, in state: State) -> [Event] {
    guard let release = state.releases[id], !release.hasEnded else { return [] }
    switch ruling {
    case .wait: return []
    case .hold: return release.hold == nil ? [.release(.held(id))] : []
    case .rollback(let breached, let reports):
        return takeOut(release, cause: .breach(of: breached, guards: reports), in: state)
    case .advance(let reports): return release.hold == nil ? advance(release, reports) : []
    }
}

private func advance(_ release: Release, _ reports: [GuardReport]) -> [Event] {
    switch release.phase {
    case .shadow(let step, _), .canary(let step, _):
        if step + 1 < release.plan.steps.count {
            return [entry(of: release, into: step + 1, guards: reports)]
        }
        switch release.plan.ending {
        case .promote: return promotion(of: release, guards: reports, skipped: 0)
        case .hold: return [.release(.stepsDone(StepsDone(release: release.id, guards: reports)))]
        }
    case .watching: return [.release(.settled(release.id))]
    case .gating, .refused, .settled, .rolledBack: return []
    }
}

// MARK: - Rollback

private func decideRollback(
    _ request: RollbackRequest,
    by actor: Actor,
    in state: State
) throws(Refusal) -> [Event] {
    _ = try line(request.endpoint.model, in: state)
    guard let endpoint = state.endpoints[request.endpoint] else { throw .nothingServes(request.endpoint) }
    let cause = RollbackCause.request(by: actor)
    // A candidate with all requests is the stable version: taking it out needs a version to go back to.
    guard let release = state.activeRelease(at: request.endpoint), release.share < .all else {
        return try takeOutStable(of: endpoint, request, cause: cause, in: state)
    }
    let target = try request.to.map { reference throws(Refusal) in
        try find(reference, of: request.endpoint.model, in: state).id.number
    }
    // Going to the version on trial and taking it out exclude each other; promoting it is the way there.
    guard target != release.proposal.candidate else { throw .releaseInProgress(release.id, endpoint.id) }
    let takenOut = takeOut(release, cause: cause, in: state)
    guard let target, target != endpoint.stable?.version else { return takenOut }
    return try takenOut + takeOutStable(of: endpoint, request, cause: cause, in: state)
}

/// The events that end a release by a rollback, whatever its phase.
private func takeOut(_ release: Release, cause: RollbackCause, in state: State) -> [Event] {
    let endpoint = state.endpoints[release.proposal.endpoint]
    let candidate = VersionID(release.proposal.endpoint.model, release.proposal.candidate)
    var target = endpoint?.stable?.version
    var selection: [Considered] = []
    if case .watching = release.phase, let endpoint {
        selection = selectTarget(for: endpoint, unloadable: [:], in: state)
        target = selection.first(where: \.taken)?.version
    } else if let target {
        selection = [Considered(version: target, taken: true, why: "it serves all other requests")]
    }
    let rollback = Rollback(
        endpoint: release.proposal.endpoint,
        release: release.id,
        from: candidate.number,
        to: target,
        cause: cause,
        selection: selection
    )
    return [.release(.rolledBack(rollback))] + quarantine(candidate, in: state)
}

private func takeOutStable(
    of endpoint: Endpoint,
    _ request: RollbackRequest,
    cause: RollbackCause,
    in state: State
) throws(Refusal) -> [Event] {
    guard let stable = endpoint.stable else { throw .nothingServes(endpoint.id) }
    let selection: [Considered]
    if let reference = request.to {
        let target = try find(reference, of: endpoint.id.model, in: state).id
        if target.number == stable.version { return [] }
        guard !state.isQuarantined(target) else { throw .quarantined(target) }
        guard endpoint.formers.contains(where: { $0.version == target.number }) else {
            throw .neverServed(target)
        }
        if let reason = request.unloadable[target.number] { throw .doesNotLoad(target, reason: reason) }
        selection = [Considered(version: target.number, taken: true, why: "it was asked for")]
    } else {
        selection = selectTarget(for: endpoint, unloadable: request.unloadable, in: state)
    }
    guard let target = selection.first(where: \.taken)?.version else {
        throw .nothingToGoBackTo(endpoint.id, considered: selection)
    }
    let active = state.activeRelease(at: endpoint.id)
    let watching = active.flatMap { $0.proposal.candidate == stable.version ? $0.id : nil }
    let rollback = Rollback(
        endpoint: endpoint.id,
        release: watching,
        from: stable.version,
        to: target,
        cause: cause,
        selection: selection
    )
    return [.release(.rolledBack(rollback))]
        + quarantine(VersionID(endpoint.id.model, stable.version), in: state)
}

/// The former stables in the order in which they are preferred, with what became of each.
///
/// Proven versions come before unproven ones, newer before older. The first that is not withdrawn, answers
/// today's requests and loads is taken; the rest of the list is not looked at.
package func selectTarget(
    for endpoint: Endpoint,
    unloadable: [VersionNumber: String],
    in state: State
) -> [Considered] {
    let model = endpoint.id.model
    let today = endpoint.stable.flatMap { state.version(VersionID(model, $0.version)) }?.signature
    var considered: [Considered] = []
    let ordered = endpoint.formers.filter(\.proven) + endpoint.formers.filter { !$0.proven }
    for former in ordered {
        let id = VersionID(model, former.version)
        guard let version = state.version(id) else { continue }
        let obstacle: String? =
            if state.isQuarantined(id) {
                "is quarantined"
            } else if let today, let mismatch = version.signature.mismatches(replacing: today).first {
                "would not answer today's requests: \(mismatch.sentence)"
            } else {
                unloadable[former.version].map { "does not load: \($0)" }
            }
        guard let obstacle else {
            let why = former.proven ? "is the last good version" : "served last; none is proven yet"
            return considered + [Considered(version: former.version, taken: true, why: why)]
        }
        considered.append(Considered(version: former.version, taken: false, why: obstacle))
    }
    return considered
}

private func quarantine(_ id: VersionID, in state: State) -> [Event] {
    guard let version = state.version(id), !state.isQuarantined(id) else { return [] }
    return [.safety(.quarantined(Quarantine(version: id, digest: version.digest)))]
}

private func decideFence(_ fence: PendingFence, _ receipt: Receipt, in state: State) -> [Event] {
    guard state.endpoints[fence.endpoint]?.unfenced == fence, receipt.epoch >= fence.epoch else { return [] }
    let record = FenceRecord(endpoint: fence.endpoint, release: fence.release, receipt: receipt)
    return [.release(.fenceCompleted(record))]
}

// MARK: - Names

private func active(_ id: ReleaseID, in state: State) throws(Refusal) -> Release {
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

private func line(_ model: ModelName, in state: State) throws(Refusal) -> Model {
    guard let line = state.models[model] else {
        throw .unknownModel(model, near: nearest(model, among: state.models.keys))
    }
    return line
}
