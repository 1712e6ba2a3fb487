package import BelayCore
import BelayInference
import BelayStore

extension Conductor {
    /// Evidence of releases that are over is recorded once in this time: nobody waits for a verdict on it.
    static let restingCadence = Duration.seconds(15)
    /// How long after its end a release is judged again by labels, unless the policy bounds their age.
    static let rejudging = Duration.seconds(7 * 86_400)
    private static let mostLateJudges = 64
    /// How many of them a start brings back: a crash may have come between labels and what they led to.
    private static let lateJudgesAtStart = 8
    private static let mostReadings = 1_000

    /// Takes what a monitor elsewhere said for guards on a `query`; it is recorded with the next round.
    ///
    /// What is said of a release that is over, and more than a round can hold, is forgotten.
    package func take(_ new: [EvidenceTick.Reading], of release: ReleaseID) {
        guard state.releases[release]?.hasEnded == false else { return }
        readings[release, default: []] += new
        let surplus = (readings[release]?.count ?? 0) - Self.mostReadings
        if surplus > 0 { readings[release]?.removeFirst(surplus) }
    }

    func gather() async throws {
        await collect()
        let time = now()
        try await recordRunning(at: time)
        try await recordResting(at: time)
    }

    /// Sources hand each count over once, so what cannot be recorded now is kept for the next round.
    func collect() async {
        for source in sources { unrecorded.merge(await source.collect()) }
    }

    private func recordRunning(at time: Timestamp) async throws {
        guard !unrecorded.isEmpty || !readings.isEmpty else { return }
        // Before the ticks are recorded: a judge brought back afterwards would count them twice.
        for tick in unrecordedTicks(at: time) { judges[tick.release] = try await judge(of: tick.release) }
        // What is collected from here on comes after them.
        let ticks = unrecordedTicks(at: time)
        let (counts, said) = (unrecorded, readings)
        (unrecorded, readings) = (EvidenceCounts(), [:])
        recording = ticks
        defer { recording = [] }
        do {
            try await archive.appendTicks(ticks)
        } catch {
            unrecorded.merge(counts)
            readings.merge(said) { $1 + $0 }
            throw error
        }
        for tick in ticks { judges[tick.release]?.settle(tick) }
        let recorded = Set(ticks.map(\.release))
        for (id, late) in counts.byRelease where !recorded.contains(id) {
            if state.releases[id]?.hasEnded == true { resting.merge(late) }
        }
    }

    /// What is not recorded yet of the releases that run.
    func unrecordedTicks(at time: Timestamp) -> [EvidenceTick] {
        let counts = unrecorded.byRelease
        return Set(counts.keys).union(readings.keys).sorted().compactMap { id in
            state.releases[id]?.evidenceStep.map { step in
                EvidenceTick(
                    release: id,
                    at: time,
                    step: step,
                    counts: counts[id] ?? EvidenceCounts(),
                    readings: readings[id] ?? []
                )
            }
        }
    }

    /// Counts of what serves, and labels that come late.
    private func recordResting(at time: Timestamp) async throws {
        if let rested, (.zero..<Self.restingCadence).contains(time.since(rested)) { return }
        guard !resting.isEmpty else { return }
        var ticks: [EvidenceTick] = []
        for (id, counts) in resting.byRelease.sorted(by: { $0.key < $1.key }) {
            guard let release = state.releases[id], serves(release) || isRejudged(release, at: time) else {
                continue
            }
            ticks.append(
                EvidenceTick(release: id, at: time, step: release.plan.settledStep, counts: counts)
            )
        }
        // Only what a coin decided can change what was judged.
        let late = ticks.filter { tick in
            guard let release = state.releases[tick.release], isRejudged(release, at: time) else {
                return false
            }
            return tick.counts.counts.keys.contains { $0.share > .none && $0.share < .all }
        }
        for tick in late where lateJudges.count < Self.mostLateJudges || lateJudges[tick.release] != nil {
            lateJudges[tick.release] = try await lateJudge(of: tick.release)
        }
        try await bringBackWatches()
        try await archive.appendTicks(ticks)
        resting = EvidenceCounts()
        rested = time
        for tick in ticks {
            lateJudges[tick.release]?.settle(tick)
            for endpoint in watches.keys { watches[endpoint]?.watch.settle(tick) }
        }
    }

    private func serves(_ release: Release) -> Bool {
        state.endpoints[release.proposal.endpoint]?.stable?.release == release.id
    }

    /// Whether labels that come now are still evidence for it.
    private func isRejudged(_ release: Release, at time: Timestamp) -> Bool {
        guard let ended = release.endedAt, !release.isRejudged else { return false }
        if case .rolledBack(_, .breach) = release.phase { return false }
        let joined = release.proposal.policy.labels.joinWithinMilliseconds.map { Duration.milliseconds($0) }
        return time.since(ended) <= joined ?? Self.rejudging
    }

    private func lateJudge(of id: ReleaseID) async throws -> Judge? {
        if let judge = lateJudges[id] { return judge }
        return try await judge(of: id)
    }

    /// Lets labels that came late say what they say of a release that is over.
    func lookAtLateLabels() async throws {
        let time = now()
        try await bringBackLateJudges(at: time)
        for (id, judge) in lateJudges.sorted(by: { $0.key < $1.key }) {
            guard let release = state.releases[id], isRejudged(release, at: time) else {
                lateJudges[id] = nil
                continue
            }
            guard let late = judge.rejudge(at: time) else { continue }
            let command = Command.rejudge(id, breached: late.breached, guards: late.reports)
            _ = try await turn {
                try await performNow(
                    command,
                    by: .belay,
                    reason: "late labels: guard \(late.breached) proved harm"
                )
            }
        }
    }
}

extension Conductor {
    private func bringBackLateJudges(at time: Timestamp) async throws {
        guard !hasLookedBack else { return }
        let recent = state.releases.values.filter { isRejudged($0, at: time) }.map(\.id).sorted()
        for id in recent.suffix(Self.lateJudgesAtStart) where lateJudges[id] == nil {
            lateJudges[id] = try await judge(of: id)
        }
        hasLookedBack = true
    }
}

// MARK: - What serves

extension Conductor {
    /// How far inputs lie from their references: of the release that runs, else of what serves.
    package var stabilityIndices: [EndpointID: [String: Double]] {
        state.endpoints.reduce(into: [:]) { all, each in
            let running = state.activeRelease(at: each.key).flatMap { judges[$0.id]?.stabilityIndices }
            let indices = running ?? watches[each.key]?.watch.stabilityIndices ?? [:]
            if !indices.isEmpty { all[each.key] = indices }
        }
    }
}

extension Conductor {
    /// Begins the watch over each version that has settled, with all that is recorded of its release.
    private func bringBackWatches() async throws {
        for (id, endpoint) in state.endpoints.sorted(by: { $0.key < $1.key }) {
            let settled = endpoint.stable?.release.flatMap { state.releases[$0] }
            guard let release = settled, case .settled = release.phase else {
                watches[id] = nil
                continue
            }
            let since = endpoint.incidentClosed
            if let held = watches[id], held.watch.release == release.id, held.since == since { continue }
            var watch = StableWatch(of: release, since: since)
            for tick in try await archive.ticks(of: release.id) { watch.settle(tick) }
            watches[id] = (watch, since)
        }
    }

    /// Acts on what has become of versions that serve.
    func lookAtStables() async throws {
        try await bringBackWatches()
        for (id, held) in watches.sorted(by: { $0.key < $1.key }) {
            guard let endpoint = state.endpoints[id], endpoint.release == nil,
                endpoint.stable?.release == held.watch.release, endpoint.incidentClosed == held.since,
                let finding = held.watch.finding
            else { continue }
            let name = finding.guards.first?.name ?? finding.kind.rawValue
            _ = try await turn {
                try await performNow(
                    .ruleStable(id, finding),
                    by: .belay,
                    reason: "\(finding.kind.rawValue) of what serves: guard \(name)"
                )
            }
        }
    }

    /// Begins an epoch of evidence when the last one is over.
    func renewUnits(of id: ReleaseID) async throws {
        guard state.releases[id]?.isEpochOver(at: now()) == true else { return }
        _ = try await turn {
            guard state.releases[id]?.isEpochOver(at: now()) == true else { return }
            _ = try await performNow(.beginEpoch(id), by: .belay, reason: nil)
        }
    }
}

extension Release {
    /// Where in its plan evidence belongs that is collected now; nil while it has none of its own.
    var evidenceStep: Int? { phase.step ?? (phase.isWatching ? plan.watchStep : nil) }
}
