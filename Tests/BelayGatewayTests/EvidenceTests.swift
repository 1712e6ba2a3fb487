import BelayCore
import BelayGateway
import BelayInference
import BelayStats
import NIOHTTP1
import Testing

/// What a gateway counts besides answers: latencies, predictions, features, misfits, each exactly once.
@Suite struct EvidenceTests {
    private func bins(_ numbers: [Double]) throws -> ReferenceBins {
        try #require(ReferenceBins(numbers: numbers, missing: 0))
    }

    /// Latency, misfits, predictions and the first of two features, all split by the second.
    private func plan() throws -> CountingPlan {
        let tenths = (0..<100).map(Double.init)
        return CountingPlan(
            countsLatency: true,
            countsSchema: true,
            columns: [
                .init(series: .prediction, bins: try bins([1, 2])),
                .init(series: .feature("x[0]"), bins: try bins(tenths)),
            ],
            slicings: [.init(feature: "x[1]", series: [.answers, .latency, .feature("x[0]")])]
        )
    }

    private func body(_ first: Double, _ second: Double) -> String {
        #"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[\#(first),\#(second)]}]}"#
    }

    private func ask(_ client: HTTPClient, _ user: String, _ body: String) async throws -> Response {
        try await client.post(inferPath, headers: ["X-User": user], body)
    }

    /// The counts of one series and slice by arm and code, whatever the share.
    private func codes(
        _ counts: EvidenceCounts,
        _ series: Series,
        slice: RequestSlice? = nil
    ) -> [Arm: [Int: Int]] {
        var codes: [Arm: [Int: Int]] = [:]
        for (key, number) in counts.counts where key.series == series && key.slice == slice {
            codes[key.arm, default: [:]][key.code, default: 0] += number
        }
        return codes
    }

    private func total(_ counts: EvidenceCounts, _ series: Series, where isWanted: (EvidenceKey) -> Bool)
        -> Int
    {
        counts.counts.filter { $0.key.series == series && isWanted($0.key) }.values.reduce(0, +)
    }

    @Test func everySeriesAddsUpToTheAnswersOverAllLoops() async throws {
        let plan = try plan()
        try await Rig.run(loops: 3) { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try constant(2), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2, counting: plan)))
            var asked = 0
            for connection in 0..<4 {
                let client = try await rig.client()
                for nth in 0..<6 {
                    let user = user(
                        in: nth.isMultiple(of: 2) ? .stable : .candidate,
                        nth: connection * 6 + nth
                    )
                    #expect(
                        try await ask(client, user, body(Double(nth * 15), Double(nth % 2))).status == 200
                    )
                    asked += 1
                }
            }
            let counts = await rig.gateway.collect()
            for series in [.answers, .latency, .schema, .prediction, .feature("x[0]")] as [Series] {
                #expect(total(counts, series) { $0.slice == nil } == asked, "\(series)")
                #expect(total(counts, series) { $0.slice == nil && $0.share != half } == 0, "\(series)")
            }
            for series in [.answers, .latency, .feature("x[0]")] as [Series] {
                #expect(total(counts, series) { $0.slice != nil } == asked, "\(series)")
            }
            #expect(total(counts, .prediction) { $0.slice != nil } == 0)
            #expect(await rig.gateway.collect().isEmpty)
        }
    }

    @Test func predictionsAndFeaturesFallIntoTheBinsOfTheReference() async throws {
        let plan = try plan()
        try await Rig.run(loops: 1) { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try constant(2), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2, counting: plan)))
            let client = try await rig.client()
            _ = try await ask(client, user(in: .stable), body(0, 7))
            _ = try await ask(client, user(in: .candidate), body(99, 2.5))
            let counts = await rig.gateway.collect()
            let (predictions, feature) = (plan.columns[0].bins, plan.columns[1].bins)
            #expect(
                codes(counts, .prediction) == [
                    .stable: [predictions.bin(of: 1): 1], .candidate: [predictions.bin(of: 2): 1],
                ]
            )
            #expect(
                codes(counts, .feature("x[0]")) == [
                    .stable: [feature.bin(of: 0): 1], .candidate: [feature.bin(of: 99): 1],
                ]
            )
            #expect(
                codes(counts, .answers, slice: RequestSlice(feature: "x[1]", value: "7")) == [.stable: [0: 1]]
            )
            #expect(
                codes(counts, .answers, slice: RequestSlice(feature: "x[1]", value: "2.5"))
                    == [.candidate: [0: 1]]
            )
        }
    }

    @Test func aFailedRequestIsSlowestPredictsNothingAndWasReadAllTheSame() async throws {
        let plan = try plan()
        let failing = ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
            throw .runFailed(reason: "bad luck")
        }
        try await Rig.run(loops: 1) { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(failing, for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2, counting: plan)))
            let client = try await rig.client()
            #expect(try await ask(client, user(in: .candidate), body(50, 1)).status == 200)
            let counts = await rig.gateway.collect()
            #expect(codes(counts, .answers) == [.candidate: [1: 1]])
            #expect(codes(counts, .latency) == [.candidate: [LogHistogram.highestBucket: 1]])
            #expect(codes(counts, .prediction) == [.candidate: [plan.columns[0].bins.missingBin: 1]])
            #expect(codes(counts, .feature("x[0]")) == [.candidate: [plan.columns[1].bins.bin(of: 50): 1]])
            #expect(codes(counts, .schema) == [.candidate: [0: 1]])
        }
    }

    @Test func aVersionThatIsNotAskedSaysNothingOfFeatures() async throws {
        let plan = try plan()
        try await Rig.run(
            loops: 1,
            configure: {
                $0.laneThreads = 1; $0.laneWaiting = 0
            }
        ) { rig in
            let gate = rig.gate()
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(2, at: gate), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2, counting: plan)))
            let (first, second) = (try await rig.client(), try await rig.client())
            async let waiting = ask(first, user(in: .candidate), body(50, 1))
            try await gate.waitForRun()
            let refused = try await ask(second, user(in: .candidate, nth: 1), body(50, 1))
            #expect(refused["Belay-Fallback"] == "candidate=overloaded")
            gate.open()
            #expect(try await waiting.status == 200)
            let counts = await rig.gateway.collect()
            #expect(codes(counts, .answers) == [.candidate: [0: 1, 1: 1]])
            #expect(total(counts, .feature("x[0]")) { $0.slice == nil } == 1)
            // Whose slice it was nobody knows.
            let others = RequestSlice(feature: "x[1]", value: RequestSlice.others)
            #expect(codes(counts, .answers, slice: others) == [.candidate: [1: 1]])
        }
    }

    @Test func aRequestThatDoesNotFitIsCountedForTheArmOfItsCoinAndIsNoError() async throws {
        let plan = try plan()
        try await Rig.run(loops: 1) { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try constant(2), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2, counting: plan)))
            let client = try await rig.client()
            let odd = #"{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}"#
            #expect(try await ask(client, user(in: .candidate), odd).status == 400)
            #expect(try await ask(client, user(in: .stable), "{").status == 400)
            // The same unit again is a sample, and no second toss.
            #expect(try await ask(client, user(in: .stable), "{").status == 400)
            let counts = await rig.gateway.collect()
            #expect(
                counts.counts == [
                    misfit(.candidate, half): 1, misfit(.stable, half): 1, misfit(.stable, .none): 1,
                ]
            )
        }
    }

    private func misfit(_ arm: Arm, _ share: Share) -> EvidenceKey {
        EvidenceKey(release: release, series: .schema, slice: nil, arm: arm, share: share, code: 1)
    }

    @Test func nothingMoreIsCountedThanThePlanAsksFor() async throws {
        try await Rig.run(loops: 1) { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try constant(2), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2)))
            let client = try await rig.client()
            _ = try await client.ask(user: user(in: .candidate))
            #expect(try await ask(client, user(in: .candidate), "{").status == 400)
            #expect(await rig.gateway.collect().counts == [key(.errorRate, .candidate, bad: false): 1])
        }
    }

    @Test func withoutATrialStableIsWatchedForItsOwnRelease() async throws {
        let plan = try plan()
        try await Rig.run(loops: 1) { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, watched: plan)))
            let client = try await rig.client()
            for _ in 0..<3 { _ = try await ask(client, "someone", body(50, 1)) }
            _ = try await client.post("/v2/models/fraud/versions/1/infer", headers: [:], body(50, 1))
            let counts = await rig.gateway.collect()
            #expect(
                counts.counts.keys.allSatisfy {
                    $0.release == ReleaseID(1) && $0.arm == .candidate && $0.share == .all
                }
            )
            #expect(codes(counts, .answers) == [.candidate: [0: 3]])
            #expect(total(counts, .latency) { $0.slice == nil } == 3)
            #expect(total(counts, .feature("x[0]")) { $0.slice == nil } == 3)
        }
    }

    /// Whether going back would help is counted where the one that serves fails, and nowhere else.
    @Test func whatTheFirstStandbySaysOfAFailureIsCounted() async throws {
        try await Rig.run(loops: 1) { rig in
            let failing = ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
                throw .runFailed(reason: "bad luck")
            }
            let calls = Counter()
            let moody = ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
                guard calls.next() != 2 else { throw .runFailed(reason: "bad mood") }
                return [try floats("y", [2], shape: [1])]
            }
            rig.pool.put(failing, for: fraudVersion(3))
            rig.pool.put(moody, for: fraudVersion(2))
            rig.pool.put(try constant(1), for: fraudVersion(1))
            let watched = route(stable: 3, standbys: [2, 1], watched: .nothing)
            _ = try await rig.gateway.publish(table(1, watched))
            let client = try await rig.client()
            for _ in 0..<3 { #expect(try await client.ask(user: "someone").status == 200) }
            let counts = await rig.gateway.collect()
            let (answered, failed) = (
                Rescues.code(of: version(2), hasFailed: false), Rescues.code(of: version(2), hasFailed: true)
            )
            #expect(codes(counts, .rescue) == [.candidate: [answered: 2, failed: 1]])
            #expect(codes(counts, .answers) == [.candidate: [1: 3]])
        }
    }

    @Test func aNewEvidenceEpochTossesAUnitAfresh() async throws {
        try await Rig.run(loops: 1) { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try constant(2), for: fraudVersion(2))
            let client = try await rig.client()
            for epoch in 0..<3 {
                _ = try await rig.gateway.publish(
                    table(epoch + 1, route(stable: 1, candidate: 2, epoch: epoch))
                )
                for _ in 0..<2 { _ = try await client.ask(user: user(in: .candidate)) }
                #expect(
                    await rig.gateway.collect().counts == [
                        key(.errorRate, .candidate, bad: false): 1,
                        key(.errorRate, .candidate, bad: false, share: .all): 1,
                    ]
                )
            }
        }
    }

    @Test func valuesKeepTheirSlicesWhenTheTableChanges() async throws {
        let plan = try plan()
        try await Rig.run(loops: 1) { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try constant(2), for: fraudVersion(2))
            let client = try await rig.client()
            for epoch in 1...2 {
                _ = try await rig.gateway.publish(
                    table(epoch, route(stable: 1, candidate: 2, counting: plan))
                )
                for value in 0..<15 {
                    let user = user(in: .stable, nth: epoch * 20 + value)
                    _ = try await ask(client, user, body(1, Double(epoch * 15 + value)))
                }
            }
            let counts = await rig.gateway.collect()
            let slices = Set(counts.counts.keys.compactMap(\.slice))
            #expect(slices.count == CountingPlan.mostValues + 1)
            let others = RequestSlice(feature: "x[1]", value: RequestSlice.others)
            #expect(codes(counts, .answers, slice: others) == [.stable: [0: 10]])
        }
    }
}
