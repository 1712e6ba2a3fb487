import BelayCore
import BelayInference
import NIOCore
import NIOHTTP1
import Testing

@testable import BelayGateway

/// Who answers when somebody cannot, through the real port.
@Suite struct ChainTests {
    private static let fixed = FailureSettings(
        inflight: .replay,
        answer: StaticAnswer(outputs: ["y": [.number(9)]])
    )

    private func failing() throws -> ScriptedInstance {
        ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
            throw .runFailed(reason: "always")
        }
    }

    @Test func aStandbyAnswersWhenStableFails() async throws {
        try await Rig.run { rig in
            rig.pool.put(try failing(), for: fraudVersion(3))
            rig.pool.put(try failing(), for: fraudVersion(2))
            rig.pool.put(try constant(1), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 3, standbys: [2, 1])))
            let response = try await rig.client().ask()
            #expect(response.status == 200)
            #expect(try answered(response) == 1)
            #expect(response["Belay-Version"] == "1")
            #expect(response["Belay-Fallback"] == "stable=error, standby=error")
            #expect(rig.log.last?.fallback == "stable=error, standby=error")
        }
    }

    /// Fails on rows that begin with a negative number.
    private func picky(_ value: Float) throws -> ScriptedInstance {
        ScriptedInstance(signature: try signature()) { inputs throws(InferenceError) in
            // The sign is the highest bit of the fourth byte.
            guard case .packed(let bytes) = inputs.first?.tensor.storage, bytes[3] & 0x80 == 0 else {
                throw .runFailed(reason: "negative")
            }
            return [try floats("y", [value], shape: [1])]
        }
    }

    private let negative = #"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[-1,0]}]}"#

    /// Five in a row from one caller, twice: everybody else is answered as before.
    @Test func requestsThatEveryVersionFailsOnOpenNoBreaker() async throws {
        try await Rig.run { rig in
            for number in 1...3 { rig.pool.put(try picky(Float(number)), for: fraudVersion(number)) }
            _ = try await rig.gateway.publish(
                table(1, route(stable: 2, candidate: 3, share: .all, standbys: [1]))
            )
            let client = try await rig.client()
            for _ in 0..<2 * CircuitBreaker.consecutive {
                #expect(try await client.post(inferPath, negative).status == 500)
            }
            let answer = try await client.ask()
            #expect(try answered(answer) == 3)
            #expect(answer["Belay-Fallback"] == nil)
            #expect(await rig.gateway.figures().breakers.values.allSatisfy { $0 == .closed })
        }
    }

    @Test func requestsThatOnlyOneVersionFailsOnOpenItsBreaker() async throws {
        try await Rig.run { rig in
            rig.pool.put(try picky(2), for: fraudVersion(2))
            rig.pool.put(try constant(1), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 2, standbys: [1])))
            let client = try await rig.client()
            for _ in 0..<CircuitBreaker.consecutive {
                #expect(try answered(try await client.post(inferPath, negative)) == 1)
            }
            #expect(try await client.ask()["Belay-Fallback"] == "stable=tripped")
        }
    }

    @Test func whoNamesAVersionOpensNoBreaker() async throws {
        try await Rig.run { rig in
            for number in 1...2 { rig.pool.put(try picky(Float(number)), for: fraudVersion(number)) }
            _ = try await rig.gateway.publish(table(1, route(stable: 2, standbys: [1])))
            let client = try await rig.client()
            for _ in 0..<2 * CircuitBreaker.consecutive {
                let path = "/v2/models/fraud/versions/2/infer"
                #expect(try await client.post(path, negative).status == 500)
            }
            #expect(try answered(try await client.ask()) == 2)
        }
    }

    @Test func thePolicysOwnAnswerLeavesWhenNoVersionCan() async throws {
        try await Rig.run { rig in
            rig.pool.put(try failing(), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, failing: Self.fixed)))
            let rows = #"{"inputs":[{"name":"x","shape":[3,2],"datatype":"FP32","data":[1,2,3,4,5,6]}]}"#
            let response = try await rig.client().post(inferPath, rows)
            #expect(response.status == 200)
            let answer = try OIPResponse.decode(response.body, limits: .standard)
            #expect(answer.outputs == [try floats("y", [9, 9, 9], shape: [3])])
            #expect(answer.version == nil)
            #expect(response["Belay-Fallback"] == "stable=error, fixed")
            #expect(response["Belay-Version"] == nil)
            #expect(rig.log.last?.fallback == "stable=error, fixed")
        }
    }

    @Test func aNamedVersionHasNobodyBehindIt() async throws {
        try await Rig.run { rig in
            rig.pool.put(try failing(), for: fraudVersion(2))
            rig.pool.put(try constant(1), for: fraudVersion(1))
            let route = route(stable: 2, standbys: [1], failing: Self.fixed)
            _ = try await rig.gateway.publish(table(1, route))
            let response = try await rig.client().ask(path: "/v2/models/fraud/versions/2/infer")
            #expect(response.status == 500)
        }
    }

    @Test func anAliasReachesItsVersionAndNoOther() async throws {
        try await Rig.run { rig in
            for number in 1...2 { rig.pool.put(try constant(Float(number)), for: fraudVersion(number)) }
            let aliases = [
                "champion": version(1), "gone": version(7), "1.5.0": version(2), "out": version(3),
            ]
            let route = route(stable: 2, standbys: [1], withdrawn: [3], aliases: aliases)
            _ = try await rig.gateway.publish(table(1, route))
            let client = try await rig.client()
            #expect(try answered(try await client.ask(path: "/v2/models/fraud/labels/champion/infer")) == 1)
            #expect(try answered(try await client.ask(path: "/v2/models/fraud/labels/1.5.0/infer")) == 2)
            for (name, status) in [("gone", 404), ("nobody", 404), ("out", 410)] {
                let path = "/v2/models/fraud/labels/\(name)"
                #expect(try await client.ask(path: "\(path)/infer").status == status)
                #expect(try await client.get(path).status == status)
            }
        }
    }

    @Test(arguments: [
        ("250ms", 504), ("0", 400), ("0ms", 400), ("soon", 400), ("-5", 400), ("250ms \t", 504),
    ])
    func aCallersOwnDeadlineEndsTheChain(text: String, status: Int) async throws {
        try await Rig.run { rig in
            let gate = rig.gate()
            rig.pool.put(HangingInstance(signature: try signature(), gate: gate), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, timeout: 60_000)))
            let response = try await rig.client().post(
                inferPath,
                headers: ["Belay-Deadline": text],
                question
            )
            #expect(response.status == status)
        }
    }

    @Test func hurriedCallersNeitherTripAVersionNorChargeIt() async throws {
        try await Rig.run(loops: 1) { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(UnendingInstance(signature: try signature(), rig: rig), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2, timeout: 60_000)))
            try await withThrowingTaskGroup(of: String?.self) { group in
                for number in 0..<CircuitBreaker.consecutive + 1 {
                    let headers: HTTPHeaders = [
                        "X-User": user(in: .candidate, nth: number), "Belay-Deadline": "600ms",
                    ]
                    let client = try await rig.client()
                    group.addTask {
                        try await client.post(inferPath, headers: headers, question)["Belay-Fallback"]
                    }
                }
                for try await fallback in group {
                    #expect(fallback?.hasPrefix("candidate=deadline") == true)
                }
            }
            #expect(await rig.gateway.collect().counts[key(.errorRate, .candidate, bad: true)] == nil)
            #expect(await rig.gateway.figures().breakers[fraudVersion(2)] == .closed)
        }
    }

    @Test func aCandidateThatFailsAgainAndAgainIsNotAskedForAWhileAndStillCharged() async throws {
        try await Rig.run(loops: 1) { rig in
            let asked = Counter()
            let candidate = ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
                asked.next()
                throw .runFailed(reason: "always")
            }
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(candidate, for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2)))
            let client = try await rig.client()
            // One more and no further: an open breaker asks again after some seconds of the real clock.
            let all = CircuitBreaker.consecutive + 1
            for number in 0..<all {
                let response = try await client.ask(user: user(in: .candidate, nth: number))
                #expect(try answered(response) == 1)
                let reason = number < CircuitBreaker.consecutive ? "error" : "tripped"
                #expect(response["Belay-Fallback"] == "candidate=\(reason)")
            }
            #expect(asked.value == CircuitBreaker.consecutive)
            #expect(await rig.gateway.collect().counts[key(.errorRate, .candidate, bad: true)] == all)
            #expect(await rig.gateway.figures().breakers[fraudVersion(2)] == .open)
        }
    }

    @Test func aTraceIsKeptAndTold() async throws {
        try await Rig.run { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 1)))
            let (client, trace) = (try await rig.client(), "4bf92f3577b34da6a3ce929d0e0e4736")
            let parent = "00-\(trace)-00f067aa0ba902b7-01"
            let response = try await client.post(inferPath, headers: ["traceparent": parent], question)
            #expect(response["traceparent"] == parent)
            #expect(rig.log.last?.trace == trace)
            let broken = try await client.post(inferPath, headers: ["traceparent": "00-0-0-0"], question)
            #expect(broken["traceparent"] == nil)
            #expect(rig.log.last?.trace == nil)
        }
    }
}

/// Runs until it is cancelled, each time anew.
private final class UnendingInstance: Instance {
    let signature: Signature
    private let rig: Rig

    init(signature: Signature, rig: Rig) {
        self.signature = signature
        self.rig = rig
    }

    func infer(
        _ inputs: [NamedTensor],
        outputs: [String],
        cancellation: Cancellation
    ) throws(InferenceError) -> [NamedTensor] {
        let gate = rig.gate()
        return try cancellation.stopping {
            gate.open()
        } _: { () throws(InferenceError) in
            gate.passThrough()
            throw .cancelled
        }
    }
}

/// What a rollback does with requests in flight.
@Suite struct InflightTests {
    private func settings(_ inflight: FailureSettings.Inflight) -> FailureSettings {
        FailureSettings(inflight: inflight, answer: nil)
    }

    @Test(.timeLimit(.minutes(10)))
    func aDrainingVersionMayFinishAndTheReceiptWaitsForIt() async throws {
        try await Rig.run { rig in
            let gate = rig.gate()
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(2, at: gate), for: fraudVersion(2))
            let failing = settings(.drain)
            _ = try await rig.gateway.publish(table(1, route(stable: 2, standbys: [1], failing: failing)))
            let client = try await rig.client()
            async let slow = client.ask()
            try await gate.waitForRun()
            let after = table(2, route(stable: 1, withdrawn: [2], failing: failing))
            let isOver = Counter()
            async let receipt = {
                let receipt = try await rig.gateway.publish(after)
                isOver.next()
                return receipt
            }()
            // Requests that come meanwhile are answered by the new stable version.
            let other = try await rig.client()
            while try await !other.get("/v2/models/fraud").text.contains(#""versions":["1"]"#) {}
            #expect(try await answered(other.ask()) == 1)
            #expect(isOver.value == 0)
            gate.open()
            #expect(try await answered(slow) == 2)
            let proof = try await receipt
            #expect(proof.drained == 1)
            #expect(proof.replayed == 0)
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: [false, true])
    func aFailingPolicyRefusesWhatIsInFlightAndTheReceiptSaysSo(isPrepared: Bool) async throws {
        try await Rig.run { rig in
            let gate = rig.gate()
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(2, at: gate), for: fraudVersion(2))
            let failing = settings(.fail)
            _ = try await rig.gateway.publish(table(1, route(stable: 2, standbys: [1], failing: failing)))
            let client = try await rig.client()
            async let slow = client.ask()
            try await gate.waitForRun()
            let next = table(2, route(stable: 1, withdrawn: [2], failing: failing))
            if isPrepared { await rig.gateway.prepare(next) }
            let receipt = try await rig.gateway.publish(next)
            #expect(receipt.replayed == 0)
            #expect(receipt.cutOff == 1)
            let response = try await slow
            #expect(response.status == 503)
            #expect(response["Retry-After"] == "1")
            gate.open()
        }
    }
}
