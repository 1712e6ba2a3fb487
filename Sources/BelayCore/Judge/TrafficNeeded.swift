import BelayStats

/// What a step of a plan will need before it can be decided, said before it begins.
package struct StepForecast: Hashable, Sendable {
    /// What one guard needs, in requests of both arms together.
    package struct Need: Hashable, Sendable {
        package let guardName: String
        /// Until it can let the release go on, if the candidate equals stable; nil where that cannot be said.
        package let toAdvance: Int?
        /// Whether the release waits for it, and nobody can say beforehand how long.
        package let isUnforeseen: Bool
        /// Requests without which it cannot pass, whatever they show.
        let atLeast: Int
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

    /// Requests of both arms without which the step cannot end, whatever they show.
    let atLeast: Int

    /// The guards of which nobody can say beforehand what they need.
    package var unforeseen: [String] { needs.filter(\.isUnforeseen).map(\.guardName) }

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
    let steps = policy.plan.steps
    let cases = policy.guards.filter { !$0.metric.isNeverEvent }.map { guarded in
        GuardCase(guarded, in: GuardContext(labels: policy.labels, profile: profile, needsProof: true))
    }
    return steps.enumerated().map { index, step in
        let isFirst = steps.prefix(index).allSatisfy { $0.kind != step.kind }
        let needs = cases.filter { $0.guarded.metric.applies(to: step.kind) }
            .map { need(of: $0, in: step, isFirst: isFirst) }
        let own = requests(for: step.minSamples, at: step.share)
        let most = needs.compactMap(\.toAdvance).reduce(own) { Swift.max($0, $1) }
        let rate = profile?.answersPerSecond ?? 0
        let taken = rate > 0 ? Int64(exactly: (Double(most) / rate * 1000).rounded(.up)) ?? .max : 0
        return StepForecast(
            step: index,
            share: step.share,
            needs: needs,
            requests: most,
            milliseconds: max(step.dwellMilliseconds, taken),
            atLeast: needs.map(\.atLeast).reduce(own) { Swift.max($0, $1) }
        )
    }
}

/// The first step that the plan's own bounds do not leave the requests for; nil where nothing says so.
///
/// What a guard needs that nobody can say beforehand is in no sum: see ``StepForecast/unforeseen``.
package func undecidable(_ policy: Policy, profile: StableProfile?) -> Undecidable? {
    let steps = trafficNeeded(policy, profile: profile)
    return overspent(policy, steps) ?? overdue(policy, steps, profile)
}

/// The first step that needs as many units as the plan allows, at which it is held.
///
/// A unit that sticks to its version may answer for any number of samples, so only requests are counted.
private func overspent(_ policy: Policy, _ steps: [StepForecast]) -> Undecidable? {
    guard case .units(let most) = policy.plan.exposure, policy.serving.unit == .request else { return nil }
    var (requests, units) = (0, 0)
    for (step, forecast) in zip(policy.plan.steps, steps) where step.kind == .canary {
        requests = requests.addingSaturated(forecast.atLeast)
        let met = (Double(forecast.atLeast) * step.share.fraction).rounded()
        units = units.addingSaturated(Int(exactly: met) ?? .max)
        guard units >= most else { continue }
        let slowest = forecast.needs.first { $0.atLeast >= forecast.atLeast }
        return Undecidable(
            guardName: slowest?.guardName ?? "min_samples",
            step: forecast.step,
            requests: requests,
            bound: .units(needed: units, most: most)
        )
    }
    return nil
}

/// The first step that the deadline comes before; nil without a deadline or a measured traffic.
private func overdue(_ policy: Policy, _ steps: [StepForecast], _ profile: StableProfile?) -> Undecidable? {
    guard let deadline = policy.plan.deadlineMilliseconds, (profile?.answersPerSecond ?? 0) > 0 else {
        return nil
    }
    var (requests, milliseconds) = (0, Int64(0))
    for step in steps {
        requests = requests.addingSaturated(step.requests)
        let (sum, overflow) = milliseconds.addingReportingOverflow(step.milliseconds)
        milliseconds = overflow ? .max : sum
        guard milliseconds > deadline else { continue }
        return Undecidable(
            guardName: step.slowest?.guardName ?? "min_samples",
            step: step.step,
            requests: requests,
            bound: .deadline(needed: milliseconds, most: deadline)
        )
    }
    return nil
}

private let learning = 4.0 / 3
private let proofLevel = 0.05

private func requests(for outcomes: Int, at share: Share) -> Int {
    share > .none ? Int(exactly: (Double(outcomes) / share.fraction).rounded(.up)) ?? .max : .max
}

private func need(of guardCase: GuardCase, in step: Plan.Step, isFirst: Bool) -> StepForecast.Need {
    let (guarded, profile) = (guardCase.guarded, guardCase.context.profile)
    // What only tells lets the release go on meanwhile.
    let isAwaited = guarded.reaction != .notify
    let samples = isAwaited ? samples(of: guardCase, in: step, isFirst: isFirst) : nil
    let proves =
        step.advance == .nonInferior && guardCase.reaction == .rollback && guardCase.whole.proof != nil
    let proof = proves ? proof(of: guarded, step, profile) : nil
    let isUnforeseen = proves ? proof == nil : isAwaited && guardCase.isReferenced && samples == nil
    return StepForecast.Need(
        guardName: guarded.name,
        toAdvance: isUnforeseen ? nil : [samples, proof].compactMap { $0 }.max(),
        isUnforeseen: isUnforeseen,
        // Without any data such a guard passes.
        atLeast: guarded.focus.noData == .pass ? 0 : samples ?? 0,
        toRollBack: detection(of: guarded, step, profile)
    )
}

/// Requests of both arms that bring the samples that a guard asks for; nil where it asks for none, or it is
/// not known what it counts.
private func samples(of guardCase: GuardCase, in step: Plan.Step, isFirst: Bool) -> Int? {
    let asked = guardCase.guarded.samplesNeeded(in: step)
    guard guardCase.isReferenced else {
        return guardCase.guarded.isOfOutcomes ? requests(for: asked, at: step.share) : nil
    }
    guard case .reference(let watch) = guardCase.whole.bet else { return nil }
    // Values of every input that is watched, whichever version was asked.
    let inputs = max(watch.series.count, 1)
    let values = asked / inputs + (asked.isMultiple(of: inputs) ? 0 : 1)
    return max(values, isFirst ? watch.gathering?.needed ?? 0 : 0)
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
        case .query, .throughput: false
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
