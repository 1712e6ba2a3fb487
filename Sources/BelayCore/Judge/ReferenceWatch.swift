import BelayStats

/// Inputs against what they were when stable's profile was measured: one detector for each feature.
///
/// Both versions get the same inputs, so both arms are watched as one. The detectors promise a mean time
/// between false alarms and no level, so they share no α: a drift holds or notifies, and only a worse outcome
/// rolls back (STATS 3.9). Alarms count while the statistic stands above its threshold.
struct ReferenceWatch: Equatable {
    fileprivate struct Watched: Equatable {
        let series: Series
        let reference: ReferenceBins
        var drift: DriftDetector?
        var change: ChangeDetector?
        /// The values since the last full window, and that window.
        var window: [Int]
        var full: [Int]?
    }

    private let metric: Metric
    /// Of a stability index; 0 where the rate has a limit of its own.
    private let most: Double
    private var features: [Watched]

    /// Nil without a reference for what the guard watches.
    init?(_ guarded: Guard, references: [String: ReferenceBins]) {
        metric = guarded.metric
        let wanted = references.filter { name, bins in
            if guarded.metric == .predictionDrift { return name == Series.prediction.description }
            guard name.hasPrefix("feature:") else { return false }
            if let feature = guarded.focus.feature { return name == "feature:\(feature)" }
            return guarded.metric != .unseenRate || bins.unseenBin != nil
        }
        let limit = guarded.limit
        let isDrift = metric == .featureDrift || metric == .predictionDrift
        if case .absolute(let max) = limit, isDrift { most = max } else { most = 0 }
        features = wanted.sorted { $0.key < $1.key }.compactMap { name, bins in
            guard let series = Series(name) else { return nil }
            let bin = guarded.metric == .unseenRate ? bins.unseenBin : bins.missingBin
            return Watched(
                series: series,
                reference: bins,
                drift: isDrift
                    ? bins.shares.flatMap { DriftDetector(reference: $0, features: wanted.count) } : nil,
                change: isDrift
                    ? nil : bin.flatMap { Self.detector(limit, bins, bin: $0, features: wanted.count) },
                window: Array(repeating: 0, count: bins.count),
                full: nil
            )
        }
        features.removeAll { $0.drift == nil && $0.change == nil }
        guard !features.isEmpty else { return nil }
    }

    private static func detector(
        _ limit: Guard.Limit,
        _ bins: ReferenceBins,
        bin: Int,
        features: Int
    ) -> ChangeDetector? {
        let total = bins.counts.reduce(0) { $0.addingSaturated($1) }
        guard let before = bins.shares?.values[bin],
            let tolerance = ChangeDetector.tolerance(rate: before, observations: total)
        else { return nil }
        let most: Double
        switch limit {
        case .absolute(let max): most = max
        case .againstStable(let margin): most = before + max(margin, tolerance)
        case .relativeToStable(let margin): most = before + max(before * margin, tolerance)
        default: return nil
        }
        return ChangeDetector(
            limit: min(most, 0.999),
            averageRunLength: DriftDetector.standardRunLength * Double(features)
        )
    }

    /// The series that are read.
    var series: [Series] { features.map(\.series) }

    mutating func settle(_ outcomes: (Series) -> [Outcome]) {
        for index in features.indices {
            var counts = Array(repeating: 0, count: features[index].window.count)
            for outcome in outcomes(features[index].series)
            where counts.indices.contains(outcome.code) {
                counts[outcome.code] = counts[outcome.code].addingSaturated(outcome.count)
            }
            features[index].settle(counts, bin: metric)
        }
    }

    /// Values that a first stability index waits for, of the input that is nearest to one; nil once an input
    /// has one, and where the metric has none.
    var gathering: (seen: Int, needed: Int)? {
        guard metric == .featureDrift, features.allSatisfy({ $0.full == nil }) else { return nil }
        return features.map { ($0.seen, $0.needed) }.min { $0.1 - $0.0 < $1.1 - $1.0 }
    }

    /// The stability index of each input, as far as a window of it is full.
    var indices: [String: Double] {
        guard metric == .featureDrift else { return [:] }
        let known = features.compactMap { watched in watched.index.map { (watched.feature, $0) } }
        return Dictionary(known) { first, _ in first }
    }

    /// What the worst feature shows.
    struct Finding: Equatable {
        let feature: String
        /// A stability index, or a rate; nil before a full window.
        let value: Double?
        let limit: Double
        /// Values behind the figure: those of its window.
        let count: Int
        let logStatistic: Double
        let hasAlarmed: Bool
    }

    var worst: Finding? {
        features.map(finding).max {
            ($0.hasAlarmed ? 1 : 0, $0.logStatistic) < ($1.hasAlarmed ? 1 : 0, $1.logStatistic)
        }
    }

    private func finding(_ watched: Watched) -> Finding {
        if let change = watched.change {
            return Finding(
                feature: watched.feature,
                value: watched.rate(metric),
                limit: change.limit,
                count: watched.count,
                logStatistic: change.logStatistic,
                hasAlarmed: change.hasAlarmed
            )
        }
        let index = watched.index
        return Finding(
            feature: watched.feature,
            value: index,
            limit: most,
            count: watched.count,
            logStatistic: watched.drift?.logStatistic ?? -.infinity,
            hasAlarmed: watched.drift?.hasAlarmed == true && (index ?? 0) > most
        )
    }
}

extension ReferenceWatch.Watched {
    /// The input, or `prediction`.
    fileprivate var feature: String {
        if case .feature(let name) = series { name } else { series.description }
    }

    fileprivate mutating func settle(_ counts: [Int], bin metric: Metric) {
        let total = counts.reduce(0) { $0.addingSaturated($1) }
        guard total > 0 else { return }
        drift?.settle(counts)
        let bad = place(of: metric).map { counts[$0] } ?? 0
        change?.settle(bad: bad, good: total - bad)
        for index in counts.indices { window[index] = window[index].addingSaturated(counts[index]) }
        guard seen >= needed else { return }
        full = window
        window = Array(repeating: 0, count: window.count)
    }

    /// Values of the newest full window, or of the first one so far.
    fileprivate var count: Int { full.map { $0.reduce(0) { $0.addingSaturated($1) } } ?? seen }

    fileprivate var seen: Int { window.reduce(0) { $0.addingSaturated($1) } }

    /// As many as the stability index needs before it means anything, in every window anew.
    fileprivate var needed: Int { Swift.max(ArmDrift.fewestValues, 100 * window.count) }

    private func place(of metric: Metric) -> Int? {
        switch metric {
        case .missingRate: reference.missingBin
        case .unseenRate: reference.unseenBin
        default: nil
        }
    }

    fileprivate var index: Double? {
        guard let full, let now = Shares(counts: full), let before = reference.shares else { return nil }
        return Divergence.populationStabilityIndex(now, before)
    }

    fileprivate func rate(_ metric: Metric) -> Double? {
        guard let place = place(of: metric) else { return nil }
        let counts = full ?? window
        let total = counts.reduce(0) { $0.addingSaturated($1) }
        return total > 0 ? Double(counts[place]) / Double(total) : nil
    }
}
