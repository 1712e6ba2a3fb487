package import BelayCore

extension Conductor {
    /// Within this time after a rollback was over, asking for one means the same one.
    private static let echo = Duration.seconds(10)

    /// Takes a version out and returns with the proof that it is over.
    ///
    /// The version gone back to is loaded before anything is recorded. One that does not load is passed over
    /// and named in the record; while it loads, the endpoint goes on serving what it serves.
    package func rollback(
        _ endpoint: EndpointID,
        to reference: VersionReference?,
        by actor: Actor,
        reason: String?,
        expecting expectation: Expectation? = nil
    ) async throws -> Performed {
        let request = RollbackRequest(endpoint: endpoint, to: reference, unloadable: [:])
        let known = state.endpoints[endpoint]?.lastTakenOut
        let ahead = await suspendAhead(
            request,
            after: known,
            by: actor,
            reason: reason,
            expecting: expectation
        )
        do {
            let performed = try await rollbackInTurn(
                endpoint,
                to: reference,
                after: known,
                by: actor,
                reason: reason,
                expecting: expectation
            )
            if let ahead { await lift(ahead) }
            return performed
        } catch {
            if let ahead { await lift(ahead) }
            throw error
        }
    }

    private func rollbackInTurn(
        _ endpoint: EndpointID,
        to reference: VersionReference?,
        after known: Endpoint.TakenOut?,
        by actor: Actor,
        reason: String?,
        expecting expectation: Expectation?
    ) async throws -> Performed {
        let began = ContinuousClock.now
        var unloadable: [VersionNumber: String] = [:]
        var loading: Set<VersionID> = []
        // Until the end: a round between the load and the record would unload what nothing demands yet.
        defer { for id in loading { reserved[id] = reserved[id].flatMap { $0 > 1 ? $0 - 1 : nil } } }
        while true {
            let request = RollbackRequest(endpoint: endpoint, to: reference, unloadable: unloadable)
            let attempt = try await turnForRollback(at: endpoint, to: reference) {
                () -> (performed: Performed, drain: Drain?)? in
                if reference == nil, let done = justTakenOut(at: endpoint, after: known) {
                    let performed = Performed(
                        events: [],
                        receipt: try await publishIfNewer(),
                        alreadyDone: done
                    )
                    return (performed, draining[endpoint])
                }
                let events = try decide(.rollback(request), by: actor, in: state, unready: unready)
                // What is wanted and already so contradicts nobody, however it came about.
                if !events.isEmpty { try expectation?.check(in: state) }
                guard unloadedTarget(of: events) == nil else { return nil }
                let performed = try await carryOut(
                    events,
                    of: .rollback(request),
                    by: actor,
                    reason: reason
                )
                return (performed, draining[endpoint])
            }
            if let attempt {
                // Somebody has been told now.
                if retried.removeValue(forKey: endpoint) != nil { noteRollbackEnd(at: endpoint) }
                let performed = await drained(attempt.performed, [attempt.drain].compactMap(\.self))
                proofs.continuation.yield()
                if performed.receipt != nil, !performed.events.isEmpty {
                    tallies.rollbackTook(ContinuousClock.now - began, at: endpoint)
                }
                return performed
            }
            let events = try decide(.rollback(request), by: actor, in: state, unready: unready)
            guard let target = unloadedTarget(of: events) else { continue }
            // A decision that insists on what does not load would be tried for ever.
            if let why = unloadable[target.id.number] { throw Refusal.doesNotLoad(target.id, reason: why) }
            if loading.insert(target.id).inserted { reserved[target.id, default: 0] += 1 }
            unloadable[target.id.number] = try await obstacle(toLoading: target)
        }
    }

    /// Why the version does not load; nil when it does.
    ///
    /// - Throws: `CancellationError`; that nobody waits for it any more says nothing of the version.
    private func obstacle(toLoading version: Version) async throws -> String? {
        do {
            try await loader.load(version)
            return nil
        } catch let error where !(error is CancellationError) {
            return reasonText(error)
        }
    }

    /// The rollback that somebody, or a guard, was a moment quicker with.
    ///
    /// Who types `rollback` while a guard or a colleague does the same means the same version. Taken
    /// literally, a moment later, it would take out the one gone back to, which nobody has accused; who means
    /// that names a target. So does whoever asked before the other rollback was over, however long the disk
    /// or the last request took.
    ///
    /// - Parameters:
    ///   - endpoint: Where.
    ///   - known: The newest rollback when it was asked for.
    /// - Returns: The rollback that is the same one; nil when there is none.
    func justTakenOut(at endpoint: EndpointID, after known: Endpoint.TakenOut?) -> Endpoint.TakenOut? {
        guard let last = state.endpoints[endpoint]?.lastTakenOut else { return nil }
        if last != known || draining[endpoint] != nil || retried[endpoint] == last.at { return last }
        let ended = rollbackEnds[endpoint].flatMap { $0.of == last.at ? $0.at : nil } ?? last.at
        let since = now().since(ended)
        return since >= .zero && since < Self.echo ? last : nil
    }

    /// The gateways answer by the newest rollback of an endpoint.
    func noteRollbackEnd(at endpoint: EndpointID) {
        guard let last = state.endpoints[endpoint]?.lastTakenOut else { return }
        rollbackEnds[endpoint] = (of: last.at, at: now())
    }

    func unloadedTarget(of events: [Event]) -> Version? {
        for case .release(.rolledBack(let rollback)) in events {
            guard let number = rollback.to else { continue }
            let id = VersionID(rollback.endpoint.model, number)
            // Stable's place is its own: going back to what already serves never waits for anything.
            if state.endpoints[rollback.endpoint]?.stable?.version == number { continue }
            if !loader.isLoaded(id) { return state.version(id) }
        }
        return nil
    }
}
