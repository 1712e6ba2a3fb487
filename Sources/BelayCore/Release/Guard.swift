/// A check on live behaviour, judged at every tick of a release.
package struct Guard: Hashable, Codable, Sendable {
    /// What the metric is held against.
    ///
    /// Rates are fractions of one; "bad" is an error or a wrong answer.
    package enum Limit: Hashable, Codable, Sendable {
        /// The candidate's bad rate may exceed stable's by at most `margin` (0 … 1).
        case againstStable(margin: Double)
        /// The candidate's bad rate may not exceed this (strictly between 0 and 1).
        case absolute(max: Double)
        /// It must not happen once.
        case never

        enum CodingKeys: String, CodingKey {
            case againstStable = "against_stable"
            case absolute, never
        }
    }

    /// What a breach leads to.
    package enum Reaction: String, Codable, Sendable {
        case rollback
        case hold
    }

    /// Unique within its policy; shown to people.
    package let name: String
    package let metric: Metric
    package let limit: Limit
    /// Fewest outcomes of the candidate in a step before the guard can pass; nil leaves it to the step.
    package let minSamples: Int?
    package let reaction: Reaction

    enum CodingKeys: String, CodingKey {
        case name, metric, limit
        case minSamples = "min_samples"
        case reaction = "then"
    }

    /// Returns nil when a bound is out of its range or does not suit the metric.
    package init?(name: String, metric: Metric, limit: Limit, minSamples: Int?, reaction: Reaction) {
        switch limit {
        case .againstStable(let margin):
            guard margin >= 0, margin < 1, !metric.isNeverEvent, !metric.isOfShadows else { return nil }
        case .absolute(let max):
            guard max > 0, max < 1, !metric.isNeverEvent else { return nil }
        case .never:
            guard metric.isNeverEvent else { return nil }
        }
        guard (minSamples ?? 0) >= 0 else { return nil }
        self.init(known: name, metric: metric, limit: limit, minSamples: minSamples, reaction: reaction)
    }

    private init(known name: String, metric: Metric, limit: Limit, minSamples: Int?, reaction: Reaction) {
        self.name = name
        self.metric = metric
        self.limit = limit
        self.minSamples = minSamples
        self.reaction = reaction
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
            reaction: try container.decode(Reaction.self, forKey: .reaction)
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

    /// The outcomes of the candidate that `step` must bring before this guard can pass.
    ///
    /// Labels reach only some answers, so a guard on labels is content with 100 unless it says otherwise.
    package func samplesNeeded(in step: Plan.Step) -> Int {
        minSamples ?? (metric == .accuracy ? min(step.minSamples, 100) : step.minSamples)
    }
}
