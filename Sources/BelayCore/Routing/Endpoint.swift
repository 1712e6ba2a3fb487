/// What one endpoint serves, and what it could go back to.
package struct Endpoint: Equatable, Sendable {
    /// The version that serves, since when, and by which release.
    package struct Stable: Equatable, Sendable {
        package let version: VersionNumber
        package let since: Timestamp
        package let release: ReleaseID?
        /// It had proven itself before: it came back by a rollback to a proven version.
        package let provenBefore: Bool

        /// Whether it has served all traffic for `goodAfter` without a breach.
        package func isProven(at now: Timestamp, goodAfterMilliseconds: Int64) -> Bool {
            provenBefore || now.since(since) >= .milliseconds(goodAfterMilliseconds)
        }
    }

    /// A version that once served and was replaced, not withdrawn.
    package struct Former: Equatable, Sendable {
        package let version: VersionNumber
        package let release: ReleaseID?
        package let proven: Bool
    }

    /// Whether something other than a person may start releases.
    package enum Automatic: Equatable, Sendable {
        case allowed
        /// A rollback switched it off; only a person switches it on again.
        case suspended(since: Timestamp)
    }

    /// Former stables beyond this many are forgotten as rollback targets.
    static let mostFormers = 100

    package let id: EndpointID
    package internal(set) var stable: Stable?
    package internal(set) var release: ReleaseID?
    /// Newest first, without the stable one and without repetition.
    package internal(set) var formers: [Former] = []
    package internal(set) var automatic: Automatic = .allowed
    /// Nil until somebody brought one; ``effectivePolicy`` fills the gap.
    package internal(set) var policy: Policy?
    /// The newest rollback, until something else happens at the endpoint.
    package internal(set) var lastTakenOut: TakenOut?
    /// The version that is asked beside stable until somebody ends it; never a withdrawn one.
    package internal(set) var shadow: StandingShadow?
    /// When a person closed an incident of the version that serves: what was seen before is no news.
    package internal(set) var incidentClosed: Timestamp?
    /// The sequence of the newest entry that changed what is served, tried or planned here.
    package internal(set) var lastChange = 0
    /// Set by a rollback whose fence is not yet recorded as complete.
    package internal(set) var unfenced: PendingFence?

    init(id: EndpointID) { self.id = id }

    package var effectivePolicy: Policy { policy ?? .standard(for: id.model) }

    /// The former stables in the order in which a rollback prefers them.
    var preferredFormers: [Former] { formers.filter(\.proven) + formers.filter { !$0.proven } }

    mutating func serve(_ version: VersionNumber, from release: ReleaseID, at time: Timestamp) {
        retireStable(at: time)
        formers.removeAll { $0.version == version }
        stable = Stable(version: version, since: time, release: release, provenBefore: false)
        incidentClosed = nil
        endShadow(of: version)
    }

    /// A rollback, and when.
    package struct TakenOut: Equatable, Sendable {
        package let rollback: Rollback
        package let at: Timestamp
    }

    mutating func goBack(_ rollback: Rollback, at time: Timestamp, _ sequence: Int) {
        lastTakenOut = TakenOut(rollback: rollback, at: time)
        if let target = rollback.to, stable?.version != target {
            let former = formers.first { $0.version == target }
            incidentClosed = nil
            stable = Stable(
                version: target,
                since: time,
                release: former?.release,
                provenBefore: former?.proven ?? false
            )
        } else if rollback.to == nil, stable?.version == rollback.from {
            stable = nil
        }
        formers.removeAll { $0.version == rollback.from || $0.version == rollback.to }
        endShadow(of: rollback.from)
        if let target = rollback.to { endShadow(of: target) }
        automatic = .suspended(since: time)
        unfenced = PendingFence(endpoint: id, release: rollback.release, epoch: Epoch(sequence))
    }

    /// What serves, or may not serve any more, is nobody's shadow.
    mutating func endShadow(of version: VersionNumber) {
        if shadow?.version == version { shadow = nil }
    }

    private mutating func retireStable(at time: Timestamp) {
        guard let stable else { return }
        let goodAfter = effectivePolicy.rollback.goodAfterMilliseconds
        let proven = stable.isProven(at: time, goodAfterMilliseconds: goodAfter)
        formers.insert(Former(version: stable.version, release: stable.release, proven: proven), at: 0)
        formers = Array(formers.prefix(Self.mostFormers))
    }
}

/// A version that gets copies of an endpoint's requests, outside of any release.
package struct StandingShadow: Hashable, Codable, Sendable {
    package let version: VersionNumber
    /// Which part of the requests is copied; more than none.
    package let share: Share

    package init(version: VersionNumber, share: Share) {
        self.version = version
        self.share = share
    }
}

/// A rollback that is ordered but not yet proven over.
package struct PendingFence: Equatable, Sendable {
    package let endpoint: EndpointID
    package let release: ReleaseID?
    /// The table that must be everywhere.
    package let epoch: Epoch
}
