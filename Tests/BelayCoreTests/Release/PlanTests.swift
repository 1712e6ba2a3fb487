import BelayCore
import Foundation
import Testing

@Suite("Plan")
struct PlanTests {
    private func refused(_ steps: [Plan.Step], watch: Int64 = 0) -> Bool {
        Plan(steps: steps, watchMilliseconds: watch) == nil
    }

    @Test func sharesRiseStrictlyBetweenNothingAndAll() {
        #expect(!refused([]))
        #expect(!refused([step(percent: 1), step(percent: 2)]))
        #expect(refused([step(percent: 0)]))
        #expect(refused([step(percent: 100)]))
        #expect(refused([step(percent: 5), step(percent: 5)]))
        #expect(refused([step(percent: 5), step(percent: 1)]))
    }

    @Test func shadowStepsComeFirstAndTheirSharesAreFree() {
        let shadow = shadowStep(percent: 100)
        #expect(!refused([shadow]))
        #expect(!refused([shadow, shadowStep(percent: 10), shadowStep(percent: 10), step(percent: 1)]))
        #expect(refused([shadowStep(percent: 0)]))
        #expect(refused([step(percent: 1), shadow]))
        #expect(refused([shadow, step(percent: 1), shadow]))
        #expect(refused([shadow, step(percent: 5), step(percent: 5)]))
    }

    @Test func timesAndCountsAreNotNegativeAndStepsNotTooMany() {
        #expect(refused([step(percent: 5, dwell: .milliseconds(-1))]))
        #expect(refused([step(percent: 5, minSamples: -1)]))
        #expect(refused([], watch: -1))
        #expect(refused((1...51).map { step(percent: Double($0)) }))
        #expect(!refused((1...50).map { step(percent: Double($0)) }))
    }

    @Test func theNamedPlansAreThoseOfTheManual() {
        #expect(Set(Plan.named.keys) == ["instant", "canary", "careful", "shadow-only"])
        #expect(Plan.careful.steps.map(\.share.percent) == [100, 1, 5, 25, 50])
        #expect(Plan.careful.steps.map(\.kind) == [.shadow, .canary, .canary, .canary, .canary])
        #expect(Plan.careful.steps.map(\.dwell).first == hour)
        #expect(Plan.careful.steps.allSatisfy { $0.minSamples == 2000 })
        #expect(Plan.shadowOnly.steps.map(\.kind) == [.shadow])
        #expect(Plan.shadowOnly.ending == .hold)
        #expect(Plan.named.values.count { $0.ending == .hold } == 1)
        #expect(Plan.instant.steps.isEmpty)
        #expect(Plan.canary.steps.map(\.share.percent) == [1, 10, 50])
        #expect(Plan.canary.steps.allSatisfy { $0.dwell == .seconds(600) && $0.minSamples == 500 })
    }

    @Test func aRecordOfAnIllegalPlanIsRefused() throws {
        let step = #"{"share":50000,"dwell_ms":0,"min_samples":0}"#
        for json in [
            "{\"steps\":[\(step),\(step)],\"watch_ms\":0}", "{\"steps\":[],\"watch_ms\":-1}",
            #"{"steps":[{"share":50000,"dwell_ms":-1,"min_samples":0}],"watch_ms":0}"#,
        ] {
            #expect(throws: DecodingError.self) { try JSONDecoder().decode(Plan.self, from: Data(json.utf8)) }
        }
        let bytes = try JSONEncoder().encode(Plan.canary)
        #expect(try JSONDecoder().decode(Plan.self, from: bytes) == .canary)
    }
}

@Suite("Guard")
struct GuardTests {
    private func guarded(_ metric: Metric, _ limit: Guard.Limit, minSamples: Int? = nil) -> Guard? {
        Guard(name: "g", metric: metric, limit: limit, minSamples: minSamples, reaction: .rollback)
    }

    @Test(arguments: [-0.1, 1, 2, .nan, .infinity, -.infinity])
    func aMarginOutsideItsRangeIsRefused(margin: Double) {
        #expect(guarded(.errorRate, .againstStable(margin: margin)) == nil)
    }

    @Test(arguments: [0, 1, -1, .nan, .infinity])
    func aMaximumOutsideItsRangeIsRefused(max: Double) {
        #expect(guarded(.errorRate, .absolute(max: max)) == nil)
    }

    @Test func aLimitMustSuitItsMetric() {
        for metric in Metric.allCases {
            #expect((guarded(metric, .never) != nil) == metric.isNeverEvent)
            let isMeasured = !metric.isNeverEvent && metric != .throughput
            #expect((guarded(metric, .absolute(max: 0.5)) != nil) == isMeasured)
            #expect((guarded(metric, .absolute(max: 250_000)) != nil) == (isMeasured && !metric.isFraction))
            let compares =
                !metric.isNeverEvent && !metric.isOfShadows
                && ![.predictionDrift, .featureDrift].contains(metric)
            #expect(
                (guarded(metric, .againstStable(margin: 0)) != nil) == (compares && metric != .throughput)
            )
            #expect((guarded(metric, .relativeToStable(margin: 0.25)) != nil) == compares)
            #expect((guarded(metric, .atLeast(min: 5)) != nil) == [.throughput, .query].contains(metric))
            #expect((guarded(metric, .withinOfStable(change: 0.1)) != nil) == (metric == .query))
        }
        #expect(guarded(.errorRate, .againstStable(margin: 0), minSamples: -1) == nil)
    }

    @Test(arguments: [
        #"{"name":"g","metric":"error_rate","limit":{"absolute":{"max":2}},"then":"rollback"}"#,
        #"{"name":"g","metric":"error_rate","limit":{"against_stable":{"margin":-1}},"then":"rollback"}"#,
        #"{"name":"g","metric":"error_rate","limit":{"never":{}},"then":"rollback"}"#,
        #"{"name":"g","metric":"accuracy","limit":{"absolute":{"max":0.1}},"min_samples":-5,"then":"hold"}"#,
        #"{"name":"g","metric":"latency","limit":{"absolute":{"max":0.1}},"then":"hold"}"#,
    ])
    func aRecordOfAnIllegalGuardIsRefused(json: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Guard.self, from: Data(json.utf8)) }
    }

    @Test func labelsAskForFewerSamples() {
        let big = step(percent: 5, minSamples: 500)
        #expect(bound("a", .accuracy, .againstStable(margin: 0)).samplesNeeded(in: big) == 100)
        #expect(bound("a", .accuracy, .absolute(max: 0.1), minSamples: 300).samplesNeeded(in: big) == 300)
        #expect(Guard.errorRate.samplesNeeded(in: big) == 500)
        #expect(
            bound("a", .accuracy, .absolute(max: 0.1))
                .samplesNeeded(in: step(percent: 5, minSamples: 20)) == 20
        )
    }
}

@Suite("Policy")
struct PolicyTests {
    private func policy(_ guards: [Guard]) -> Policy? {
        Policy(
            model: fraud,
            serving: .standard,
            plan: .canary,
            guards: guards,
            labels: Policy.Labels(output: nil),
            rollback: .standard
        )
    }

    @Test func theNeverEventsAreAlwaysAmongTheGuards() {
        #expect(policy([])?.guards == [.invalidOutput, .circuitBreaker])
        #expect(policy([.errorRate])?.guards == [.errorRate, .invalidOutput, .circuitBreaker])
        #expect(policy([.circuitBreaker])?.guards == [.circuitBreaker, .invalidOutput])
        #expect(policy(Guard.neverEvents)?.guards == Guard.neverEvents)
        #expect(Policy.standard(for: fraud).guards == [.errorRate, .invalidOutput, .circuitBreaker])
    }

    @Test func noTwoGuardsShareAName() {
        #expect(policy([.errorRate, .errorRate]) == nil)
        for event in Guard.neverEvents {
            #expect(policy([bound(event.name, .errorRate, .absolute(max: 0.1))]) == nil)
        }
    }

    /// What can be built can be recorded and read back, at the edges too.
    @Test(arguments: [0, 1, 48, 49, 50, 51])
    func aPolicyReadsBackAsWritten(count: Int) throws {
        let guards = (0..<count).map { bound("g\($0)", .errorRate, .absolute(max: 0.1)) }
        guard let policy = policy(guards) else {
            #expect(count > Policy.mostGuards)
            return
        }
        let bytes = try JSONEncoder().encode(policy)
        #expect(try JSONDecoder().decode(Policy.self, from: bytes) == policy)
    }

    @Test(arguments: [(-1, 2, 5000), (0, -1, 5000), (0, 2, 0), (0, 2, -5)])
    func negativeTimesAndCountsAreRefused(goodAfter: Int64, keepWarm: Int, timeout: Int) {
        let policy = Policy(
            model: fraud,
            serving: ServingSettings(unit: .request, timeoutMilliseconds: timeout, record: .standard),
            plan: .canary,
            guards: [],
            labels: Policy.Labels(output: nil),
            rollback: Policy.Rollback(
                goodAfterMilliseconds: goodAfter,
                keepWarm: keepWarm,
                failing: .standard,
                standby: .wait
            )
        )
        #expect(policy == nil)
    }
}
