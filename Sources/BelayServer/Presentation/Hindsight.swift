import BelayCore

/// What judging a release again tells people.
extension Hindsight {
    /// What has to be known to read a replay under `policy`.
    func remarks(on policy: Policy) -> [String] {
        var remarks: [String] = []
        if ticks.isEmpty { remarks.append("nothing was recorded for this release") }
        if ticks.count == 1, release.hasEnded {
            remarks.append("the release is long over, and its ticks have been summed up: times are lost")
        }
        if policy.plan != plan {
            remarks.append(
                "the shares are those that were recorded; steps of the other policy were not walked"
            )
        }
        if policy.labels != release.proposal.policy.labels {
            remarks.append("labels were counted as the release's own policy reads them")
        }
        return remarks
    }

    private var plan: Plan { release.plan }

    /// When the guard that decided crossed its line, and what would have decided otherwise.
    func findings(decisive: String?) -> (crossing: CrossingView?, otherwise: [String]) {
        guard let decisive, !ticks.isEmpty else { return (nil, []) }
        let recorded = course(under: release.proposal.policy)
        guard
            let end = [recorded.rollback, recorded.hold].compactMap({ $0 }).first(where: { $0.by == decisive }
            )
        else { return (nil, []) }
        let crossing = CrossingView(
            guardName: end.by,
            tick: end.tick,
            at: end.at.description,
            n: end.report?.candidateSamples ?? 0,
            nStable: end.report?.stableSamples ?? 0
        )
        return (crossing, otherwise(decisive))
    }

    private func otherwise(_ decisive: String) -> [String] {
        let policy = release.proposal.policy
        guard let guarded = policy.guards.first(where: { $0.name == decisive }) else { return [] }
        var sentences: [String] = []
        if let limit = leastLimit(of: guarded), let figure = write(limit, guarded) {
            sentences.append("\(decisive) would not have been crossed with \(figure)")
        } else if guarded.limit == .never {
            sentences.append("one \(guarded.metric.rawValue) is too many, whatever else is seen")
        }
        let others = policy.guards.filter { $0.name != decisive }
        guard let without = policy.judging(by: others) else { return sentences }
        guard !without.guards.contains(where: { $0.name == decisive }) else {
            return sentences + ["\(decisive) cannot be left out: every policy has it"]
        }
        if let next = course(under: without).rollback {
            sentences.append("without \(decisive), \(next.by) would have rolled back at \(next.at)")
        } else {
            sentences.append(
                "without \(decisive), no other guard would have rolled back on what was recorded"
            )
        }
        return sentences
    }

    private func write(_ limit: Guard.Limit, _ guarded: Guard) -> String? {
        guard let other = guarded.holding(to: limit) else { return nil }
        return PolicyNode.bound(of: other).map { "\($0.key): \($0.text)" }
    }
}
