func decideRollback(
    _ request: RollbackRequest,
    by actor: Actor,
    in state: State,
    _ unready: [VersionID: String]
) throws(Refusal) -> [Event] {
    _ = try line(request.endpoint.model, in: state)
    guard let endpoint = state.endpoints[request.endpoint] else { throw .nothingServes(request.endpoint) }
    let cause = RollbackCause.request(by: actor)
    // A candidate with all requests is the stable version: taking it out needs a version to go back to.
    guard let release = state.activeRelease(at: request.endpoint), !release.phase.isWatching else {
        return try takeOutStable(of: endpoint, request, cause: cause, in: state, unready)
    }
    let target = try request.to.map { reference throws(Refusal) in
        try find(reference, of: request.endpoint.model, in: state).id.number
    }
    // Going to the version on trial and taking it out exclude each other; promoting it is the way there.
    guard target != release.proposal.candidate else { throw .releaseInProgress(release.id, endpoint.id) }
    let takenOut = takeOut(release, cause: cause, in: state, unready)
    guard let target, target != endpoint.stable?.version else { return takenOut }
    return try takenOut + takeOutStable(of: endpoint, request, cause: cause, in: state, unready)
}

/// The events that end a release by a rollback, whatever its phase.
///
/// None for a version that serves and that nothing can take the place of: a bad answer may be one of many,
/// and no version at all is none to anybody. People are told that it cannot be rolled back
/// (``Notice/Kind/rollbackFailed``).
func takeOut(
    _ release: Release,
    cause: RollbackCause,
    in state: State,
    _ unready: [VersionID: String]
) -> [Event] {
    let endpoint = state.endpoints[release.proposal.endpoint]
    let candidate = VersionID(release.proposal.endpoint.model, release.proposal.candidate)
    var target = endpoint?.stable?.version
    var selection: [Considered] = []
    if case .watching = release.phase, let endpoint {
        // The evidence is of the version it was compared with, proven or not.
        let compared = release.holdsBack ? release.proposal.stable : nil
        selection = selectTarget(for: endpoint, unloadable: [:], in: state, unready: unready, first: compared)
        guard let taken = selection.first(where: \.taken) else { return [] }
        target = taken.version
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
        + (release.phase.isWatching ? closures(ofIncidentsAt: rollback.endpoint, in: state) : [])
}

private func takeOutStable(
    of endpoint: Endpoint,
    _ request: RollbackRequest,
    cause: RollbackCause,
    in state: State,
    _ unready: [VersionID: String]
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
        selection = selectTarget(
            for: endpoint,
            unloadable: request.unloadable,
            in: state,
            unready: unready
        )
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
        + closures(ofIncidentsAt: endpoint.id, in: state)
}

/// The former stables in the order in which they are preferred, with what became of each.
///
/// Proven versions come before unproven ones, newer before older. The first is taken that is not withdrawn,
/// takes today's requests, loads and is ready; where none is ready, the first of the others: going back
/// slowly is better than not at all. One whose answers differ in shape from today's comes after those whose
/// do not, and before nothing: callers read them until the version came that is taken out. What comes after
/// the one that is taken is not looked at.
///
/// - Parameters:
///   - endpoint: Where it is looked for.
///   - unloadable: Versions that were tried and do not load, with the reason.
///   - state: Who is registered and who is quarantined.
///   - unready: Versions that could not take over at once, each with the reason.
///   - first: Preferred before all others, because it answers a part of today's requests.
///   - unfit: Versions that something else speaks against, with the reason.
/// - Returns: What was considered, in this order; at most one is taken.
package func selectTarget(
    for endpoint: Endpoint,
    unloadable: [VersionNumber: String],
    in state: State,
    unready: [VersionID: String] = [:],
    first: VersionNumber? = nil,
    unfit: [VersionNumber: String] = [:]
) -> [Considered] {
    let model = endpoint.id.model
    let today = endpoint.stable.flatMap { state.version(VersionID(model, $0.version)) }?.signature
    // One that answers a part of today's requests takes them, and its answers are today's, too.
    func expected(of version: Version) -> Signature? { version.id.number == first ? nil : today }
    let preferred = endpoint.formers.filter { $0.version == first }
    let others = endpoint.preferredFormers.filter { $0.version != first }
    let possible = (preferred + others).compactMap { former in
        state.version(VersionID(model, former.version)).map { version in
            Possible(
                former: former,
                obstacle: state.isQuarantined(version.id)
                    ? "is quarantined"
                    : obstacle(version, to: expected(of: version), unloadable) ?? unfit[version.id.number],
                unready: unready[version.id],
                otherwise: otherwise(version, than: expected(of: version))
            )
        }
    }
    let free = possible.filter { $0.obstacle == nil }
    let ready = free.filter { $0.unready == nil }
    let taken = (ready.first { $0.otherwise == nil } ?? ready.first ?? free.first)?.former.version
    let end = possible.firstIndex { $0.former.version == taken } ?? possible.endIndex
    return possible.prefix(through: min(end, possible.endIndex - 1)).map { $0.considered(taken: taken) }
}

/// A former stable with what stands between it and serving again.
private struct Possible {
    let former: Endpoint.Former
    let obstacle: String?
    let unready: String?
    /// In what its answers are not what callers read today.
    let otherwise: String?

    func considered(taken: VersionNumber?) -> Considered {
        guard former.version == taken else {
            let why = obstacle ?? unready.map { "is not ready: \($0)" } ?? otherwise ?? "is not needed"
            return Considered(version: former.version, taken: false, why: why)
        }
        let why = former.proven ? "is the last good version" : "served last; none is proven yet"
        let slow = unready.map { ", though not ready: \($0)" } ?? ""
        let other = otherwise.map { ", though it answers otherwise: \($0)" } ?? ""
        return Considered(version: former.version, taken: true, why: why + slow + other)
    }
}

private func obstacle(
    _ version: Version,
    to today: Signature?,
    _ unloadable: [VersionNumber: String]
) -> String? {
    if let today, let mismatch = version.signature.inputMismatch(replacing: today) {
        return "would not take today's requests: \(mismatch.sentence)"
    }
    return unloadable[version.id.number].map { "does not load: \($0)" }
}

private func otherwise(_ version: Version, than today: Signature?) -> String? {
    today.flatMap { version.signature.mismatches(replacing: $0).first { !$0.isOfInputs } }?.sentence
}

func quarantine(_ id: VersionID, in state: State) -> [Event] {
    guard let version = state.version(id), !state.isQuarantined(id) else { return [] }
    return [.safety(.quarantined(Quarantine(version: id, digest: version.digest)))]
}

func decideFence(_ fence: PendingFence, _ receipt: Receipt, in state: State) -> [Event] {
    guard state.endpoints[fence.endpoint]?.unfenced == fence, receipt.epoch >= fence.epoch else { return [] }
    let record = FenceRecord(endpoint: fence.endpoint, release: fence.release, receipt: receipt)
    return [.release(.fenceCompleted(record))]
}
