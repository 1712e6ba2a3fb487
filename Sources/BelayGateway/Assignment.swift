import BelayCore

/// To which version one request was routed, and by which chance: fixed at routing, recorded with the answer.
struct Assignment: Equatable {
    let arm: Arm
    let version: VersionNumber
    /// The candidate's release and its share at this moment; nil when no coin was tossed.
    let trial: Trial?
    /// What was hashed for the coin when it will be hashed again: nil when the request was tossed alone.
    let stickyUnit: UnitHash?

    struct Trial: Equatable {
        let release: ReleaseID
        let share: Share
        /// Whether outcomes are evidence: both versions were there to answer, and either could have been
        /// chosen.
        ///
        /// While one of the two is still being loaded, nothing is counted for either. To count only the one
        /// that can answer would compare requests that were not tossed for.
        let isCounted: Bool
    }

    /// Routes a request that leaves the choice to Belay.
    ///
    /// - Parameters:
    ///   - sticky: The unit that the request carries; nil when requests are tossed alone, or it is missing
    ///     from this one. Such a request gets a fresh coin: it could not stick to anything, and refusing it
    ///     would make a release visible to callers.
    ///   - fresh: The coin for that case.
    ///   - route: The model's route.
    ///   - loaded: The versions that can answer here.
    /// - Returns: The version to ask, with the chance that led to it.
    /// - Throws: ``Rejection/nothingServes(_:)`` without a stable version.
    static func tossed(
        sticky: UnitHash?,
        fresh: () -> UnitHash,
        route: Route,
        loaded: Set<VersionNumber>
    ) throws(Rejection) -> Assignment {
        guard let stable = route.stable, route.answers(with: stable) else {
            throw .nothingServes(route.endpoint.model)
        }
        guard let candidate = route.candidate, route.answers(with: candidate.version) else {
            return Assignment(arm: .stable, version: stable, trial: nil, stickyUnit: sticky)
        }
        let arm = Splitter.arm(of: sticky ?? fresh(), salt: candidate.salt, share: candidate.share)
        let isCounted =
            candidate.share > .none && candidate.share < .all
            && loaded.isSuperset(of: [stable, candidate.version])
        return Assignment(
            arm: arm,
            version: arm == .candidate ? candidate.version : stable,
            trial: Trial(release: candidate.release, share: candidate.share, isCounted: isCounted),
            stickyUnit: sticky
        )
    }

    /// Routes a request that names its version.
    static func pinned(to text: String, route: Route) throws(Rejection) -> Assignment {
        let model = route.endpoint.model
        guard let version = VersionNumber(text) else { throw .unknownVersion(model: model, text) }
        guard !route.withdrawn.contains(version) else { throw .withdrawn(VersionID(model, version)) }
        guard route.answers(with: version) else { throw .unknownVersion(model: model, text) }
        return Assignment(arm: .pinned, version: version, trial: nil, stickyUnit: nil)
    }

    /// Routes a request that names an alias or a version's label.
    static func pinned(toAlias name: String, route: Route) throws(Rejection) -> Assignment {
        let model = route.endpoint.model
        guard let version = route.aliases[name] else { throw .unknownAlias(model: model, name) }
        guard !route.withdrawn.contains(version) else { throw .withdrawn(VersionID(model, version)) }
        guard route.answers(with: version) else { throw .unknownAlias(model: model, name) }
        return Assignment(arm: .pinned, version: version, trial: nil, stickyUnit: nil)
    }
}
