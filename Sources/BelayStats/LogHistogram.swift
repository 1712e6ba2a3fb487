/// Counts of latencies in buckets that grow by two percent, for quantiles within one percent.
///
/// Bucket i holds the values in `(1.02^(i−1), 1.02^i]` microseconds and answers for them with the point whose
/// relative error is the same at both ends, 0.0099 (DDSketch: Masson, Rim and Lee 2019, PVLDB 12). Sorting a
/// sample would be exact but unbounded; here one hour and one year take the same space, at most 1,290 counts,
/// and two histograms merge by addition.
package struct LogHistogram: Equatable, Sendable {
    /// Values outside are counted at the nearer end: from one microsecond to 33 hours.
    package static let range = 1.0...120e9

    private static let growth = 1.02
    private static let logGrowth = logarithm(growth)

    package private(set) var count = 0
    /// Ends with the highest bucket in use, so that equal contents are equal values.
    private var buckets: [Int] = []

    package init() {}

    /// Counts a latency, and says whether it was counted.
    ///
    /// NaN, infinite and negative latencies are no measurements: they are refused, as is a count below one.
    @discardableResult
    package mutating func add(_ microseconds: Double, count: Int = 1) -> Bool {
        guard microseconds.isFinite, microseconds >= 0, count > 0 else { return false }
        add(count, toBucket: Self.bucket(of: microseconds))
        return true
    }

    package mutating func merge(_ other: LogHistogram) {
        for (bucket, count) in other.buckets.enumerated() where count > 0 {
            add(count, toBucket: bucket)
        }
    }

    /// The latency, in microseconds, that a fraction of the counted ones does not exceed.
    ///
    /// The definition is that of the nearest rank: the smallest value with at least `fraction × count` values
    /// at or below it.
    ///
    /// - Parameter fraction: 0 … 1; 0.99 asks for the 99th percentile.
    /// - Returns: The quantile within one percent, or nil if nothing was counted or the fraction is no
    ///   fraction.
    package func quantile(_ fraction: Double) -> Double? {
        quantileBucket(fraction).map(Self.value)
    }

    private mutating func add(_ count: Int, toBucket bucket: Int) {
        if bucket >= buckets.count {
            buckets.append(contentsOf: repeatElement(0, count: bucket - buckets.count + 1))
        }
        buckets[bucket] = buckets[bucket].addingSaturated(count)
        self.count = self.count.addingSaturated(count)
    }
}

extension LogHistogram {
    /// The number of the last bucket; the first is 0.
    package static let highestBucket = bucket(of: range.upperBound)

    /// The bucket that counts a latency in microseconds; one out of range, NaN included, goes to the nearer
    /// end or, where neither is nearer, to the first.
    package static func bucket(of microseconds: Double) -> Int {
        guard microseconds > range.lowerBound else { return 0 }
        let clamped = min(microseconds, range.upperBound)
        return Int((logarithm(clamped) / logGrowth).rounded(.up))
    }

    /// The latency in microseconds that answers for a bucket's; a number out of range means the nearer end.
    package static func value(of bucket: Int) -> Double {
        let value = 2 / (1 + growth) * exponential(Double(held(bucket)) * logGrowth)
        return min(max(value, range.lowerBound), range.upperBound)
    }

    /// The largest latency in microseconds that a bucket counts, to about 1e-13.
    ///
    /// The last bucket counts everything beyond it too.
    package static func upperBound(of bucket: Int) -> Double {
        min(exponential(Double(held(bucket)) * logGrowth), range.upperBound)
    }

    private static func held(_ bucket: Int) -> Int { min(max(bucket, 0), highestBucket) }

    /// Counts latencies that are known by their bucket; false, and nothing counted, for a bucket that is none
    /// or a count below one.
    @discardableResult
    package mutating func add(bucket: Int, count: Int) -> Bool {
        guard (0...Self.highestBucket).contains(bucket), count > 0 else { return false }
        add(count, toBucket: bucket)
        return true
    }

    /// The bucket that holds the quantile; see ``quantile(_:)``.
    package func quantileBucket(_ fraction: Double) -> Int? {
        guard (0...1).contains(fraction) else { return nil }
        let rank = max((fraction * Double(count)).rounded(.up), 1)
        var seen = 0
        for (bucket, held) in buckets.enumerated() where held > 0 {
            seen = seen.addingSaturated(held)
            if Double(seen) >= rank { return bucket }
        }
        return nil
    }
}

/// Stored as bucket and count in turn, buckets ascending and only those in use.
extension LogHistogram: Codable {
    package init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        var previous = -1
        while !values.isAtEnd {
            let (bucket, count) = (try values.decode(Int.self), try values.decode(Int.self))
            guard bucket > previous, bucket <= Self.highestBucket, count > 0 else {
                throw DecodingError.invalid("not the buckets of a histogram", from: decoder)
            }
            add(count, toBucket: bucket)
            previous = bucket
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.unkeyedContainer()
        for (bucket, count) in buckets.enumerated() where count > 0 {
            try values.encode(bucket)
            try values.encode(count)
        }
    }
}
