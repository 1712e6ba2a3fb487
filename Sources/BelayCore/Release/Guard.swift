/// A check on live behaviour, judged at every tick of a release.
package struct Guard: Hashable, Codable, Sendable {
    /// What the metric is held against.
    ///
    /// Bounds are on badness, in the metric's own unit: rates are fractions of one, latencies microseconds,
    /// losses what they are, drift a population stability index. Where people say how good something must be
    /// (accuracy, precision, recall, F1, a score), badness is what is missing to the best.
    package enum Limit: Hashable, Codable, Sendable {
        /// The candidate may be worse than stable by at most `margin` (≥ 0).
        case againstStable(margin: Double)
        /// The candidate may be worse than stable by at most this part of stable's badness (≥ 0).
        case relativeToStable(margin: Double)
        /// The candidate's badness may not exceed this.
        case absolute(max: Double)
        /// For `throughput` and `query`, which no badness is made of: the value may not fall below this.
        case atLeast(min: Double)
        /// For `query`: the candidate's value may differ from stable's by at most this part of it.
        case withinOfStable(change: Double)
        /// It must not happen once.
        case never

        enum CodingKeys: String, CodingKey {
            case againstStable = "against_stable"
            case relativeToStable = "relative_to_stable"
            case absolute
            case atLeast = "at_least"
            case withinOfStable = "within_of_stable"
            case never
        }
    }

    /// What a breach leads to.
    package enum Reaction: String, Codable, CaseIterable, Sendable {
        case rollback
        case hold
        /// Somebody is told, and the release goes on.
        case notify
    }

    /// What a guard without data does to the release.
    package enum NoData: String, Hashable, Codable, CaseIterable, Sendable {
        /// It is blind, and the release waits.
        case wait
        /// It counts as passed, which the policy then says in so many words.
        case pass
        /// It counts as breached.
        case fail
    }

    /// What narrows a guard or tunes it, besides its limit.
    package struct Focus: Hashable, Codable, Sendable {
        /// The input that a metric of features looks at.
        package let feature: String?
        /// The class that precision, recall or F1 is of; nil means the positive one, or the mean over all.
        package let label: String?
        /// Features whose values split the requests: the limit must hold in every slice too.
        package let sliceBy: [String]
        /// How far back a windowed metric looks, in milliseconds; nil takes the metric's own.
        package let windowMilliseconds: Int64?
        package let noData: NoData
        /// A Prometheus query with `{{version}}` and `{{arm}}`.
        package let query: String?
        /// Losses and scores beyond this are counted as this; nil takes it from the profile.
        package let most: Double?

        enum CodingKeys: String, CodingKey {
            case feature, label, query, most
            case sliceBy = "slice_by"
            case windowMilliseconds = "window_ms"
            case noData = "no_data"
        }

        package init(
            feature: String? = nil,
            label: String? = nil,
            sliceBy: [String] = [],
            windowMilliseconds: Int64? = nil,
            noData: NoData = .wait,
            query: String? = nil,
            most: Double? = nil
        ) {
            self.feature = feature
            self.label = label
            self.sliceBy = sliceBy
            self.windowMilliseconds = windowMilliseconds
            self.noData = noData
            self.query = query
            self.most = most
        }

        package static let whole = Focus()

        /// The same without a window, for a bound that counts the whole release.
        package var withoutWindow: Focus {
            Focus(
                feature: feature,
                label: label,
                sliceBy: sliceBy,
                noData: noData,
                query: query,
                most: most
            )
        }
    }

    /// Unique within its policy; shown to people.
    package let name: String
    package let metric: Metric
    package let limit: Limit
    /// Fewest outcomes of the candidate in a step before the guard can pass; nil leaves it to the step.
    package let minSamples: Int?
    package let reaction: Reaction
    package let focus: Focus

    enum CodingKeys: String, CodingKey {
        case name, metric, limit
        case minSamples = "min_samples"
        case reaction = "then"
        case focus
    }

    /// Returns nil when a bound is out of its range or does not suit the metric.
    package init?(
        name: String,
        metric: Metric,
        limit: Limit,
        minSamples: Int?,
        reaction: Reaction,
        focus: Focus = .whole
    ) {
        guard limit.suits(metric), (minSamples ?? 0) >= 0 else { return nil }
        self.init(
            known: name,
            metric: metric,
            limit: limit,
            minSamples: minSamples,
            reaction: reaction,
            focus: focus
        )
    }

    private init(
        known name: String,
        metric: Metric,
        limit: Limit,
        minSamples: Int?,
        reaction: Reaction,
        focus: Focus = .whole
    ) {
        self.name = name
        self.metric = metric
        self.limit = limit
        self.minSamples = minSamples
        self.reaction = reaction
        self.focus = focus
    }

    /// No rise of the error rate over stable's, at any margin.
    package static let errorRate = Guard(
        known: "error_rate",
        metric: .errorRate,
        limit: .againstStable(margin: 0),
        minSamples: nil,
        reaction: .rollback
    )

    /// One NaN, infinity or wrong shape is one too many.
    package static let invalidOutput = never(.invalidOutput)
    /// An instance that is given up twice within a minute is one too many.
    package static let circuitBreaker = never(.circuitBreaker)
    /// The guards that every policy contains.
    package static let neverEvents = [invalidOutput, circuitBreaker]

    private static func never(_ metric: Metric) -> Guard {
        Guard(known: metric.rawValue, metric: metric, limit: .never, minSamples: nil, reaction: .rollback)
    }

    /// Counts what shadows show and lets all of it pass; nil for other metrics.
    static func observing(_ metric: Metric) -> Guard? {
        guard metric.isOfShadows else { return nil }
        return Guard(
            known: metric.rawValue,
            metric: metric,
            limit: .absolute(max: 1),
            minSamples: nil,
            reaction: .hold
        )
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let guarded = Guard(
            name: try container.decode(String.self, forKey: .name),
            metric: try container.decode(Metric.self, forKey: .metric),
            limit: try container.decode(Limit.self, forKey: .limit),
            minSamples: try container.decodeIfPresent(Int.self, forKey: .minSamples),
            reaction: try container.decode(Reaction.self, forKey: .reaction),
            focus: try container.decodeIfPresent(Focus.self, forKey: .focus) ?? .whole
        )
        guard let guarded else {
            throw DecodingError.dataCorruptedError(
                forKey: .limit,
                in: container,
                debugDescription: "the limit does not suit the metric"
            )
        }
        self = guarded
    }

    /// What is as usual is not written.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(metric, forKey: .metric)
        try container.encode(limit, forKey: .limit)
        try container.encodeIfPresent(minSamples, forKey: .minSamples)
        try container.encode(reaction, forKey: .reaction)
        if focus != .whole { try container.encode(focus, forKey: .focus) }
    }

    /// Whether it looks back over its window; `throughput` does so only where it is held against a bound.
    package var looksBack: Bool {
        if case .atLeast = limit { metric.hasWindow } else { metric == .query }
    }

    /// The outcomes of the candidate that `step` must bring before this guard can pass.
    ///
    /// Labels reach only some answers, so a guard on labels is content with 100 unless it says otherwise.
    package func samplesNeeded(in step: Plan.Step) -> Int {
        minSamples ?? (metric.isOfLabels ? min(step.minSamples, 100) : step.minSamples)
    }
}

extension Guard.Limit {
    /// Whether the bound is in its range and means something for the metric.
    func suits(_ metric: Metric) -> Bool {
        let end = metric.isFraction ? 1 : Double.infinity
        switch self {
        case .absolute(let max):
            return max > 0 && max < end && !metric.isNeverEvent && metric != .throughput
        case .againstStable(let margin):
            return margin >= 0 && margin < end && metric.comparesArms && metric != .throughput
        case .relativeToStable(let margin):
            let most = metric == .throughput ? 1 : Double.infinity
            return margin >= 0 && margin < most && metric.comparesArms
        case .atLeast(let min):
            return min > 0 && min.isFinite && (metric == .throughput || metric == .query)
        case .withinOfStable(let change): return change > 0 && change.isFinite && metric == .query
        case .never: return metric.isNeverEvent
        }
    }
}

extension Metric {
    /// Whether its badness is a part of one.
    package var isFraction: Bool {
        switch self {
        case .errorRate, .accuracy, .precision, .recall, .f1, .flagRate, .invalidOutput, .circuitBreaker,
            .disagreement, .shadowError, .missingRate, .unseenRate, .schemaErrors:
            true
        case .latencyP50, .latencyP95, .latencyP99, .throughput, .logLoss, .brier, .mae, .rmse,
            .feedbackScore, .predictionDrift, .featureDrift, .query:
            false
        }
    }

    /// Whether a candidate may be held against stable, or an input against its reference, by a margin.
    fileprivate var comparesArms: Bool {
        !isNeverEvent && !isOfShadows && self != .predictionDrift && self != .featureDrift
    }
}
