/// What the watch over a stable version has found, with what there was to say of those before it.
package struct StableFinding: Hashable, Sendable {
    package let kind: Incident.Kind
    /// What alarmed, first.
    package let guards: [GuardReport]
    /// Former stables whose own last figures speak for them, each with the reason.
    package let better: [VersionNumber: String]
    /// The other ones that were compared, each with the reason.
    package let notBetter: [VersionNumber: String]

    package init(
        kind: Incident.Kind,
        guards: [GuardReport],
        better: [VersionNumber: String] = [:],
        notBetter: [VersionNumber: String] = [:]
    ) {
        self.kind = kind
        self.guards = guards
        self.better = better
        self.notBetter = notBetter
    }
}

/// A step that cannot be decided within a bound of its plan.
package struct Undecidable: Hashable, Sendable {
    /// What comes first, with what would be needed.
    package enum Bound: Hashable, Sendable {
        /// Milliseconds: what the steps take at the measured traffic.
        case deadline(needed: Int64, most: Int64)
        /// Units that the candidate must meet; with the last that it may, the release is held.
        case units(needed: Int, most: Int)
    }

    /// The guard that needs the most.
    package let guardName: String
    /// 0 for the first.
    package let step: Int
    /// Requests of both arms together that the steps so far will need.
    package let requests: Int
    package let bound: Bound

    package init(guardName: String, step: Int, requests: Int, bound: Bound) {
        self.guardName = guardName
        self.step = step
        self.requests = requests
        self.bound = bound
    }
}
