import BelayCore
import BelayInference
import Logging

extension Conductor {
    /// Makes up the difference between what the state demands and what is so.
    ///
    /// Doing it twice is harmless.
    func reconcile() async throws {
        let demand = state.demand
        _ = try await publishIfNewer()
        try await completeFences()
        for version in loader.loaded.subtracting(demand.loaded).subtracting(reserved.keys) {
            loader.unload(version)
            _ = try await publish()
        }
    }

    func publishIfNewer() async throws -> Receipt? {
        if let published, published.epoch >= state.epoch { return published }
        let receipt = try await publish()
        try await completeFences()
        return receipt
    }

    /// Hands the gateways the table of the state, and with it what is loaded now.
    ///
    /// A publication that fails leaves none standing, so that the next round publishes again, for an instance
    /// too that was loaded or unloaded under an unchanged table.
    private func publish() async throws -> Receipt {
        published = nil
        let receipt = try await publisher.publish(state.routeTable)
        published = receipt
        return receipt
    }

    /// Records that rollbacks are over.
    ///
    /// The record comes after the fact here, and only here: it states what has been seen, and repeating the
    /// publication would see it again.
    private func completeFences() async throws {
        guard let published else { return }
        for fence in state.demand.fences where published.epoch >= fence.epoch {
            let events = try decide(.recordFence(fence, published), by: .belay, in: state)
            if !events.isEmpty { try await append(events, by: .belay, reason: nil) }
        }
    }

    /// Loads what serves now, which is what a start has to wait for before anyone can ask.
    package func loadServing() async throws {
        for id in serving.subtracting(loader.loaded).filter(mayTry).sorted() { try await load(id) }
    }

    /// Loads what the state demands and runs the gates that wait; what serves now comes first.
    package func load() async throws {
        try await loadServing()
        let demand = state.demand
        let gating = Set(demand.gates.compactMap { state.releases[$0].map(candidateID) })
        let missing = demand.loaded.subtracting(loader.loaded).subtracting(gating).filter(mayTry)
        // Beside each other, so that one version that takes long keeps no other of this round waiting. What
        // is proposed meanwhile waits for the next.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for id in missing.subtracting(serving).sorted() { group.addTask { try await self.load(id) } }
            for id in demand.gates { group.addTask { try await self.runGates(of: id) } }
            try await group.waitForAll()
        }
    }

    private var serving: Set<VersionID> {
        Set(
            state.endpoints.values.compactMap { endpoint in
                endpoint.stable.map { VersionID(endpoint.id.model, $0.version) }
            }
        )
    }

    private func candidateID(_ release: Release) -> VersionID {
        VersionID(release.proposal.endpoint.model, release.proposal.candidate)
    }

    private func mayTry(_ id: VersionID) -> Bool {
        guard let failure = loadFailures[id] else { return true }
        // A clock that was set back must not stretch the wait.
        let waited = now().since(failure)
        return waited >= Self.loadPatience || waited < .zero
    }

    private func load(_ id: VersionID) async throws {
        guard let version = state.version(id) else { return }
        do {
            try await loader.load(version)
            loadFailures[id] = nil
        } catch {
            loadFailures[id] = now()
            logger.error(
                "a version does not load",
                metadata: ["version": "\(id)", "error": "\(reasonText(error))"]
            )
            return
        }
        try await republish()
    }

    private func runGates(of id: ReleaseID) async throws {
        guard let release = state.releases[id], release.phase == .gating else { return }
        let result = GateResult(release: id, gates: await gates(of: release))
        try await turnstile.pass {
            _ = try await publish()
            _ = try await performNow(.concludeGates(result), by: .belay, reason: nil)
        }
    }

    private func gates(of release: Release) async -> [GateReport] {
        let model = release.proposal.endpoint.model
        guard let candidate = state.version(VersionID(model, release.proposal.candidate)) else {
            return [GateReport(gate: .probe, outcome: .error, detail: "the version is not registered")]
        }
        let stable = state.endpoints[release.proposal.endpoint]?.stable
            .flatMap { state.version(VersionID(model, $0.version)) }
        let signature = signatureGate(candidate: candidate.signature, stable: stable?.signature)
        guard signature.outcome != .fail else {
            return [
                signature, GateReport(gate: .probe, outcome: .skipped, detail: "another gate failed first"),
            ]
        }
        do {
            try await loader.load(candidate)
            return [signature, GateReport(gate: .probe, outcome: .pass, detail: "")]
        } catch {
            return [signature, GateReport(gate: .probe, outcome: .fail, detail: reasonText(error))]
        }
    }

    /// Hands the gateways the same routes again, so that they find instances that have been loaded since.
    private func republish() async throws {
        _ = try await turnstile.pass { try await publish() }
    }
}
