import BelayCore
import BelayGateway
import BelayInference
import NIOCore
import NIOPosix
import Testing

@Suite struct FenceTests {
    /// The oracle: what was asked after `publish` returned is never answered by what it withdrew.
    @Test(.timeLimit(.minutes(10)), arguments: [false, true])
    func noRequestSentAfterTheReceiptIsAnsweredByTheWithdrawnVersion(isPrepared: Bool) async throws {
        try await Rig.run { rig in
            for number in 1...2 { rig.pool.put(try constant(Float(number)), for: fraudVersion(number)) }
            _ = try await rig.gateway.publish(table(1, route(stable: 1, withdrawn: [2])))
            let (begun, published, asked) = (Counter(), Counter(), Counter())
            let violations = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    group.addTask { try await hammer(rig, begun: begun, published: published, asked: asked) }
                }
                for round in 1...50 {
                    // Every publication meets requests of its own.
                    let before = asked.value
                    while asked.value < before + 16 { await Task.yield() }
                    let (good, bad) = serving(round) == 1 ? (1, 2) : (2, 1)
                    let next = table(1 + round, route(stable: good, withdrawn: [bad]))
                    if isPrepared { await rig.gateway.prepare(next) }
                    begun.next()
                    let receipt = try await rig.gateway.publish(next)
                    published.next()
                    #expect(receipt.epoch == Epoch(1 + round))
                    #expect(receipt.loops == 2)
                }
                var sum = 0
                for try await found in group { sum += found }
                return sum
            }
            #expect(violations == 0)
            #expect(asked.value >= 50 * 16)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aRequestInFlightOnTheWithdrawnVersionIsAnsweredByStable() async throws {
        try await Rig.run { rig in
            let gate = rig.gate()
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(2, at: gate), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 2, standbys: [1])))
            let client = try await rig.client()
            async let answer = client.ask()
            try await gate.waitForRun()
            let receipt = try await rig.gateway.publish(table(2, route(stable: 1, withdrawn: [2])))
            #expect(receipt.replayed == 1)
            #expect(receipt.elapsedMicroseconds > 0)
            // Stable answers at once; nobody waits for what the withdrawn version may still say.
            let response = try await answer
            #expect(try answered(response) == 1)
            #expect(response["Belay-Fallback"] == "stable=withdrawn")
            #expect(response["Belay-Epoch"] == "2")
            gate.open()
            #expect(try answered(try await client.ask()) == 1)
            let again = try await rig.gateway.publish(table(3, route(stable: 1, withdrawn: [2])))
            #expect(again.replayed == 0)
        }
    }

    @Test func aCandidateWithdrawnUnderARequestIsNotChargedForIt() async throws {
        try await Rig.run { rig in
            let gate = rig.gate()
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(2, at: gate), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2)))
            let client = try await rig.client()
            async let answer = client.ask(user: user(in: .candidate))
            try await gate.waitForRun()
            let receipt = try await rig.gateway.publish(table(2, route(stable: 1, withdrawn: [2])))
            #expect(receipt.replayed == 1)
            gate.open()
            let response = try await answer
            #expect(response["Belay-Fallback"] == "candidate=withdrawn")
            #expect(await rig.gateway.collect().isEmpty)
        }
    }

    @Test func aPinnedRequestInFlightOnTheWithdrawnVersionIsGone() async throws {
        try await Rig.run { rig in
            let gate = rig.gate()
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(2, at: gate), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, standbys: [2])))
            let client = try await rig.client()
            async let answer = client.ask(path: "/v2/models/fraud/versions/2/infer")
            try await gate.waitForRun()
            let receipt = try await rig.gateway.publish(table(2, route(stable: 1, withdrawn: [2])))
            #expect(receipt.replayed == 0)
            #expect(receipt.cutOff == 1)
            let response = try await answer
            #expect(response.status == 410)
            gate.open()
        }
    }

    @Test func aPromotionDisturbsNoRequestInFlight() async throws {
        try await Rig.run { rig in
            let gate = rig.gate()
            rig.pool.put(try waiting(1, at: gate), for: fraudVersion(1))
            rig.pool.put(try constant(2), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1)))
            let client = try await rig.client()
            async let answer = client.ask()
            try await gate.waitForRun()
            let receipt = try await rig.gateway.publish(table(2, route(stable: 2, standbys: [1])))
            #expect(receipt.replayed == 0)
            gate.open()
            let response = try await answer
            #expect(try answered(response) == 1)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func thereIsNoReceiptBeforeTheLastLoopHasTakenTheTable() async throws {
        try await Rig.run(loops: 2) { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 1)))
            // Accepted one after the other, so each on its own loop.
            let (first, second) = (try await rig.client(), try await rig.client())
            #expect(try await first.get("/v2/health/live").status == 200)
            #expect(try await second.get("/v2/health/live").status == 200)
            let gate = rig.gate()
            rig.log.blockNext(at: gate)
            async let held = first.ask()
            try await gate.waitForRun()
            let receipts = Counter()
            async let receipt = rig.gateway.publish(table(2, route(stable: 1)), counting: receipts)
            // The free loop has the new table and has used it many times.
            while try await second.ask()["Belay-Epoch"] != "2" {}
            for _ in 0..<20 { _ = try await second.ask() }
            #expect(receipts.value == 0)
            gate.open()
            let (fenced, before) = (try await receipt, try await held)
            #expect(fenced.loops == 2)
            #expect(receipts.value == 1)
            #expect(before["Belay-Epoch"] == "1")
        }
    }

    @Test func anOlderTableChangesNothingAndIsAcknowledged() async throws {
        try await Rig.run { rig in
            for number in 1...2 { rig.pool.put(try constant(Float(number)), for: fraudVersion(number)) }
            _ = try await rig.gateway.publish(table(5, route(stable: 1)))
            let receipt = try await rig.gateway.publish(table(4, route(stable: 2)))
            #expect(receipt.epoch == Epoch(5))
            #expect(receipt.loops == 2)
            #expect(try answered(try await rig.client().ask()) == 1)
        }
    }

    /// What was allowed to finish, and then to stay, is waited for when it is withdrawn again.
    @Test(.timeLimit(.minutes(10)))
    func whatIsWithdrawnAgainIsDrainedAgain() async throws {
        try await Rig.run { rig in
            let gate = rig.gate()
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(2, at: gate), for: fraudVersion(2))
            let draining = FailureSettings(inflight: .drain, answer: nil)
            let before = route(stable: 2, standbys: [1], failing: draining)
            let after = route(stable: 1, withdrawn: [2], failing: draining)
            _ = try await rig.gateway.publish(table(5, before))
            let client = try await rig.client()
            async let held = client.ask()
            try await gate.waitForRun()
            let first = try await rig.gateway.hand(table(5, after), preparing: nil)
            #expect(first.drained != nil)
            _ = try await rig.gateway.hand(table(5, before), preparing: nil)
            let second = try await rig.gateway.hand(table(6, after), preparing: nil)
            let receipt = second.drained
            #expect(receipt != nil, "the fence is not complete yet")
            gate.open()
            #expect(try answered(try await held) == 2)
            #expect(try await receipt?().drained == 1)
        }
    }

    /// A rollback that is not recorded yet, and one that is refused after all.
    @Test(.timeLimit(.minutes(10)))
    func aTableOfTheSameEpochTakesAVersionOutAndBringsItBack() async throws {
        try await Rig.run { rig in
            let gate = rig.gate()
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(2, at: gate), for: fraudVersion(2))
            let (before, after) = (route(stable: 2, standbys: [1]), route(stable: 1, withdrawn: [2]))
            _ = try await rig.gateway.publish(table(5, before))
            let client = try await rig.client()
            async let held = client.ask()
            try await gate.waitForRun()
            let receipt = try await rig.gateway.publish(table(5, after))
            #expect((receipt.epoch, receipt.replayed) == (Epoch(5), 1))
            let replayed = try await held
            #expect(try answered(replayed) == 1)
            #expect(replayed["Belay-Fallback"] == "stable=withdrawn")
            gate.open()
            #expect(try answered(try await rig.client().ask()) == 1)
            await rig.gateway.prepare(table(6, after))
            _ = try await rig.gateway.publish(table(5, before))
            #expect(try answered(try await rig.client().ask()) == 2)
            // As control does: out at once, and what is to be recorded is prepared in the same turn.
            _ = try await rig.gateway.hand(table(5, after), preparing: table(6, after))
            let suspended = try await rig.client().ask()
            #expect(try answered(suspended) == 1)
            #expect(suspended["Belay-Epoch"] == "5")
            #expect(try await rig.gateway.publish(table(6, after)).epoch == Epoch(6))
            let recorded = try await rig.client().ask()
            #expect(try answered(recorded) == 1)
            #expect(recorded["Belay-Epoch"] == "6")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aVersionIsUnloadedAfterItsLastReferenceIsGone() async throws {
        try await Rig.run { rig in
            let (gate, unloaded) = (rig.gate(), rig.group.any().makePromise(of: Void.self))
            rig.pool.put(try constant(1), for: fraudVersion(1))
            weak var instance: (any Instance)?
            do {
                let tracked = TrackedInstance(try waiting(2, at: gate), onUnload: unloaded)
                instance = tracked
                rig.pool.put(tracked, for: fraudVersion(2))
            }
            _ = try await rig.gateway.publish(table(1, route(stable: 2, standbys: [1])))
            let client = try await rig.client()
            async let answer = client.ask()
            try await gate.waitForRun()
            rig.pool.remove(fraudVersion(2))
            // The pool has let go, but the routes still need it.
            _ = try await rig.gateway.publish(table(1, route(stable: 2, standbys: [1])))
            #expect(instance != nil)
            _ = try await rig.gateway.publish(table(2, route(stable: 1, withdrawn: [2])))
            let response = try await answer
            #expect(try answered(response) == 1)
            // Its run still hangs.
            #expect(instance != nil)
            gate.open()
            try await unloaded.futureResult.get()
            #expect(instance == nil)
        }
    }

    @Test func publicationsAtTheSameTimeEndWithTheNewest() async throws {
        try await Rig.run { rig in
            for number in 1...2 { rig.pool.put(try constant(Float(number)), for: fraudVersion(number)) }
            let epochs = try await withThrowingTaskGroup(of: Epoch.self) { group in
                for epoch in 1...40 {
                    group.addTask {
                        try await rig.gateway.publish(table(epoch, route(stable: epoch == 40 ? 2 : 1))).epoch
                    }
                }
                var epochs: Set<Epoch> = []
                for try await epoch in group { epochs.insert(epoch) }
                return epochs
            }
            #expect(epochs.contains(Epoch(40)))
            #expect(try answered(try await rig.client().ask()) == 2)
        }
    }

    /// A version that is withdrawn while the last requests are waited for answers none of them.
    @Test(.timeLimit(.minutes(10)))
    func aRollbackHoldsWhileTheServerStops() async throws {
        try await Rig.run(configure: {
            $0.drainTimeout = .hours(1)
        }) { rig in
            let gate = rig.gate()
            defer { gate.open() }
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(2, at: gate), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 2)))
            let client = try await rig.client()
            async let answer = client.ask()
            try await gate.waitForRun()
            async let stopped: Void = rig.gateway.shutdown()
            while (try? await rig.rawClient()) != nil { await Task.yield() }
            let receipt = try await rig.gateway.publish(table(2, route(stable: 1, withdrawn: [2])))
            #expect(receipt.epoch == Epoch(2))
            #expect(receipt.replayed == 1)
            #expect(try answered(try await answer) == 1)
            gate.open()
            await stopped
        }
    }

    @Test func afterShutdownNothingIsPublished() async throws {
        try await Rig.run { rig in
            await rig.gateway.shutdown()
            await #expect(throws: GatewayError.stopped) { try await rig.gateway.publish(.empty) }
        }
    }
}

extension Gateway {
    fileprivate func publish(_ table: RouteTable, counting receipts: Counter) async throws -> Receipt {
        let receipt = try await publish(table)
        receipts.next()
        return receipt
    }
}

/// Asks until all fifty publications are done; counts answers of a version withdrawn before they were asked
/// for.
///
/// The number in the answer proves which version computed it. Publications alternate between two versions, so
/// it must be the one of the table that the answer names, which must be no older than the last receipt; and
/// where no publication was under way at all, it must be the one of that receipt, whatever the answer says.
private func hammer(_ rig: Rig, begun: Counter, published: Counter, asked: Counter) async throws -> Int {
    let client = try await rig.client()
    var violations = 0
    while published.value < 50 {
        let before = published.value
        let response = try await client.ask()
        let underWay = begun.value > before
        asked.next()
        #expect(response.status == 200)
        let number = try answered(response)
        let round = (response["Belay-Epoch"].flatMap { Int($0) } ?? 0) - 1
        if round < before || number != serving(round) || (!underWay && number != serving(before)) {
            violations += 1
        }
    }
    try await client.close()
    return violations
}

/// The version, and its number, that a round puts in place.
private func serving(_ round: Int) -> Float { round.isMultiple(of: 2) ? 1 : 2 }
