import BelayStats

/// The watch over what serves, once its release has settled: whether it is still as good as it was found.
///
/// A fold over the ticks of the release. Those of its steps and of its watch say how good the candidate was,
/// and its predecessor beside it; those that follow are watched by detectors that raise one false alarm in a
/// million outcomes on average, each (STATS 3.5). A detector's limit is the rate that was found, and the
/// error with which it was found.
package struct StableWatch: Equatable, Sendable {
    static let averageRunLength = 1e6
    /// Outcomes of the version before its rate is taken as found; what its steps did not bring comes from its
    /// first time as stable.
    static let fewestOutcomes = 1000

    package let release: ReleaseID
    private let version: VersionNumber
    private let predecessor: VersionNumber?
    private let settledStep: Int
    /// What was seen before this was looked into by a person, and is no news.
    private let since: Timestamp?
    private var rates: [RateWatch]
    private var references: [(guarded: Guard, watch: ReferenceWatch)]

    package static func == (one: StableWatch, other: StableWatch) -> Bool {
        one.release == other.release && one.since == other.since && one.rates == other.rates
            && one.references.map(\.guarded) == other.references.map(\.guarded)
            && one.references.map(\.watch) == other.references.map(\.watch)
    }

    /// - Parameters:
    ///   - release: The one that made the version stable.
    ///   - since: When a person closed the last incident of the endpoint; earlier outcomes are no news.
    package init(of release: Release, since: Timestamp?) {
        self.release = release.id
        self.since = since
        version = release.proposal.candidate
        predecessor = release.proposal.stable
        settledStep = release.plan.settledStep
        let policy = release.proposal.policy
        // Its own figures are the reference: what stable was like before is another version's.
        let context = GuardContext(labels: policy.labels, profile: nil, needsProof: false)
        // Errors are watched in any case, but by the policy's own guard where there is one.
        let isWatched = policy.guards.contains { $0.metric == .errorRate }
        let predecessor = release.proposal.stable
        rates = (policy.guards + (isWatched ? [] : [.errorRate])).compactMap {
            RateWatch($0, predecessor: predecessor, in: context)
        }
        references = policy.guards.compactMap { guarded in
            ReferenceWatch(guarded, references: release.proposal.profile?.references ?? [:]).map {
                (guarded, $0)
            }
        }
    }

    /// Takes in a tick; ticks must come in the order in which they were recorded.
    package mutating func settle(_ tick: EvidenceTick) {
        guard tick.release == release else { return }
        let outcomes = TickOutcomes(tick.counts)
        let isSettled = tick.step >= settledStep
        if isSettled, let since, tick.at <= since { return }
        for index in rates.indices {
            rates[index].settle(outcomes, at: tick.at, isSettled: isSettled)
        }
        guard isSettled else { return }
        for index in references.indices { references[index].watch.settle { outcomes.of($0, in: nil) } }
    }

    /// The population stability index of each input that is watched for drift, once there are enough values.
    package var stabilityIndices: [String: Double] {
        references.reduce(into: [:]) { all, each in all.merge(each.watch.indices) { max($0, $1) } }
    }

    /// What has been found; nil while all is as it was.
    ///
    /// A predecessor is better supported when it answers, as the fallback that it is, most of the requests
    /// that the version fails since it began to decay: since the sum of its badness beyond the limit was last
    /// nought, as a cumulative sum finds it.
    package var finding: StableFinding? {
        let alarmed = rates.filter(\.hasAlarmed).sorted { $0.logStatistic > $1.logStatistic }
        if let decayed = alarmed.first(where: { $0.whyPredecessorIsBetter != nil }) ?? alarmed.first {
            let guards = [decayed.report] + rates.filter { $0 != decayed }.map(\.report)
            guard let predecessor else { return StableFinding(kind: .decay, guards: guards) }
            guard let why = decayed.whyPredecessorIsBetter else {
                let why = decayed.whyPredecessorIsNotBetter
                return StableFinding(kind: .decay, guards: guards, notBetter: [predecessor: why])
            }
            return StableFinding(kind: .decay, guards: guards, better: [predecessor: why])
        }
        let drifted = references.filter { $0.watch.worst?.hasAlarmed == true }
        guard !drifted.isEmpty else { return nil }
        return StableFinding(kind: .drift, guards: drifted.compactMap { report($0.guarded, $0.watch) })
    }

    private func report(_ guarded: Guard, _ watch: ReferenceWatch) -> GuardReport? {
        watch.worst.map { worst in
            GuardReport(
                name: guarded.name,
                metric: guarded.metric,
                versus: GuardReport.Versus.none,
                verdict: .breach,
                value: worst.value,
                lower: nil,
                upper: nil,
                limit: worst.limit,
                candidateSamples: worst.count,
                stableSamples: 0,
                logEvidence: max(worst.logStatistic, 0),
                feature: worst.feature
            )
        }
    }
}
