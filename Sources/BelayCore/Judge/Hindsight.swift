/// What becomes of a release's recorded evidence when it is judged again, under its own policy or another.
///
/// The shares are those that were recorded, and labels were read as the release's own policy said: another
/// policy is asked what its guards would have said of the same requests, not which requests it would have let
/// happen.
package struct Hindsight: Sendable {
    /// Beyond these, looking for another limit would take longer than a person waits.
    private static let mostTicksForLimits = 3000
    private static let mostDoublings = 24

    /// The moment at which a judgement fell.
    package struct Outcome: Equatable, Sendable {
        package enum What: String, Sendable {
            case rollback, hold
        }

        package let what: What
        /// The guard, or what else holds: `deadline`, `exposure`.
        package let by: String
        /// 1 for the first tick.
        package let tick: Int
        package let at: Timestamp
        package let reports: [GuardReport]

        package var report: GuardReport? { reports.first { $0.name == by } }
    }

    /// The first rollback, and the first hold before it, with what every guard said last.
    package struct Course: Equatable, Sendable {
        package fileprivate(set) var rollback: Outcome?
        package fileprivate(set) var hold: Outcome?
        package fileprivate(set) var last: [GuardReport] = []

        /// What would have stopped the release.
        package var end: Outcome? { rollback ?? hold }
    }

    package let release: Release
    /// In the order in which they were recorded.
    package let ticks: [EvidenceTick]

    package init(release: Release, ticks: [EvidenceTick]) {
        self.release = release
        self.ticks = ticks
    }

    /// Whether the guards of `policy` can be asked: what was recorded of a label is what the release's own
    /// policy made of it, and says nothing of, for example, another positive class.
    package func canJudge(by policy: Policy) -> Bool {
        let own = release.proposal.policy
        let isReadAlike =
            policy.labels.kind == own.labels.kind && policy.labels.positive == own.labels.positive
            && policy.labels.classes == own.labels.classes
        return own.judging(by: policy.guards) != nil
            && (isReadAlike || !policy.guards.contains { $0.metric.isOfClass })
    }

    /// Judges the ticks under the guards of `policy`, until they prove harm.
    ///
    /// Nothing is found under one that ``canJudge(by:)`` denies.
    package func course(under policy: Policy) -> Course {
        guard let mixed = release.proposal.policy.judging(by: policy.guards) else { return Course() }
        let again = replay(release, under: mixed, ticks: ticks)
        var course = Course()
        course.last = again.reports
        for line in again.lines {
            guard let tick = ticks.firstIndex(where: { $0.at >= line.at }) else { continue }
            let end = { (what: Outcome.What, by: String) in
                Outcome(what: what, by: by, tick: tick + 1, at: line.at, reports: line.reports)
            }
            if let name = line.ruling.after("rollback ") {
                course.rollback = end(.rollback, name)
            } else if let cause = line.ruling.after("hold "), course.hold == nil {
                course.hold = end(.hold, cause.after("guard:") ?? cause)
            }
        }
        return course
    }

    /// The smallest allowance, to one part in a hundred, under which the guard decides nothing.
    ///
    /// Nil when there is none, or there are too many ticks to look for it.
    package func leastLimit(of guarded: Guard) -> Guard.Limit? {
        guard ticks.count <= Self.mostTicksForLimits else { return nil }
        let crosses = { (limit: Guard.Limit) -> Bool? in
            let policy = release.proposal.policy
            guard let other = guarded.holding(to: limit),
                let changed = policy.judging(by: policy.guards.map { $0.name == guarded.name ? other : $0 })
            else { return nil }
            let course = course(under: changed)
            return course.rollback?.by == guarded.name || course.hold?.by == guarded.name
        }
        guard var low = guarded.limit.allowance else { return nil }
        var high = max(low * 2, guarded.metric.smallestStep)
        var doublings = 0
        while let limit = guarded.limit.allowing(high), limit.isLegal(for: guarded), crosses(limit) == true {
            guard doublings < Self.mostDoublings else { return nil }
            (low, high, doublings) = (high, high * 2, doublings + 1)
        }
        while high - low > high / 100 {
            let middle = (low + high) / 2
            guard let limit = guarded.limit.allowing(middle), let crossed = crosses(limit) else { return nil }
            if crossed { low = middle } else { high = middle }
        }
        guard let limit = guarded.limit.allowing(roundedUp(high)), crosses(limit) == false else { return nil }
        return limit
    }

    /// To three figures, as people write limits.
    private func roundedUp(_ number: Double) -> Double {
        var scale = 1.0
        while number * scale < 100, scale < 1e9 { scale *= 10 }
        return (number * scale).rounded(.up) / scale
    }
}

// MARK: - Judging again

extension Policy {
    /// The same policy with other guards; nil when they do not suit.
    package func judging(by guards: [Guard]) -> Policy? {
        Policy(
            model: model,
            serving: serving,
            plan: plan,
            guards: guards,
            labels: labels,
            rollback: rollback,
            notify: notify
        )
    }
}

extension String {
    /// What follows a word that it begins with.
    fileprivate func after(_ word: String) -> String? {
        hasPrefix(word) ? String(dropFirst(word.count)) : nil
    }
}

// MARK: - Other limits

extension Guard {
    /// The same guard with another bound; nil when that does not suit its metric.
    package func holding(to limit: Guard.Limit) -> Guard? {
        Guard(
            name: name,
            metric: metric,
            limit: limit,
            minSamples: minSamples,
            reaction: reaction,
            focus: focus
        )
    }
}

extension Guard.Limit {
    /// How much badness it allows; nil where more of it is no allowance.
    fileprivate var allowance: Double? {
        switch self {
        case .againstStable(let margin), .relativeToStable(let margin): margin
        case .absolute(let max): max
        case .withinOfStable(let change): change
        case .atLeast, .never: nil
        }
    }

    fileprivate func allowing(_ amount: Double) -> Guard.Limit? {
        switch self {
        case .againstStable: .againstStable(margin: amount)
        case .relativeToStable: .relativeToStable(margin: amount)
        case .absolute: .absolute(max: amount)
        case .withinOfStable: .withinOfStable(change: amount)
        case .atLeast, .never: nil
        }
    }

    fileprivate func isLegal(for guarded: Guard) -> Bool { guarded.holding(to: self) != nil }
}

extension Metric {
    /// The smallest allowance that people write, in the metric's unit.
    fileprivate var smallestStep: Double {
        switch unit {
        case .time: 1
        case .rate, .goodRate, .loss, .score, .stabilityIndex, .number, .throughput, .event: 0.0001
        }
    }
}
