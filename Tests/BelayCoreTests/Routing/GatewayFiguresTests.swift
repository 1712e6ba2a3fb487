import BelayCore
import BelayTesting
import Testing

@Suite("Gateway figures")
struct GatewayFiguresTests {
    private let version = Build.id("fraud", 1)
    private let other = Build.id("fraud", 2)

    private func figures(_ seed: Int) -> GatewayFigures {
        var figures = GatewayFigures()
        for index in 0..<seed {
            let key = GatewayFigures.Key(
                version: index % 2 == 0 ? version : other,
                arm: Arm.allCases[index % 3]
            )
            figures.answered(key, code: index % 5 == 0 ? 503 : 200, microseconds: index * 300)
            figures.shadow(version) { $0.pairs += 1 }
        }
        figures.rejected(code: 404)
        figures.shed(by: other)
        figures.set(seed % 2 == 0 ? .open : .closed, of: version)
        figures.connections = seed
        figures.inFlight = 1
        return figures
    }

    @Test func sumsDoNotDependOnTheOrder() {
        let parts = [7, 4, 11].map(figures)
        let sums = [[0, 1, 2], [2, 0, 1], [1, 2, 0]].map { order in
            order.reduce(into: GatewayFigures()) { $0.merge(parts[$1]) }
        }
        #expect(sums[0] == sums[1] && sums[1] == sums[2])
        #expect(sums[0].requests.values.flatMap(\.codes.values).reduce(0, +) == 22)
        #expect(sums[0].shadows[version]?.pairs == 22)
        #expect(sums[0].rejected == [404: 3] && sums[0].shed == [other: 3])
        #expect(sums[0].connections == 22 && sums[0].inFlight == 3)
    }

    @Test func loopsThatDisagreeOnABreakerAreAsBadAsTheWorst() {
        var sum = figures(3)
        sum.merge(figures(4))
        sum.merge(figures(5))
        #expect(sum.breakers == [version: .open])
    }

    @Test(arguments: [
        (0, 0), (500, 0), (501, 1), (10_000_000, 13), (10_000_001, 14), (-1, 0), (Int.max, 14),
    ])
    func aDurationFallsIntoTheFirstBucketThatHoldsIt(microseconds: Int, bucket: Int) {
        var histogram = LatencyHistogram()
        histogram.add(microseconds: microseconds)
        #expect(histogram.counts.firstIndex(of: 1) == bucket)
        #expect(histogram.counts.reduce(0, +) == 1)
        #expect(histogram.microseconds == max(0, microseconds))
    }

    @Test func aSumThatWouldOverflowStaysAtItsMaximum() {
        var histogram = LatencyHistogram()
        for _ in 0..<2 { histogram.add(microseconds: .max) }
        var twice = histogram
        twice.merge(histogram)
        #expect(twice.microseconds == .max && twice.counts.last == 4)
    }
}
