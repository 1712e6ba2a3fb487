package struct ServingView: Codable, Equatable, Sendable {
    package let version: Int
    package let since: String
    package let proven: Bool
    /// False while the version is not loaded, for instance right after a start.
    package let ready: Bool

    package init(version: Int, since: String, proven: Bool, ready: Bool) {
        self.version = version
        self.since = since
        self.proven = proven
        self.ready = ready
    }
}

/// A version that gets copies of an endpoint's requests, outside of any release.
package struct ShadowView: Codable, Equatable, Sendable {
    package let version: Int
    /// Per cent of requests that are copied.
    package let share: Double

    package init(version: Int, share: Double) {
        self.version = version
        self.share = share
    }
}

/// A version that answers nobody although the record does not say so yet.
package struct SuspensionView: Codable, Equatable, Sendable {
    package let version: Int
    package let since: String
    /// Why its rollback could not be recorded, which is tried again; nil while it is being recorded.
    @ExplicitNull package private(set) var failure: String?

    package init(version: Int, since: String, failure: String?) {
        self.version = version
        self.since = since
        self.failure = failure
    }
}

/// What one endpoint serves, tries, and could go back to.
package struct EndpointView: Codable, Equatable, Sendable {
    package let model: String
    package let environment: String
    @ExplicitNull package private(set) var serving: ServingView?
    @ExplicitNull package private(set) var release: ReleaseView?
    /// Former stables that stay loaded, newest first.
    package let standbys: [Int]
    /// The standing shadow.
    @ExplicitNull package private(set) var shadow: ShadowView?
    package let withdrawn: [Int]
    /// Whether something other than a person may start releases.
    package let automatic: Bool
    package let epoch: Int
    /// A rollback whose fence is not complete yet.
    package let fencing: Bool
    /// What a rollback that is not recorded yet keeps from callers.
    @ExplicitNull package private(set) var suspended: SuspensionView?
    /// What is known of the stable version and of the standbys, stable first.
    package let readiness: [StandbyView]

    package init(
        model: String,
        environment: String,
        serving: ServingView?,
        release: ReleaseView?,
        standbys: [Int],
        shadow: ShadowView?,
        withdrawn: [Int],
        automatic: Bool,
        epoch: Int,
        fencing: Bool,
        suspended: SuspensionView?,
        readiness: [StandbyView]
    ) {
        self.model = model
        self.environment = environment
        self.serving = serving
        self.release = release
        self.standbys = standbys
        self.shadow = shadow
        self.withdrawn = withdrawn
        self.automatic = automatic
        self.epoch = epoch
        self.fencing = fencing
        self.suspended = suspended
        self.readiness = readiness
    }
}

package struct StatusView: Codable, Equatable, Sendable {
    package let endpoints: [EndpointView]
    /// How many notices have not arrived, by model; models without any are missing.
    package let undelivered: [String: Int]

    package init(endpoints: [EndpointView], undelivered: [String: Int]) {
        self.endpoints = endpoints
        self.undelivered = undelivered
    }
}

/// The receipt of a rollback, as the gateway gave it.
package struct RollbackView: Codable, Equatable, Sendable {
    package let model: String
    package let from: Int
    @ExplicitNull package private(set) var to: Int?
    package let cause: String
    package let epoch: Int
    package let acknowledgedInMilliseconds: Double
    /// Requests in flight that another version answers again.
    package let replayed: Int
    /// Requests in flight that were refused.
    package let cutOff: Int
    /// Requests in flight that the withdrawn version was allowed to finish before this.
    package let drained: Int
    /// `complete`, or `pending` when an event loop has not acknowledged in time.
    package let fence: String
    /// When somebody, or a guard, had taken the version out a moment before; null for a new rollback.
    @ExplicitNull package private(set) var doneAt: String?

    enum CodingKeys: String, CodingKey {
        case model, from, to, cause, epoch, replayed, drained, fence
        case cutOff = "cut_off"
        case doneAt = "done_at"
        case acknowledgedInMilliseconds = "acknowledged_in_ms"
    }

    package init(
        model: String,
        from: Int,
        to: Int?,
        cause: String,
        epoch: Int,
        acknowledgedInMilliseconds: Double,
        replayed: Int,
        cutOff: Int = 0,
        drained: Int,
        fence: String,
        doneAt: String? = nil
    ) {
        self.model = model
        self.from = from
        self.to = to
        self.cause = cause
        self.epoch = epoch
        self.acknowledgedInMilliseconds = acknowledgedInMilliseconds
        self.replayed = replayed
        self.cutOff = cutOff
        self.drained = drained
        self.fence = fence
        self.doneAt = doneAt
    }
}
