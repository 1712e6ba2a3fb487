import BelayStats

/// The judge of one release: a fold over its evidence that can say at any moment what follows from it.
///
/// Each guard keeps its own bet. Rollback guards share one false-alarm rate: their evidence is averaged, and
/// harm is proven when the average reaches 1/α. Nothing here is reset when a step begins, for that would
/// spend α again; only the counts that a step asks for start anew.
package struct Judge: Equatable, Sendable {
    /// Silence of this length makes a guard blind, unless the step's own dwell is longer.
    private static let patience = Duration.seconds(30)

    package let release: ReleaseID
    private let plan: Plan
    private var cases: [GuardCase]
    private var step = 0
    private var answersInStep = 0

    package init(of release: Release) {
        self.release = release.id
        self.plan = release.plan
        let guards = release.proposal.policy.guards
        // What shadows show is counted for people even where no guard asks for it.
        let hasShadow = release.plan.steps.contains { $0.kind == .shadow }
        let unguarded = Metric.allCases.filter { metric in !guards.contains { $0.metric == metric } }
        self.cases =
            guards.map { GuardCase($0) }
            + (hasShadow ? unguarded.compactMap { GuardCase(observing: $0) } : [])
        enter(step: 0)
    }

    /// Takes in what one tick counted.
    ///
    /// Ticks must come in the order in which they were recorded; those of other releases are ignored. Steps
    /// only rise: what is recorded late for an earlier one, or for one that the plan does not have, still
    /// counts for the bets, which no step resets, but for no step's samples.
    package mutating func settle(_ tick: EvidenceTick) {
        guard tick.release == release else { return }
        if tick.step > step, plan.steps.indices.contains(tick.step) { enter(step: tick.step) }
        let isOfThisStep = tick.step == step
        for index in cases.indices { cases[index].settle(tick, isOfThisStep: isOfThisStep) }
        guard isOfThisStep else { return }
        let answers = plan.steps.indices.contains(step) ? plan.steps[step].kind.answers : .answers
        for (key, count) in tick.counts.counts
        where key.series == answers && key.slice == nil && key.arm == .candidate {
            answersInStep = answersInStep.addingSaturated(count)
        }
    }

    /// Says what follows for a release in `phase`; `waived` says that a person has overridden the guards that
    /// only hold.
    package func rule(on phase: Release.Phase, waived: Bool, now: Timestamp) -> Ruling {
        switch phase {
        case .shadow(let step, let since), .canary(let step, let since):
            guard plan.steps.indices.contains(step) else { return .wait([]) }
            var current = self
            if step != self.step { current.enter(step: step) }
            return current.rule(step: plan.steps[step], since: since, waived: waived, now: now)
        case .watching(let since):
            return now.since(since) >= .milliseconds(plan.watchMilliseconds) ? .advance([]) : .wait([])
        case .gating, .refused, .settled, .rolledBack: return .wait([])
        }
    }

    private mutating func enter(step new: Int) {
        step = new
        answersInStep = 0
        guard plan.steps.indices.contains(new) else { return }
        for index in cases.indices { cases[index].enterStep(of: plan.steps[new].kind) }
    }

    private func rule(step: Plan.Step, since: Timestamp, waived: Bool, now: Timestamp) -> Ruling {
        let view = StepView(
            step: step,
            since: since,
            now: now,
            staleAfter: max(Self.patience, step.dwell),
            answers: answersInStep
        )
        let culprit = culprit
        let reports = cases.map { $0.report(in: view, isCulprit: $0.guarded.name == culprit) }
        if let culprit { return .rollback(culprit, reports) }
        let ignoresHolds = waived
        let holding = zip(cases, reports).first { $0.guarded.reaction == .hold && $1.verdict == .breach }
        if let holding, !ignoresHolds { return .hold(.breach(of: holding.1.name), reports) }
        let allPass = zip(cases, reports).allSatisfy { guardCase, report in
            report.verdict == .pass || report.verdict == .unjudged
                || (ignoresHolds && guardCase.guarded.reaction == .hold)
        }
        let served = now.since(since) >= step.dwell && answersInStep >= step.minSamples
        return allPass && served ? .advance(reports) : .wait(reports)
    }

    /// The guard to blame when harm is proven, else nil.
    private var culprit: String? {
        let rollback = cases.filter { $0.guarded.reaction == .rollback }
        if let never = rollback.first(where: \.hasHappened) { return never.guarded.name }
        let betting = rollback.filter(\.isBet)
        guard !betting.isEmpty else { return nil }
        let weight = 1 / Double(betting.count)
        let total = Combination.logWeightedSum(betting.map { (weight, $0.logEvidence) })
        guard total >= GuardCase.threshold else { return nil }
        return betting.max { $0.logEvidence < $1.logEvidence }?.guarded.name
    }
}

extension Plan.Step.Kind {
    /// The series whose outcomes are the answers that a step asks for.
    fileprivate var answers: Series {
        switch self {
        case .shadow: .disagreement
        case .canary: .answers
        }
    }
}

/// The circumstances in which a guard is asked.
struct StepView {
    let step: Plan.Step
    let since: Timestamp
    let now: Timestamp
    let staleAfter: Duration
    /// Answers of the candidate in this step.
    let answers: Int
}
