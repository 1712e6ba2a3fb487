/// Codes a latency as bad or good: bad if it exceeds a quantile of the stable version's past.
///
/// A quantile is compared by how often it is exceeded. The threshold is frozen before the release, and a
/// relative margin is granted to the candidate by dividing its latencies: Y = 1[L/(1 + ρ)^A > q]. The coded
/// outcomes are a rate for ``AllocationBet`` with a prior mean of 1 − fraction and no margin of its own.
///
/// Latencies are known by the bucket of a ``LogHistogram``, so q is the upper end of the bucket that holds
/// the quantile, and the candidate's threshold is rounded up to a bucket: the margin granted is up to 2 % of
/// q more than asked. Averaging the evidence of several quantiles sees changes that one threshold does not.
package struct Exceedance: Equatable, Sendable, Codable {
    /// 0.99 for the 99th percentile.
    package let fraction: Double
    /// The highest bucket that is good for the stable version.
    package let stableBucket: Int
    /// The highest bucket that is good for the candidate.
    package let candidateBucket: Int

    /// Freezes the threshold; nil for a number out of range or without a past.
    ///
    /// - Parameters:
    ///   - fraction: Above 0 and below 1.
    ///   - past: Latencies of the stable version, 200 or more if it is to mean anything.
    ///   - margin: ρ ≥ 0: 0.25 lets the candidate be a quarter slower.
    package init?(fraction: Double, of past: LogHistogram, relativeMargin margin: Double) {
        guard fraction > 0, fraction < 1, margin >= 0, margin.isFinite,
            let bucket = past.quantileBucket(fraction)
        else { return nil }
        self.init(accepting: fraction, bucket, margin)
    }

    private init(accepting fraction: Double, _ bucket: Int, _ margin: Double) {
        self.fraction = fraction
        stableBucket = bucket
        let steps = LogHistogram.buckets(inFactor: 1 + margin)
        candidateBucket = min(bucket.addingSaturated(steps), LogHistogram.highestBucket)
    }

    /// The threshold q in microseconds.
    package var threshold: Double { LogHistogram.upperBound(of: stableBucket) }

    /// Whether a latency in this bucket is bad.
    package func exceeds(bucket: Int, candidate: Bool) -> Bool {
        bucket > (candidate ? candidateBucket : stableBucket)
    }
}

extension LogHistogram {
    /// Buckets that a value climbs, rounded up, when it is multiplied by a factor ≥ 1.
    static func buckets(inFactor factor: Double) -> Int {
        let steps = (logarithm(factor) / logarithm(1.02)).rounded(.up)
        return Int(exactly: steps) ?? highestBucket
    }
}
