import BelayStats
import Testing

@Suite("LogHistogram")
struct LogHistogramTests {
    static let fractions = [0, 0.001, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1]

    @Test(arguments: [UInt64(1), 2, 3])
    func quantilesAreWithinOnePercentOfTheExactOnes(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        var histogram = LogHistogram()
        var latencies: [Double] = []
        for _ in 0..<4_000 {
            // A product of uniforms spreads over many orders of magnitude, from 1 µs to 33 hours.
            let draws = (0..<4).map { _ in Double.random(in: 1...588, using: &generator) }
            let latency = draws.reduce(1, *)
            latencies.append(latency)
            histogram.add(latency)
        }
        latencies.sort()
        for fraction in Self.fractions {
            let rank = max(Int((fraction * 4_000).rounded(.up)), 1)
            let (exact, estimate) = (latencies[rank - 1], try #require(histogram.quantile(fraction)))
            #expect(abs(estimate - exact) <= 0.01 * exact, "\(fraction): \(estimate) for \(exact)")
        }
    }

    @Test func everySingleValueIsAnsweredWithinOnePercent() throws {
        var latency = 1.0
        while latency <= 120e9 {
            var histogram = LogHistogram()
            histogram.add(latency)
            let estimate = try #require(histogram.quantile(0.5))
            #expect(abs(estimate - latency) <= 0.01 * latency)
            latency *= 1.007
        }
    }

    @Test func mergingEqualsCountingTogether() {
        var (together, first, second) = (LogHistogram(), LogHistogram(), LogHistogram())
        var generator = SplitMix64(seed: 5)
        for index in 0..<1_000 {
            let latency = Double.random(in: 0...2e6, using: &generator)
            together.add(latency)
            if index % 3 == 0 { first.add(latency) } else { second.add(latency) }
        }
        var merged = second
        merged.merge(first)
        first.merge(second)
        #expect(merged == together)
        #expect(first == together)
        #expect(together.count == 1_000)
    }

    @Test(arguments: [Double.nan, -1, .infinity, -.infinity, .signalingNaN])
    func aLatencyThatIsNoneIsRefused(latency: Double) {
        var histogram = LogHistogram()
        let counted = histogram.add(latency)
        #expect(!counted)
        #expect(histogram == LogHistogram())
    }

    @Test func extremesAreCountedAtTheEnds() throws {
        var histogram = LogHistogram()
        histogram.add(0)
        histogram.add(1e300)
        #expect(histogram.quantile(0) == 1)
        let largest = try #require(histogram.quantile(1))
        #expect(abs(largest - 120e9) <= 0.01 * 120e9)
    }

    @Test func hostileCountsDoNotTrap() {
        var histogram = LogHistogram()
        let counted = [histogram.add(5, count: 0), histogram.add(5, count: .min)]
        #expect(counted == [false, false])
        histogram.add(5, count: .max)
        histogram.add(500, count: .max)
        histogram.merge(histogram)
        #expect(histogram.count == .max)
        for fraction in Self.fractions { #expect(histogram.quantile(fraction) != nil) }
    }

    @Test func anEmptyHistogramAndAFalseFractionHaveNoQuantile() {
        var histogram = LogHistogram()
        #expect(histogram.quantile(0.5) == nil)
        histogram.add(10)
        for fraction in [-0.1, 1.1, .nan] { #expect(histogram.quantile(fraction) == nil) }
    }
}
