/// What becomes of a release's recorded evidence when it is judged again, under its own policy or another.
///
/// The shares are those that were recorded: another policy is asked what its guards and its reading of labels
/// would have said of the same requests, not which requests it would have let happen.
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

    /// Judges the ticks under the guards and labels of `policy`, until they prove harm.
    package func course(under policy: Policy) -> Course {
        guard var again = release.judged(under: policy) else { return Course() }
        var judge = Judge(of: again)
        var course = Course()
        for (index, tick) in ticks.enumerated() {
            judge.settle(tick)
            guard again.reach(step: tick.step, at: tick.at) else { continue }
            let ruling = judge.ruling(on: again, now: tick.at)
            course.last = ruling.reports
            switch ruling {
            case .rollback(let name, let reports):
                course.rollback = Outcome(
                    what: .rollback,
                    by: name,
                    tick: index + 1,
                    at: tick.at,
                    reports: reports
                )
                return course
            case .hold(let cause, let reports) where course.hold == nil:
                course.hold = Outcome(
                    what: .hold,
                    by: cause.guardName ?? cause.description,
                    tick: index + 1,
                    at: tick.at,
                    reports: reports
                )
            case .hold, .wait, .advance: break
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

extension Judge {
    /// What it says with nothing waived.
    fileprivate func ruling(on release: Release, now: Timestamp) -> Ruling {
        rule(on: release.phase, waived: false, now: now)
    }
}

extension Release {
    /// The same release with another policy's guards and labels, and its own steps.
    fileprivate func judged(under policy: Policy) -> Release? {
        let mixed = Policy(
            model: proposal.policy.model,
            serving: proposal.policy.serving,
            plan: plan,
            guards: policy.guards,
            labels: policy.labels,
            rollback: proposal.policy.rollback,
            notify: []
        )
        return mixed.map { mixed in
            Release(
                proposal: Proposal(
                    release: id,
                    endpoint: proposal.endpoint,
                    candidate: proposal.candidate,
                    stable: proposal.stable,
                    policy: mixed,
                    salt: proposal.salt,
                    profile: proposal.profile
                ),
                by: proposedBy,
                at: proposedAt,
                reason: reason
            )
        }
    }

    /// Moves on to the step in which a tick was recorded; false for one that came when the release was over.
    fileprivate mutating func reach(step: Int, at time: Timestamp) -> Bool {
        guard step <= plan.watchStep else { return false }
        while !phase.isWatched, (phase.step ?? -1) < step {
            let next = (phase.step ?? -1) + 1
            let move = next < plan.steps.count ? Move.entered(step: next) : .promoted
            do {
                try apply(move, at: time)
            } catch {
                return false
            }
        }
        return true
    }
}

extension Release.Phase {
    fileprivate var isWatched: Bool {
        if case .watching = self { true } else { false }
    }
}

extension Policy {
    /// The same policy with other guards; nil when they do not suit each other.
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

extension HoldCause {
    /// Nil when no guard holds.
    fileprivate var guardName: String? {
        if case .breach(let name) = self { name } else { nil }
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
