import BelayStats
import Testing

@testable import BelayCore

@Suite struct CountingPlanTests {
    private func profile(_ series: Series...) throws -> StableProfile {
        let bins = try #require(ReferenceBins(numbers: [1, 2, 3], missing: 0))
        return StableProfile(
            answers: 3,
            latency: nil,
            means: [:],
            references: Dictionary(series.map { ($0.description, bins) }) { first, _ in first }
        )
    }

    private func guarded(
        _ metric: Metric,
        feature: String? = nil,
        sliceBy: [String] = []
    ) throws -> Guard {
        try #require(
            Guard(
                name: "\(metric.rawValue) \(feature ?? "") \(sliceBy)",
                metric: metric,
                limit: metric.isNeverEvent
                    ? .never : metric == .throughput ? .atLeast(min: 0.5) : .absolute(max: 0.5),
                minSamples: nil,
                reaction: .hold,
                focus: Guard.Focus(feature: feature, sliceBy: sliceBy)
            )
        )
    }

    @Test(arguments: Metric.allCases)
    func onlyWhatAGuardLooksAtIsCounted(metric: Metric) throws {
        let profile = try profile(.prediction, .feature("age"), .feature("country"))
        let plan = CountingPlan(guards: [try guarded(metric)], profile: profile)
        let latencies: [Metric] = [.latencyP50, .latencyP95, .latencyP99]
        #expect(plan.countsLatency == latencies.contains(metric))
        #expect(plan.countsSchema == (metric == .schemaErrors))
        let columns: [Series] =
            switch metric {
            case .predictionDrift: [.prediction]
            case .featureDrift, .missingRate, .unseenRate: [.feature("age"), .feature("country")]
            default: []
            }
        #expect(plan.columns.map(\.series) == columns)
        #expect(plan.slicings.isEmpty)
    }

    @Test func aFeatureThatIsNamedIsTheOnlyOneAndWithoutAReferenceThereIsNone() throws {
        let guards = [try guarded(.featureDrift, feature: "age"), try guarded(.predictionDrift)]
        let plan = CountingPlan(guards: guards, profile: try profile(.feature("age"), .feature("country")))
        #expect(plan.columns.map(\.series) == [.feature("age")])
        #expect(CountingPlan(guards: guards, profile: nil) == .nothing)
        #expect(CountingPlan(guards: [], profile: try profile(.prediction)) == .nothing)
    }

    @Test func aSlicingSplitsTheSeriesOfItsGuardsAndOfNoOthers() throws {
        let guards = [
            try guarded(.errorRate, sliceBy: ["country", "age"]),
            try guarded(.latencyP99, sliceBy: ["country"]),
            try guarded(.latencyP50), try guarded(.predictionDrift, sliceBy: ["plan"]),
            try guarded(.accuracy, sliceBy: ["city"]),
        ]
        let plan = CountingPlan(guards: guards, profile: nil)
        #expect(
            plan.slicings == [
                .init(feature: "country", series: [.answers, .latency]),
                .init(feature: "age", series: [.answers]),
            ]
        )
    }

    @Test func columnsAndSlicingsAreBounded() throws {
        let names = (0..<100).map { String($0 + 100) }
        let series = names.map(Series.feature)
        let bins = try #require(ReferenceBins(numbers: [1], missing: 0))
        let references = Dictionary(series.map { ($0.description, bins) }) { first, _ in first }
        let profile = StableProfile(answers: 1, latency: nil, means: [:], references: references)
        let guards = [try guarded(.featureDrift, sliceBy: names), try guarded(.errorRate, sliceBy: names)]
        let plan = CountingPlan(guards: guards, profile: profile)
        #expect(plan.columns.map(\.series) == series.prefix(CountingPlan.mostColumns).map(\.self))
        #expect(plan.slicings.map(\.feature) == names.prefix(CountingPlan.mostSlicings).map(\.self))
    }

    @Test func theRouteCountsWhatTheReleaseAsksForAndThenWatchesItForItself() throws {
        var world = World()
        try world.register(1, 2)
        try world.serve(1)
        let first = try #require(world.newest?.id)
        #expect(
            world.route?.watched
                == Route.Watched(release: first, counting: .nothing, isJudged: false)
        )
        let latency = try guarded(.latencyP99)
        try world.release(2, under: policy(twoSteps(), guards: [latency]))
        #expect(world.route?.watched?.release == first)
        try world.passGates()
        #expect(world.route?.candidate?.counting.countsLatency == true)
        #expect(world.route?.watched == nil)
        try world.advance()
        try world.advance()
        #expect(world.route?.candidate == nil)
        #expect(world.route?.watched?.counting.countsLatency == true)
        #expect(world.route?.watched?.release == world.newest?.id)
        #expect(world.route?.watched?.isJudged == false)
    }

    @Test func aPromotedVersionIsJudgedUntilItsReleaseIsSettledAndThenWatched() throws {
        var world = World()
        try world.register(1, 2)
        try world.serve(1)
        let policy = policy(twoSteps(watch: hour), guards: [try guarded(.disagreement)])
        try world.release(2, under: policy)
        try world.passGates()
        for _ in 0..<2 { try world.advance() }
        #expect(world.route?.watched?.isJudged == true)
        try world.advance()
        #expect(world.route?.watched?.isJudged == false)
    }

    /// Whether it answers at all is watched in any case.
    @Test func errorsOfWhatServesAreCountedWhateverItsGuards() throws {
        var world = World()
        try world.register(1)
        try world.release(1, under: policy(.instant, guards: []))
        try world.passGates()
        #expect(world.route?.stable == number(1))
        #expect(world.route?.watched?.counting == .nothing)
    }
}

@Suite struct CategoryHashTests {
    @Test func aHashIsReadAsItIsWrittenAndNothingElseIs() {
        let hash = CategoryHash(bytes: "Berlin".utf8)
        #expect(hash == CategoryHash(bytes: Array("Berlin".utf8)))
        #expect(CategoryHash(hash.description) == hash)
        #expect(hash.description.count == 16)
        for text in ["", "Berlin", "0", hash.description + "0", hash.description.uppercased() + "!"] {
            #expect(CategoryHash(text) == nil)
        }
    }
}
