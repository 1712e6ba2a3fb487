import BelayCore
import BelayGateway
import BelayInference
import NIOCore
import Testing

/// Tables that every loop knows before they count.
@Suite struct PreparationTests {
    private func twoVersions(_ rig: Rig) throws {
        for number in 1...2 { rig.pool.put(try constant(Float(number)), for: fraudVersion(number)) }
    }

    @Test func aPreparedTableChangesNothingUntilItIsPublished() async throws {
        try await Rig.run { rig in
            try twoVersions(rig)
            _ = try await rig.gateway.publish(table(1, route(stable: 2, standbys: [1])))
            let next = table(2, route(stable: 1, withdrawn: [2]))
            await rig.gateway.prepare(next)
            let client = try await rig.client()
            for _ in 0..<20 {
                let answer = try await client.ask()
                #expect(try answered(answer) == 2)
                #expect(answer["Belay-Epoch"] == "1")
            }
            let receipt = try await rig.gateway.publish(next)
            #expect(receipt.epoch == Epoch(2))
            #expect(receipt.loops == 2)
            let answer = try await client.ask()
            #expect(try answered(answer) == 1)
            #expect(answer["Belay-Epoch"] == "2")
            #expect(try await client.get("/v2/models/fraud").text.contains(#""versions":["1"]"#))
        }
    }

    @Test func whatIsTakenBackIsPublishedLikeAnyOther() async throws {
        try await Rig.run { rig in
            try twoVersions(rig)
            _ = try await rig.gateway.publish(table(1, route(stable: 2, standbys: [1])))
            await rig.gateway.prepare(table(2, route(stable: 1, withdrawn: [2])))
            await rig.gateway.prepare(nil)
            let client = try await rig.client()
            #expect(try await answered(client.ask()) == 2)
            let receipt = try await rig.gateway.publish(table(2, route(stable: 1, withdrawn: [2])))
            #expect(receipt.epoch == Epoch(2))
            #expect(try await answered(client.ask()) == 1)
        }
    }

    /// What was prepared was never recorded, and another entry got its number.
    @Test func anotherTableOfTheSameEpochCountsAndThePreparedOneDoesNot() async throws {
        try await Rig.run { rig in
            try twoVersions(rig)
            _ = try await rig.gateway.publish(table(1, route(stable: 2, standbys: [1])))
            await rig.gateway.prepare(table(2, route(stable: 1, withdrawn: [2])))
            _ = try await rig.gateway.publish(table(2, route(stable: 2)))
            let client = try await rig.client()
            let answer = try await client.ask()
            #expect(try answered(answer) == 2)
            #expect(answer["Belay-Epoch"] == "2")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func requestsInFlightWhenItIsPublishedAreCountedAndAnsweredAgain() async throws {
        try await Rig.run { rig in
            let gate = rig.gate()
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(2, at: gate), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 2, standbys: [1])))
            let (before, after) = (try await rig.client(), try await rig.client())
            async let first = before.ask()
            try await gate.waitForRun()
            let next = table(2, route(stable: 1, withdrawn: [2]))
            await rig.gateway.prepare(next)
            async let second = after.ask()
            // The second one is on its way when the gateway says so.
            while await rig.gateway.figures().inFlight < 2 { await Task.yield() }
            let receipt = try await rig.gateway.publish(next)
            #expect(receipt.replayed == 2)
            for answer in [try await first, try await second] {
                #expect(try answered(answer) == 1)
                #expect(answer["Belay-Fallback"] == "stable=withdrawn")
                #expect(answer["Belay-Epoch"] == "2")
            }
            gate.open()
            #expect(try await rig.gateway.publish(table(3, route(stable: 1, withdrawn: [2]))).replayed == 0)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aTableThatLetsRequestsFinishStillWaitsForThem() async throws {
        try await Rig.run { rig in
            let gate = rig.gate()
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(2, at: gate), for: fraudVersion(2))
            let failing = FailureSettings(inflight: .drain, answer: nil)
            _ = try await rig.gateway.publish(table(1, route(stable: 2, standbys: [1], failing: failing)))
            let client = try await rig.client()
            async let slow = client.ask()
            try await gate.waitForRun()
            let next = table(2, route(stable: 1, withdrawn: [2], failing: failing))
            await rig.gateway.prepare(next)
            async let receipt = rig.gateway.publish(next)
            let other = try await rig.client()
            while try await !other.get("/v2/models/fraud").text.contains(#""versions":["1"]"#) {}
            gate.open()
            #expect(try await answered(slow) == 2)
            #expect(try await receipt.drained == 1)
        }
    }
}
