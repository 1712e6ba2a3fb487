/// How one model is served, released, watched and taken back: the decoded `belay.yaml`.
package struct Policy: Hashable, Sendable {
    /// What a rollback goes back to.
    package struct Rollback: Hashable, Codable, Sendable {
        /// A version counts as proven after serving all traffic this long without a breach, in milliseconds.
        package let goodAfterMilliseconds: Int64
        /// How many former stables stay loaded.
        package let keepWarm: Int
        package let failing: FailureSettings
        package let standby: StandbyRule

        enum CodingKeys: String, CodingKey {
            case goodAfterMilliseconds = "good_after_ms"
            case keepWarm = "keep_warm"
            case failing, standby
        }

        package init(
            goodAfterMilliseconds: Int64,
            keepWarm: Int,
            failing: FailureSettings,
            standby: StandbyRule
        ) {
            self.goodAfterMilliseconds = goodAfterMilliseconds
            self.keepWarm = keepWarm
            self.failing = failing
            self.standby = standby
        }

        package static let standard = Rollback(
            goodAfterMilliseconds: 86_400_000,
            keepWarm: 2,
            failing: .standard,
            standby: .wait
        )

        /// Ledgers of 0.1 know nothing of failures and standbys.
        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            goodAfterMilliseconds = try container.decode(Int64.self, forKey: .goodAfterMilliseconds)
            keepWarm = try container.decode(Int.self, forKey: .keepWarm)
            failing = try container.decodeIfPresent(FailureSettings.self, forKey: .failing) ?? .standard
            standby = try container.decodeIfPresent(StandbyRule.self, forKey: .standby) ?? .wait
        }
    }

    /// What a promotion does while the version that it would replace is not ready to come back.
    package enum StandbyRule: String, Hashable, Codable, CaseIterable, Sendable {
        /// It waits until it is.
        case wait
        /// A person who asks for it is refused, and a release waits.
        case refuse
        /// It goes on all the same.
        case ignore
    }

    package let model: ModelName
    package let serving: ServingSettings
    package let plan: Plan
    /// Names are unique; one on each never-event is always among them.
    package let guards: [Guard]
    package let labels: Labels
    package let rollback: Rollback
    /// Who is told of what happens.
    package let notify: [NotifyTarget]

    /// Guards besides those that are added.
    package static let mostGuards = 50
    /// The chance that one release of a version that is not worse is rolled back, all guards together.
    package static let falseRollbackRate = 0.01

    /// Returns nil when two guards share a name, there are more than ``mostGuards`` besides as many as there
    /// are never-events, or a time, a count or a list of the other parts is out of bounds.
    package init?(
        model: ModelName,
        serving: ServingSettings,
        plan: Plan,
        guards: [Guard],
        labels: Labels,
        rollback: Rollback,
        notify: [NotifyTarget] = []
    ) {
        guard rollback.goodAfterMilliseconds >= 0, rollback.keepWarm >= 0, serving.timeoutMilliseconds > 0,
            serving.record.isLegal, rollback.failing.answer?.isLegal ?? true
        else {
            return nil
        }
        self.init(known: model, serving, plan, guards, labels, rollback, notify)
        let names = Set(self.guards.map(\.name))
        guard names.count == self.guards.count,
            names.count <= Self.mostGuards + Guard.neverEvents.count
        else { return nil }
    }

    private init(
        known model: ModelName,
        _ serving: ServingSettings,
        _ plan: Plan,
        _ guards: [Guard],
        _ labels: Labels,
        _ rollback: Rollback,
        _ notify: [NotifyTarget]
    ) {
        self.model = model
        self.serving = serving
        self.plan = plan
        self.guards =
            guards
            + Guard.neverEvents.filter { event in
                !guards.contains { $0.metric == event.metric }
            }
        self.labels = labels
        self.rollback = rollback
        self.notify = notify
    }

    /// What a model without a policy gets: the `canary` plan and no rise in errors.
    package static func standard(for model: ModelName) -> Policy {
        Policy(known: model, .standard, .canary, [.errorRate], Labels(output: nil), .standard, [])
    }
}

extension Policy: Codable {
    enum CodingKeys: String, CodingKey {
        case model, serving, plan, guards, labels, rollback, notify
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let policy = Policy(
            model: try container.decode(ModelName.self, forKey: .model),
            serving: try container.decode(ServingSettings.self, forKey: .serving),
            plan: try container.decode(Plan.self, forKey: .plan),
            guards: try container.decode([Guard].self, forKey: .guards),
            labels: try container.decode(Labels.self, forKey: .labels),
            rollback: try container.decode(Rollback.self, forKey: .rollback),
            notify: try container.decodeIfPresent([NotifyTarget].self, forKey: .notify) ?? []
        )
        guard let policy else {
            throw DecodingError.dataCorruptedError(
                forKey: .guards,
                in: container,
                debugDescription: "two guards share a name, or a number is negative"
            )
        }
        self = policy
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(model, forKey: .model)
        try container.encode(serving, forKey: .serving)
        try container.encode(plan, forKey: .plan)
        try container.encode(guards, forKey: .guards)
        try container.encode(labels, forKey: .labels)
        try container.encode(rollback, forKey: .rollback)
        if !notify.isEmpty { try container.encode(notify, forKey: .notify) }
    }
}
