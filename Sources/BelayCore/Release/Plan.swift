/// How a release goes from its gates to everyone: shadow steps, canary steps, then its end.
///
/// No step means promotion as soon as the gates have passed.
package struct Plan: Hashable, Sendable {
    /// One stage of a release.
    package struct Step: Hashable, Sendable {
        package enum Kind: String, Codable, CaseIterable, Sendable {
            /// The candidate gets copies of requests and answers nobody.
            case shadow
            /// The candidate answers.
            case canary
        }

        package let kind: Kind
        /// Which part of the requests the candidate gets.
        package let share: Share
        /// Shortest time at this share, in milliseconds.
        package let dwellMilliseconds: Int64
        /// Fewest answers of the candidate at this share; in a shadow step, fewest compared pairs.
        package let minSamples: Int

        package init(kind: Kind = .canary, share: Share, dwellMilliseconds: Int64, minSamples: Int) {
            self.kind = kind
            self.share = share
            self.dwellMilliseconds = dwellMilliseconds
            self.minSamples = minSamples
        }

        package var dwell: Duration { .milliseconds(dwellMilliseconds) }
    }

    /// What follows the last step.
    package enum Ending: String, Codable, CaseIterable, Sendable {
        case promote
        /// The release is held until a person lets it go on, or promotes it.
        case hold
    }

    package static let mostSteps = 50

    package let steps: [Step]
    package let ending: Ending
    /// How long the guards still judge the candidate after it has been promoted, in milliseconds.
    package let watchMilliseconds: Int64

    /// Returns nil when a shadow step follows a canary step, a share is 0 %, a canary's is 100 % or does not
    /// exceed that of the canary before it, a time or a count is negative, or there are more than
    /// ``mostSteps`` steps.
    package init?(steps: [Step], ending: Ending = .promote, watchMilliseconds: Int64) {
        let canaries = steps.drop { $0.kind == .shadow }
        guard steps.count <= Self.mostSteps, watchMilliseconds >= 0,
            steps.allSatisfy({ $0.share > .none && $0.dwellMilliseconds >= 0 && $0.minSamples >= 0 }),
            canaries.allSatisfy({ $0.kind == .canary && $0.share < .all }),
            zip(canaries, canaries.dropFirst()).allSatisfy({ $0.share < $1.share })
        else { return nil }
        self.init(known: steps, ending, watchMilliseconds: watchMilliseconds)
    }

    private init(known steps: [Step], _ ending: Ending, watchMilliseconds: Int64) {
        self.steps = steps
        self.ending = ending
        self.watchMilliseconds = watchMilliseconds
    }

    /// The same steps with another end.
    package func ending(in ending: Ending) -> Plan {
        Plan(known: steps, ending, watchMilliseconds: watchMilliseconds)
    }

    /// Gates, then everyone.
    package static let instant = Plan(known: [], .promote, watchMilliseconds: 0)

    /// 1 % → 10 % → 50 % → everyone; ten minutes and 500 answers each.
    package static let canary = Plan(
        known: canaries([10_000, 100_000, 500_000], dwellMilliseconds: 600_000, minSamples: 500),
        .promote,
        watchMilliseconds: 0
    )

    /// A shadow for an hour → 1 % → 5 % → 25 % → 50 % → everyone; half an hour and 2 000 answers each.
    package static let careful = Plan(
        known: [Step(kind: .shadow, share: .all, dwellMilliseconds: 3_600_000, minSamples: 2000)]
            + canaries(
                [10_000, 50_000, 250_000, 500_000],
                dwellMilliseconds: 1_800_000,
                minSamples: 2000
            ),
        .promote,
        watchMilliseconds: 0
    )

    /// A shadow until a person goes on.
    package static let shadowOnly = Plan(
        known: [Step(kind: .shadow, share: .all, dwellMilliseconds: 0, minSamples: 500)],
        .hold,
        watchMilliseconds: 0
    )

    private static func canaries(_ parts: [Int], dwellMilliseconds: Int64, minSamples: Int) -> [Step] {
        parts.compactMap(Share.init(partsPerMillion:)).map {
            Step(share: $0, dwellMilliseconds: dwellMilliseconds, minSamples: minSamples)
        }
    }

    /// The plans that a policy may name with `rollout.use`.
    package static let named: [String: Plan] = [
        "instant": .instant, "canary": .canary, "careful": .careful, "shadow-only": .shadowOnly,
    ]
}

/// Ledgers of 0.1 know only canary steps, and promotion after them.
extension Plan.Step: Codable {
    enum CodingKeys: String, CodingKey {
        case kind, share
        case dwellMilliseconds = "dwell_ms"
        case minSamples = "min_samples"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        kind = try container.decodeIfPresent(Kind.self, forKey: .kind) ?? .canary
        share = try container.decode(Share.self, forKey: .share)
        dwellMilliseconds = try container.decode(Int64.self, forKey: .dwellMilliseconds)
        minSamples = try container.decode(Int.self, forKey: .minSamples)
    }
}

extension Plan: Codable {
    enum CodingKeys: String, CodingKey {
        case steps, ending
        case watchMilliseconds = "watch_ms"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let steps = try container.decode([Step].self, forKey: .steps)
        let watch = try container.decode(Int64.self, forKey: .watchMilliseconds)
        let ending = try container.decodeIfPresent(Ending.self, forKey: .ending) ?? .promote
        guard let plan = Plan(steps: steps, ending: ending, watchMilliseconds: watch) else {
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
        try container.encode(ending, forKey: .ending)
        try container.encode(watchMilliseconds, forKey: .watchMilliseconds)
    }
}
