/// A release stands still at its share.
package struct HoldEntry: Hashable, Codable, Sendable {
    package let release: ReleaseID
    /// Nil when a person holds it, and in entries of 0.1.
    package let cause: HoldCause?
    /// Every report of that moment; empty when a person holds it.
    package let guards: [GuardReport]

    enum CodingKeys: String, CodingKey {
        case release, cause, guards
    }

    package init(release: ReleaseID, cause: HoldCause? = nil, guards: [GuardReport] = []) {
        self.release = release
        self.cause = cause
        self.guards = guards
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        release = try container.decode(ReleaseID.self, forKey: .release)
        cause = try container.decodeIfPresent(HoldCause.self, forKey: .cause)
        guards = try container.decodeIfPresent([GuardReport].self, forKey: .guards) ?? []
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(release, forKey: .release)
        try container.encodeIfPresent(cause, forKey: .cause)
        if !guards.isEmpty { try container.encode(guards, forKey: .guards) }
    }
}

/// A person overrides what holds a release, or guards that are blind; who and why stand in the entry.
package struct Waiver: Hashable, Codable, Sendable {
    package let release: ReleaseID
    /// A guard that is waived judges no more whether the release goes on; it may still roll it back.
    package let causes: [HoldCause]

    package init(release: ReleaseID, causes: [HoldCause]) {
        self.release = release
        self.causes = causes
    }
}

/// Units are tossed anew, each by the salt of this epoch.
package struct EpochStart: Hashable, Codable, Sendable {
    package let release: ReleaseID
    /// 1 for the first renewal.
    package let epoch: Int

    package init(release: ReleaseID, epoch: Int) {
        self.release = release
        self.epoch = epoch
    }
}

/// Harm was proven by labels that came when the release was over.
package struct Rejudgement: Hashable, Codable, Sendable {
    package let release: ReleaseID
    /// The guard that proved it.
    package let breached: String
    package let guards: [GuardReport]

    package init(release: ReleaseID, breached: String, guards: [GuardReport]) {
        self.release = release
        self.breached = breached
        self.guards = guards
    }
}

/// Something is wrong with what serves, and Belay does not mend it by itself.
package struct Incident: Hashable, Codable, Sendable {
    package enum Kind: String, Hashable, Codable, CaseIterable, Sendable {
        /// A rate that was good has become worse.
        case decay
        /// Inputs or predictions no longer look as they did.
        case drift
        /// Labels that came late prove that the version is worse than the one it replaced.
        case rejudged
    }

    package let id: IncidentID
    package let endpoint: EndpointID
    package let version: VersionNumber
    /// The release that made the version stable.
    package let release: ReleaseID?
    package let kind: Kind
    /// The report that opened it first, and others of the same moment.
    package let guards: [GuardReport]
    /// Versions that a rollback could have gone back to, and why it did not.
    package let selection: [Considered]

    package init(
        id: IncidentID,
        endpoint: EndpointID,
        version: VersionNumber,
        release: ReleaseID?,
        kind: Kind,
        guards: [GuardReport],
        selection: [Considered]
    ) {
        self.id = id
        self.endpoint = endpoint
        self.version = version
        self.release = release
        self.kind = kind
        self.guards = guards
        self.selection = selection
    }
}

/// An incident is over.
package struct IncidentClosure: Hashable, Codable, Sendable {
    package enum Cause: String, Hashable, Codable, CaseIterable, Sendable {
        /// A person says so; who and why stand in the entry.
        case person
        /// Another version serves.
        case replaced
    }

    package let id: IncidentID
    package let cause: Cause

    package init(id: IncidentID, cause: Cause) {
        self.id = id
        self.cause = cause
    }
}
