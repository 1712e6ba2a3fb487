/// Something that happened, told so that whoever is woken by it knows what to do.
///
/// Derived from the ledger, or from a change of a guard's verdict; nothing is decided by it. The same entry
/// gives the same notice for ever, with the same ``id``.
package struct Notice: Hashable, Codable, Sendable {
    /// What it is about; policies choose by these words.
    package enum Kind: String, Hashable, Codable, CaseIterable, Sendable {
        case versionRegistered = "version.registered"
        case versionCleared = "version.cleared"
        case aliasMoved = "alias.moved"
        case releaseStarted = "release.started"
        case releaseRefused = "release.refused"
        case releaseStepEntered = "release.step_entered"
        case releaseHeld = "release.held"
        /// Its steps are done, and the plan leaves what follows to a person.
        case releaseWaiting = "release.waiting"
        case releaseResumed = "release.resumed"
        case releasePromoted = "release.promoted"
        case releaseSettled = "release.settled"
        /// A person overrides what held it, or guards that are blind.
        case releaseWaived = "release.waived"
        /// Labels that came late prove harm, when it was over.
        case releaseRejudged = "release.rejudged"
        case rollbackAutomatic = "rollback.automatic"
        case rollbackManual = "rollback.manual"
        /// Every gateway has left the old table.
        case rollbackConfirmed = "rollback.confirmed"
        /// What should have been taken out still serves, or nobody can prove that it does not.
        case rollbackFailed = "rollback.failed"
        case guardBreached = "guard.breached"
        case guardBlind = "guard.blind"
        /// A guard was breached that only tells.
        case guardNotified = "guard.notified"
        case guardRecovered = "guard.recovered"
        case incidentOpened = "incident.opened"
        case incidentClosed = "incident.closed"
        case automaticAllowed = "automatic.allowed"
        case policyChanged = "policy.changed"
        /// Somebody tries whether notices arrive.
        case test = "notify.test"
    }

    package enum Severity: String, Hashable, Codable, CaseIterable, Comparable, Sendable {
        case info, warning, error, critical

        package static func < (one: Self, other: Self) -> Bool { one.rank < other.rank }

        private var rank: Int {
            switch self {
            case .info: 0
            case .warning: 1
            case .error: 2
            case .critical: 3
            }
        }
    }

    /// Summaries are no longer than this, in characters.
    package static let mostSummary = 160
    /// What a person wrote is told up to so many characters.
    package static let mostReason = 500

    /// `n142` from entry 142 of the ledger, `n142.1` for a second notice of it; other forms elsewhere.
    package let id: String
    package let kind: Kind
    package let at: Timestamp
    package let endpoint: EndpointID
    package let release: ReleaseID?
    package let incident: IncidentID?
    /// The version that is left, and the one that takes its place.
    package let from: VersionNumber?
    package let to: VersionNumber?
    package let actor: String?
    package let reason: String?
    /// What the guard measured that is the cause of it.
    package let figures: GuardReport?
    package let severity: Severity
    /// One line, at most ``mostSummary`` characters.
    package let summary: String
    /// What to type next.
    package let command: String
    /// What it changes in what is wrong.
    package let effect: Effect

    package init(
        id: String,
        kind: Kind,
        at: Timestamp,
        endpoint: EndpointID,
        release: ReleaseID? = nil,
        incident: IncidentID? = nil,
        from: VersionNumber? = nil,
        to: VersionNumber? = nil,
        actor: String? = nil,
        reason: String? = nil,
        figures: GuardReport? = nil,
        severity: Severity,
        summary: String,
        command: String,
        effect: Effect = .none
    ) {
        self.id = id
        self.kind = kind
        self.at = at
        self.endpoint = endpoint
        self.release = release
        self.incident = incident
        self.from = from
        self.to = to
        self.actor = actor
        self.reason = reason.map { $0.cut(to: Self.mostReason) }
        self.figures = figures
        self.severity = severity
        self.summary = summary.cut(to: Self.mostSummary)
        self.command = command
        self.effect = effect
    }

    /// What ties together what is told of one release or incident, as PagerDuty's `dedup_key` does.
    package var topic: String {
        incident.map { Self.topic(of: endpoint, $0) } ?? Self.topic(of: endpoint, release)
    }

    package static func topic(of endpoint: EndpointID, _ incident: IncidentID) -> String {
        "belay/\(endpoint.model)/\(endpoint.environment)/\(incident)"
    }

    package static func topic(of endpoint: EndpointID, _ release: ReleaseID?) -> String {
        "belay/\(endpoint.model)/\(endpoint.environment)/\(release?.description ?? "serving")"
    }

    /// Where more is said, below the server's address.
    package var path: String {
        release.map { "/v1/releases/\($0)/why" } ?? "/v1/endpoints/\(endpoint.model)"
    }
}

extension Notice {
    /// Which conditions a notice begins and ends: what is wrong until something else happens.
    package struct Effect: Hashable, Codable, Sendable {
        /// The condition that is so from now on, under the notice's topic.
        package let raises: String?
        /// What is over by this; ended before the new one begins.
        package let clears: [Clearing]

        package init(raises: String? = nil, clears: [Clearing] = []) {
            self.raises = raises
            self.clears = clears
        }

        package static let none = Effect()
    }

    /// Conditions that are over.
    package enum Clearing: Hashable, Codable, Sendable {
        /// Everything under one topic.
        case topic(String)
        /// One condition under one topic.
        case condition(String, topic: String)
        /// One condition, whatever the topic, at the notice's endpoint.
        case everywhere(String)

        package func clears(_ condition: String, topic: String, at endpoint: EndpointID) -> Bool {
            switch self {
            case .topic(let name): name == topic
            case .condition(let name, let place): name == condition && place == topic
            case .everywhere(let name):
                name == condition && topic.hasPrefix("belay/\(endpoint.model)/\(endpoint.environment)/")
            }
        }
    }

    /// The names of conditions.
    package enum Condition {
        package static let refused = "refused"
        package static let held = "held"
        package static let waiting = "waiting"
        package static let breach = "breach"
        package static let rollback = "rollback"
        package static let unfinished = "unfinished"
        package static let incident = "incident"

        package static func `guard`(_ name: String) -> String { "guard:\(name)" }
    }
}

extension NotifyTarget {
    /// Whether a notice of this kind is for this target.
    ///
    /// A pattern is the whole word or ends in `*`, which stands for anything.
    package func wants(_ kind: Notice.Kind) -> Bool {
        events.isEmpty || events.contains { kind.matches($0) }
    }
}

extension Notice.Kind {
    /// Whether it is the word, or begins with what stands before a `*`.
    package func matches(_ pattern: String) -> Bool {
        pattern.hasSuffix("*") ? rawValue.hasPrefix(pattern.dropLast()) : rawValue == pattern
    }
}

extension String {
    /// At most `limit` characters, with an ellipsis where something is missing.
    func cut(to limit: Int) -> String {
        // A character may hold any number of marks, so scalars bound what is sent as well.
        let bounded = String(String.UnicodeScalarView(unicodeScalars.prefix(limit * 4)))
        guard bounded.count > limit || bounded.unicodeScalars.count < unicodeScalars.count else {
            return self
        }
        return String(bounded.prefix(limit - 1)) + "…"
    }
}
