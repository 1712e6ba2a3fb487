extension GuardReport {
    /// What the guard measured, in a few words: `error_rate +0.81 pts, limit +0.5 pts, n 2140`.
    package var line: String {
        guard let value else { return "\(name): nothing seen" }
        if metric.unit == .event {
            return "\(name): \(significant(value)) times, limit 0, n \(candidateSamples)"
        }
        return "\(name) \(written(value)), limit \(written(limit)), n \(candidateSamples)"
    }

    /// A report is in the metric's own sense: accuracy falls where wrong answers rise.
    private func written(_ value: Double) -> String {
        let versus = versus()
        let sign = versus == .stable && value >= 0 ? "+" : ""
        switch versus {
        case .badness: return "\(significant(value * 100))% \(metric.badWord)"
        case .relative: return (value < 0 ? "" : "+") + significant(value * 100) + "% of stable's"
        case .none, .stable: break
        }
        switch metric.unit {
        case .time: return sign + significant(value * metric.unitScale(versus)) + " ms"
        case .rate, .goodRate: return versus == .stable ? points(value) : significant(value * 100) + "%"
        case .throughput, .loss, .score, .stabilityIndex, .event, .number: return sign + significant(value)
        }
    }
}

/// A difference of rates in percentage points: `+0.81 pts`.
private func points(_ fraction: Double) -> String {
    (fraction < 0 ? "" : "+") + significant(fraction * 100) + " pts"
}

/// Three significant digits, without the zeros behind them: `0.81`, `12.3`, `1840`.
func significant(_ value: Double) -> String {
    guard value.isFinite, value != 0, value.magnitude < 1e15 else { return value == 0 ? "0" : "\(value)" }
    var scale = 1.0
    while value.magnitude * scale < 100, scale < 1e6 { scale *= 10 }
    let rounded = (value * scale).rounded() / scale
    return Int(exactly: rounded).map(String.init) ?? "\(rounded)"
}
