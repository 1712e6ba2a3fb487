/// How a release raises its share: strictly rising canary steps below 100 %, then promotion.
///
/// No step means promotion as soon as the gates have passed.
package struct Plan: Hashable, Sendable {
    /// One stage of a release.
    package struct Step: Hashable, Codable, Sendable {
        package let share: Share
        /// Shortest time at this share, in milliseconds.
        package let dwellMilliseconds: Int64
        /// Fewest answers of the candidate at this share.
        package let minSamples: Int

        enum CodingKeys: String, CodingKey {
            case share
            case dwellMilliseconds = "dwell_ms"
            case minSamples = "min_samples"
        }

        package init(share: Share, dwellMilliseconds: Int64, minSamples: Int) {
            self.share = share
            self.dwellMilliseconds = dwellMilliseconds
            self.minSamples = minSamples
        }

        package var dwell: Duration { .milliseconds(dwellMilliseconds) }
    }

    package static let mostSteps = 50

    package let steps: [Step]
    /// How long the guards still judge the candidate after it has been promoted, in milliseconds.
    package let watchMilliseconds: Int64

    /// Returns nil when a share is 0 % or 100 % or does not exceed the one before it, a time or a count is
    /// negative, or there are more than ``mostSteps`` steps.
    package init?(steps: [Step], watchMilliseconds: Int64) {
        guard steps.count <= Self.mostSteps, watchMilliseconds >= 0,
            steps.allSatisfy({ $0.share > .none && $0.share < .all }),
            steps.allSatisfy({ $0.dwellMilliseconds >= 0 && $0.minSamples >= 0 }),
            zip(steps, steps.dropFirst()).allSatisfy({ $0.share < $1.share })
        else { return nil }
        self.init(known: steps, watchMilliseconds: watchMilliseconds)
    }

    private init(known steps: [Step], watchMilliseconds: Int64) {
        self.steps = steps
        self.watchMilliseconds = watchMilliseconds
    }

    /// Gates, then everyone.
    package static let instant = Plan(known: [], watchMilliseconds: 0)

    /// 1 % → 10 % → 50 % → everyone; ten minutes and 500 answers each.
    package static let canary = Plan(
        known: [10_000, 100_000, 500_000].compactMap(Share.init(partsPerMillion:)).map {
            Step(share: $0, dwellMilliseconds: 600_000, minSamples: 500)
        },
        watchMilliseconds: 0
    )

    /// The plans that a policy may name with `rollout.use`.
    package static let named: [String: Plan] = ["instant": .instant, "canary": .canary]
}

extension Plan: Codable {
    enum CodingKeys: String, CodingKey {
        case steps
        case watchMilliseconds = "watch_ms"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let steps = try container.decode([Step].self, forKey: .steps)
        let watch = try container.decode(Int64.self, forKey: .watchMilliseconds)
        guard let plan = Plan(steps: steps, watchMilliseconds: watch) else {
            throw DecodingError.dataCorruptedError(
                forKey: .steps,
                in: container,
                debugDescription: "the shares do not rise"
            )
        }
        self = plan
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(steps, forKey: .steps)
        try container.encode(watchMilliseconds, forKey: .watchMilliseconds)
    }
}
