import BelayCore
import BelayStats
import Testing

@Suite("Judge of drift and unexpected input")
struct DriftTests {
    private static let bins = legal(
        ReferenceBins(numbers: (0..<5000).map { Double($0 % 1000) }, missing: 50)
    )
    private static let colours = legal(ReferenceBins(texts: ["red": 500, "green": 490], missing: 10))

    private static let profile = StableProfile(
        answers: 5000,
        latency: nil,
        means: [:],
        references: ["prediction": bins, "feature:age": bins, "feature:colour": colours]
    )

    private static func stream(
        _ metric: Metric,
        _ limit: Guard.Limit,
        feature: String? = nil,
        then reaction: Guard.Reaction = .rollback,
        profile: StableProfile? = profile,
        seed: UInt64
    ) throws -> Stream {
        let guarded = bound(
            "drift",
            metric,
            limit,
            minSamples: 100,
            then: reaction,
            focus: Guard.Focus(feature: feature)
        )
        let steps = plan([step(percent: 50, dwell: .zero, minSamples: 0)])
        return try Stream(policy(steps, guards: [guarded]), profile: profile, seed: seed)
    }

    private static func value(_ shift: Double, _ generator: inout SplitMix64) -> Int {
        bins.bin(of: Double.random(in: 0..<1000, using: &generator) * (1 - shift))
    }

    @Test func aCandidateThatPredictsOtherwiseIsCaught() throws {
        var stream = try Self.stream(.predictionDrift, .absolute(max: 0.1), seed: 1)
        let requests = stream.serve(until: "rollback drift", most: 10_000, .prediction) {
            Self.value($0 ? 0.4 : 0, &$1)
        }
        #expect(requests != nil)
        #expect(try #require(stream.trial.report("drift")?.value) > 0.1)
    }

    /// The bet is sure of a difference that the index says is small.
    @Test func aDifferenceThatMattersToNobodyIsLetBe() throws {
        var stream = try Self.stream(.predictionDrift, .absolute(max: 0.25), seed: 2)
        for _ in 0..<60 { stream.serve(200, .prediction, answers: true) { Self.value($0 ? 0.05 : 0, &$1) } }
        #expect(stream.trial.ruling.name == "advance")
        let value = try #require(stream.trial.report("drift")?.value)
        #expect(value > 0.01 && value < 0.25)
    }

    @Test func belowFiveHundredPredictionsOfEachArmNothingIsDecided() throws {
        var stream = try Self.stream(.predictionDrift, .absolute(max: 0.01), seed: 3)
        stream.serve(900, .prediction) { Self.value($0 ? 0.9 : 0, &$1) }
        #expect(stream.trial.verdict("drift") == .undecided)
        #expect(stream.trial.report("drift")?.reason == .tooFew)
    }

    @Test func withoutAReferenceAGuardOnDriftIsBlindAndSaysSo() throws {
        for metric in [Metric.predictionDrift, .featureDrift] {
            var stream = try Self.stream(metric, .absolute(max: 0.1), profile: nil, seed: 4)
            stream.serve(200, .prediction) { Self.value($0 ? 0.9 : 0, &$1) }
            #expect(stream.trial.verdict("drift") == .blind)
            #expect(stream.trial.report("drift")?.reason == .noReference)
            #expect(stream.trial.ruling.name == "wait")
        }
    }

    /// A drift of the inputs is no fault of the candidate: even a guard that asks for it only holds.
    @Test func anInputThatDriftsHoldsAndNamesItself() throws {
        var stream = try Self.stream(.featureDrift, .absolute(max: 0.1), seed: 5)
        for _ in 0..<40 { stream.serve(200, .feature("age"), answers: true) { Self.value(0.5, &$1) } }
        #expect(stream.trial.ruling.name == "hold guard:drift")
        #expect(stream.trial.report("drift")?.feature == "age")
        #expect(try #require(stream.trial.report("drift")?.value) > 0.1)
    }

    /// An index of few values says nothing, and what says nothing is no pass.
    @Test func beforeAFirstWindowOfInputsNothingIsDecided() throws {
        var stream = try Self.stream(.featureDrift, .absolute(max: 0.1), feature: "age", seed: 10)
        let needed = 100 * Self.bins.count
        stream.serve(needed - 100, .feature("age"), answers: true) { Self.value(0.5, &$1) }
        let report = try #require(stream.trial.report("drift"))
        #expect(report.verdict == .undecided && report.reason == .tooFew)
        #expect(report.seen == needed - 100 && report.needed == needed)
        #expect(stream.trial.ruling.name == "wait")
        stream.serve(100, .feature("age"), answers: true) { Self.value(0.5, &$1) }
        #expect(stream.trial.ruling.name == "hold guard:drift")
    }

    @Test func anInputThatStaysAsItWasIsLetBe() throws {
        var stream = try Self.stream(.featureDrift, .absolute(max: 0.1), feature: "age", seed: 6)
        for _ in 0..<60 { stream.serve(200, .feature("age"), answers: true) { Self.value(0, &$1) } }
        #expect(stream.trial.ruling.name == "advance")
    }

    @Test func aGuardThatNotifiesLetsTheReleaseGoOn() throws {
        var stream = try Self.stream(.featureDrift, .absolute(max: 0.1), then: .notify, seed: 7)
        for _ in 0..<40 { stream.serve(200, .feature("age"), answers: true) { Self.value(0.5, &$1) } }
        #expect(stream.trial.verdict("drift") == .breach)
        #expect(stream.trial.ruling.name == "advance")
    }

    @Test(arguments: [(Metric.missingRate, "age"), (.unseenRate, "colour")])
    func valuesThatAreMissingOrUnseenAreNoticed(metric: Metric, feature: String) throws {
        let bins = feature == "age" ? Self.bins : Self.colours
        let strange = try #require(metric == .missingRate ? bins.missingBin : bins.unseenBin)
        for (rate, ruling) in [(0.1, "hold guard:drift"), (0.001, "advance")] {
            var stream = try Self.stream(metric, .againstStable(margin: 0.02), feature: feature, seed: 8)
            for _ in 0..<20 {
                stream.serve(200, .feature(feature), answers: true) { $1.chance(rate) ? strange : 0 }
            }
            #expect(stream.trial.ruling.name == ruling)
        }
    }

    @Test func requestsThatDoNotFitAreARate() throws {
        var stream = try Self.stream(.schemaErrors, .absolute(max: 0.01), seed: 9)
        let requests = stream.serve(until: "rollback drift", most: 5000, .schema) { $1.chance(0.05) ? 1 : 0 }
        #expect(requests != nil)
    }
}
