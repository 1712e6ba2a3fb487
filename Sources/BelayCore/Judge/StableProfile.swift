package import BelayStats

/// What stable was like before a release began: measured once, recorded with the proposal, never changed.
///
/// Estimates that a judge needs beforehand (STATS 3.4, 3.9, 3.12) come from here, so that a verdict can be
/// repeated from the record alone. Wrong ones cost power, never validity.
package struct StableProfile: Equatable, Sendable {
    /// Answers of stable that it was measured on; 0 when there was nothing to look at.
    package let answers: Int
    /// Microseconds at the 50th, 95th and 99th percentile; nil below 200 answers.
    package let latency: Quantiles?
    /// Stable's bad rate or mean by metric's name, where something was known; as badness, like all bounds.
    package let means: [String: Double]
    /// The largest loss or score that is no outlier (99.9 %), by metric's name: beyond it all count as it.
    package let most: [String: Double]
    /// The bins of predictions and inputs by series (`prediction`, `feature:age`), with what stable saw.
    package let references: [String: ReferenceBins]
    /// Answers per second, both arms together; nil where it was not measured.
    package let answersPerSecond: Double?

    package struct Quantiles: Hashable, Codable, Sendable {
        package let p50: Double
        package let p95: Double
        package let p99: Double

        package init(p50: Double, p95: Double, p99: Double) {
            self.p50 = p50
            self.p95 = p95
            self.p99 = p99
        }
    }

    package init(
        answers: Int,
        latency: Quantiles?,
        means: [String: Double],
        most: [String: Double] = [:],
        references: [String: ReferenceBins] = [:],
        answersPerSecond: Double? = nil
    ) {
        self.answers = answers
        self.latency = latency
        self.means = means
        self.most = most
        self.references = references
        self.answersPerSecond = answersPerSecond
    }

    package static let unknown = StableProfile(answers: 0, latency: nil, means: [:])
}

extension StableProfile: Hashable {
    /// References are compared and not hashed: equal profiles have equal hashes all the same.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(answers)
        hasher.combine(latency)
        hasher.combine(means)
    }
}

extension StableProfile: Codable {
    enum CodingKeys: String, CodingKey {
        case answers, latency, means, most, references
        case answersPerSecond = "answers_per_second"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            answers: try container.decode(Int.self, forKey: .answers),
            latency: try container.decodeIfPresent(Quantiles.self, forKey: .latency),
            means: try container.decode([String: Double].self, forKey: .means),
            most: try container.decodeIfPresent([String: Double].self, forKey: .most) ?? [:],
            references: try container.decodeIfPresent([String: ReferenceBins].self, forKey: .references)
                ?? [:],
            answersPerSecond: try container.decodeIfPresent(Double.self, forKey: .answersPerSecond)
        )
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(answers, forKey: .answers)
        try container.encodeIfPresent(latency, forKey: .latency)
        try container.encode(means, forKey: .means)
        if !most.isEmpty { try container.encode(most, forKey: .most) }
        if !references.isEmpty { try container.encode(references, forKey: .references) }
        try container.encodeIfPresent(answersPerSecond, forKey: .answersPerSecond)
    }
}
