import BelayStats

/// What a guard's bet is about, once everything is known that must be known beforehand.
///
/// A threshold, a largest loss or a ratio of stable's comes from the release's ``StableProfile``, else from
/// the first outcomes of stable in the release's own ticks. Those are then past, and no bet is on them. Wrong
/// estimates cost power and never validity, save for precision and F1, whose linearisation takes stable's
/// ratio as known (STATS 3.6).
struct Terms: Equatable {
    /// Outcomes of stable before an estimate is taken from them.
    static let fewestOutcomes = 200
    /// What a latency, and a rate, may rise when a proof is asked for and the guard grants nothing.
    static let standardRatio = 0.25
    static let standardRise = 0.005

    let metric: Metric
    let limit: Guard.Limit
    let direction: AllocationBet.Direction
    /// The class of precision, recall and F1; nil for the mean over all classes, which no bet is on.
    let focus: ClassFocus?
    let classes: Int
    /// The largest loss or score, from the guard or the profile.
    let most: Double?
    /// Stable's threshold in microseconds, from the profile.
    let quantile: Double?
    /// Stable's badness, from the profile.
    let mean: Double?

    init(_ guarded: Guard, _ direction: AllocationBet.Direction, in context: GuardContext) {
        metric = guarded.metric
        self.direction = direction
        focus = context.focus(of: guarded)
        classes = context.classes
        let profile = context.profile
        most = (guarded.focus.most ?? profile?.most[guarded.metric.rawValue]).flatMap { $0 > 0 ? $0 : nil }
        quantile = profile?.latency.flatMap { latency in
            switch guarded.metric {
            case .latencyP50: latency.p50
            case .latencyP95: latency.p95
            case .latencyP99: latency.p99
            default: nil
            }
        }
        mean = profile?.means[guarded.metric.rawValue].flatMap { $0 >= 0 && $0.isFinite ? $0 : nil }
        limit = guarded.limit
    }

    /// A comparison that can begin; nil while stable has not shown enough.
    func comparison(after past: CodeTally) -> (Grading, AllocationBet)? {
        guard let grading = comparing(after: past),
            let margin = direction == .advance && isWithoutMargin
                ? standardMargin(grading, after: past) : margin(grading, after: past)
        else { return nil }
        let prior = prior(grading, after: past)
        let settings = AllocationBet.Settings(
            margin: margin,
            direction: direction,
            priorMean: prior.mean,
            priorVariance: prior.variance,
            priorWeight: prior.weight,
            drip: direction == .rollback
        )
        return settings.map { (grading, AllocationBet($0)) }
    }

    /// A bet against the absolute limit that can begin.
    func absolute(max: Double, after past: CodeTally) -> (Grading, OneSampleBet)? {
        let graded: (Grading, Double)? =
            switch metric {
            case .latencyP50, .latencyP95, .latencyP99:
                (.above(bucket: LogHistogram.bucket(of: max)), 1 - metric.fraction)
            case .precision, .f1:
                focus.flatMap { focus in
                    LinearLoss(metric.ratio, stable: 1 - max).map { (.linear($0, focus), $0.neutral) }
                }
            case .logLoss, .brier, .mae:
                cap(after: past).map { cap in
                    let most = Swift.max(cap, 2 * max)
                    return (.magnitude(most: most), max / most)
                }
            case .rmse:
                cap(after: past).map { cap in
                    let most = Swift.max(cap, 2 * max)
                    return (.magnitude(most: most * most), max * max / (most * most))
                }
            case .feedbackScore: cap(after: past).map { (.score(best: $0), max / $0) }
            default: plain.map { ($0, max) }
            }
        return graded.flatMap { grading, limit in OneSampleBet(limit: limit).map { (grading, $0) } }
    }

    private var isWithoutMargin: Bool {
        switch limit {
        case .againstStable(let margin), .relativeToStable(let margin): margin == 0
        default: true
        }
    }
}

// MARK: - How outcomes are graded

extension Terms {
    /// Gradings that need no estimate.
    private var plain: Grading? {
        switch metric {
        case .accuracy: .wrong(classes: classes)
        case .recall: focus.map(Grading.missed)
        default: .bad
        }
    }

    private func comparing(after past: CodeTally) -> Grading? {
        switch metric {
        case .latencyP50, .latencyP95, .latencyP99: exceedance(after: past).map(Grading.slower)
        case .precision, .f1:
            focus.flatMap { focus in
                guard past.total >= Self.fewestOutcomes else { return nil }
                let ratio = metric == .f1 ? focus.binary(past).f1 : focus.binary(past).precision
                return ratio.flatMap { LinearLoss(metric.ratio, stable: $0) }.map { .linear($0, focus) }
            }
        case .logLoss, .brier, .mae: cap(after: past).map { .magnitude(most: $0) }
        case .rmse: cap(after: past).map { .magnitude(most: $0 * $0) }
        case .feedbackScore: cap(after: past).map { .score(best: $0) }
        default: plain
        }
    }

    private func exceedance(after past: CodeTally) -> Exceedance? {
        var histogram = LogHistogram()
        if let quantile {
            histogram.add(quantile)
        } else if past.total >= Self.fewestOutcomes {
            for (bucket, count) in past.counts { histogram.add(bucket: bucket, count: count) }
        }
        guard let threshold = histogram.quantile(metric.fraction) else { return nil }
        var margin =
            switch limit {
            case .againstStable(let margin): margin / threshold
            case .relativeToStable(let margin): margin
            default: 0.0
            }
        if direction == .advance, margin == 0 { margin = Self.standardRatio }
        return Exceedance(fraction: metric.fraction, of: histogram, relativeMargin: margin)
    }

    /// In the metric's own unit, above nought: a squared error is coded by its square.
    private func cap(after past: CodeTally) -> Double? {
        if let most { return most }
        guard past.total >= Self.fewestOutcomes, let code = past.quantile(0.999), code > 0 else { return nil }
        let value = Magnitude.value(of: code)
        return metric == .rmse ? value.squareRoot() : value
    }
}

// MARK: - Margins and priors

extension Terms {
    /// The guard's own margin, in units of badness.
    private func margin(_ grading: Grading, after past: CodeTally) -> AllocationBet.Margin? {
        switch (limit, grading) {
        case (_, .slower): return AllocationBet.Margin.none
        case (.againstStable(let margin), .linear(let loss, let focus)):
            return loss.margin(forDrop: margin, density: density(focus, after: past)).map(absolute)
        case (.relativeToStable(let margin), .linear(let loss, let focus)):
            let drop = min(margin * (1 - loss.stable), 1)
            return loss.margin(forDrop: drop, density: density(focus, after: past)).map(absolute)
        case (.againstStable(let margin), .magnitude(let most)) where metric == .rmse:
            guard let stable = root(grading, most, after: past) else { return nil }
            return absolute((2 * stable + margin) * margin / most)
        case (.againstStable(let margin), .magnitude(let most)): return absolute(margin / most)
        case (.againstStable(let margin), .score(let best)): return absolute(margin / best)
        case (.againstStable(let margin), _): return absolute(margin)
        case (.relativeToStable(let margin), _):
            let ratio = metric == .rmse ? (2 + margin) * margin : margin
            return ratio > 0 ? .relative(ratio) : AllocationBet.Margin.none
        default: return nil
        }
    }

    private func absolute(_ margin: Double) -> AllocationBet.Margin {
        margin > 0 ? .absolute(min(margin, 1)) : .none
    }

    /// Half of stable's badness, or half a point, whichever is more.
    private func standardMargin(_ grading: Grading, after past: CodeTally) -> AllocationBet.Margin? {
        if case .slower = grading { return AllocationBet.Margin.none }
        if case .linear(let loss, let focus) = grading {
            let drop = max((1 - loss.stable) / 2, Self.standardRise)
            return loss.margin(forDrop: min(drop, 1), density: density(focus, after: past)).map(absolute)
        }
        let known = metric.isFraction ? mean : nil
        guard let bad = known ?? observed(grading, after: past)?.mean else { return nil }
        return absolute(max(bad / 2, Self.standardRise))
    }

    /// The part of the answers that enters a ratio, counted as often as it does.
    private func density(_ focus: ClassFocus, after past: CodeTally) -> Double {
        let binary = focus.binary(past)
        let called = Double(binary.truePositives) + Double(binary.falsePositives)
        let entered =
            metric == .f1
            ? called + Double(binary.truePositives) + Double(binary.falseNegatives) : called
        return past.total > 0 ? entered / Double(past.total) : 0
    }

    /// Stable's root mean square, in the metric's unit.
    private func root(_ grading: Grading, _ most: Double, after past: CodeTally) -> Double? {
        mean ?? observed(grading, after: past).map { ($0.mean * most).squareRoot() }
    }

    private func observed(_ grading: Grading, after past: CodeTally) -> Moments? {
        past.moments { grading.badness(of: $0, candidate: false) }
            .flatMap { $0.count >= Self.fewestOutcomes ? $0 : nil }
    }

    private func prior(
        _ grading: Grading,
        after past: CodeTally
    ) -> (mean: Double, variance: Double, weight: Double) {
        if case .slower = grading {
            let bad = 1 - metric.fraction
            return (bad, bad * (1 - bad), 200)
        }
        if let seen = observed(grading, after: past) {
            return (min(seen.mean, 1), min(max(seen.variance, 1e-6), 1), 100)
        }
        if metric.isFraction, let mean, mean < 1, !isLinear(grading) {
            let bad = max(mean, 1e-4)
            return (bad, bad * (1 - bad), 100)
        }
        switch grading {
        case .magnitude, .score, .linear: return (0.5, 0.25, 20)
        default: return (0.05, 0.05 * (1 - 0.05), 20)
        }
    }

    private func isLinear(_ grading: Grading) -> Bool {
        if case .linear = grading { true } else { false }
    }
}

extension Metric {
    /// The quantile that a latency is of; a half for other metrics, which have none.
    var fraction: Double {
        switch self {
        case .latencyP95: 0.95
        case .latencyP99: 0.99
        default: 0.5
        }
    }

    fileprivate var ratio: LinearLoss.Ratio { self == .f1 ? .f1 : .precision }

    /// Whether people speak of its opposite: the badness is what is missing to the best.
    var falls: Bool {
        switch self {
        case .accuracy, .precision, .recall, .f1, .feedbackScore: true
        default: false
        }
    }
}

/// What guards must know of their release.
struct GuardContext: Equatable {
    let labels: Policy.Labels
    let profile: StableProfile?
    /// Whether some step asks for a proof that the candidate is within its margin.
    let needsProof: Bool
    /// Whether a unit's requests all go to one arm.
    var isSticky = false

    var classes: Int { min(labels.namedClasses.count, LabelCell.mostClasses) }

    /// Nil for the mean over all classes.
    func focus(of guarded: Guard) -> ClassFocus? {
        let named = labels.namedClasses
        let isBinary = labels.kind == .binary || labels.classes.count <= 2
        guard let label = guarded.focus.label ?? (isBinary ? labels.positive : nil),
            let index = named.firstIndex(of: label), index < classes
        else { return nil }
        return ClassFocus(index: index, classes: classes)
    }
}
