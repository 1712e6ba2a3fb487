/// What every gateway needs in order to answer, as one immutable value.
///
/// A pure function of ``State``, but for what a rollback keeps from callers while it is being recorded.
package struct RouteTable: Equatable, Sendable {
    package let epoch: Epoch
    /// By model, since the data plane of one process serves one environment.
    package let routes: [ModelName: Route]
    /// On trial by the record, but kept from callers: their releases may yet go on.
    package let suspended: [Route.Candidate]

    package init(epoch: Epoch, routes: [ModelName: Route], suspended: [Route.Candidate] = []) {
        self.epoch = epoch
        self.routes = routes
        self.suspended = suspended
    }

    /// The same with these routes instead of those of their models.
    package func replacing(_ changed: [Route]) -> RouteTable {
        let changed = Dictionary(changed.map { ($0.endpoint.model, $0) }) { first, _ in first }
        return RouteTable(
            epoch: epoch,
            routes: routes.merging(changed) { _, new in new },
            suspended: changed.keys.sorted().compactMap { routes[$0]?.candidate }
        )
    }

    package static let empty = RouteTable(epoch: Epoch(0), routes: [:])
}

/// How requests for one endpoint are answered.
package struct Route: Equatable, Sendable {
    /// The version on trial, and which part of requests it gets.
    package struct Candidate: Equatable, Sendable {
        package let version: VersionNumber
        package let release: ReleaseID
        package let share: Share
        /// That of the evidence epoch.
        package let salt: Salt
        /// Counts the times that units have been tossed anew; a unit's first outcome in each is evidence.
        package let evidenceEpoch: Int
        /// What is counted besides answers and never-events.
        package let counting: CountingPlan

        package init(
            version: VersionNumber,
            release: ReleaseID,
            share: Share,
            salt: Salt,
            evidenceEpoch: Int = 0,
            counting: CountingPlan = .nothing
        ) {
            self.version = version
            self.release = release
            self.share = share
            self.salt = salt
            self.evidenceEpoch = evidenceEpoch
            self.counting = counting
        }
    }

    /// A version that serves without an opponent: its outcomes are still counted for the release that made it
    /// stable, as the arm candidate with the share of all.
    package struct Watched: Equatable, Sendable {
        package let release: ReleaseID
        package let counting: CountingPlan
        /// Whether the release goes on, and one never-event still ends it.
        package let isJudged: Bool

        package init(release: ReleaseID, counting: CountingPlan, isJudged: Bool) {
            self.release = release
            self.counting = counting
            self.isJudged = isJudged
        }
    }

    /// A version that is asked beside the one that answers, and never answers itself.
    package struct Shadow: Equatable, Sendable {
        package let version: VersionNumber
        /// The release whose shadow step this is; nil for a standing shadow.
        package let release: ReleaseID?
        /// Which part of the requests is copied.
        package let share: Share

        package init(version: VersionNumber, release: ReleaseID?, share: Share) {
            self.version = version
            self.release = release
            self.share = share
        }
    }

    package let endpoint: EndpointID
    /// The arm that the candidate is compared with, and falls back to: the version that serves, or its
    /// predecessor while the promoted candidate is watched with a holdback.
    ///
    /// Nil before the first release has been promoted.
    package let stable: VersionNumber?
    /// The release that made the stable version stable; nil while a holdback lets its predecessor answer.
    package let stableRelease: ReleaseID?
    package let candidate: Candidate?
    /// Set while there is no candidate and some guard of stable's release has something to watch.
    package let watched: Watched?
    /// Who is asked when stable fails, in this order.
    ///
    /// What serves, while a holdback keeps these requests from it; then the former stables that stay loaded
    /// and take today's requests. No version on trial.
    package let standbys: [VersionNumber]
    package let shadows: [Shadow]
    /// Versions that a rollback took out: no request may be answered by them.
    package let withdrawn: Set<VersionNumber>
    /// Names under which a caller may ask for one version: aliases, and the labels of versions.
    package let aliases: [String: VersionNumber]
    /// The output that shadows are compared by, when the policy names one.
    package let prediction: String?
    package let serving: ServingSettings
    package let failing: FailureSettings

    package init(
        endpoint: EndpointID,
        stable: VersionNumber?,
        stableRelease: ReleaseID?,
        candidate: Candidate?,
        watched: Watched? = nil,
        standbys: [VersionNumber],
        shadows: [Shadow],
        withdrawn: Set<VersionNumber>,
        aliases: [String: VersionNumber],
        prediction: String?,
        serving: ServingSettings,
        failing: FailureSettings
    ) {
        self.endpoint = endpoint
        self.stable = stable
        self.stableRelease = stableRelease
        self.candidate = candidate
        self.watched = watched
        self.standbys = standbys
        self.shadows = shadows
        self.withdrawn = withdrawn
        self.aliases = aliases
        self.prediction = prediction
        self.serving = serving
        self.failing = failing
    }

    /// Every version that some request may reach through this route.
    package var answering: Set<VersionNumber> {
        Set(standbys + [stable, candidate?.version].compactMap { $0 }).subtracting(withdrawn)
    }
}
