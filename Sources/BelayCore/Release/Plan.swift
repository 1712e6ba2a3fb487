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
        /// What must be shown before the release goes on.
        package let advance: Advance

        package init(
            kind: Kind = .canary,
            share: Share,
            dwellMilliseconds: Int64,
            minSamples: Int,
            advance: Advance = .noHarm
        ) {
            self.kind = kind
            self.share = share
            self.dwellMilliseconds = dwellMilliseconds
            self.minSamples = minSamples
            self.advance = advance
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
    /// A unit is tossed anew after this time, in milliseconds: one day (STATS 3.10).
    package static let evidenceEpochMilliseconds: Int64 = 86_400_000

    package let steps: [Step]
    package let ending: Ending
    /// How long the guards still judge the candidate after it has been promoted, in milliseconds.
    package let watchMilliseconds: Int64
    /// The part of requests that the former stable keeps while the promoted candidate is watched, so that the
    /// comparison stays one of coins; none compares no more.
    package let holdback: Share
    /// How long after its first step a release may take to be decided, in milliseconds; nil: any time.
    package let deadlineMilliseconds: Int64?
    /// What the steps may cost at most; nil leaves it to the guards.
    package let exposure: Exposure?

    /// Returns nil when a shadow step follows a canary step, a share is 0 %, a canary's is 100 % or does not
    /// exceed that of the canary before it, a time or a count is negative, there are more than ``mostSteps``
    /// steps, a holdback is kept without a watch or would take requests back from the candidate, or a
    /// deadline or an exposure is not above nought.
    package init?(
        steps: [Step],
        ending: Ending = .promote,
        watchMilliseconds: Int64,
        holdback: Share = .none,
        deadlineMilliseconds: Int64? = nil,
        exposure: Exposure? = nil
    ) {
        let canaries = steps.drop { $0.kind == .shadow }
        guard steps.count <= Self.mostSteps, watchMilliseconds >= 0,
            steps.allSatisfy({ $0.share > .none && $0.dwellMilliseconds >= 0 && $0.minSamples >= 0 }),
            canaries.allSatisfy({ $0.kind == .canary && $0.share < .all }),
            zip(canaries, canaries.dropFirst()).allSatisfy({ $0.share < $1.share }),
            holdback == .none || watchMilliseconds > 0 && (canaries.last?.share ?? .none) <= holdback.rest,
            holdback < .all, (deadlineMilliseconds ?? 1) > 0, (exposure?.amount ?? 1) > 0
        else { return nil }
        self.init(
            known: steps,
            ending,
            watchMilliseconds: watchMilliseconds,
            holdback: holdback,
            deadlineMilliseconds: deadlineMilliseconds,
            exposure: exposure
        )
    }

    private init(
        known steps: [Step],
        _ ending: Ending,
        watchMilliseconds: Int64,
        holdback: Share = .none,
        deadlineMilliseconds: Int64? = nil,
        exposure: Exposure? = nil
    ) {
        self.steps = steps
        self.ending = ending
        self.watchMilliseconds = watchMilliseconds
        self.holdback = holdback
        self.deadlineMilliseconds = deadlineMilliseconds
        self.exposure = exposure
    }

    /// The same steps with another end.
    package func ending(in ending: Ending) -> Plan {
        Plan(
            known: steps,
            ending,
            watchMilliseconds: watchMilliseconds,
            holdback: holdback,
            deadlineMilliseconds: deadlineMilliseconds,
            exposure: exposure
        )
    }

    /// In evidence ticks, the number of the step while the promoted candidate is watched.
    package var watchStep: Int { steps.count }
    /// In evidence ticks, the number of the step once the release has ended.
    package var settledStep: Int { steps.count + 1 }

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

extension Plan {
    /// What must be shown before a release leaves a step.
    package enum Advance: String, Codable, CaseIterable, Sendable {
        /// Nothing speaks of harm.
        case noHarm = "no-harm"
        /// Each rollback guard that compares the arms has proven, at 5 %, that the candidate is within its
        /// margin, or within the standard one where it has none.
        case nonInferior = "non-inferior"
    }

    /// What the steps of a release may cost before its share grows no more.
    package enum Exposure: Hashable, Codable, Sendable {
        /// Answers of the candidate that failed, were labelled wrong or were flagged.
        case badAnswers(Int)
        /// Units that met the candidate.
        case units(Int)

        enum CodingKeys: String, CodingKey {
            case badAnswers = "bad_answers"
            case units
        }

        package var amount: Int {
            switch self {
            case .badAnswers(let amount), .units(let amount): amount
            }
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            if let bad = try container.decodeIfPresent(Int.self, forKey: .badAnswers) {
                self = .badAnswers(bad)
            } else {
                self = .units(try container.decode(Int.self, forKey: .units))
            }
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            switch self {
            case .badAnswers(let amount): try container.encode(amount, forKey: .badAnswers)
            case .units(let amount): try container.encode(amount, forKey: .units)
            }
        }
    }
}
