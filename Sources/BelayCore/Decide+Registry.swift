func decideRegistration(_ draft: VersionDraft, in state: State) throws(Refusal) -> [Event] {
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

func decideErasure(_ erasure: Erasure, in state: State) throws(Refusal) -> [Event] {
    _ = try line(erasure.model, in: state)
    return [.operation(.subjectErased(erasure))]
}

func decideClearance(_ id: VersionID, in state: State) throws(Refusal) -> [Event] {
    guard state.version(id) != nil else { throw .unknownVersion(id.model, "\(id.number)") }
    guard state.isQuarantined(id) else { throw .notQuarantined(id) }
    return [.safety(.cleared(id))]
}

func decideAlias(
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

func decideAutomatic(_ id: EndpointID, in state: State) throws(Refusal) -> [Event] {
    _ = try line(id.model, in: state)
    guard let endpoint = state.endpoints[id], endpoint.automatic != .allowed else { return [] }
    return [.safety(.automaticAllowed(id))]
}

func decidePolicy(_ policy: Policy, for id: EndpointID, in state: State) throws(Refusal) -> [Event] {
    _ = try line(id.model, in: state)
    guard policy.model == id.model else { throw .policyForAnotherModel(policy.model, expected: id.model) }
    // It would change the coin, or the meaning of "wrong", in the middle of a bet.
    if let running = state.endpoints[id]?.release { throw .releaseInProgress(running, id) }
    return state.endpoints[id]?.policy == policy ? [] : [.safety(.policyChanged(id, policy))]
}

/// A policy that the version which serves now goes by at once.
func decidePolicyChange(_ policy: Policy, for id: EndpointID, in state: State) throws(Refusal) -> [Event] {
    let changed = try decidePolicy(policy, for: id, in: state)
    let serving = state.endpoints[id]?.stable.flatMap { state.version(VersionID(id.model, $0.version)) }
    if !changed.isEmpty, let serving { try checkFallback(policy, of: serving) }
    return changed
}

/// An answer that cannot be given in the version's place would be found out when nothing else is left.
func checkFallback(_ policy: Policy, of version: Version) throws(Refusal) {
    guard let fault = policy.rollback.failing.answer?.fault(by: version.signature) else { return }
    switch fault {
    case .stranger(let name):
        let known = version.signature.outputs.map(\.name)
        throw .unknownName(name, at: "rollback.fallback.answer", of: version.id, known: known)
    case .missing, .misfit: throw .impossibleFallback(version.id, fault)
    }
}

func decideShadow(
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
