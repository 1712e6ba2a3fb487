import BelayCore
import BelayGateway
import BelayInference
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

/// A candidate may fail in any way; its callers must not notice, and its evidence must be exact.
@Suite struct CandidateTests {
    /// Serves 1, tries `candidate` as 2 at one half, and asks once as a user of each arm.
    private func tryOut(
        _ candidate: any Instance,
        timeout: Int = 10_000,
        body: (Rig, _ candidateAnswer: Response) async throws -> Void
    ) async throws {
        try await Rig.run { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(candidate, for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2, timeout: timeout)))
            let client = try await rig.client()
            let usual = try await client.ask(user: user(in: .stable))
            #expect(try answered(usual) == 1)
            #expect(usual["Belay-Arm"] == "stable")
            #expect(usual["Belay-Release"] == "r1")
            try await body(rig, try await client.ask(user: user(in: .candidate)))
        }
    }

    private func expectFallback(_ response: Response, _ reason: String, in rig: Rig) throws {
        #expect(response.status == 200)
        #expect(try answered(response) == 1)
        #expect(response["Belay-Version"] == "1")
        #expect(response["Belay-Arm"] == "stable")
        #expect(response["Belay-Fallback"] == "candidate=\(reason)")
        let answer = try #require(rig.log.last)
        #expect(answer.version == version(1))
        #expect(answer.fallback == "candidate=\(reason)")
        #expect(answer.release == release)
        #expect(answer.share == half)
        #expect(answer.unit == UnitHash(bytes: user(in: .candidate).utf8))
    }

    @Test func aHealthyCandidateAnswersItsUnitsAndBothArmsAreCounted() async throws {
        try await tryOut(try constant(2)) { rig, response in
            let number = try answered(response)
            #expect(number == 2)
            #expect(response["Belay-Version"] == "2")
            #expect(response["Belay-Arm"] == "candidate")
            #expect(response["Belay-Release"] == "r7")
            #expect(response["Belay-Fallback"] == nil)
            #expect(
                await rig.gateway.collect().counts == [
                    key(.errorRate, .stable, bad: false): 1, key(.errorRate, .candidate, bad: false): 1,
                ]
            )
            #expect(await rig.gateway.collect().isEmpty)
        }
    }

    @Test func aCandidateThatErrsIsChargedAndStableAnswers() async throws {
        let failing = ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
            throw .runFailed(reason: "bad luck")
        }
        try await tryOut(failing) { rig, response in
            try expectFallback(response, "error", in: rig)
            #expect(
                await rig.gateway.collect().counts == [
                    key(.errorRate, .stable, bad: false): 1, key(.errorRate, .candidate, bad: true): 1,
                ]
            )
        }
    }

    @Test(arguments: ["NaN", "infinity", "shape", "type", "missing"])
    func aCandidateThatAnswersNonsenseIsChargedWithTheNeverEventToo(nonsense: String) async throws {
        let candidate = ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
            switch nonsense {
            case "NaN": [try floats("y", [.nan], shape: [1])]
            case "infinity": [try floats("y", [1, -.infinity], shape: [2])]
            case "shape": [try floats("y", [1, 2], shape: [1, 2])]
            case "type":
                [NamedTensor(name: "y", tensor: try Tensor(type: .int8, shape: [1], storage: .packed([1])))]
            default: []
            }
        }
        try await tryOut(candidate) { rig, response in
            try expectFallback(response, "invalid-output", in: rig)
            #expect(
                await rig.gateway.collect().counts == [
                    key(.errorRate, .stable, bad: false): 1, key(.errorRate, .candidate, bad: true): 1,
                    key(.invalidOutput, .candidate, bad: true): 1,
                ]
            )
        }
    }

    /// One odd request must not take out a good version.
    @Test func whatStableCannotAnswerEitherCondemnsNobody() async throws {
        try await Rig.run { rig in
            for number in 1...2 {
                let nonsense = ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
                    [try floats("y", [.nan], shape: [1])]
                }
                rig.pool.put(nonsense, for: fraudVersion(number))
            }
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2)))
            let client = try await rig.client()
            let response = try await client.ask(user: user(in: .candidate))
            #expect(response.status >= 500)
            #expect(response["Belay-Fallback"] == "candidate=invalid-output, stable=invalid-output")
            #expect(await rig.gateway.collect().counts == [key(.errorRate, .candidate, bad: true): 1])
        }
    }

    @Test func aCandidateThatHangsIsCancelledChargedAndStableAnswers() async throws {
        let gate = Gate(on: MultiThreadedEventLoopGroup.singleton.any())
        try await tryOut(HangingInstance(signature: try signature(), gate: gate), timeout: 2000) {
            rig,
            response in
            try expectFallback(response, "timeout", in: rig)
            #expect(gate.isOpen)
            #expect(
                await rig.gateway.collect().counts == [
                    key(.errorRate, .stable, bad: false): 1, key(.errorRate, .candidate, bad: true): 1,
                ]
            )
        }
    }

    @Test func aCandidateThatCannotBeStoppedBlocksNothingButItself() async throws {
        try await Rig.run(
            loops: 1,
            configure: {
                $0.laneThreads = 1; $0.laneWaiting = 1
            }
        ) { rig in
            let gate = rig.gate()
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(2, at: gate), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2, timeout: 1000)))
            let client = try await rig.client()
            var reasons: [String?] = []
            for nth in 0..<4 {
                let response = try await client.ask(user: user(in: .candidate, nth: nth))
                #expect(try answered(response) == 1)
                reasons.append(response["Belay-Fallback"])
            }
            // Two fill its lane; the others do not even wait.
            #expect(
                reasons == [
                    "candidate=timeout", "candidate=timeout", "candidate=overloaded", "candidate=overloaded",
                ]
            )
            #expect(await rig.gateway.collect().counts == [key(.errorRate, .candidate, bad: true): 4])
            gate.open()
        }
    }

    @Test func whileTheCandidateIsNotLoadedStableAnswersAndNothingIsCounted() async throws {
        try await Rig.run { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            let routes = table(1, route(stable: 1, candidate: 2))
            _ = try await rig.gateway.publish(routes)
            let client = try await rig.client()
            let response = try await client.ask(user: user(in: .candidate))
            try expectFallback(response, "not-loaded", in: rig)
            _ = try await client.ask(user: user(in: .stable))
            #expect(await rig.gateway.collect().isEmpty)

            rig.pool.put(try constant(2), for: fraudVersion(2))
            let receipt = try await rig.gateway.publish(routes)
            #expect(receipt.epoch == Epoch(1))
            #expect(try answered(try await client.ask(user: user(in: .candidate))) == 2)
        }
    }

    @Test func stableThatFailsInTheCandidatesPlaceIsNotChargedForIt() async throws {
        try await Rig.run { rig in
            for number in 1...2 {
                let failing = ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
                    throw .runFailed(reason: "both")
                }
                rig.pool.put(failing, for: fraudVersion(number))
            }
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2)))
            let response = try await rig.client().ask(user: user(in: .candidate))
            #expect(response.status == 500)
            #expect(response["Belay-Fallback"] == "candidate=error, stable=error")
            #expect(await rig.gateway.collect().counts == [key(.errorRate, .candidate, bad: true): 1])
        }
    }

    @Test func onlyTheFirstOutcomeOfAStickyUnitIsEvidence() async throws {
        let calls = Counter()
        let candidate = ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
            guard calls.next() == 1 else { throw .runFailed(reason: "later") }
            return [try floats("y", [2], shape: [1])]
        }
        try await tryOut(candidate) { rig, _ in
            let client = try await rig.client()
            for _ in 0..<5 { _ = try await client.ask(user: user(in: .candidate)) }
            _ = try await client.ask(user: user(in: .candidate, nth: 1))
            #expect(
                await rig.gateway.collect().counts == [
                    key(.errorRate, .stable, bad: false): 1, key(.errorRate, .candidate, bad: false): 1,
                    key(.errorRate, .candidate, bad: true): 1,
                    key(.errorRate, .candidate, bad: true, share: .all): 5,
                ]
            )
        }
    }

    @Test func aNeverEventCountsAlsoFromAUnitThatWasFineBefore() async throws {
        let calls = Counter()
        let candidate = ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
            [try floats("y", [calls.next() == 1 ? 2 : .nan], shape: [1])]
        }
        try await tryOut(candidate) { rig, _ in
            _ = try await rig.client().ask(user: user(in: .candidate))
            #expect(await rig.gateway.collect().counts[key(.invalidOutput, .candidate, bad: true)] == 1)
        }
    }

    @Test func unitsCountedBeforeARestartAreNotCountedAgain() async throws {
        try await Rig.run { rig in
            for number in 1...2 { rig.pool.put(try constant(Float(number)), for: fraudVersion(number)) }
            rig.gateway.seed(
                units: [UnitHash(bytes: user(in: .candidate).utf8)],
                for: release,
                inEvidenceEpoch: 0
            )
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2)))
            let client = try await rig.client()
            _ = try await client.ask(user: user(in: .candidate))
            _ = try await client.ask(user: user(in: .stable))
            #expect(
                await rig.gateway.collect().counts == [
                    key(.errorRate, .stable, bad: false): 1,
                    key(.errorRate, .candidate, bad: false, share: .all): 1,
                ]
            )
            #expect(rig.gateway.uncountedUnits == 0)
        }
    }

    @Test func requestsWithoutTheirUnitAreTossedAloneAndEachCounts() async throws {
        try await Rig.run { rig in
            for number in 1...2 { rig.pool.put(try constant(Float(number)), for: fraudVersion(number)) }
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2)))
            let client = try await rig.client()
            for _ in 0..<40 { #expect(try await client.ask().status == 200) }
            #expect(await rig.gateway.collect().counts.values.reduce(0, +) == 40)
            #expect(rig.log.all.allSatisfy { $0.unit == nil && $0.release == release })
            #expect(Set(rig.log.all.map(\.arm)) == [.stable, .candidate])
        }
    }

    @Test func theUnitMayStandInTheBody() async throws {
        try await Rig.run { rig in
            for number in 1...2 { rig.pool.put(try constant(Float(number)), for: fraudVersion(number)) }
            let unit = ServingSettings.Unit.pointer("/parameters/account")
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2, unit: unit)))
            let client = try await rig.client()
            for arm in [Arm.stable, .candidate] {
                let body = #"{"parameters":{"account":"\#(user(in: arm))"},"# + question.dropFirst()
                #expect(try await client.post(inferPath, body)["Belay-Arm"] == arm.rawValue)
            }
        }
    }

    @Test(arguments: [Share.none, .all])
    func withoutAChoiceThereIsNoEvidence(share: Share) async throws {
        try await Rig.run { rig in
            for number in 1...2 { rig.pool.put(try constant(Float(number)), for: fraudVersion(number)) }
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2, share: share)))
            let expected: Float = share == .all ? 2 : 1
            #expect(try answered(try await rig.client().ask()) == expected)
            #expect(await rig.gateway.collect().isEmpty)
        }
    }

    @Test func aCallerThatLeavesDoesNotHideASlowCandidate() async throws {
        try await Rig.run(loops: 1) { rig in
            let gate = rig.gate()
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(2, at: gate), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2)))
            let (impatient, watching) = (try await rig.client(), try await rig.client())
            async let lost = impatient.status(user: user(in: .candidate))
            try await gate.waitForRun()
            try await impatient.close()
            #expect(await lost == nil)
            // What was sent on two connections may arrive in any order.
            _ = try await watching.get("/v2/health/live")
            while await rig.gateway.figures().connections > 1 { await Task.yield() }
            gate.open()
            while rig.log.all.isEmpty { _ = try await watching.get("/v2/health/live") }
            #expect(rig.log.last?.status == 499)
            #expect(await rig.gateway.collect().counts == [key(.errorRate, .candidate, bad: false): 1])
        }
    }
}
