import BelayStats

/// What people are shown of a guard.
struct Figures: Equatable {
    var value: Double?
    var interval: Interval?
    var limit: Double
    var candidates: Int
    var stables: Int
    var feature: String?
}

extension GuardCase {
    func report(in view: StepView, isCulprit: Bool, isWaived: Bool = false) -> GuardReport {
        let assessment = assess(in: view)
        let worst = worst
        // A slice is shown where it is what the evidence is about.
        let isOfSlice = (worst?.track.bet.logEvidence ?? 0) >= Self.threshold / 2
        let track = isOfSlice ? worst?.track ?? whole : whole
        let figures = figures(of: track, at: view)
        let evidence = shownEvidence
        // What was still wanted before it could pass is wanted no more.
        let isOpen: Set<GuardReport.Reason> = [.tooFew, .looksBad, .unproven]
        let reason = assessment.reason.flatMap { isCulprit && isOpen.contains($0) ? nil : $0 }
        return GuardReport(
            name: guarded.name,
            metric: guarded.metric,
            versus: GuardReport.Versus(guarded.limit),
            verdict: isCulprit ? .breach : assessment.verdict,
            value: figures.value,
            lower: figures.interval?.lower,
            upper: figures.interval?.upper,
            limit: figures.limit,
            candidateSamples: figures.candidates,
            stableSamples: figures.stables,
            logEvidence: evidence.isFinite ? evidence : (evidence > 0 ? 1e6 : -1e6),
            logAdvance: view.step.advance == .nonInferior ? logAdvance : nil,
            reason: isWaived && assessment.verdict != .pass ? .waived : reason,
            slice: isOfSlice ? worst?.slice : nil,
            feature: figures.feature,
            seen: reason == .tooFew ? seen(in: view) : nil,
            needed: reason == .tooFew ? needed(in: view) : nil,
            problem: reason == nil ? nil : problem
        )
    }

    private var problem: String? {
        guard case .query(let window) = whole.bet else { return nil }
        return window.problem(of: .candidate) ?? (asksStable ? window.problem(of: .stable) : nil)
    }

    /// A detector's statistic is shown in the place of evidence, though it shares no level with it.
    private var shownEvidence: Double {
        switch whole.bet {
        case .reference(let watch): max(watch.worst?.logStatistic ?? 0, 0)
        case .arms(let drift): max(drift.logEvidence, 0)
        default: logEvidence
        }
    }

    private func figures(of track: Track, at view: StepView) -> Figures {
        let shown = track.shown(isOver: view.isOver)
        let sample = shown.outcomes
        switch track.bet {
        case .never(let count):
            return Figures(value: Double(count), limit: 0, candidates: view.answers, stables: 0)
        case .reference(let watch):
            let (finding, seen) = (watch.worst, sample.candidate.total.addingSaturated(sample.stable.total))
            return Figures(
                value: finding?.value,
                limit: finding?.limit ?? bound,
                candidates: seen,
                stables: 0,
                feature: finding?.feature
            )
        case .arms(let drift):
            return counts(Figures(value: drift.index, limit: bound, candidates: 0, stables: 0), sample)
        case .answers(let window):
            let answers = sample.candidate.total
            return Figures(value: window.rate(at: view.now), limit: bound, candidates: answers, stables: 0)
        case .query(let window): return figures(of: window, at: view.now)
        case .counted:
            return counts(counted(track, shown), guarded.metric == .flagRate ? shown.answers : sample)
        case .samples, .graded, .unreferenced: return counts(graded(track, shown), sample)
        }
    }

    /// The bound as the policy says it: of goodness where the metric falls when things get worse.
    private var bound: Double {
        switch guarded.limit {
        case .againstStable(let margin): guarded.metric.falls ? -margin : margin
        case .relativeToStable(let margin):
            guarded.metric.falls || guarded.metric == .throughput ? -margin : margin
        case .absolute(let max): guarded.metric.falls ? best - max : max
        case .atLeast(let min): min
        case .withinOfStable(let change): change
        case .never: 0
        }
    }

    /// What nothing is missing to.
    private var best: Double {
        guard guarded.metric == .feedbackScore else { return 1 }
        if case .graded(let bet) = whole.bet, case .score(let best) = bet.grading { return best }
        return guarded.focus.most ?? 1
    }

    private func counts(_ figures: Figures, _ sample: ArmTallies) -> Figures {
        var figures = figures
        figures.candidates = sample.candidate.total
        figures.stables = isComparison ? sample.stable.total : 0
        return figures
    }
}

// MARK: - Outcomes

extension GuardCase {
    /// The metric itself for one arm: its value, and a summary as badness from 0 to 1 of `scale`.
    private struct Measure {
        let value: Double
        var summary: ArmSummary?
        var scale = 1.0
    }

    private func graded(_ track: Track, _ shown: Track.Shown) -> Figures {
        let sample = shown.outcomes
        let empty = Figures(value: nil, limit: bound, candidates: 0, stables: 0)
        guard let candidate = measured(sample.candidate, track, candidate: true) else { return empty }
        switch guarded.limit {
        case .absolute(let max):
            return Figures(
                value: candidate.value,
                interval: shown.isOfAllSteps ? nil : mean(candidate, max: max),
                limit: bound,
                candidates: 0,
                stables: 0
            )
        case .againstStable:
            guard let stable = measured(sample.stable, track, candidate: false) else { return empty }
            return Figures(
                value: candidate.value - stable.value,
                interval: shown.isOfAllSteps ? nil : difference(candidate, stable),
                limit: bound,
                candidates: 0,
                stables: 0
            )
        case .relativeToStable:
            guard let stable = measure(sample.stable, track, candidate: false) else { return empty }
            return Figures(
                value: relative(candidate.value, stable.value),
                limit: bound,
                candidates: 0,
                stables: 0
            )
        case .atLeast, .withinOfStable, .never: return empty
        }
    }

    /// By which part the badness rose, with the sign of the metric's own sense.
    private func relative(_ candidate: Double, _ stable: Double) -> Double? {
        guard guarded.metric.falls else { return stable > 0 ? candidate / stable - 1 : nil }
        let (now, before) = (best - candidate, best - stable)
        return before > 0 ? 1 - now / before : nil
    }

    private func measured(_ tally: CodeTally, _ track: Track, candidate: Bool) -> Measure? {
        guard var measure = measure(tally, track, candidate: candidate) else { return nil }
        measure.summary = track.inUnits(measure.summary, candidate: candidate)
        return measure
    }

    private func measure(_ tally: CodeTally, _ track: Track, candidate: Bool) -> Measure? {
        let metric = guarded.metric
        switch metric {
        case .latencyP50, .latencyP95, .latencyP99:
            return tally.quantile(metric.fraction).map { Measure(value: LogHistogram.value(of: $0)) }
        case .precision, .recall, .f1: return ratio(tally)
        case .logLoss, .brier, .mae, .rmse, .feedbackScore:
            guard let mean = tally.moments({ Magnitude.value(of: $0) })?.mean else { return nil }
            let summary = summary(tally, track, candidate: candidate)
            switch metric {
            case .rmse: return Measure(value: mean.squareRoot())
            case .feedbackScore: return Measure(value: mean, summary: summary, scale: best)
            default: return Measure(value: mean, summary: summary, scale: most(track))
            }
        case .accuracy:
            guard let bad = tally.moments({ plainBadness(of: $0) }) else { return nil }
            return Measure(value: 1 - bad.mean, summary: bad.summary)
        default:
            guard let bad = tally.moments({ $0 == 1 ? 1 : 0 }) else { return nil }
            return Measure(value: bad.mean, summary: bad.summary)
        }
    }

    private func plainBadness(of code: Int) -> Double? {
        Grading.wrong(classes: context.classes).badness(of: code, candidate: true)
    }

    private func summary(_ tally: CodeTally, _ track: Track, candidate: Bool) -> ArmSummary? {
        guard case .graded(let bet) = track.bet, let grading = bet.grading else { return nil }
        return tally.moments { grading.badness(of: $0, candidate: candidate) }?.summary
    }

    private func most(_ track: Track) -> Double {
        if case .graded(let bet) = track.bet, case .magnitude(let most) = bet.grading { most } else { 1 }
    }

    /// A ratio of one class, or the mean over all, with its variance by the delta method.
    private func ratio(_ tally: CodeTally) -> Measure? {
        guard let focus = context.focus(of: guarded) else {
            return MacroMean(guarded.metric, of: tally, classes: context.classes).map {
                Measure(value: $0.value, summary: $0.summary)
            }
        }
        guard let ratio = focus.binary(tally).ratio(guarded.metric) else { return nil }
        let summary = ArmSummary(
            count: tally.total,
            mean: min(max(1 - ratio.value, 0), 1),
            variance: min(ratio.variance * Double(tally.total), 1),
            events: tally.total
        )
        return Measure(value: ratio.value, summary: summary)
    }

    private func mean(_ candidate: Measure, max: Double) -> Interval? {
        guard let summary = candidate.summary else { return nil }
        let effect = min(Swift.max(max / candidate.scale / 2, 0.005), 0.1)
        let interval = ConfidenceSequence.mean(of: summary, alpha: Self.displayLevel, effect: effect)
        guard interval != .unknownMean else { return nil }
        let (lower, upper) = (interval.lower * candidate.scale, interval.upper * candidate.scale)
        return guarded.metric.falls
            ? Interval(lower: best - upper, upper: best - lower) : Interval(lower: lower, upper: upper)
    }

    private func difference(_ candidate: Measure, _ stable: Measure) -> Interval? {
        guard let one = candidate.summary, let other = stable.summary else { return nil }
        let interval = ConfidenceSequence.difference(
            candidate: one,
            stable: other,
            alpha: Self.displayLevel,
            effect: 0.1
        )
        guard interval != .unknown else { return nil }
        let (lower, upper) = (interval.lower * candidate.scale, interval.upper * candidate.scale)
        return guarded.metric.falls
            ? Interval(lower: -upper, upper: -lower) : Interval(lower: lower, upper: upper)
    }
}

// MARK: - Events and readings

extension GuardCase {
    private func counted(_ track: Track, _ shown: Track.Shown) -> Figures {
        var figures = Figures(value: nil, limit: bound, candidates: 0, stables: 0)
        guard guarded.metric == .flagRate else {
            // What each arm would have answered of all requests.
            let (candidate, stable) = (shown.outcomes.weightOfCandidate, shown.outcomes.weightOfStable)
            figures.value = stable > 0 ? candidate / stable - 1 : nil
            return figures
        }
        guard let candidate = flags(track, shown, \.candidate) else { return figures }
        if case .absolute = guarded.limit {
            figures.value = candidate.mean
            let interval = ConfidenceSequence.mean(of: candidate, alpha: Self.displayLevel, effect: 0.1)
            figures.interval = interval == .unknownMean || shown.isOfAllSteps ? nil : interval
            return figures
        }
        guard let stable = flags(track, shown, \.stable) else { return figures }
        if case .relativeToStable = guarded.limit {
            figures.value = stable.mean > 0 ? candidate.mean / stable.mean - 1 : nil
            return figures
        }
        figures.value = candidate.mean - stable.mean
        let interval = ConfidenceSequence.difference(
            candidate: candidate,
            stable: stable,
            alpha: Self.displayLevel,
            effect: 0.1
        )
        figures.interval = interval == .unknown || shown.isOfAllSteps ? nil : interval
        return figures
    }

    private func flags(
        _ track: Track,
        _ shown: Track.Shown,
        _ arm: KeyPath<ArmTallies, CodeTally>
    ) -> ArmSummary? {
        let answers = shown.answers[keyPath: arm].total
        let flagged = shown.isOfAllSteps ? shown.outcomes : track.inStep
        let summary = ArmSummary(bad: min(flagged[keyPath: arm][1], answers), count: answers)
        return track.inUnits(summary, candidate: arm == \.candidate)
    }

    private func figures(of window: QueryWindow, at now: Timestamp) -> Figures {
        let (candidate, stable) = (
            window.middle(of: .candidate, at: now), window.middle(of: .stable, at: now)
        )
        var figures = Figures(
            value: candidate?.value,
            limit: bound,
            candidates: candidate?.count ?? 0,
            stables: 0
        )
        switch guarded.limit {
        case .absolute, .atLeast, .never: return figures
        case .againstStable, .relativeToStable, .withinOfStable: break
        }
        figures.stables = stable?.count ?? 0
        figures.value = candidate.flatMap { candidate in
            guard let stable else { return nil }
            let rise = candidate.value - stable.value
            // Of nothing there is no part but none.
            let equal = rise == 0 ? 0.0 : nil
            switch guarded.limit {
            case .againstStable: return rise
            case .withinOfStable: return stable.value == 0 ? equal : (rise / stable.value).magnitude
            default: return stable.value == 0 ? equal : rise / stable.value.magnitude
            }
        }
        return figures
    }
}
