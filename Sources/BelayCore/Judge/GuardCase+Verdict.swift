import BelayStats

/// The circumstances in which a guard is asked.
struct StepView {
    let step: Plan.Step
    let since: Timestamp
    let now: Timestamp
    /// Silence of this length makes a guard blind.
    let staleAfter: Duration
    /// Answers of the candidate in this step.
    let answers: Int
    /// Whether the arms compare at all.
    let trust: Trust
    /// How long labels usually take.
    let labelDelay: Duration
    /// Whether the release has ended, and what comes is late.
    var isOver = false
}

/// What a guard says, and why it says no more.
struct Assessment: Equatable {
    let verdict: Verdict
    var reason: GuardReport.Reason?
}

extension GuardCase {
    func assess(in view: StepView) -> Assessment {
        if case .never(let count) = whole.bet {
            if count > 0 { return Assessment(verdict: .breach) }
            return view.answers > 0
                ? Assessment(verdict: .pass) : Assessment(verdict: .blind, reason: .missing)
        }
        if isBreached(in: view) { return Assessment(verdict: .breach) }
        guard applies, !isObserver else { return Assessment(verdict: .unjudged) }
        if let blindness = blindness(in: view) { return withoutData(blindness, in: view) }
        guard samples >= guarded.samplesNeeded(in: view.step) else {
            return Assessment(verdict: .undecided, reason: .tooFew)
        }
        if whole.proof != nil, view.step.advance == .nonInferior, reaction == .rollback,
            (logAdvance ?? 0) < Self.proofThreshold
        {
            return Assessment(verdict: .undecided, reason: .unproven)
        }
        if logEvidence >= Self.threshold / 2 { return Assessment(verdict: .undecided) }
        return tracks.contains(where: looksBad)
            ? Assessment(verdict: .undecided, reason: .looksBad) : Assessment(verdict: .pass)
    }

    /// Whether the guard has been breached by itself, without the others' evidence.
    ///
    /// Guards that roll back share their level, so the judge decides on them together; a monitor's reading
    /// has no level to share.
    func isBreached(in view: StepView) -> Bool {
        switch whole.bet {
        case .never(let count): return count > 0
        case .graded, .counted, .arms:
            guard reaction != .rollback, !isUncomparable(in: view) else { return false }
            return believed(in: view) >= Self.threshold
        case .reference(let watch): return watch.worst?.hasAlarmed == true
        case .answers(let window):
            guard case .atLeast(let min) = guarded.limit, let rate = window.rate(at: view.now) else {
                return false
            }
            return view.now.since(view.since) >= .milliseconds(windowMilliseconds) && rate < min
        case .query(let window): return isExceeded(window, at: view.now)
        case .samples: return isMacroBreached
        case .unreferenced: return false
        }
    }

    /// Whether a release must be rolled back for what was not seen.
    func isFailed(in view: StepView) -> Bool {
        guard applies, !isObserver, guarded.focus.noData == .fail, let reason = blindness(in: view) else {
            return false
        }
        return withoutData(reason, in: view).verdict == .breach
    }

    private var windowMilliseconds: Int64 {
        guarded.focus.windowMilliseconds ?? AnswersWindow.standardMilliseconds
    }

    /// Outcomes of the candidate in this step, or what else the guard is content with.
    private var samples: Int {
        switch whole.bet {
        case .query, .answers: Int.max
        case .reference: whole.inStep.candidate.total.addingSaturated(whole.inStep.stable.total)
        default:
            guarded.metric == .flagRate
                ? whole.answersInStep.candidate.total : whole.inStep.candidate.total
        }
    }

    func isUncomparable(in view: StepView) -> Bool {
        isComparison && (view.trust.isSplitBroken || isUnevenlyLabelled(in: view))
    }

    private func isUnevenlyLabelled(in view: StepView) -> Bool {
        switch guarded.metric {
        case .flagRate: false
        case .feedbackScore: view.trust.isScoringBroken
        default: guarded.metric.isOfLabels && view.trust.isCoverageBroken
        }
    }

    /// The guard's evidence, as far as it goes beyond the doubt that the arms compare.
    func believed(in view: StepView) -> Double {
        guard isComparison else { return logEvidence }
        guard tracks.contains(where: \.differs) else { return min(logEvidence, 0) }
        var doubt = view.trust.splitDoubt
        switch guarded.metric {
        case .flagRate: break
        case .feedbackScore: doubt = max(doubt, view.trust.scoringDoubt)
        default: if guarded.metric.isOfLabels { doubt = max(doubt, view.trust.coverageDoubt) }
        }
        return logEvidence - doubt
    }

    /// How many outcomes the guard asks for before it can pass; nil where it asks for none.
    func needed(in view: StepView) -> Int? {
        switch whole.bet {
        case .reference(let watch): watch.gathering?.needed ?? guarded.samplesNeeded(in: view.step)
        case .query: readingsNeeded
        case .never, .answers, .unreferenced: nil
        default: guarded.samplesNeeded(in: view.step)
        }
    }

    /// How many of them there are in this step.
    func seen(in view: StepView) -> Int {
        switch whole.bet {
        case .query(let window):
            let arms = asksStable ? [Arm.candidate, .stable] : [.candidate]
            return arms.map { window.middle(of: $0, at: view.now)?.count ?? 0 }.min() ?? 0
        case .reference(let watch): return watch.gathering?.seen ?? samples
        default: return samples
        }
    }
}

// MARK: - Blindness

extension GuardCase {
    /// Why the guard cannot judge; nil when it can.
    private func blindness(in view: StepView) -> GuardReport.Reason? {
        switch whole.bet {
        case .unreferenced: return .noReference
        case .query(let window): return blindness(of: window, in: view)
        case .answers(let window):
            guard let last = window.last else { return .missing }
            return view.now.since(last) > view.staleAfter
                ? .stale : (window.rate(at: view.now) == nil ? .tooFew : nil)
        case .reference(let watch):
            let last = latest(whole.inStep.candidate.last, whole.inStep.stable.last)
            return unseen(last, in: view) ?? (watch.gathering == nil ? nil : .tooFew)
        default: break
        }
        if isComparison, view.trust.isSplitBroken { return .split }
        if isComparison, isUnevenlyLabelled(in: view) { return .coverage }
        // A flag is an event: that nobody flags anything is no blindness while there are answers to flag.
        let seen = guarded.metric == .flagRate ? whole.answersInStep : whole.inStep
        if let reason = unseen(seen.candidate.last, in: view) { return reason }
        if isComparison, let reason = unseen(seen.stable.last, in: view) { return reason }
        if guarded.metric != .flagRate {
            if whole.tossed.candidate.total == 0 || isComparison && whole.tossed.stable.total == 0 {
                return .missing
            }
        }
        switch whole.bet {
        case .graded(let bet): return bet.hasBegun ? nil : .noReference
        case .counted(let bet): return bet.hasBegun ? nil : .noReference
        case .arms(let drift): return drift.isConclusive ? nil : .tooFew
        default: return nil
        }
    }

    private func unseen(_ last: Timestamp?, in view: StepView) -> GuardReport.Reason? {
        guard let last else { return .missing }
        let patience = patience(in: view)
        // What comes from far ahead was seen before the clock was set back: nobody knows how long ago.
        return (.zero - patience...patience).contains(view.now.since(last)) ? nil : .stale
    }

    /// Labels may take as long as they usually do.
    private func patience(in view: StepView) -> Duration {
        guarded.metric.isOfLabels ? view.staleAfter + view.labelDelay : view.staleAfter
    }

    private func latest(_ one: Timestamp?, _ other: Timestamp?) -> Timestamp? {
        [one, other].compactMap { $0 }.max()
    }

    /// What no data means is the policy's to say; that the arms do not compare is not.
    ///
    /// At the beginning of a step there is nothing yet, which fails nobody before its patience is over.
    private func withoutData(_ reason: GuardReport.Reason, in view: StepView) -> Assessment {
        let isAbsence = reason == .missing || reason == .stale
        switch guarded.focus.noData {
        case .pass where isAbsence: return Assessment(verdict: .pass, reason: reason)
        case .fail where isAbsence && view.now.since(view.since) > patience(in: view):
            return Assessment(verdict: .breach, reason: reason)
        case .wait, .pass, .fail:
            return Assessment(verdict: reason == .tooFew ? .undecided : .blind, reason: reason)
        }
    }
}

// MARK: - What looks bad

extension GuardCase {
    /// The chance that the displayed interval ever excludes the truth.
    static let displayLevel = 0.01

    /// Whether the step's outcomes, repetitions of known units included, speak of harm.
    ///
    /// Repetitions are no evidence to roll back on, since one unit's outcomes resemble each other. But a
    /// release must not advance over them either: what was fine at first sight may fail ever after.
    private func looksBad(_ track: Track) -> Bool {
        guard case .graded(let bet) = track.bet, let grading = bet.grading,
            let candidate = smoothed(track, grading, candidate: true)
        else { return false }
        if let limit = bet.limit {
            let mean = ConfidenceSequence.mean(of: candidate, alpha: Self.displayLevel, effect: 0.1)
            return mean.lower > limit
        }
        guard let margin = bet.margin, let stable = smoothed(track, grading, candidate: false) else {
            return false
        }
        let rise = ConfidenceSequence.difference(
            candidate: candidate,
            stable: stable,
            alpha: Self.displayLevel,
            effect: 0.1
        )
        switch margin {
        case .none: return rise.lower > 0
        case .absolute(let points): return rise.lower > points
        case .relative(let part): return rise.lower > part * stable.mean
        }
    }

    private func smoothed(_ track: Track, _ grading: Grading, candidate: Bool) -> ArmSummary? {
        let tally = candidate ? track.inStep.candidate : track.inStep.stable
        let moments = tally.moments { grading.badness(of: $0, candidate: candidate) } ?? Moments()
        return track.inUnits(moments.smoothed, candidate: candidate)
    }

    private func macro(candidate: Bool) -> ArmSummary? {
        let sample = candidate ? whole.inStep.candidate : whole.inStep.stable
        let mean = MacroMean(guarded.metric, of: sample, classes: context.classes)
        return whole.inUnits(mean?.summary, candidate: candidate)
    }

    private var isMacroBreached: Bool {
        guard !isObserver else { return false }
        guard let candidate = macro(candidate: true) else { return false }
        if case .absolute(let max) = guarded.limit {
            return ConfidenceSequence.mean(of: candidate, alpha: Self.displayLevel, effect: 0.1).lower > max
        }
        guard let stable = macro(candidate: false) else { return false }
        let rise = ConfidenceSequence.difference(
            candidate: candidate,
            stable: stable,
            alpha: Self.displayLevel,
            effect: 0.1
        )
        switch guarded.limit {
        case .againstStable(let margin): return rise.lower > margin
        case .relativeToStable(let margin): return rise.lower > margin * stable.mean
        case .absolute, .atLeast, .withinOfStable, .never: return false
        }
    }
}

// MARK: - What a monitor says

extension GuardCase {
    private var readingsNeeded: Int { max(guarded.minSamples ?? QueryWindow.fewestReadings, 1) }

    var asksStable: Bool {
        switch guarded.limit {
        case .againstStable, .relativeToStable, .withinOfStable: true
        case .absolute, .atLeast, .never: false
        }
    }

    private func blindness(of window: QueryWindow, in view: StepView) -> GuardReport.Reason? {
        for arm in asksStable ? [Arm.candidate, .stable] : [.candidate] {
            guard let middle = window.middle(of: arm, at: view.now), middle.last >= view.since else {
                return .missing
            }
            // However long the window and the step are: whoever is asked every 15 s and says nothing is ill.
            if view.now.since(middle.last) > QueryWindow.longestSilence { return .stale }
            if middle.count < readingsNeeded { return .tooFew }
        }
        return isOfNothing(window, at: view.now) ? .noReference : nil
    }

    /// Whether the limit is a part of stable's figure, that is 0, and the candidate's is another.
    private func isOfNothing(_ window: QueryWindow, at now: Timestamp) -> Bool {
        switch guarded.limit {
        case .relativeToStable, .withinOfStable:
            window.middle(of: .stable, at: now)?.value == 0
                && window.middle(of: .candidate, at: now)?.value != 0
        case .againstStable, .absolute, .atLeast, .never: false
        }
    }

    private func isExceeded(_ window: QueryWindow, at now: Timestamp) -> Bool {
        guard let candidate = window.middle(of: .candidate, at: now), candidate.count >= readingsNeeded else {
            return false
        }
        switch guarded.limit {
        case .absolute(let max): return candidate.value > max
        case .atLeast(let min): return candidate.value < min
        case .never: return false
        case .againstStable, .relativeToStable, .withinOfStable: break
        }
        guard let stable = window.middle(of: .stable, at: now), stable.count >= readingsNeeded,
            !isOfNothing(window, at: now)
        else { return false }
        let rise = candidate.value - stable.value
        switch guarded.limit {
        case .againstStable(let margin): return rise > margin
        case .relativeToStable(let margin): return rise > margin * stable.value.magnitude
        case .withinOfStable(let change): return rise.magnitude > change * stable.value.magnitude
        case .absolute, .atLeast, .never: return false
        }
    }
}
