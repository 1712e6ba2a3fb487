import BelayCore
import BelayInference
import Logging

/// What takes as long as it takes, and is done beside the rounds.
enum Chore: Hashable, Sendable, CustomStringConvertible {
    /// Of what serves now, or what a guard wants to go back to.
    case loadServing(VersionID)
    case load(VersionID)
    case gates(ReleaseID)
    /// Ask a version its golden request.
    case probe(VersionID)

    /// Chores of one kind share places, so that no kind can take those of another.
    enum Kind: CaseIterable { case serving, coming, probing }

    var kind: Kind {
        switch self {
        case .loadServing: .serving
        case .load, .gates: .coming
        case .probe: .probing
        }
    }

    var description: String {
        switch self {
        case .loadServing(let id), .load(let id): "the load of \(id)"
        case .gates(let id): "the gates of \(id)"
        case .probe(let id): "the golden request of \(id)"
        }
    }
}

extension Conductor {
    /// Chores of one kind at a time.
    private static let places = 2
    /// A chore that takes longer gives its place back: what hangs must not keep the others waiting.
    private static let placePatience = Duration.seconds(30)
    /// Chores of one kind at a time, those included that have given their place back.
    private static let mostUnderway = 8
    /// A version that did not load is tried again after this long.
    private static let loadPatience = Duration.seconds(30)
    /// A start waits no longer for what serves: one model that hangs must not keep the others from callers.
    package static let startPatience = Duration.seconds(30)

    /// Loads what serves now, which is what a start has to wait for before anyone can ask.
    package func loadServing() async throws {
        try await doAll { $0.kind == .serving }
    }

    /// Does everything that is due, and what becomes due by it.
    package func load() async throws { try await doAll { _ in true } }

    private func doAll(_ isWanted: (Chore) -> Bool) async throws {
        while true {
            let chores = takeDue(isWanted)
            guard !chores.isEmpty else { return }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for chore in chores { group.addTask { try await self.carryOut(chore) } }
                try await group.waitForAll()
            }
        }
    }

    /// The chores that can begin now, in the order of their importance; whoever takes one does it.
    func takeDue(_ isWanted: (Chore) -> Bool = { _ in true }) -> [Chore] {
        let time = now()
        var free: [Chore.Kind: Int] = [:]
        for kind in Chore.Kind.allCases {
            let ages = underway.filter { $0.key.kind == kind }.values.map(time.since)
            // A clock that was set back makes nobody slow.
            let seated = ages.count { $0 < Self.placePatience }
            free[kind] = min(Self.places - seated, Self.mostUnderway - ages.count)
        }
        var taken: [Chore] = []
        for chore in chores where isWanted(chore) && underway[chore] == nil {
            guard free[chore.kind, default: 0] > 0 else { continue }
            free[chore.kind, default: 0] -= 1
            taken.append(chore)
        }
        for chore in taken { underway[chore] = time }
        return taken
    }

    /// Everything there is to do beside the rounds.
    private var chores: [Chore] {
        let demand = state.demand
        let gating = Set(demand.gates.compactMap { state.releases[$0].map(candidateID) })
        let (serving, targets) = (serving, wishedTargets)
        let missing = demand.loaded.union(targets).subtracting(loader.loaded).filter(mayTry)
        let urgent = missing.intersection(serving.union(targets))
        let loads = urgent.sorted().map(Chore.loadServing)
        let others = missing.subtracting(urgent).subtracting(gating).sorted().map(Chore.load)
        return loads + demand.gates.map(Chore.gates) + others + dueProbes.map(Chore.probe)
    }

    func carryOut(_ chore: Chore) async throws {
        defer { underway[chore] = nil }
        switch chore {
        case .loadServing(let id): try await load(id, patience: Self.startPatience)
        case .load(let id): try await load(id, patience: VersionLoader.loadPatience)
        case .gates(let id): try await runGates(of: id)
        case .probe(let id): await probe(id)
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

    /// A load that goes on alone is not begun again.
    private func mayTry(_ id: VersionID) -> Bool {
        guard !loader.isLoading(id) else { return false }
        guard !loader.hasArrived(id), let failure = loadFailures[id] else { return true }
        // A clock that was set back must not stretch the wait.
        let waited = now().since(failure.at)
        return waited >= Self.loadPatience || waited < .zero
    }

    private func load(_ id: VersionID, patience: Duration) async throws {
        guard let version = state.version(id) else { return }
        do {
            try await loader.load(version, patience: patience)
            loadFailures[id] = nil
        } catch let error where !(error is CancellationError) {
            loadFailures[id] = (now(), reasonText(error))
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
        let result = GateResult(release: id, gates: try await gates(of: release))
        try await turn {
            _ = try await publish()
            _ = try await performNow(.concludeGates(result), by: .belay, reason: nil)
        }
    }

    /// - Throws: `CancellationError`; gates that were not run to their end say nothing of the candidate.
    private func gates(of release: Release) async throws -> [GateReport] {
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
        } catch let error where !(error is CancellationError) {
            return [signature, GateReport(gate: .probe, outcome: .fail, detail: reasonText(error))]
        }
    }
}
