/// Notices what no entry of the ledger says: that a guard sees nothing, that one which only tells was
/// breached, that a rollback does not come to its end.
///
/// It tells changes, not states: a guard that stays blind is told once. What has been told is a value that is
/// kept with the notices, so that a new process does not tell it again. Patience is counted from when this
/// process first saw it, so a restart may tell later, never twice.
package struct GuardWatch: Sendable {
    /// A step begins with nothing seen, and labels take their time: blindness is told after so long.
    package static let blindPatience = Duration.seconds(60)
    /// A rollback takes milliseconds; one that takes so long needs a person.
    package static let rollbackPatience = Duration.seconds(10)
    /// A guard that goes on changing its mind is told no more often than this in one release.
    package static let mostTellings = 20

    /// One thing that may be told about an endpoint.
    package struct Subject: Hashable, Codable, Sendable {
        package let topic: String
        package let condition: String

        package init(topic: String, condition: String) {
            self.topic = topic
            self.condition = condition
        }
    }

    /// What was last told of a subject, and how often anything was.
    package struct Told: Equatable, Sendable {
        package let word: String
        package let count: Int

        package init(word: String, count: Int) {
            self.word = word
            self.count = count
        }
    }

    package private(set) var told: [Subject: Told]
    private var since: [Subject: (word: String, at: Timestamp)] = [:]

    /// Goes on from what an earlier process told.
    package init(told: [Subject: Told]) { self.told = told }

    /// Looks once; the caller keeps ``told`` together with what is returned, or forgets both.
    ///
    /// `reports` are the newest ones of the releases that run.
    package mutating func look(
        at reports: [ReleaseID: [GuardReport]],
        in state: State,
        now: Timestamp
    ) -> [Notice] {
        var notices: [Notice] = []
        var alive: Set<Subject> = []
        for (id, reports) in reports.sorted(by: { $0.key < $1.key }) {
            guard let release = state.releases[id], !release.hasEnded else { continue }
            for report in reports {
                let subject = Subject(
                    topic: Notice.topic(of: release.proposal.endpoint, id),
                    condition: Notice.Condition.guard(report.name)
                )
                alive.insert(subject)
                notices += look(at: report, of: release, subject, now)
            }
        }
        for endpoint in state.endpoints.values.sorted(by: { $0.id < $1.id }) {
            guard let fence = endpoint.unfenced else { continue }
            let subject = Subject(
                topic: Notice.topic(of: endpoint.id, fence.release),
                condition: Notice.Condition.unfinished
            )
            alive.insert(subject)
            notices += unfinished(fence, subject, now)
        }
        // A release that runs but has no report yet keeps what was told of it.
        let running = Set(
            state.releases.values.filter { !$0.hasEnded }.map {
                Notice.topic(of: $0.proposal.endpoint, $0.id)
            }
        )
        told = told.filter { alive.contains($0.key) || running.contains($0.key.topic) }
        since = since.filter { alive.contains($0.key) }
        return notices
    }

    private mutating func look(
        at report: GuardReport,
        of release: Release,
        _ subject: Subject,
        _ now: Timestamp
    ) -> [Notice] {
        let watched = release.proposal.policy.guards.first { $0.name == report.name }
        guard let kind = kind(of: report.verdict, watched?.reaction ?? .rollback) else {
            since[subject] = nil
            guard let last = told[subject], last.word != Notice.Kind.guardRecovered.rawValue else {
                return []
            }
            return tell(.guardRecovered, report, release, subject, now)
        }
        if since[subject]?.word != kind.rawValue { since[subject] = (kind.rawValue, now) }
        guard told[subject]?.word != kind.rawValue, let seen = since[subject] else { return [] }
        let waited = now.since(seen.at)
        // A clock that was set back begins anew.
        if waited < .zero { since[subject] = (kind.rawValue, now) }
        guard waited >= patience(for: kind) else { return [] }
        return tell(kind, report, release, subject, now)
    }

    private func kind(of verdict: Verdict, _ reaction: Guard.Reaction) -> Notice.Kind? {
        switch (verdict, reaction) {
        case (.blind, _): .guardBlind
        case (.breach, .notify): .guardNotified
        case (.breach, .hold): .guardBreached
        case (.breach, .rollback): .rollbackFailed
        case (.pass, _), (.undecided, _), (.unjudged, _): nil
        }
    }

    private func patience(for kind: Notice.Kind) -> Duration {
        switch kind {
        case .guardBlind: Self.blindPatience
        case .rollbackFailed: Self.rollbackPatience
        default: .zero
        }
    }

    private mutating func tell(
        _ kind: Notice.Kind,
        _ report: GuardReport,
        _ release: Release,
        _ subject: Subject,
        _ now: Timestamp
    ) -> [Notice] {
        let count = (told[subject]?.count ?? 0) + 1
        guard count <= Self.mostTellings else { return [] }
        told[subject] = Told(word: kind.rawValue, count: count)
        let endpoint = release.proposal.endpoint
        let place = "\(endpoint.model) \(endpoint.environment): \(release.id)"
        let guarded = release.proposal.policy.guards.first { $0.name == report.name }
        let isWaitedFor = guarded?.reaction != .notify
        let (severity, what): (Notice.Severity, String) =
            switch kind {
            case .guardBlind:
                (
                    .warning,
                    "guard \(report.name) is blind\(report.why)\(isWaitedFor ? ", so the release waits" : "")"
                )
            case .guardRecovered: (.info, "guard \(report.name) is \(report.verdict.rawValue) again")
            case .rollbackFailed: (.critical, "cannot be rolled back though \(report.line)")
            default: (.warning, "breached \(report.line)")
            }
        return [
            Notice(
                id: "g\(release.id).\(report.name).\(count)",
                kind: kind,
                at: now,
                endpoint: endpoint,
                release: release.id,
                from: release.proposal.stable,
                to: release.proposal.candidate,
                actor: Actor.belay.description,
                figures: report,
                severity: severity,
                summary: "\(place) \(what)",
                command: "belay why \(release.id)",
                effect: kind == .guardRecovered
                    ? .init(clears: [.condition(subject.condition, topic: subject.topic)])
                    : .init(raises: subject.condition)
            )
        ]
    }

    private mutating func unfinished(
        _ fence: PendingFence,
        _ subject: Subject,
        _ now: Timestamp
    ) -> [Notice] {
        let word = fence.epoch.description
        if since[subject]?.word != word { since[subject] = (word, now) }
        guard told[subject]?.word != word, let seen = since[subject],
            now.since(seen.at) >= Self.rollbackPatience
        else { return [] }
        told[subject] = Told(word: word, count: 1)
        let endpoint = fence.endpoint
        return [
            Notice(
                id: "f\(fence.epoch).\(endpoint)",
                kind: .rollbackFailed,
                at: now,
                endpoint: endpoint,
                release: fence.release,
                actor: Actor.belay.description,
                severity: .critical,
                summary: "\(endpoint.model) \(endpoint.environment): a rollback is recorded, but not every "
                    + "gateway has left the old table",
                command: "belay status \(endpoint.model)",
                effect: .init(raises: subject.condition)
            )
        ]
    }
}

extension GuardReport {
    fileprivate var why: String {
        switch reason {
        case .missing: ", nothing is seen"
        case .stale: ", what it sees is old"
        case .tooFew: ", it sees too little"
        case .split: ", requests are not split as they should be"
        case .coverage: ", the arms do not get the same labels"
        case .noReference: ", there is nothing to hold it against"
        case .waived, .looksBad, .unproven, nil: ""
        }
    }
}
