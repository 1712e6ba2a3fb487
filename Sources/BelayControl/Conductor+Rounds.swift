import BelayCore
import BelayInference
import BelayStore
import Logging

extension Conductor {
    /// How long the evidence of a release that is over is kept tick by tick; afterwards, its sum.
    static let evidenceRetention = Duration.seconds(30 * 86_400)
    private static let pruningCadence = Duration.seconds(3600)
    private static let releasesPerPruning = 20

    /// Keeps the world in step until the task is cancelled.
    ///
    /// Rounds follow each other. What takes as long as it takes (loads, gates, golden requests) is done
    /// beside them, so that nothing that hangs delays a verdict, a rollback or another load.
    package func run(clock: some Clock<Duration>, every cadence: Duration) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                while !Task.isCancelled {
                    await self.outlive("a round failed") { try await self.tick() }
                    try await clock.sleep(for: cadence)
                }
            }
            group.addTask {
                for await _ in self.proofs.stream {
                    await self.outlive("a fence was not recorded") { try await self.recordProofs() }
                }
            }
            group.addTask { await self.watchDrains() }
            group.addTask {
                while !Task.isCancelled {
                    try await clock.sleep(for: cadence)
                    await self.lookAtRound()
                }
            }
            while !Task.isCancelled {
                for chore in takeDue() {
                    group.addTask { await self.outlive("\(chore) failed") { try await self.carryOut(chore) } }
                }
                try await clock.sleep(for: cadence)
            }
        }
    }

    /// The loop must outlive a full disk: nothing was recorded, so the next round decides again.
    private func outlive(_ what: @autoclosure () -> String, _ work: () async throws -> Void) async {
        do {
            try await work()
        } catch let error where !(error is CancellationError) {
            logger.error("\(what())", metadata: ["error": "\(reasonText(error))"])
        } catch {
            // The ordinary end.
        }
    }

    /// One round: collect and judge, then make up what the state demands and the world lacks.
    ///
    /// Nothing that only the round needs is waited for in the turnstile, so rollbacks pass at any time.
    package func tick() async throws {
        try await rounds.pass {
            looksAtRound = 0
            defer { looksAtRound = nil }
            await retrySuspended()
            do {
                try await gather()
                for id in running {
                    try await renewUnits(of: id)
                    try await rule(on: id)
                }
                await liftVerdictsThatAreNone()
                try await lookAtStables()
                try await lookAtLateLabels()
                forgetEnded()
            } catch {
                await judgeAhead()
                // What is recorded is carried out even while nothing more can be recorded.
                try await reconcile()
                throw error
            }
            try await reconcile()
            try await prune()
            try await archive.tidy()
        }
    }

    /// The judge of a release, brought back from the recorded evidence when this process has none yet.
    func judge(of id: ReleaseID) async throws -> Judge? {
        if let judge = judges[id] { return judge }
        guard let release = state.releases[id] else { return nil }
        var judge = Judge(of: release)
        for tick in try await archive.ticks(of: id) { judge.settle(tick) }
        return judge
    }

    /// Lets the judge speak on a release before a person decides on it: what it says is recorded with that.
    func hear(_ id: ReleaseID) async throws {
        guard state.releases[id]?.hasEnded == false else { return }
        let heard = try await judge(of: id)
        if judges[id] == nil { judges[id] = heard }
        _ = look(at: id)
    }

    private func rule(on id: ReleaseID) async throws {
        if judges[id] == nil { judges[id] = try await judge(of: id) }
        guard let ruling = look(at: id) else { return }
        if case .wait = ruling { return }
        try await turn {
            // Again, for a person may have been quicker: what was ruled on one phase is nothing to another.
            guard let ruling = look(at: id) else { return }
            if case .wait = ruling { return }
            // It is loaded first, beside the rounds; until then what serves is better than nothing.
            guard unloadedTarget(of: wish(of: id, ruling)) == nil else { return }
            _ = try await performNow(.rule(id, ruling), by: .belay, reason: ruling.sentence)
        }
    }

    /// What the judge says of a release as it stands now; nil once it is over.
    private func look(at id: ReleaseID) -> Ruling? {
        guard let judge = judges[id], let release = state.releases[id], !release.hasEnded else { return nil }
        let ruling = judge.rule(on: release, now: now())
        rulings[id] = ruling
        return ruling
    }

    /// What guards want to go back to.
    var wishedTargets: Set<VersionID> {
        var targets: Set<VersionID> = []
        for case .release(.rolledBack(let rollback)) in rulings.flatMap(wish) {
            if let version = rollback.to { targets.insert(VersionID(rollback.endpoint.model, version)) }
        }
        return targets
    }

    /// All that they could go back to.
    var wishedFormers: Set<VersionID> {
        var formers: Set<VersionID> = []
        for case (let id, .rollback) in rulings {
            guard let endpoint = state.releases[id].flatMap({ state.endpoints[$0.proposal.endpoint] }) else {
                continue
            }
            formers.formUnion(endpoint.formers.map { VersionID(endpoint.id.model, $0.version) })
        }
        return formers
    }

    /// The events of a rollback that a guard wants; none of any other ruling.
    private func wish(of id: ReleaseID, _ ruling: Ruling) -> [Event] {
        guard case .rollback = ruling else { return [] }
        return (try? decide(.rule(id, ruling), by: .belay, in: state, unready: unready)) ?? []
    }

    private var running: [ReleaseID] { state.releases.values.filter { !$0.hasEnded }.map(\.id).sorted() }

    /// However a release ended, its judge is needed no more.
    private func forgetEnded() {
        judges = judges.filter { state.releases[$0.key]?.hasEnded == false }
        rulings = rulings.filter { state.releases[$0.key]?.hasEnded == false }
    }

    /// Sums up the evidence of releases that are long over, some at a time.
    private func prune() async throws {
        let time = now()
        if let prunedAt, (.zero..<Self.pruningCadence).contains(time.since(prunedAt)) { return }
        let kept = try await archive.releasesWithTicks(limit: .max)
        let due = kept.filter { id in
            guard let ended = state.releases[id]?.endedAt else { return false }
            return time.since(ended) >= Self.evidenceRetention
        }
        for id in due.prefix(Self.releasesPerPruning) { try await archive.sumTicks(of: id) }
        if due.count <= Self.releasesPerPruning { prunedAt = time }
    }
}

extension Release {
    /// When it was over; nil while it is not.
    var endedAt: Timestamp? {
        switch phase {
        case .refused(let time, _), .settled(let time), .rolledBack(let time, _): time
        default: nil
        }
    }
}
