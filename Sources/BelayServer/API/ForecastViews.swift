package import BelayCore

/// `POST /v1/endpoints/{model}/forecast`: the policy to look ahead for; the one in force unless said.
package struct ForecastBody: Codable, Equatable, Sendable {
    package let policy: PolicyNode?

    package init(policy: PolicyNode?) { self.policy = policy }
}

/// How much traffic a plan will need, by what stable was like.
package struct ForecastView: Codable, Equatable, Sendable {
    package struct Need: Codable, Equatable, Sendable {
        package let guardName: String
        /// Requests of both versions until it can let the release go on; null where that cannot be said.
        @ExplicitNull package private(set) var toAdvance: Int?
        /// Requests until it finds a candidate that is clearly worse; null where that cannot be said.
        @ExplicitNull package private(set) var toRollBack: Int?

        enum CodingKeys: String, CodingKey {
            case guardName = "guard"
            case toAdvance = "to_advance"
            case toRollBack = "to_roll_back"
        }
    }

    package struct Step: Codable, Equatable, Sendable {
        /// 1 for the first.
        package let step: Int
        /// `shadow` or `canary`.
        package let kind: String
        /// Per cent.
        package let share: Double
        /// The most that a guard, or the step itself, needs.
        package let requests: Int
        /// At least, at the traffic that was measured.
        package let lastsMilliseconds: Int64
        /// The guard that needs the most; null where it is the step itself.
        @ExplicitNull package private(set) var slowest: String?
        /// Guards of which nobody can say beforehand what they need to let the release go on.
        package let unforeseen: [String]
        package let guards: [Need]

        enum CodingKeys: String, CodingKey {
            case step, kind, share, requests, slowest, unforeseen, guards
            case lastsMilliseconds = "lasts_ms"
        }
    }

    package let model: String
    /// Answers of stable that were looked at; 0 when there was nothing.
    package let answers: Int
    @ExplicitNull package private(set) var answersPerSecond: Double?
    package let steps: [Step]
    /// A sentence, when the plan's deadline or its exposure comes first.
    @ExplicitNull package private(set) var undecidable: String?

    enum CodingKeys: String, CodingKey {
        case model, answers, steps, undecidable
        case answersPerSecond = "answers_per_second"
    }
}

extension ForecastView {
    init(_ policy: Policy, profile: StableProfile?) {
        model = policy.model.text
        answers = profile?.answers ?? 0
        answersPerSecond = profile?.answersPerSecond
        steps = zip(policy.plan.steps, trafficNeeded(policy, profile: profile)).map { step, forecast in
            let slowest = forecast.slowest.flatMap { ($0.toAdvance ?? 0) >= forecast.requests ? $0 : nil }
            return Step(
                step: forecast.step + 1,
                kind: step.kind.rawValue,
                share: forecast.share.percent,
                requests: forecast.requests,
                lastsMilliseconds: forecast.milliseconds,
                slowest: slowest?.guardName,
                unforeseen: forecast.unforeseen,
                guards: forecast.needs.map {
                    Need(guardName: $0.guardName, toAdvance: $0.toAdvance, toRollBack: $0.toRollBack)
                }
            )
        }
        undecidable = BelayCore.undecidable(policy, profile: profile)?.sentence
    }
}

extension Undecidable {
    fileprivate var sentence: String {
        switch bound {
        case .deadline(let needed, let most):
            "step \(step + 1) needs \(grouped(requests)) requests by then for \(guardName), "
                + "\(duration(needed)), and the deadline is \(duration(most))"
        case .units(let needed, let most):
            "step \(step + 1) needs \(grouped(needed)) units by then for \(guardName), "
                + "and the exposure is spent with \(grouped(most))"
        }
    }
}

/// A time of a plan, in its one or two greatest units: `35 min`, `2 h 5 min`, `3 d`.
package func duration(_ milliseconds: Int64) -> String {
    let seconds = max(0, milliseconds) / 1000
    switch seconds {
    case ..<120: return "\(seconds) s"
    case ..<7200: return "\(seconds / 60) min"
    case ..<172_800: return "\(seconds / 3600) h" + (seconds % 3600 < 60 ? "" : " \(seconds % 3600 / 60) min")
    default: return "\(seconds / 86_400) d"
    }
}
