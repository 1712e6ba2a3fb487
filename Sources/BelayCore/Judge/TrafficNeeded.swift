import BelayStats

/// What a step of a plan will need before it can be decided, said before it begins.
package struct StepForecast: Hashable, Sendable {
    /// What one guard needs, in requests of both arms together.
    package struct Need: Hashable, Sendable {
        package let guardName: String
        /// Until it can let the release go on, if the candidate equals stable; nil where that cannot be said.
        package let toAdvance: Int?
        /// Until it finds a candidate that exceeds its margin by half of stable's badness, half a point at
        /// least; nil where that cannot be said.
        package let toRollBack: Int?
    }

    /// 0 for the first.
    package let step: Int
    package let share: Share
    package let needs: [Need]
    /// The most that any guard, or the step itself, needs to go on.
    package let requests: Int
    /// How long the step lasts at least: its dwell, or what the requests take at the measured traffic.
    package let milliseconds: Int64

    /// The guard that needs the most.
    package var slowest: Need? { needs.max { ($0.toAdvance ?? 0) < ($1.toAdvance ?? 0) } }
}

/// How much traffic each step of a policy will need.
///
/// A bet that must learn the rates needs 1.17 to 1.39 times what a bettor needs who knows them (STATS 3.11);
/// a third more is taken. Labels are taken to come for every answer, which is the least that may be needed.
///
/// - Parameters:
///   - policy: Its plan and its guards.
///   - profile: What is known of stable; without its traffic, no step is longer than its dwell.
/// - Returns: One forecast for each step.
package func trafficNeeded(_ policy: Policy, profile: StableProfile?) -> [StepForecast] {
    policy.plan.steps.enumerated().map { index, step in
        let needs = policy.guards.filter { $0.metric.applies(to: step.kind) && !$0.metric.isNeverEvent }
            .map { need(of: $0, in: step, profile) }
        let own = requests(for: step.minSamples, at: step.share)
        let most = needs.compactMap(\.toAdvance).reduce(own) { Swift.max($0, $1) }
        let rate = profile?.answersPerSecond ?? 0
        let taken = rate > 0 ? Int64(exactly: (Double(most) / rate * 1000).rounded(.up)) ?? .max : 0
        return StepForecast(
            step: index,
            share: step.share,
            needs: needs,
            requests: most,
            milliseconds: max(step.dwellMilliseconds, taken)
        )
    }
}

/// The first step that the plan's deadline comes before; nil without a deadline or a measured traffic.
package func undecidable(_ policy: Policy, profile: StableProfile?) -> Undecidable? {
    guard let deadline = policy.plan.deadlineMilliseconds, (profile?.answersPerSecond ?? 0) > 0 else {
        return nil
    }
    var (requests, milliseconds) = (0, Int64(0))
    for step in trafficNeeded(policy, profile: profile) {
        requests = requests.addingSaturated(step.requests)
        let (sum, overflow) = milliseconds.addingReportingOverflow(step.milliseconds)
        milliseconds = overflow ? .max : sum
        guard milliseconds > deadline else { continue }
        return Undecidable(
            guardName: step.slowest?.guardName ?? "min_samples",
            step: step.step,
            requests: requests,
            milliseconds: milliseconds,
            deadlineMilliseconds: deadline
        )
    }
    return nil
}

private let learning = 4.0 / 3
private let proofLevel = 0.05

private func requests(for outcomes: Int, at share: Share) -> Int {
    share > .none ? Int(exactly: (Double(outcomes) / share.fraction).rounded(.up)) ?? .max : .max
}

private func need(of guarded: Guard, in step: Plan.Step, _ profile: StableProfile?) -> StepForecast.Need {
    let samples = requests(for: guarded.samplesNeeded(in: step), at: step.share)
    var toAdvance: Int? = guarded.isOfOutcomes ? samples : nil
    if step.advance == .nonInferior, guarded.reaction == .rollback,
        let proof = proof(of: guarded, step, profile)
    {
        toAdvance = max(toAdvance ?? 0, proof)
    }
    return StepForecast.Need(
        guardName: guarded.name,
        toAdvance: toAdvance,
        toRollBack: detection(of: guarded, step, profile)
    )
}

private func proof(of guarded: Guard, _ step: Plan.Step, _ profile: StableProfile?) -> Int? {
    guard let before = guarded.usualBadness(profile), let margin = guarded.comparedMargin else { return nil }
    let granted: AllocationBet.Margin =
        margin == .none ? .absolute(min(max(before / 2, Terms.standardRise), 1)) : margin
    return Forecast.requestsToAdvance(
        candidate: before,
        stable: before,
        share: step.share.fraction,
        margin: granted,
        beta: proofLevel
    ).flatMap { Int(exactly: ($0 * learning).rounded(.up)) }
}

private func detection(of guarded: Guard, _ step: Plan.Step, _ profile: StableProfile?) -> Int? {
    let alpha = Policy.falseRollbackRate
    if case .absolute(let max) = guarded.limit, guarded.metric.isFraction {
        let rate = min(max + Swift.max(max / 2, Terms.standardRise), 1)
        return Forecast.outcomesToExceed(limit: max, rate: rate, alpha: alpha)
            .flatMap { Int(exactly: ($0 * learning / step.share.fraction).rounded(.up)) }
    }
    guard let before = guarded.usualBadness(profile), let margin = guarded.comparedMargin else { return nil }
    let edge =
        switch margin {
        case .none: before
        case .absolute(let points): before + points
        case .relative(let part): before * (1 + part)
        }
    return Forecast.requestsToRollBack(
        candidate: min(edge + max(before / 2, Terms.standardRise), 1),
        stable: before,
        share: step.share.fraction,
        margin: margin,
        alpha: alpha
    ).flatMap { Int(exactly: ($0 * learning).rounded(.up)) }
}

extension Guard {
    /// Whether it is content with a number of the candidate's outcomes.
    fileprivate var isOfOutcomes: Bool {
        switch metric {
        case .query, .throughput, .featureDrift, .missingRate, .unseenRate: false
        default: true
        }
    }

    /// Stable's bad rate: measured, by definition for a quantile, or the usual one; nil for what is no rate.
    fileprivate func usualBadness(_ profile: StableProfile?) -> Double? {
        switch metric {
        case .latencyP50, .latencyP95, .latencyP99: return 1 - metric.fraction
        case .errorRate, .accuracy, .recall, .schemaErrors:
            let known = profile?.means[metric.rawValue].flatMap { (0...1).contains($0) ? $0 : nil }
            return known ?? 0.05
        default: return nil
        }
    }

    /// A latency's margin lies in its threshold: as a rate it has none, and a proof is of the standard ratio.
    fileprivate var comparedMargin: AllocationBet.Margin? {
        switch limit {
        case .againstStable(let margin):
            if metric.isFraction {
                margin > 0 ? .absolute(margin) : AllocationBet.Margin.none
            } else {
                AllocationBet.Margin.none
            }
        case .relativeToStable(let margin):
            if metric.isFraction {
                margin > 0 ? .relative(margin) : AllocationBet.Margin.none
            } else {
                AllocationBet.Margin.none
            }
        case .absolute, .atLeast, .withinOfStable, .never: nil
        }
    }
}
