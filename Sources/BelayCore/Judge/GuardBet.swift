import BelayStats

/// What one guard stakes on what is counted for it: a closed set, one case for each way to know harm.
enum GuardBet: Equatable {
    /// One occurrence is one too many.
    case never(count: Int)
    case graded(GradedBet)
    case counted(CountedBet)
    case arms(ArmDrift)
    case reference(ReferenceWatch)
    case answers(AnswersWindow)
    case query(QueryWindow)
    /// Nothing is staked: a mean over classes, and what is only counted.
    case samples
    /// There is nothing to hold it against.
    case unreferenced

    /// What suits the guard; `isProof` asks for the stake on the candidate being within its margin.
    init(_ guarded: Guard, isProof: Bool = false, in context: GuardContext) {
        let profile = context.profile
        switch (guarded.metric, guarded.limit) {
        case (_, .never): self = .never(count: 0)
        case (.query, _): self = .query(QueryWindow(milliseconds: guarded.focus.windowMilliseconds))
        case (.throughput, .atLeast):
            self = .answers(AnswersWindow(milliseconds: guarded.focus.windowMilliseconds))
        case (.throughput, _), (.flagRate, _):
            self = .counted(CountedBet(guarded, isProof: isProof, profile: profile))
        case (.predictionDrift, .absolute(let max)):
            let drift = ArmDrift(max: max, reference: profile?.references[Series.prediction.description])
            self = drift.map(GuardBet.arms) ?? .unreferenced
        case (.featureDrift, _), (.missingRate, _), (.unseenRate, _):
            let watch = ReferenceWatch(guarded, references: profile?.references ?? [:])
            self = watch.map(GuardBet.reference) ?? .unreferenced
        case (.precision, _), (.recall, _), (.f1, _):
            if context.focus(of: guarded) == nil {
                self = context.classes > 0 ? .samples : .unreferenced
            } else {
                self = .graded(GradedBet(Terms(guarded, isProof ? .advance : .rollback, in: context)))
            }
        case (_, .absolute(1)) where guarded.metric.isFraction: self = .samples
        default: self = .graded(GradedBet(Terms(guarded, isProof ? .advance : .rollback, in: context)))
        }
    }

    /// Whether it has evidence that keeps the release's false-alarm rate.
    var isBet: Bool {
        switch self {
        case .graded, .counted, .arms: true
        case .never, .reference, .answers, .query, .samples, .unreferenced: false
        }
    }

    /// Natural logarithm of the evidence.
    var logEvidence: Double {
        switch self {
        case .never(let count): count > 0 ? .infinity : 0
        case .graded(let bet): bet.logEvidence
        case .counted(let bet): bet.logEvidence
        case .arms(let drift): drift.logEvidence
        case .reference, .answers, .query, .samples, .unreferenced: 0
        }
    }

    mutating func settle(_ input: TrackInput) {
        switch self {
        case .never(let count):
            let bad = input.outcomes.filter { $0.candidate && $0.code == 1 }.total
            self = .never(count: count.addingSaturated(bad))
        case .graded(var bet):
            bet.settle(input.outcomes, at: input.at)
            self = .graded(bet)
        case .counted(var bet):
            bet.settle(input.outcomes, answers: input.answers)
            self = .counted(bet)
        case .arms(var drift):
            drift.settle(input.outcomes)
            self = .arms(drift)
        case .reference(var watch):
            watch.settle { input.all.of($0, in: nil) }
            self = .reference(watch)
        case .answers(var window):
            window.settle(input.answers, at: input.at)
            self = .answers(window)
        case .query(var window):
            window.settle(input.readings)
            self = .query(window)
        case .samples, .unreferenced: break
        }
    }
}

/// What a tick has for one guard, in one slice or in the whole.
struct TrackInput {
    let at: Timestamp
    let isOfThisStep: Bool
    /// Of the guard's series.
    let outcomes: [Outcome]
    /// What was answered and what failed, in the same slice.
    let answers: [Outcome]
    let readings: [EvidenceTick.Reading]
    let all: TickOutcomes
}

/// One bet with the samples that people and steps ask about.
struct Track: Equatable {
    /// Outcomes and units of each arm.
    private struct Units: Equatable {
        var stable = UnitTally()
        var candidate = UnitTally()
    }

    private(set) var bet: GuardBet
    /// The bet on the opposite, where a step asks for a proof.
    private(set) var proof: GuardBet?
    /// Outcomes, in all steps, that a bet can be made on: those that a coin decided, and those of shadows.
    private(set) var tossed = ArmTallies()
    private(set) var inStep = ArmTallies()
    /// Of the step before.
    private(set) var before = ArmTallies()
    /// Answers in this step, for what is counted against them.
    private(set) var answersInStep = ArmTallies()
    /// The same in all steps, of those that a coin decided; only for flags.
    private var tossedAnswers = ArmTallies()

    private let isOfShadows: Bool
    private let countsAnswers: Bool
    /// Of all steps; nil where each request is a unit.
    private var units: Units?

    init(_ guarded: Guard, in context: GuardContext) {
        bet = GuardBet(guarded, in: context)
        let comparesArms =
            switch guarded.limit {
            case .againstStable, .relativeToStable: true
            case .absolute, .atLeast, .withinOfStable, .never: false
            }
        let mayProve = context.needsProof && comparesArms && bet.isBet
        proof = mayProve ? GuardBet(guarded, isProof: true, in: context) : nil
        isOfShadows = guarded.metric.isOfShadows
        units = context.isSticky && !isOfShadows ? Units() : nil
        // A flag comes of an answer, and its rate is of answers.
        countsAnswers = guarded.metric == .flagRate
    }

    mutating func enterStep() {
        before = inStep
        inStep = ArmTallies()
        answersInStep = ArmTallies()
    }

    mutating func settle(_ input: TrackInput) {
        if input.isOfThisStep {
            inStep.add(input.outcomes, at: input.at)
            answersInStep.add(input.answers, at: input.at)
        }
        tossed.add(input.outcomes.filter { isOfShadows || $0.isTossed }, at: input.at)
        if countsAnswers { tossedAnswers.add(input.answers.filter(\.isTossed), at: input.at) }
        for outcome in countsAnswers ? input.answers : input.outcomes {
            if outcome.candidate { units?.candidate.add(outcome) } else { units?.stable.add(outcome) }
        }
        bet.settle(input)
        proof?.settle(input)
    }

    /// A sample of one arm, counted in units where units stick: what an interval may rest on.
    func inUnits(_ summary: ArmSummary?, candidate: Bool) -> ArmSummary? {
        guard let summary, let units else { return summary }
        return (candidate ? units.candidate : units.stable).inUnits(summary)
    }

    /// Whether the candidate has it worse than stable at all, of what a coin decided.
    ///
    /// A bet may gain on one arm alone, when that does far better than was expected of it. That is no harm.
    var differs: Bool {
        guard case .graded(let bet) = bet, let grading = bet.grading else { return true }
        let candidate = tossed.candidate.moments { grading.badness(of: $0, candidate: true) }
        let stable = tossed.stable.moments { grading.badness(of: $0, candidate: false) }
        guard let candidate, let stable, candidate.count > 0, stable.count > 0 else { return false }
        return candidate.mean > stable.mean
    }

    /// What people are shown: this step's, or the last one's while this one has hardly begun.
    ///
    /// What came late is no step's sample. Where there is nothing else, or the release is over, all that the
    /// evidence rests on is shown.
    func shown(isOver: Bool) -> Shown {
        if isOver || inStep.candidate.total == 0 && before.candidate.total == 0 {
            return Shown(outcomes: tossed, answers: tossedAnswers, isOfAllSteps: true)
        }
        let isOfThisStep = inStep.candidate.total >= 30 || before.candidate.total == 0
        return Shown(outcomes: isOfThisStep ? inStep : before, answers: answersInStep, isOfAllSteps: false)
    }

    struct Shown {
        let outcomes: ArmTallies
        let answers: ArmTallies
        /// Steps differ in their hours, so nothing is claimed of them together.
        let isOfAllSteps: Bool
    }
}
