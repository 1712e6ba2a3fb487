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

/// A step that the traffic cannot decide before the plan's deadline.
package struct Undecidable: Hashable, Sendable {
    /// The guard that needs the most.
    package let guardName: String
    /// 0 for the first.
    package let step: Int
    /// Requests of both arms together that the steps so far will need.
    package let requests: Int
    /// How long they will take at the measured traffic.
    package let milliseconds: Int64
    package let deadlineMilliseconds: Int64

    package init(
        guardName: String,
        step: Int,
        requests: Int,
        milliseconds: Int64,
        deadlineMilliseconds: Int64
    ) {
        self.guardName = guardName
        self.step = step
        self.requests = requests
        self.milliseconds = milliseconds
        self.deadlineMilliseconds = deadlineMilliseconds
    }
}
