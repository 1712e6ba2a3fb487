import Testing

@testable import BelayStats

@Suite("Forecast and discoveries")
struct ForecastTests {
    @Test(arguments: Reference.forecasts)
    func agreesWithTheReference(given: [Double], requests: Double) throws {
        let margin: AllocationBet.Margin =
            given[3] > 0 ? .absolute(given[3]) : given[4] > 0 ? .relative(given[4]) : .none
        let (candidate, stable, share) = (given[0], given[1], given[2])
        let worse = Forecast.requestsToRollBack(
            candidate: candidate,
            stable: stable,
            share: share,
            margin: margin,
            alpha: 0.05
        )
        let within = Forecast.requestsToAdvance(
            candidate: candidate,
            stable: stable,
            share: share,
            margin: margin,
            beta: 0.05
        )
        let measured = try #require(worse ?? within)
        #expect((worse == nil) != (within == nil), "a candidate is worse or it is not")
        #expect(abs(measured / requests - 1) < 1e-12, "\(measured) for \(requests)")
    }

    /// Published before the project began, rounded to whole requests.
    @Test(arguments: [
        (0.05, 0.01, 0.1, 0.05, 878), (0.1, 0.05, 0.5, 0.05, 653), (0.02, 0.01, 0.1, 0.01, 13_448),
        (0.07, 0.05, 0.5, 0.01, 5_172),
    ])
    func agreesWithThePublishedWaldNumbers(
        candidate: Double,
        stable: Double,
        share: Double,
        alpha: Double,
        expected: Int
    ) throws {
        let requests = try #require(
            Forecast.requestsToRollBack(
                candidate: candidate,
                stable: stable,
                share: share,
                margin: .none,
                alpha: alpha
            )
        )
        #expect(Int(requests.rounded()) == expected)
    }

    @Test func whatCannotBeDecidedHasNoForecast() {
        func back(_ candidate: Double, _ stable: Double, _ share: Double, _ alpha: Double) -> Double? {
            Forecast.requestsToRollBack(
                candidate: candidate,
                stable: stable,
                share: share,
                margin: .none,
                alpha: alpha
            )
        }
        #expect(back(0.01, 0.01, 0.1, 0.05) == nil)
        #expect(back(0.02, 0.01, 0, 0.05) == nil && back(0.02, 0.01, 1, 0.05) == nil)
        #expect(back(0.02, 0.01, 0.1, 0) == nil && back(.nan, 0.01, 0.1, 0.05) == nil)
        #expect(back(1, 0, 0.1, 0.05).map { $0.isFinite && $0 > 0 } == true)
        #expect(
            Forecast.requestsToAdvance(
                candidate: 0.1,
                stable: 0.1,
                share: 0.5,
                margin: .relative(.nan),
                beta: 0.05
            ) == nil
        )
        #expect(
            Forecast.requestsToAdvance(candidate: 0, stable: 0, share: 0.5, margin: .absolute(1), beta: 0.05)
                == nil
        )
    }

    @Test func anAbsoluteLimitAndAMeanHaveForecastsToo() throws {
        // log 100 / KL(0.02 ‖ 0.01)
        let outcomes = try #require(Forecast.outcomesToExceed(limit: 0.01, rate: 0.02, alpha: 0.01))
        #expect(agree(outcomes, 4.605170185988092 / 0.003913619576461259))
        #expect(Forecast.outcomesToExceed(limit: 0.02, rate: 0.02, alpha: 0.01) == nil)
        #expect(
            agree(
                try #require(Forecast.requests(difference: 0.02, variance: 0.01, share: 0.5, alpha: 0.05)),
                2.995732273553991 / 0.005
            )
        )
        #expect(Forecast.requests(difference: 0, variance: 0.01, share: 0.5, alpha: 0.05) == nil)
    }

    @Test func discoveriesAgreeWithStatsmodels() {
        let evidence = [0.5, 90, 3, 41, 700, 18, 26, 0, 24.9, 1]
        #expect(Combination.discoveries(evidence.map(logarithm), alpha: 0.2) == Reference.discoveries)
    }

    @Test func discoveriesWithoutEvidenceAreNone() {
        #expect(Combination.discoveries([], alpha: 0.1).isEmpty)
        #expect(Combination.discoveries([.nan, -.infinity, 1], alpha: 0.1).isEmpty)
        #expect(Combination.discoveries([.infinity, .nan], alpha: 0.1) == [0])
        #expect(Combination.discoveries([100], alpha: 1).isEmpty)
    }
}

@Suite("Exceedance")
struct ExceedanceTests {
    private func past() -> LogHistogram {
        var past = LogHistogram()
        for t in 1...10_000 { past.add(Double(t) * 10) }
        return past
    }

    @Test func codesWhatExceedsTheQuantile() throws {
        let coded = try #require(Exceedance(fraction: 0.99, of: past(), relativeMargin: 0))
        #expect(coded.stableBucket == coded.candidateBucket)
        #expect(abs(coded.threshold / 99_000 - 1) < 0.02)
        for candidate in [false, true] {
            #expect(!coded.exceeds(bucket: LogHistogram.bucket(of: 97_000), candidate: candidate))
            #expect(coded.exceeds(bucket: LogHistogram.bucket(of: 101_100), candidate: candidate))
        }
    }

    @Test func theMarginIsTheCandidatesAlone() throws {
        let coded = try #require(Exceedance(fraction: 0.5, of: past(), relativeMargin: 0.25))
        let ratio =
            LogHistogram.upperBound(of: coded.candidateBucket)
            / LogHistogram.upperBound(of: coded.stableBucket)
        #expect(ratio >= 1.25 && ratio <= 1.25 * 1.02)
        let slower = LogHistogram.bucket(of: 60_000)
        #expect(coded.exceeds(bucket: slower, candidate: false))
        #expect(!coded.exceeds(bucket: slower, candidate: true))
    }

    @Test func numbersOutOfRangeAreRefused() throws {
        for fraction in [0, 1, -1, .nan] {
            #expect(Exceedance(fraction: fraction, of: past(), relativeMargin: 0) == nil)
        }
        for margin in [-0.1, .nan, .infinity] {
            #expect(Exceedance(fraction: 0.5, of: past(), relativeMargin: margin) == nil)
        }
        #expect(Exceedance(fraction: 0.5, of: LogHistogram(), relativeMargin: 0) == nil)
        let huge = try #require(Exceedance(fraction: 0.5, of: past(), relativeMargin: 1e300))
        #expect(huge.candidateBucket == LogHistogram.highestBucket)
    }

    @Test func bucketsAndValuesBelongTogether() {
        for bucket in stride(from: 0, through: LogHistogram.highestBucket, by: 13) {
            #expect(LogHistogram.bucket(of: LogHistogram.value(of: bucket)) == bucket)
            let end = LogHistogram.upperBound(of: bucket)
            #expect(LogHistogram.bucket(of: end * (1 - 1e-12)) == bucket || bucket == 0)
        }
        #expect(LogHistogram.bucket(of: .nan) == 0 && LogHistogram.bucket(of: -5) == 0)
        #expect(LogHistogram.value(of: .max) == LogHistogram.value(of: LogHistogram.highestBucket))
        #expect(LogHistogram.value(of: .min) == 1)
        var histogram = LogHistogram()
        let added = [histogram.add(bucket: -1, count: 1), histogram.add(bucket: .max, count: 1)]
        #expect(added == [false, false])
        histogram.add(bucket: 7, count: 3)
        #expect(histogram.count == 3 && histogram.quantileBucket(1) == 7)
    }
}
