import BelayStats

/// Precision, recall or F1 averaged over all named classes, for one arm.
///
/// A mean of ratios has no bet of its own, so it is held against its limit by an asymptotic interval and may
/// hold or notify, never roll back (STATS 3.6). Variances are by the delta method, taking the classes'
/// estimates as independent; neighbours share rows, so the interval is approximate.
struct MacroMean: Equatable {
    let value: Double
    let variance: Double
    let count: Int

    /// Nil without a named class, or while no class has shown anything.
    init?(_ metric: Metric, of tally: CodeTally, classes: Int) {
        var (sum, spread, seen) = (0.0, 0.0, 0)
        for index in 0..<classes {
            let binary = ClassFocus(index: index, classes: classes).binary(tally)
            guard let ratio = binary.ratio(metric) else { continue }
            seen += 1
            sum += ratio.value
            spread += ratio.variance
        }
        guard seen > 0, tally.total > 0 else { return nil }
        value = sum / Double(seen)
        variance = spread / Double(seen * seen)
        count = tally.total
    }

    /// As badness of one outcome, for a confidence sequence.
    var summary: ArmSummary? {
        ArmSummary(
            count: count,
            mean: min(max(1 - value, 0), 1),
            variance: min(variance * Double(count), 1),
            events: count
        )
    }
}

extension Confusion.Binary {
    /// A ratio with the variance of its estimate; nil where nothing was seen of it.
    func ratio(_ metric: Metric) -> (value: Double, variance: Double)? {
        switch metric {
        case .precision:
            let count = Double(truePositives) + Double(falsePositives)
            return precision.map { ($0, $0 * (1 - $0) / count) }
        case .recall:
            let count = Double(truePositives) + Double(falseNegatives)
            return recall.map { ($0, $0 * (1 - $0) / count) }
        default: return f1.map { ($0, f1Variance ?? 0) }
        }
    }
}
