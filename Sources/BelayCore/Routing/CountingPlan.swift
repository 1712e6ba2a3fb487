package import BelayStats

/// What gateways count for one release besides answers and never-events: only what some guard looks at.
///
/// A function of the policy and of what stable was like, both fixed when the release was proposed, so that a
/// code means the same to whoever counts and to whoever judges, on every node and after every restart.
package struct CountingPlan: Equatable, Sendable {
    /// Predictions and features with bins, at most; further ones are not counted.
    package static let mostColumns = 64
    /// Features that split the counts, at most.
    package static let mostSlicings = 8
    /// Values of one of them that are counted apart, at most; the others together, as
    /// ``RequestSlice/others``.
    package static let mostValues = 20
    /// Longest such value, in bytes of UTF-8; longer ones are among the others.
    package static let mostValueBytes = 64

    /// The bins that predictions, or the values of one feature, are counted in.
    package struct Column: Equatable, Sendable {
        /// ``Series/prediction`` or ``Series/feature(_:)``.
        package let series: Series
        /// Texts are known by their ``CategoryHash``.
        package let bins: ReferenceBins

        package init(series: Series, bins: ReferenceBins) {
            self.series = series
            self.bins = bins
        }

        /// The feature's name; nil for predictions.
        package var feature: String? {
            if case .feature(let name) = series { name } else { nil }
        }
    }

    /// A feature whose values split the counts of some series.
    package struct Slicing: Equatable, Sendable {
        package let feature: String
        package let series: Set<Series>

        package init(feature: String, series: Set<Series>) {
            self.feature = feature
            self.series = series
        }
    }

    package let countsLatency: Bool
    /// Whether requests that do not fit the signature are counted.
    package let countsSchema: Bool
    /// Predictions first.
    package let columns: [Column]
    package let slicings: [Slicing]

    package init(countsLatency: Bool, countsSchema: Bool, columns: [Column], slicings: [Slicing]) {
        self.countsLatency = countsLatency
        self.countsSchema = countsSchema
        self.columns = columns
        self.slicings = slicings
    }

    package static let nothing = CountingPlan(
        countsLatency: false,
        countsSchema: false,
        columns: [],
        slicings: []
    )

    /// What these guards need.
    ///
    /// A guard on a feature without a reference is counted nothing for: its judge is blind, and says so. One
    /// that names no feature is on all that the profile has.
    package init(guards: [Guard], profile: StableProfile?) {
        let references = profile?.references ?? [:]
        let series = guards.flatMap { $0.countedSeries(references) }
        let wanted = Set(series)
        countsLatency = wanted.contains(.latency)
        countsSchema = wanted.contains(.schema)
        let ordered = wanted.filter(\.isOfColumn).sorted { $0.order < $1.order }
        let columns = ordered.compactMap { series in
            references[series.description].map { Column(series: series, bins: $0) }
        }
        self.columns = Array(columns.prefix(Self.mostColumns))
        slicings = Self.slicings(of: guards, references, counted: Set(self.columns.map(\.series)))
    }

    /// In the order in which guards name the features.
    private static func slicings(
        of guards: [Guard],
        _ references: [String: ReferenceBins],
        counted: Set<Series>
    ) -> [Slicing] {
        var order: [String] = []
        var series: [String: Set<Series>] = [:]
        for guarded in guards {
            let own = guarded.countedSeries(references).filter { !$0.isOfColumn || counted.contains($0) }
            guard !own.isEmpty else { continue }
            for feature in guarded.focus.sliceBy {
                if series[feature] == nil { order.append(feature) }
                series[feature, default: []].formUnion(own)
            }
        }
        return order.prefix(mostSlicings).map { Slicing(feature: $0, series: series[$0] ?? []) }
    }
}

extension Guard {
    /// The series that gateways count for this guard, answers included; none for what labels, shadows or
    /// other monitors tell, nor for never-events.
    fileprivate func countedSeries(_ references: [String: ReferenceBins]) -> [Series] {
        switch metric {
        // Flags come from elsewhere, but each slice's are held against its answers.
        case .errorRate, .throughput, .flagRate: return [.answers]
        case .latencyP50, .latencyP95, .latencyP99: return [.latency]
        case .schemaErrors: return [.schema]
        case .predictionDrift: return [.prediction]
        case .featureDrift, .missingRate, .unseenRate:
            if let feature = focus.feature { return [.feature(feature)] }
            return references.keys.compactMap { Series($0) }.filter { $0.isOfColumn && $0 != .prediction }
        case .accuracy, .precision, .recall, .f1, .logLoss, .brier, .mae, .rmse, .feedbackScore,
            .invalidOutput, .circuitBreaker, .disagreement, .shadowError, .query:
            return []
        }
    }
}

extension Series {
    /// Whether its codes are the bins of a column.
    fileprivate var isOfColumn: Bool {
        switch self {
        case .prediction, .feature: true
        default: false
        }
    }

    /// Predictions come before features, and those by name.
    fileprivate var order: String {
        if case .feature(let name) = self { "1\(name)" } else { "0" }
    }
}

extension Proposal {
    /// What gateways count of this release's outcomes.
    var counting: CountingPlan { CountingPlan(guards: policy.guards, profile: profile) }
}
