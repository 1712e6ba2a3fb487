/// What a release sets out to do, fixed when it is proposed.
package struct Proposal: Hashable, Codable, Sendable {
    package let release: ReleaseID
    package let endpoint: EndpointID
    package let candidate: VersionNumber
    /// The version that served when the release was proposed; nil for a first release.
    package let stable: VersionNumber?
    package let policy: Policy
    /// Decides which units meet the candidate.
    package let salt: Salt
    /// Nil in ledgers of 0.1, and for a first release.
    package let profile: StableProfile?

    package init(
        release: ReleaseID,
        endpoint: EndpointID,
        candidate: VersionNumber,
        stable: VersionNumber?,
        policy: Policy,
        salt: Salt,
        profile: StableProfile? = nil
    ) {
        self.release = release
        self.endpoint = endpoint
        self.candidate = candidate
        self.stable = stable
        self.policy = policy
        self.salt = salt
        self.profile = profile
    }
}

/// Why a version was taken out.
package enum RollbackCause: Hashable, Codable, Sendable {
    /// Someone asked for it.
    case request(by: Actor)
    /// A guard proved harm; `guards` holds every report of that moment, the culprit's among them.
    case breach(of: String, guards: [GuardReport])

    /// `request` or `guard:error_rate`, for tables and machine output.
    package var label: String {
        switch self {
        case .request: "request"
        case .breach(let name, _): "guard:\(name)"
        }
    }
}
