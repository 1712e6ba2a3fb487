import BelayStats

/// One graded rate of a version that has settled.
struct RateWatch: Equatable {
    let guarded: Guard
    private let terms: Terms
    /// Outcomes of the version while it was tried, and of its predecessor beside it.
    private var found = CodeTally()
    private var before = CodeTally()
    private var grading: Grading?
    private var detector: ChangeDetector?
    /// Outcomes since it last was as good as it was found.
    private var lately = CodeTally()
    /// The badness of those beyond what the limit allows; none at the moment when they begin.
    private var surplus = 0.0

    /// Nil for a metric that is not graded outcome by outcome.
    init?(_ guarded: Guard, in context: GuardContext) {
        switch guarded.metric {
        case .errorRate, .accuracy, .logLoss, .brier, .mae, .rmse, .feedbackScore, .latencyP50, .latencyP95,
            .latencyP99:
            break
        case .precision, .recall, .f1: guard context.focus(of: guarded) != nil else { return nil }
        default: return nil
        }
        let plain = Guard(
            name: guarded.name,
            metric: guarded.metric,
            limit: Self.limit(of: guarded),
            minSamples: nil,
            reaction: .notify,
            focus: guarded.focus
        )
        guard let plain else { return nil }
        self.guarded = guarded
        terms = Terms(plain, .rollback, in: context)
    }

    /// What is still as it was.
    ///
    /// A latency is measured on a machine that has other work at other hours, so it may rise by the guard's
    /// own margin, or by a quarter, before that is a change.
    private static func limit(of guarded: Guard) -> Guard.Limit {
        guard guarded.metric.isOfLatency else { return .againstStable(margin: 0) }
        switch guarded.limit {
        case .againstStable(let margin) where margin > 0, .relativeToStable(let margin) where margin > 0:
            return guarded.limit
        default: return .relativeToStable(margin: Terms.standardRatio)
        }
    }

    /// The margin of a latency is in the candidate's threshold; stable's has none.
    private func badness(of code: Int, by grading: Grading) -> Double? {
        grading.badness(of: code, candidate: guarded.metric.isOfLatency)
    }

    var series: Series { guarded.metric.series(of: nil) }
    var logStatistic: Double { detector?.logStatistic ?? -.infinity }
    var hasAlarmed: Bool { detector?.hasAlarmed == true }

    mutating func settle(_ outcomes: [Outcome], at time: Timestamp, isSettled: Bool) {
        let mine = outcomes.filter(\.candidate)
        guard isSettled else {
            for outcome in mine { found.add(outcome, at: time) }
            for outcome in outcomes where !outcome.candidate { before.add(outcome, at: time) }
            return
        }
        guard var detector, let grading else {
            begin()
            // What was too little becomes more, and is then past to the outcomes that follow.
            if detector == nil { for outcome in mine { found.add(outcome, at: time) } }
            guard detector != nil else { return }
            return settle(outcomes, at: time, isSettled: true)
        }
        var cells: [OneSampleBet.Cell] = []
        for outcome in mine {
            guard let value = badness(of: outcome.code, by: grading),
                let cell = OneSampleBet.Cell(value: value, count: outcome.count)
            else { continue }
            cells.append(cell)
            lately.add(outcome, at: time)
            surplus += (value - detector.limit) * Double(outcome.count)
        }
        detector.settle(cells)
        self.detector = detector
        if surplus <= 0 { (surplus, lately) = (0, CodeTally()) }
    }

    /// Fixes how outcomes are graded and what is still acceptable, from what was found.
    private mutating func begin() {
        guard let (grading, _) = terms.comparison(after: found),
            let rate = found.moments({ badness(of: $0, by: grading) }),
            rate.count >= StableWatch.fewestOutcomes,
            let tolerance = ChangeDetector.tolerance(rate: min(rate.mean, 1), observations: rate.count)
        else { return }
        self.grading = grading
        detector = ChangeDetector(
            limit: min(rate.mean + tolerance, 0.999),
            averageRunLength: StableWatch.averageRunLength
        )
    }
}

// MARK: - Words

extension RateWatch {
    private func summary(_ tally: CodeTally) -> ArmSummary? {
        guard let grading else { return nil }
        return tally.moments { badness(of: $0, by: grading) }?.summary
    }

    private func interval(_ tally: CodeTally) -> Interval? {
        summary(tally).flatMap { summary in
            let interval = ConfidenceSequence.mean(of: summary, alpha: GuardCase.displayLevel, effect: 0.05)
            return interval == .unknownMean ? nil : interval
        }
    }

    /// Nil unless the predecessor's interval lies wholly below that of what is seen lately.
    ///
    /// Nil for latencies: nobody knows how long the predecessor would take on the machine of this hour.
    var whyPredecessorIsBetter: String? {
        guard !guarded.metric.isOfLatency, let old = interval(before), let new = interval(lately),
            old.upper < new.lower
        else { return nil }
        return "its \(guarded.name) was at most \(percent(old.upper)) beside this version, "
            + "which is now at least \(percent(new.lower))"
    }

    /// All figures are badness, as parts of one.
    var report: GuardReport {
        let interval = interval(lately)
        return GuardReport(
            name: guarded.name,
            metric: guarded.metric,
            verdict: hasAlarmed ? .breach : .pass,
            value: summary(lately)?.mean,
            lower: interval?.lower,
            upper: interval?.upper,
            limit: detector?.limit ?? 0,
            candidateSamples: lately.total,
            stableSamples: found.total,
            logEvidence: max(logStatistic, 0)
        )
    }
}

/// Badness in per cent with two decimals: `3.10%`.
private func percent(_ value: Double) -> String {
    let hundredths = Int(exactly: (value * 10_000).rounded()) ?? 0
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)%"
}
