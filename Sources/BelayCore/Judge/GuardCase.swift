import BelayStats

/// One guard with everything counted for it.
struct GuardCase: Equatable, Sendable {
    /// log(1/α) for the α of ``Policy/falseRollbackRate``; a test keeps the two together.
    static let threshold = 4.605_170_185_988_091

    private enum Bet: Equatable {
        case comparison(AllocationBet)
        case limit(OneSampleBet)
        case never(count: Int)
        case none
    }

    /// Outcomes of one arm.
    private struct Tally: Equatable {
        var bad = 0
        var all = 0
        var last: Timestamp?

        mutating func add(_ number: Int, bad isBad: Bool, at time: Timestamp) {
            all = all.addingSaturated(number)
            if isBad { bad = bad.addingSaturated(number) }
            last = time
        }

        /// The tally with one good and one bad outcome more, so that "always" and "never" have a spread.
        var smoothed: ArmSummary? { ArmSummary(bad: bad.addingSaturated(1), count: all.addingSaturated(2)) }
    }

    private struct Arms: Equatable {
        var stable = Tally()
        var candidate = Tally()
    }

    /// Outcomes, in all steps, that a bet can be made on: those that a coin decided, and those of shadows.
    private struct Tossed: Equatable {
        var stable = 0
        var candidate = 0
    }

    private var tossed = Tossed()

    let guarded: Guard
    private var series: Series { guarded.metric.series(of: guarded.focus.feature) }
    private var bet: Bet
    /// In a step that cannot show its metric, what the last one showed stays.
    private var applies = true
    private var inStep = Arms()
    private var before = Arms()

    init(_ guarded: Guard) {
        self.guarded = guarded
        switch guarded.limit {
        case .againstStable(let margin):
            bet = .comparison(AllocationBet(.rate(margin: margin > 0 ? .absolute(margin) : .none)))
        case .absolute(let max):
            // A limit is strictly between 0 and 1 by construction; the bet asks for no more.
            bet = OneSampleBet(limit: max).map(Bet.limit) ?? .never(count: 0)
        case .relativeToStable, .atLeast, .withinOfStable: bet = .none
        case .never:
            bet = .never(count: 0)
        }
    }

    /// Counts a metric that no guard is on.
    init?(observing metric: Metric) {
        guard let guarded = Guard.observing(metric) else { return nil }
        self.guarded = guarded
        bet = .none
    }

    var isBet: Bool {
        switch bet {
        case .comparison, .limit: true
        case .never, .none: false
        }
    }

    private var isComparison: Bool {
        if case .comparison = bet { true } else { false }
    }

    var hasHappened: Bool {
        if case .never(let count) = bet { count > 0 } else { false }
    }

    /// Natural logarithm of the evidence that the guard's limit is exceeded.
    var logEvidence: Double {
        switch bet {
        case .comparison(let bet): bet.logEvidence
        case .limit(let bet): bet.logEvidence
        case .never(let count): count > 0 ? .infinity : 0
        case .none: 0
        }
    }

    /// A new step: its samples are counted from zero; the bet goes on.
    mutating func enterStep(of kind: Plan.Step.Kind) {
        applies = guarded.metric.applies(to: kind)
        guard applies else { return }
        before = inStep
        inStep = Arms()
    }

    /// Takes in a tick; one of an earlier step is evidence all the same, but no sample of this step.
    mutating func settle(_ tick: EvidenceTick, isOfThisStep: Bool) {
        let counts = tick.counts.counts.filter { key, _ in
            key.series == series && key.slice == nil && key.arm != .pinned
        }
        for (key, number) in counts where isOfThisStep {
            if key.arm == .candidate {
                inStep.candidate.add(number, bad: key.isBad, at: tick.at)
            } else {
                inStep.stable.add(number, bad: key.isBad, at: tick.at)
            }
        }
        for (key, number) in counts
        where guarded.metric.isOfShadows || key.share > .none && key.share < .all {
            if key.arm == .candidate {
                tossed.candidate = tossed.candidate.addingSaturated(number)
            } else {
                tossed.stable = tossed.stable.addingSaturated(number)
            }
        }
        switch bet {
        case .comparison(var comparison):
            comparison.settle(
                counts.compactMap { key, number in
                    AllocationBet.Cell(
                        candidate: key.arm == .candidate,
                        value: key.isBad ? 1 : 0,
                        share: key.share.fraction,
                        count: number
                    )
                }
            )
            bet = .comparison(comparison)
        case .limit(var limit):
            // Units that were tossed before repeat themselves; a bet on them would count one coin twice.
            let fresh =
                guarded.metric.isOfShadows
                ? counts : counts.filter { $0.key.share > .none && $0.key.share < .all }
            limit.settle(
                bad: Self.ofCandidate(fresh, bad: true),
                good: Self.ofCandidate(fresh, bad: false)
            )
            bet = .limit(limit)
        case .never(let count):
            bet = .never(count: count.addingSaturated(Self.ofCandidate(counts, bad: true)))
        case .none: break
        }
    }

    private static func ofCandidate(_ counts: [EvidenceKey: Int], bad: Bool) -> Int {
        counts.filter { $0.key.arm == .candidate && $0.key.isBad == bad }.values
            .reduce(0) { $0.addingSaturated($1) }
    }

    func report(in view: StepView, isCulprit: Bool) -> GuardReport {
        let sample = inStep.candidate.all >= 30 || before.candidate.all == 0 ? inStep : before
        var figures = figures(of: sample)
        // The bet decides sooner than the interval can follow; one that seems to deny it would only confuse.
        if isCulprit { figures.interval = nil }
        return GuardReport(
            name: guarded.name,
            metric: guarded.metric,
            verdict: isCulprit ? .breach : verdict(in: view),
            value: figures.value,
            lower: figures.interval?.lower,
            upper: figures.interval?.upper,
            limit: figures.limit,
            candidateSamples: guarded.metric.isNeverEvent ? view.answers : sample.candidate.all,
            stableSamples: isComparison ? sample.stable.all : 0,
            logEvidence: logEvidence.isFinite ? logEvidence : (logEvidence > 0 ? 1e6 : -1e6)
        )
    }

    private func verdict(in view: StepView) -> Verdict {
        if case .never(let count) = bet { return count > 0 ? .breach : (view.answers > 0 ? .pass : .blind) }
        if guarded.reaction == .hold, logEvidence >= Self.threshold { return .breach }
        guard applies, bet != .none else { return .unjudged }
        guard isSeen(inStep.candidate, in: view), tossed.candidate > 0 else { return .blind }
        if isComparison, !isSeen(inStep.stable, in: view) || tossed.stable == 0 { return .blind }
        guard inStep.candidate.all >= guarded.samplesNeeded(in: view.step) else { return .undecided }
        return logEvidence < Self.threshold / 2 && !looksBad ? .pass : .undecided
    }

    /// Whether the step's outcomes, repetitions of known units included, speak of harm.
    ///
    /// Repetitions are no evidence to roll back on, since one unit's outcomes resemble each other. But a
    /// release must not advance over them either: what was fine at first sight may fail ever after.
    private var looksBad: Bool {
        guard let candidate = inStep.candidate.smoothed else { return false }
        switch guarded.limit {
        case .never, .relativeToStable, .atLeast, .withinOfStable: return false
        case .absolute(let max):
            return ConfidenceSequence.mean(of: candidate, alpha: Self.displayLevel, effect: 0.1).lower > max
        case .againstStable(let margin):
            guard let stable = inStep.stable.smoothed else { return false }
            let rise = ConfidenceSequence.difference(
                candidate: candidate,
                stable: stable,
                alpha: Self.displayLevel,
                effect: 0.1
            )
            return rise.lower > margin
        }
    }

    private func isSeen(_ tally: Tally, in view: StepView) -> Bool {
        tally.last.map { view.now.since($0) <= view.staleAfter } ?? false
    }
}

// MARK: - Figures for people

extension GuardCase {
    private struct Figures {
        let value: Double?
        var interval: Interval?
        let limit: Double
    }

    /// The chance that the displayed interval ever excludes the truth.
    private static let displayLevel = 0.01

    /// In the metric's own sense: accuracy falls where wrong answers rise.
    private func figures(of sample: Arms) -> Figures {
        let falls = guarded.metric == .accuracy
        let candidate = ArmSummary(bad: sample.candidate.bad, count: sample.candidate.all)
        switch guarded.limit {
        case .relativeToStable, .atLeast, .withinOfStable:
            return Figures(value: nil, interval: nil, limit: 0)
        case .never:
            let count = if case .never(let count) = bet { count } else { sample.candidate.bad }
            return Figures(value: Double(count), interval: nil, limit: 0)
        case .absolute(let max):
            let interval = candidate.map {
                ConfidenceSequence.mean(
                    of: $0,
                    alpha: Self.displayLevel,
                    effect: min(Swift.max(max / 2, 0.005), 0.1)
                )
            }
            return Figures(
                value: candidate.map { falls ? 1 - $0.mean : $0.mean },
                interval: interval.flatMap { $0 == .unknownMean ? nil : $0 }
                    .map { falls ? Interval(lower: 1 - $0.upper, upper: 1 - $0.lower) : $0 },
                limit: falls ? 1 - max : max
            )
        case .againstStable(let margin):
            guard let candidate, let stable = ArmSummary(bad: sample.stable.bad, count: sample.stable.all)
            else {
                return Figures(value: nil, interval: nil, limit: falls ? -margin : margin)
            }
            let interval = ConfidenceSequence.difference(
                candidate: candidate,
                stable: stable,
                alpha: Self.displayLevel,
                effect: 0.1
            )
            let rise = candidate.mean - stable.mean
            return Figures(
                value: falls ? -rise : rise,
                interval: interval == .unknown
                    ? nil : (falls ? Interval(lower: -interval.upper, upper: -interval.lower) : interval),
                limit: falls ? -margin : margin
            )
        }
    }
}
