import BelayStats

/// One graded rate of a version that has settled.
///
/// Its limit is what the guard allows beyond the rate that was found, and at least the error with which that
/// was found; an absolute limit stays what it is, if that is more.
struct RateWatch: Equatable {
    let guarded: Guard
    private let terms: Terms
    private let predecessor: VersionNumber?
    /// Outcomes of the version before it is watched.
    private var found = CodeTally()
    private var grading: Grading?
    private var detector: ChangeDetector?
    /// Outcomes since it last was as good as it was found.
    private var lately = CodeTally()
    /// What the predecessor said since then of requests that the version failed.
    private var rescues = Rescues()
    /// The badness of the outcomes beyond what the limit allows; none at the moment when they begin.
    private var surplus = 0.0

    /// Nil for a metric that is not graded outcome by outcome.
    init?(_ guarded: Guard, predecessor: VersionNumber?, in context: GuardContext) {
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
        self.predecessor = predecessor
        terms = Terms(plain, .rollback, in: context)
    }

    /// What is still as it was.
    ///
    /// A latency is measured on a machine that has other work at other hours, so it may rise by a quarter
    /// where the guard grants nothing.
    private static func limit(of guarded: Guard) -> Guard.Limit {
        switch guarded.limit {
        case .againstStable(let margin), .relativeToStable(let margin):
            return guarded.metric.isOfLatency && margin == 0
                ? .relativeToStable(margin: Terms.standardRatio) : guarded.limit
        case .absolute: return guarded.limit
        case .atLeast, .withinOfStable, .never: return .againstStable(margin: 0)
        }
    }

    /// The margin of a latency is in the candidate's threshold; stable's has none.
    private func badness(of code: Int, by grading: Grading) -> Double? {
        grading.badness(of: code, candidate: guarded.metric.isOfLatency)
    }

    var series: Series { guarded.metric.series(of: nil) }
    var logStatistic: Double { detector?.logStatistic ?? -.infinity }
    var hasAlarmed: Bool { detector?.hasAlarmed == true }

    mutating func settle(_ outcomes: TickOutcomes, at time: Timestamp, isSettled: Bool) {
        let mine = outcomes.of(series, in: nil).filter(\.candidate)
        guard isSettled else {
            for outcome in mine { found.add(outcome, at: time) }
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
        if let predecessor, guarded.metric == .errorRate {
            rescues.add(outcomes.of(.rescue, in: nil), of: predecessor)
        }
        if surplus <= 0 { (surplus, lately, rescues) = (0, CodeTally(), Rescues()) }
    }

    /// Fixes how outcomes are graded and what is still acceptable, from what was found.
    private mutating func begin() {
        guard let (grading, allowed) = allowance(),
            let rate = found.moments({ badness(of: $0, by: grading) }),
            rate.count >= StableWatch.fewestOutcomes,
            let tolerance = ChangeDetector.tolerance(rate: min(rate.mean, 1), observations: rate.count)
        else { return }
        self.grading = grading
        let limit: Double =
            switch allowed {
            case .upTo(let most): max(most, rate.mean + tolerance)
            case .beyond(.none): rate.mean + tolerance
            case .beyond(.absolute(let margin)): rate.mean + max(tolerance, margin)
            case .beyond(.relative(let part)): rate.mean + max(tolerance, part * rate.mean)
            }
        detector = ChangeDetector(
            limit: min(limit, 0.999),
            averageRunLength: StableWatch.averageRunLength
        )
    }

    private enum Allowance {
        case upTo(Double)
        case beyond(AllocationBet.Margin)
    }

    /// What the guard allows, in units of badness.
    private func allowance() -> (Grading, Allowance)? {
        if case .absolute(let max) = guarded.limit {
            return terms.absolute(max: max, after: found).map { ($0, .upTo($1.limit)) }
        }
        return terms.comparison(after: found).map { ($0, .beyond($1.settings.margin)) }
    }
}

/// What the version that served before said of requests that the one that serves has failed.
package struct Rescues: Equatable {
    private(set) var answered = 0
    private(set) var failed = 0

    /// The code of one that `version` was asked, in ``Series/rescue``.
    package static func code(of version: VersionNumber, hasFailed: Bool) -> Int {
        version.value * 2 + (hasFailed ? 1 : 0)
    }

    /// The key under which one is counted.
    package static func key(of version: VersionNumber, hasFailed: Bool, in release: ReleaseID) -> EvidenceKey
    {
        EvidenceKey(
            release: release,
            series: .rescue,
            slice: nil,
            arm: .candidate,
            share: .all,
            code: code(of: version, hasFailed: hasFailed)
        )
    }

    mutating func add(_ outcomes: [Outcome], of version: VersionNumber) {
        for outcome in outcomes where outcome.code / 2 == version.value {
            if outcome.code.isMultiple(of: 2) {
                answered = answered.addingSaturated(outcome.count)
            } else {
                failed = failed.addingSaturated(outcome.count)
            }
        }
    }

    /// Whether it is proven, at one in a thousand, that more than half of them are answered.
    ///
    /// A bet at even odds on each: half of what it has on an answer. While at most half are answered its
    /// capital is a supermartingale, so it grows a thousandfold once in a thousand times at most, whenever
    /// one looks.
    var areMostlyAnswered: Bool {
        Double(answered) * 0.405_465_108_108_164 - Double(failed) * 0.693_147_180_559_945
            >= 6.907_755_278_982_137
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

    /// Nil unless the predecessor is known to be better now, on the same requests.
    ///
    /// What it was like when it last served is no support: it was compared with this version then and was no
    /// better, and whatever has changed since may have changed for both.
    var whyPredecessorIsBetter: String? {
        guard guarded.reaction == .rollback, rescues.areMostlyAnswered else { return nil }
        let asked = rescues.answered.addingSaturated(rescues.failed)
        return "it answered \(rescues.answered) of \(asked) requests that this version failed"
    }

    /// Why the predecessor is not gone back to.
    var whyPredecessorIsNotBetter: String {
        guard guarded.reaction == .rollback else {
            return "is not asked for: \(guarded.name) only says `then: \(guarded.reaction.rawValue)`"
        }
        let asked = rescues.answered.addingSaturated(rescues.failed)
        guard guarded.metric == .errorRate, asked > 0 else {
            return "is not known to be better now by \(guarded.name)"
        }
        return "answered only \(rescues.answered) of \(asked) requests that this version failed"
    }

    var report: GuardReport {
        let interval = interval(lately)
        return GuardReport(
            name: guarded.name,
            metric: guarded.metric,
            versus: .badness,
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
