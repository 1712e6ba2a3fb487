import BelayCore
import BelayInference
import NIOCore
import NIOHTTP1
import Testing

@testable import BelayGateway

/// What the log is told, and what an answer waits for.
@Suite struct RecordTests {
    private func record(
        _ extent: RecordSettings.Extent = .every,
        _ durability: RecordSettings.Durability = .buffered,
        _ onFull: RecordSettings.Overflow = .drop,
        redact: [String] = [],
        subject: ServingSettings.Unit? = nil
    ) -> RecordSettings {
        RecordSettings(
            extent: extent,
            durability: durability,
            onFull: onFull,
            redact: redact,
            subject: subject,
            keepMilliseconds: nil,
            keepBytes: nil
        )
    }

    @Test func everyAnswerIsKeptOrLeftOut() async throws {
        try await Rig.run { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            let client = try await rig.client()
            _ = try await rig.gateway.publish(table(1, route(stable: 1, record: record(.none))))
            for _ in 0..<5 { #expect(try await client.ask().status == 200) }
            #expect(rig.log.all.isEmpty)
            #expect(rig.log.sampledOut == 5)
            _ = try await rig.gateway.publish(table(2, route(stable: 1, record: record(.sample(half)))))
            for _ in 0..<200 { #expect(try await client.ask().status == 200) }
            #expect(rig.log.all.count + rig.log.sampledOut == 205)
            // 200 fair coins give fewer than 50 or more than 150 once in 10¹².
            #expect((50...150).contains(rig.log.all.count))
        }
    }

    @Test func aDurableAnswerLeavesAfterItsRecord() async throws {
        try await Rig.run { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, record: record(.every, .durable))))
            rig.log.holdCommits()
            let client = try await rig.client()
            let arrived = Counter()
            async let answer = {
                let response = try await client.ask()
                arrived.next()
                return response
            }()
            let other = try await rig.client()
            while rig.log.waitingCommits == 0 { _ = try await other.get("/v2/health/live") }
            #expect(arrived.value == 0)
            rig.log.commit()
            #expect(try await answer.status == 200)
            #expect(rig.log.all.count == 1)
        }
    }

    @Test func anAnswerWhoseRecordWaitsIsStillFenced() async throws {
        try await Rig.run { rig in
            for number in 1...2 { rig.pool.put(try constant(Float(number)), for: fraudVersion(number)) }
            let record = record(.every, .durable)
            _ = try await rig.gateway.publish(table(1, route(stable: 2, standbys: [1], record: record)))
            rig.log.holdCommits()
            let client = try await rig.client()
            async let answer = client.ask()
            let other = try await rig.client()
            while rig.log.waitingCommits == 0 { _ = try await other.get("/v2/health/live") }
            let receipt = try await rig.gateway.publish(
                table(2, route(stable: 1, withdrawn: [2], record: record))
            )
            #expect(receipt.replayed == 1)
            while rig.log.waitingCommits < 2 { _ = try await other.get("/v2/health/live") }
            rig.log.commit()
            let response = try await answer
            #expect(try answered(response) == 1)
            #expect(response["Belay-Fallback"] == "stable=withdrawn")
        }
    }

    @Test(arguments: [(RecordSettings.Overflow.drop, 200), (.refuse, 503)])
    func aFullLogDropsOrRefusesAsThePolicySays(onFull: RecordSettings.Overflow, status: Int) async throws {
        for durability in [RecordSettings.Durability.buffered, .durable] {
            try await Rig.run { rig in
                rig.pool.put(try constant(1), for: fraudVersion(1))
                let record = record(.every, durability, onFull)
                _ = try await rig.gateway.publish(table(1, route(stable: 1, record: record)))
                let client = try await rig.client()
                #expect(try await client.get("/v2/health/ready").status == 200)
                rig.log.limit(to: 0)
                let response = try await client.ask()
                #expect(response.status == status, "\(durability)")
                let isReady = status == 200
                for path in ["/v2/health/ready", "/v2/models/fraud/ready"] {
                    #expect(try await client.get(path).status == (isReady ? 200 : 400), "\(path)")
                }
                #expect(try await client.get("/ping").status == (isReady ? 200 : 503))
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aDiskThatIsTooSlowIsNotTheVersionsFault() async throws {
        try await Rig.run(loops: 1) { rig in
            for number in 1...2 { rig.pool.put(try constant(Float(number)), for: fraudVersion(number)) }
            let record = record(.every, .durable)
            let route = route(stable: 1, candidate: 2, timeout: 100, record: record)
            _ = try await rig.gateway.publish(table(1, route))
            rig.log.holdCommits()
            let response = try await rig.client().ask(user: user(in: .candidate))
            #expect(response.status == 504)
            #expect(await rig.gateway.collect().isEmpty)
            rig.log.commit()
        }
    }

    @Test func thePolicysOwnAnswerWaitsForItsRecordToo() async throws {
        try await Rig.run { rig in
            let failing = ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
                throw .runFailed(reason: "always")
            }
            rig.pool.put(failing, for: fraudVersion(1))
            let fixed = FailureSettings(
                inflight: .replay,
                answer: StaticAnswer(outputs: ["y": [.number(9)]])
            )
            let route = route(stable: 1, record: record(.every, .durable), failing: fixed)
            _ = try await rig.gateway.publish(table(1, route))
            rig.log.holdCommits()
            let client = try await rig.client()
            async let answer = client.ask()
            let other = try await rig.client()
            while rig.log.waitingCommits == 0 { _ = try await other.get("/v2/health/live") }
            #expect(rig.log.all.map(\.fallback) == ["stable=error, fixed"])
            rig.log.commit()
            #expect(try answered(try await answer) == 9)
            #expect(rig.log.all.count == 1)
        }
    }

    /// They are not tossed by their unit, and an erasure must find them all the same.
    @Test func pinnedRequestsAreAboutSomebodyToo() async throws {
        try await Rig.run { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            let client = try await rig.client()
            func kept(_ path: String) async throws -> Answer {
                let response = try await client.post(path, headers: ["X-User": "ann"], question)
                #expect(response.status == 200)
                return try #require(rig.log.last)
            }
            _ = try await rig.gateway.publish(table(1, route(stable: 1)))
            for path in ["/v2/models/fraud/infer", "/v2/models/fraud/versions/1/infer"] {
                #expect(try await kept(path).subject == UnitHash(bytes: "ann".utf8), "\(path)")
            }
            let byBody = ServingSettings.Unit.pointer("/id")
            _ = try await rig.gateway.publish(table(2, route(stable: 1, unit: byBody)))
            let pinned = try await kept("/v2/models/fraud/versions/1/infer")
            #expect(pinned.subject == nil && pinned.subjectPointer?.description == "/id")
        }
    }

    @Test func anErrorIsNotRecordedWithWhatIsHidden() async throws {
        try await Rig.run { rig in
            let failing = ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
                throw .runFailed(reason: "no index 4111111111111111")
            }
            rig.pool.put(failing, for: fraudVersion(1))
            let hiding = record(redact: ["/inputs/x"])
            _ = try await rig.gateway.publish(table(1, route(stable: 1, record: hiding)))
            let response = try await rig.client().ask()
            #expect(response.status >= 500)
            let kept = String(decoding: try #require(rig.log.last).response, as: UTF8.self)
            #expect(kept == #"{"error":"[redacted]"}"#)
        }
    }

    @Test func whatIsHiddenStaysHiddenWhenTheRouteIsGone() async throws {
        try await Rig.run { rig in
            let gate = rig.gate()
            rig.pool.put(try waiting(1, at: gate), for: fraudVersion(1))
            let hiding = record(redact: ["/inputs/x"], subject: .pointer("/id"))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, record: hiding)))
            let client = try await rig.client()
            async let answer = client.ask()
            try await gate.waitForRun()
            _ = try await rig.gateway.publish(RouteTable(epoch: Epoch(2), routes: [:]))
            #expect(try await answer.status == 503)
            #expect(rig.log.last?.redaction != nil)
            #expect(rig.log.last?.subjectPointer?.description == "/id")
            gate.open()
        }
    }

    @Test func aRecordThatCouldNotBeKeptRefusesTheAnswer() async throws {
        try await Rig.run { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            let record = record(.every, .durable, .refuse)
            _ = try await rig.gateway.publish(table(1, route(stable: 1, record: record)))
            rig.log.holdCommits()
            let client = try await rig.client()
            async let answer = client.ask()
            let other = try await rig.client()
            while rig.log.waitingCommits == 0 { _ = try await other.get("/v2/health/live") }
            rig.log.commit(isKept: false)
            #expect(try await answer.status == 503)
        }
    }
}

/// Copies of requests that answer nobody.
@Suite struct ShadowTests {
    private func shadow(_ number: Int) -> Route.Shadow {
        Route.Shadow(version: version(number), release: release, share: .all)
    }

    /// Asks until the shadow's outcomes have come in.
    private func outcomes(of rig: Rig, _ count: Int) async throws -> EvidenceCounts {
        let client = try await rig.client()
        var sum = EvidenceCounts()
        for _ in 0..<count {
            #expect(try answered(try await client.ask()) == 1)
            // One at a time, so that none is shed.
            repeat {
                sum.merge(await rig.gateway.collect())
                _ = try await client.get("/v2/health/live")
            } while await rig.gateway.figures().shadows.values.reduce(0, { $0 + $1.pairs + $1.errors })
                < sumOfAsked(rig)
        }
        sum.merge(await rig.gateway.collect())
        return sum
    }

    private func sumOfAsked(_ rig: Rig) -> Int { rig.log.all.count { !$0.isShadow } }

    @Test(.timeLimit(.minutes(10)), arguments: [(Float(1), false), (2, true)])
    func aPairIsComparedAndNobodyIsTold(says: Float, differs: Bool) async throws {
        try await Rig.run(loops: 1) { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try constant(says), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, shadows: [shadow(2)])))
            let counts = try await outcomes(of: rig, 3).counts
            #expect(counts[key(.disagreement, .candidate, bad: differs, share: .all)] == 3)
            #expect(counts[key(.shadowError, .candidate, bad: false, share: .all)] == 3)
            #expect(rig.log.all.filter(\.isShadow).map(\.version) == [version(2), version(2), version(2)])
            #expect(await rig.gateway.figures().shadows[fraudVersion(2)]?.differing == (differs ? 3 : 0))
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aShadowThatFailsHarmsNobodyAndIsCounted() async throws {
        try await Rig.run(loops: 1) { rig in
            let failing = ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
                throw .runFailed(reason: "always")
            }
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(failing, for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, shadows: [shadow(2)])))
            let counts = try await outcomes(of: rig, 2).counts
            #expect(counts[key(.shadowError, .candidate, bad: true, share: .all)] == 2)
            #expect(counts[key(.disagreement, .candidate, bad: true, share: .all)] == nil)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func copiesBehindASlowShadowAreShedAndCallersAreServed() async throws {
        try await Rig.run(loops: 1) { rig in
            let gate = rig.gate()
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(1, at: gate), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, shadows: [shadow(2)])))
            let client = try await rig.client()
            for _ in 0..<40 { #expect(try answered(try await client.ask()) == 1) }
            let shed = await rig.gateway.figures().shadows[fraudVersion(2)]?.shed ?? 0
            #expect(shed >= 40 - ShadowRun.mostWaiting)
            gate.open()
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aShadowThatIsTakenOutCountsForNothing() async throws {
        try await Rig.run(loops: 1) { rig in
            let gate = rig.gate()
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(2, at: gate), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, shadows: [shadow(2)])))
            let client = try await rig.client()
            #expect(try await client.ask().status == 200)
            try await gate.waitForRun()
            _ = try await rig.gateway.publish(table(2, route(stable: 1, withdrawn: [2])))
            gate.open()
            for _ in 0..<5 { _ = try await client.ask() }
            #expect(await rig.gateway.collect().isEmpty)
            #expect(rig.log.all.allSatisfy { !$0.isShadow })
        }
    }
}
