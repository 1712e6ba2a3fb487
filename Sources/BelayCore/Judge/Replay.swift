/// One moment at which recorded evidence changed what the judge says.
package struct ReplayLine: Hashable, Codable, Sendable {
    package let at: Timestamp
    /// The step of the tick that changed it.
    package let step: Int
    /// `wait`, `advance`, `hold guard:recall`, `rollback error_rate`, or `rejudge recall`.
    package let ruling: String
    package let reports: [GuardReport]

    package init(at: Timestamp, step: Int, ruling: String, reports: [GuardReport]) {
        self.at = at
        self.step = step
        self.ruling = ruling
        self.reports = reports
    }
}

/// What judging recorded ticks again says.
package struct Replay: Hashable, Sendable {
    /// One line for each change of the ruling or of any guard's verdict.
    package fileprivate(set) var lines: [ReplayLine] = []
    /// What every guard said last.
    package fileprivate(set) var reports: [GuardReport] = []
}

/// Judges recorded ticks again, under the policy that they were recorded under or another one.
///
/// The traffic stays what it was: a plan with other steps is judged on the steps that were recorded, and what
/// a guard would have seen after its own rollback is not known. The lines end with the first rollback. Each
/// tick is ruled on at its own time; live rulings between two ticks differ only in what waits for the clock.
///
/// - Parameters:
///   - release: As it stands now; only its proposal and what was waived in it are used.
///   - policy: Nil takes the release's own.
///   - ticks: In the order in which they were recorded.
///   - entered: When each step began, from the ledger; else its first tick tells.
/// - Returns: What changed, and what was said last.
package func replay(
    _ release: Release,
    under policy: Policy? = nil,
    ticks: [EvidenceTick],
    entered: [Int: Timestamp] = [:]
) -> Replay {
    var again = Release(
        proposal: release.proposal.under(policy ?? release.proposal.policy),
        by: release.proposedBy,
        at: release.proposedAt,
        reason: release.reason
    )
    var judge = Judge(of: again)
    var replay = Replay()
    for tick in ticks {
        judge.settle(tick)
        guard let line = ruling(of: judge, on: &again, tick, entered) else { continue }
        replay.reports = line.reports
        if replay.lines.last.map({ $0.ruling != line.ruling || $0.verdicts != line.verdicts }) ?? true {
            replay.lines.append(line)
        }
        if line.ruling.hasPrefix("rollback") || line.ruling.hasPrefix("rejudge") { break }
    }
    return replay
}

/// Nil where the judge has nothing to say.
private func ruling(
    of judge: Judge,
    on release: inout Release,
    _ tick: EvidenceTick,
    _ entered: [Int: Timestamp]
) -> ReplayLine? {
    guard tick.step <= release.plan.watchStep else {
        guard let late = judge.rejudge(at: tick.at) else { return nil }
        return ReplayLine(
            at: tick.at,
            step: tick.step,
            ruling: "rejudge \(late.breached)",
            reports: late.reports
        )
    }
    release.follow(to: tick.step, at: { entered[$0] ?? tick.at })
    let ruling = judge.rule(on: release, now: tick.at)
    return ReplayLine(at: tick.at, step: tick.step, ruling: ruling.name, reports: ruling.reports)
}

extension ReplayLine {
    fileprivate var verdicts: [Verdict] { reports.map(\.verdict) }
}

extension Ruling {
    /// `wait`, `advance`, `hold guard:recall`, `rollback error_rate`.
    package var name: String {
        switch self {
        case .wait: "wait"
        case .advance: "advance"
        case .hold(let cause, _): "hold \(cause)"
        case .rollback(let name, _): "rollback \(name)"
        }
    }
}

extension Release {
    /// Moves a copy to the step that a tick was recorded in; a plan without it stays where it is.
    fileprivate mutating func follow(to step: Int, at entered: (Int) -> Timestamp) {
        while let next = phase == .gating ? 0 : phase.step.map({ $0 + 1 }), next <= step {
            let move = next < plan.steps.count ? Move.entered(step: next) : .promoted
            guard (try? apply(move, at: entered(next))) != nil else { return }
        }
    }
}

extension Proposal {
    fileprivate func under(_ policy: Policy) -> Proposal {
        Proposal(
            release: release,
            endpoint: endpoint,
            candidate: candidate,
            stable: stable,
            policy: policy,
            salt: salt,
            profile: profile
        )
    }
}
