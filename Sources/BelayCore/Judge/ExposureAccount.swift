import BelayStats

/// What a release has cost, and what its next step may cost.
struct ExposureAccount: Equatable {
    /// Answers of the candidate that failed, were labelled wrong or were flagged; one that is both counts as
    /// both, which errs towards caution.
    private(set) var badAnswers = 0
    private(set) var answers = 0
    /// Units that met the candidate: the first outcome of each in an epoch of evidence.
    private(set) var units = 0
    /// In this step, of both arms: all answers, and units seen for the first time.
    private var answersInStep = 0
    private var unitsInStep = 0

    private let classes: Int

    init(classes: Int) { self.classes = classes }

    mutating func enterStep() {
        answersInStep = 0
        unitsInStep = 0
    }

    mutating func settle(_ outcomes: TickOutcomes, isOfThisStep: Bool) {
        let answered = outcomes.of(.answers, in: nil)
        let mine = answered.filter(\.candidate)
        answers = answers.addingSaturated(mine.total)
        units = units.addingSaturated(mine.filter(\.isTossed).total)
        let wrong = Grading.wrong(classes: classes)
        let failed = mine.filter { $0.code == 1 }.total
        let mislabelled = outcomes.of(.labels, in: nil)
            .filter { $0.candidate && wrong.badness(of: $0.code, candidate: true) == 1 }.total
        let flagged = outcomes.of(.flags, in: nil).filter { $0.candidate && $0.code == 1 }.total
        for bad in [failed, mislabelled, flagged] { badAnswers = badAnswers.addingSaturated(bad) }
        guard isOfThisStep else { return }
        answersInStep = answersInStep.addingSaturated(answered.total)
        unitsInStep = unitsInStep.addingSaturated(answered.filter(\.isTossed).total)
    }

    func isSpent(_ exposure: Plan.Exposure) -> Bool {
        switch exposure {
        case .badAnswers(let most): badAnswers >= most
        case .units(let most): units >= most
        }
    }

    /// Whether a next step of this share and length would be expected to exceed what is left.
    ///
    /// Traffic is taken to stay what it was in this step, the candidate's badness to be what it showed with
    /// one bad answer more: a few good answers do not make it harmless.
    func wouldExceed(
        _ exposure: Plan.Exposure,
        next share: Share,
        lasting dwell: Duration,
        atLeast samples: Int,
        after elapsed: Duration
    ) -> Bool {
        let seconds = max(Double(elapsed.wholeMilliseconds) / 1000, 1)
        let length = max(Double(dwell.wholeMilliseconds) / 1000, 0)
        switch exposure {
        case .badAnswers(let most):
            let coming = Double(answersInStep) / seconds * length * share.fraction
            let rate = Double(badAnswers.addingSaturated(1)) / Double(answers.addingSaturated(2))
            return Double(badAnswers) + rate * max(coming, Double(samples)) > Double(most)
        case .units(let most):
            let coming = Double(unitsInStep) / seconds * length * share.fraction
            return Double(units) + max(coming, 0) > Double(most)
        }
    }
}
