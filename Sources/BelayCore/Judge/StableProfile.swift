/// What stable was like before a release began: measured once, recorded with the proposal, never changed.
///
/// Estimates that a judge needs beforehand (STATS 3.4, 3.9, 3.12) come from here, so that a verdict can be
/// repeated from the record alone. Wrong ones cost power, never validity.
package struct StableProfile: Hashable, Codable, Sendable {
    /// Answers of stable that it was measured on; 0 when there was nothing to look at.
    package let answers: Int
    /// Microseconds at the 50th, 95th and 99th percentile; nil below 200 answers.
    package let latency: Quantiles?
    /// Stable's bad rate or mean by metric's name, where something was known.
    package let means: [String: Double]

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

    package init(answers: Int, latency: Quantiles?, means: [String: Double]) {
        self.answers = answers
        self.latency = latency
        self.means = means
    }

    package static let unknown = StableProfile(answers: 0, latency: nil, means: [:])
}
