package import BelayCore

/// `POST /v1/releases/{id}/replay`: the policy to judge the evidence by; the release's own unless said.
package struct ReplayBody: Codable, Equatable, Sendable {
    package let policy: PolicyNode?

    package init(policy: PolicyNode?) { self.policy = policy }
}

/// What a judgement came to, and when.
package struct OutcomeView: Codable, Equatable, Sendable {
    /// `rollback` or `hold`.
    package let what: String
    /// The guard, `deadline` or `exposure`.
    package let by: String
    /// 1 for the first recorded tick.
    package let tick: Int
    package let at: String
    /// Outcomes of the candidate behind the guard by then.
    package let n: Int
    package let nStable: Int

    enum CodingKeys: String, CodingKey {
        case what, by, tick, at, n
        case nStable = "n_stable"
    }

    package init(what: String, by: String, tick: Int, at: String, n: Int, nStable: Int) {
        self.what = what
        self.by = by
        self.tick = tick
        self.at = at
        self.n = n
        self.nStable = nStable
    }
}

/// One judgement of the recorded ticks.
package struct CourseView: Codable, Equatable, Sendable {
    @ExplicitNull package private(set) var rollback: OutcomeView?
    /// The first hold before any rollback.
    @ExplicitNull package private(set) var hold: OutcomeView?
    /// What every guard said last.
    package let guards: [GuardView]
    /// The guards that saw nothing to judge by at last, and for which a release waits.
    package let waitsFor: [String]

    enum CodingKeys: String, CodingKey {
        case rollback, hold, guards
        case waitsFor = "waits_for"
    }

    package init(
        rollback: OutcomeView?,
        hold: OutcomeView?,
        guards: [GuardView],
        waitsFor: [String] = []
    ) {
        self.rollback = rollback
        self.hold = hold
        self.guards = guards
        self.waitsFor = waitsFor
    }
}

/// A release judged again: by its own policy, and by another.
package struct ReplayView: Codable, Equatable, Sendable {
    package let release: String
    package let ticks: Int
    @ExplicitNull package private(set) var firstAt: String?
    @ExplicitNull package private(set) var lastAt: String?
    package let recorded: CourseView
    package let replayed: CourseView
    /// What has to be known to read it.
    package let remarks: [String]

    enum CodingKeys: String, CodingKey {
        case release, ticks, recorded, replayed, remarks
        case firstAt = "first_at"
        case lastAt = "last_at"
    }

    package init(
        release: String,
        ticks: Int,
        firstAt: String?,
        lastAt: String?,
        recorded: CourseView,
        replayed: CourseView,
        remarks: [String]
    ) {
        self.release = release
        self.ticks = ticks
        self.firstAt = firstAt
        self.lastAt = lastAt
        self.recorded = recorded
        self.replayed = replayed
        self.remarks = remarks
    }
}

extension OutcomeView {
    init(_ outcome: Hindsight.Outcome) {
        self.init(
            what: outcome.what.rawValue,
            by: outcome.by,
            tick: outcome.tick,
            at: outcome.at.description,
            n: outcome.report?.candidateSamples ?? 0,
            nStable: outcome.report?.stableSamples ?? 0
        )
    }
}

extension CourseView {
    init(_ course: Hindsight.Course, under policy: Policy) {
        self.init(
            rollback: course.rollback.map(OutcomeView.init),
            hold: course.hold.map(OutcomeView.init),
            guards: course.last.map { GuardView($0, under: policy) },
            waitsFor: course.last.filter { $0.verdict == .blind && !Self.onlyTells($0, policy) }.map(\.name)
        )
    }

    private static func onlyTells(_ report: GuardReport, _ policy: Policy) -> Bool {
        policy.guards.first { $0.name == report.name }?.reaction == .notify
    }
}
