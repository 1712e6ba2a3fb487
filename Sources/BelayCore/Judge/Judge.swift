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
    let plan: Plan
    private let labelDelay: Duration
    private(set) var cases: [GuardCase]
    private var trust = Trust()
    private(set) var account: ExposureAccount
    private var step = 0
    private var answersInStep = 0

    package init(of release: Release) {
        self.release = release.id
        self.plan = release.plan
        let policy = release.proposal.policy
        labelDelay = .milliseconds(policy.labels.typicalDelayMilliseconds ?? 0)
        let context = GuardContext(
            labels: policy.labels,
            profile: release.proposal.profile,
            needsProof: release.plan.steps.contains { $0.advance == .nonInferior },
            isSticky: policy.serving.unit != .request
        )
        let guards = policy.guards
        // What shadows show is counted for people even where no guard asks for it.
        let hasShadow = release.plan.steps.contains { $0.kind == .shadow }
        let unguarded = Metric.allCases.filter { metric in !guards.contains { $0.metric == metric } }
        self.cases =
            guards.map { GuardCase($0, in: context) }
            + (hasShadow ? unguarded.compactMap { GuardCase(observing: $0, in: context) } : [])
        account = ExposureAccount(classes: context.classes)
        enter(step: 0)
    }

    /// Takes in what one tick counted.
    ///
    /// Ticks must come in the order in which they were recorded; those of other releases are ignored. Steps
    /// only rise: what is recorded late for an earlier one, or for one that the plan does not have, still
    /// counts for the bets, which no step resets, but for no step's samples.
    package mutating func settle(_ tick: EvidenceTick) {
        guard tick.release == release else { return }
        if tick.step > step, tick.step <= plan.watchStep { enter(step: tick.step) }
        let isOfThisStep = tick.step == step
        let outcomes = TickOutcomes(tick.counts)
        trust.settle(outcomes)
        account.settle(outcomes, isOfThisStep: isOfThisStep)
        for index in cases.indices {
            cases[index].settle(outcomes, of: tick, isOfThisStep: isOfThisStep)
        }
        guard isOfThisStep else { return }
        let answers = outcomes.of(plan.step(at: step)?.kind.answers ?? .answers, in: nil)
        answersInStep = answersInStep.addingSaturated(answers.filter(\.candidate).total)
    }

    /// Says what follows for a release as it stands at `now`.
    package func rule(on release: Release, now: Timestamp) -> Ruling {
        switch release.phase {
        case .shadow(let step, let since), .canary(let step, let since):
            return standing(at: step).rule(on: release, since: since, now: now)
        case .watching(let since):
            return standing(at: plan.watchStep).watch(release, since: since, now: now)
        case .gating, .refused, .settled, .rolledBack: return .wait([])
        }
    }

    /// What late evidence says of a release that is over: the guard that proves harm, with every report.
    package func rejudge(at now: Timestamp) -> (breached: String, reports: [GuardReport])? {
        var view = view(since: now, now: now)
        view.isOver = true
        guard let culprit = culprit(in: view) else { return nil }
        return (culprit, reports(in: view, culprit: culprit, waived: []))
    }

    /// The population stability index of each input that a guard watches for drift, once there are enough
    /// values.
    package var stabilityIndices: [String: Double] {
        cases.reduce(into: [:]) { all, each in
            guard case .reference(let watch) = each.whole.bet else { return }
            all.merge(watch.indices) { max($0, $1) }
        }
    }

    private func standing(at step: Int) -> Judge {
        guard step != self.step else { return self }
        var current = self
        current.enter(step: step)
        return current
    }

    private mutating func enter(step new: Int) {
        step = new
        answersInStep = 0
        account.enterStep()
        guard let step = plan.step(at: new) else { return }
        for index in cases.indices { cases[index].enterStep(of: step.kind) }
    }

    private func view(since: Timestamp, now: Timestamp) -> StepView {
        let current = plan.step(at: step) ?? plan.watched
        return StepView(
            step: current,
            since: since,
            now: now,
            staleAfter: max(Self.patience, current.dwell),
            answers: answersInStep,
            trust: trust,
            labelDelay: labelDelay
        )
    }

    private func reports(in view: StepView, culprit: String?, waived: Set<HoldCause>) -> [GuardReport] {
        cases.map { guardCase in
            let name = guardCase.guarded.name
            return guardCase.report(
                in: view,
                isCulprit: name == culprit,
                isWaived: waived.contains(.breach(of: name))
            )
        }
    }
}

// MARK: - Ruling

extension Judge {
    private func rule(on release: Release, since: Timestamp, now: Timestamp) -> Ruling {
        let view = view(since: since, now: now)
        // What has spent its exposure gets no requests: that nothing is seen of it is no fault of its own.
        let culprit = culprit(in: view, isStarved: release.hold?.cause == .exposure)
        let reports = reports(in: view, culprit: culprit, waived: release.waived)
        if let culprit { return .rollback(culprit, reports) }
        if let exposure = plan.exposure, !release.waived.contains(.exposure), account.isSpent(exposure) {
            return .hold(.exposure, reports)
        }
        if isOverdue(release, now: now) {
            return suspect(in: view).map { .rollback($0, reports) } ?? .hold(.deadline, reports)
        }
        if let cause = holding(release, reports) { return .hold(cause, reports) }
        let served = now.since(since) >= view.step.dwell && answersInStep >= view.step.minSamples
        guard served, allows(release, reports) else { return .wait(reports) }
        return exceedsExposure(release, since: since, now: now)
            ? .hold(.exposure, reports) : .advance(reports)
    }

    /// The watch ends by the clock, unless something speaks of harm.
    ///
    /// Its end puts nobody at a risk that the promotion did not. Where nothing is held back there is nothing
    /// more to compare.
    private func watch(_ release: Release, since: Timestamp, now: Timestamp) -> Ruling {
        let isOver = now.since(since) >= .milliseconds(plan.watchMilliseconds)
        let view = view(since: since, now: now)
        guard release.holdsBack else {
            // What must never happen needs nothing to compare it with, but something to go back to.
            guard release.proposal.stable != nil, let name = happened else {
                return isOver ? .advance([]) : .wait([])
            }
            return .rollback(name, reports(in: view, culprit: name, waived: release.waived))
        }
        let culprit = culprit(in: view)
        let reports = reports(in: view, culprit: culprit, waived: release.waived)
        if let culprit { return .rollback(culprit, reports) }
        if let cause = holding(release, reports) { return .hold(cause, reports) }
        return isOver && suspect(in: view) == nil ? .advance(reports) : .wait(reports)
    }

    private func isOverdue(_ release: Release, now: Timestamp) -> Bool {
        guard let deadline = plan.deadlineMilliseconds, let began = release.startedAt,
            !release.waived.contains(.deadline)
        else { return false }
        return now.since(began) > .milliseconds(deadline)
    }

    private func holding(_ release: Release, _ reports: [GuardReport]) -> HoldCause? {
        guard !release.holdWaived else { return nil }
        for (guardCase, report) in zip(cases, reports)
        where guardCase.reaction == .hold && report.verdict == .breach {
            let cause = HoldCause.breach(of: report.name)
            if !release.waived.contains(cause) { return cause }
        }
        return nil
    }

    private func allows(_ release: Release, _ reports: [GuardReport]) -> Bool {
        zip(cases, reports).allSatisfy { guardCase, report in
            report.verdict == .pass || report.verdict == .unjudged || guardCase.reaction == .notify
                || release.waived.contains(.breach(of: report.name))
                || release.holdWaived && guardCase.guarded.reaction == .hold
        }
    }

    private func exceedsExposure(_ release: Release, since: Timestamp, now: Timestamp) -> Bool {
        guard let exposure = plan.exposure, !release.waived.contains(.exposure),
            let next = plan.step(at: step + 1), next.kind == .canary
        else { return false }
        let isLast = step + 1 == plan.watchStep
        return account.wouldExceed(
            exposure,
            next: next.share,
            // Nobody knows how long a version serves; what the watch, or a step, would cost is taken for it.
            lasting: isLast ? max(next.dwell, plan.steps.last?.dwell ?? .zero) : next.dwell,
            atLeast: next.minSamples,
            after: now.since(since)
        )
    }
}

// MARK: - Harm

extension Judge {
    /// The guard on what must never happen that takes back, once it has happened.
    private var happened: String? {
        cases.first { $0.reaction == .rollback && $0.hasHappened }?.guarded.name
    }

    /// The guard to blame when harm is proven, else nil.
    private func culprit(in view: StepView, isStarved: Bool = false) -> String? {
        if let happened { return happened }
        let rollback = cases.filter { $0.reaction == .rollback }
        if isStarved { return harm(atLeast: GuardCase.threshold, in: view) }
        if let told = rollback.first(where: { !$0.isBet && $0.isBreached(in: view) }) {
            return told.guarded.name
        }
        if let silent = rollback.first(where: { $0.isFailed(in: view) }) { return silent.guarded.name }
        return harm(atLeast: GuardCase.threshold, in: view)
    }

    /// The guard that would be blamed at half of the proof, in the scale of logarithms.
    private func suspect(in view: StepView) -> String? { harm(atLeast: GuardCase.threshold / 2, in: view) }

    /// The largest contributor once the guards' average evidence reaches this much.
    ///
    /// Guards whose arms do not compare have no evidence any more; their part of the level lapses.
    private func harm(atLeast threshold: Double, in view: StepView) -> String? {
        let betting = cases.filter { $0.reaction == .rollback && $0.isBet }
        let weight = 1 / Double(max(betting.count, 1))
        let sound = betting.filter { !$0.isUncomparable(in: view) }
        let total = Combination.logWeightedSum(sound.map { (weight, $0.believed(in: view)) })
        guard total >= threshold else { return nil }
        return sound.max { $0.believed(in: view) < $1.believed(in: view) }?.guarded.name
    }
}

extension Plan {
    /// The step of this number; the watch after the last is one too.
    func step(at number: Int) -> Step? {
        if steps.indices.contains(number) { return steps[number] }
        return number == watchStep ? watched : nil
    }

    /// The watch, seen as a step: nothing more is asked of it than was asked before.
    fileprivate var watched: Step {
        Step(
            share: holdback.rest,
            dwellMilliseconds: watchMilliseconds,
            minSamples: steps.last?.minSamples ?? 0
        )
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
