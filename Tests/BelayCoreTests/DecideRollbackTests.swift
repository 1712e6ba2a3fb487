import BelayCore
import Testing

@Suite("Decide: rollback")
struct DecideRollbackTests {
    /// Serves each version in turn, for the given time.
    private func serving(_ versions: [(version: Int, time: Duration)]) throws -> World {
        var world = World()
        try world.register(1, 2, 3, 4)
        for (version, time) in versions {
            try world.serve(version)
            world.wait(time)
        }
        return world
    }

    private func rollback(in events: [Event]) throws -> Rollback {
        let rollbacks = events.compactMap {
            if case .release(.rolledBack(let rollback)) = $0 { rollback } else { nil }
        }
        return try #require(rollbacks.last)
    }

    @Test func aProvenVersionComesBeforeANewerUnprovenOne() throws {
        var world = try serving([(1, hour), (2, .seconds(60)), (3, hour)])
        let rollback = try rollback(in: world.rollBack())
        #expect(rollback.to == number(1))
        #expect(rollback.selection.map(\.taken) == [true])
        #expect(world.stable == 1)
        #expect(world.state.endpoints[prod]?.stable?.provenBefore == true)
    }

    @Test func theNewestProvenVersionIsTaken() throws {
        var world = try serving([(1, hour), (2, hour), (3, hour)])
        #expect(try rollback(in: world.rollBack()).to == number(2))
    }

    @Test func withoutAProvenVersionTheNewestIsTaken() throws {
        var world = try serving([(1, .seconds(1)), (2, .seconds(1)), (3, .seconds(1))])
        #expect(try rollback(in: world.rollBack()).to == number(2))
    }

    /// v1 takes other inputs than v2, which serves and is watched.
    private func watchingWhatTakesMore(holdback: Double) throws -> World {
        var world = World()
        try world.run(.register(draft(1)))
        try world.run(.register(draft(2, signature: twentyFeatures)))
        try world.serve(1)
        world.wait(hour)
        let plan = Plan(
            steps: [],
            watchMilliseconds: hour.wholeMilliseconds,
            holdback: share(percent: holdback)
        )
        try world.release(2, under: policy(legal(plan)))
        try world.passGates()
        #expect(world.stable == 2)
        return world
    }

    /// A bad answer may be one of many, and no version at all is none to anybody.
    @Test func aGuardLeavesNobodyWithoutAVersion() throws {
        var world = try watchingWhatTakesMore(holdback: 0)
        let ruling = Command.rule(world.activeID, .rollback("invalid_output", []))
        #expect(try world.run(ruling, by: .belay) == [])
        #expect(world.stable == 2)
        #expect(world.route?.withdrawn == [])
        #expect(refusal(of: .rollback(rollbackRequest()), in: world.state) == "rollback.no-target")
        try world.rollBack(to: 1)
        #expect(world.stable == 1)
    }

    @Test func whatAnswersAPartOfTodaysRequestsTakesThem() throws {
        var world = try watchingWhatTakesMore(holdback: 10)
        let ruling = Command.rule(world.activeID, .rollback("invalid_output", []))
        let rollback = try rollback(in: world.run(ruling, by: .belay))
        #expect(rollback.to == number(1))
        #expect(rollback.selection.map(\.why) == ["is the last good version"])
        #expect(world.stable == 1)
    }

    @Test func theListExplainsWhatWasPassedOver() throws {
        var world = World()
        try world.run(.register(draft(1)))
        try world.run(.register(draft(2, signature: twentyFeatures)))
        try world.register(3, 4)
        for version in [1, 2, 3, 4] {
            try world.serve(version)
            world.wait(hour)
        }
        let rollback = try rollback(in: world.rollBack(unloadable: [3: "the file is cut short"]))
        #expect(rollback.from == number(4))
        #expect(rollback.to == number(1))
        #expect(rollback.selection.map(\.version.value) == [3, 2, 1])
        #expect(rollback.selection.map(\.taken) == [false, false, true])
        #expect(rollback.selection[0].why == "does not load: the file is cut short")
        #expect(rollback.selection[1].why.contains("features"))
    }

    /// A candidate may promise more than stable did, a narrower shape or one output more: that is no trap.
    @Test func whatAnswersOtherwiseStillComesBeforeNothing() throws {
        let more = signature(
            [spec("features", .fp32, [nil, 30])],
            [spec("label", .int64, [1]), spec("why", .bytes, [nil])]
        )
        var world = World()
        try world.register(1)
        try world.run(.register(draft(2, signature: more)))
        try world.run(.register(draft(3, signature: more)))
        for version in [1, 2] {
            try world.serve(version)
            world.wait(hour)
        }
        let back = try rollback(in: world.rollBack())
        #expect(back.to == number(1))
        #expect(back.selection.first?.why.contains("though it answers otherwise: output 'label'") == true)
        try world.run(.clearQuarantine(id(2)))
        for version in [2, 1, 3] {
            try world.serve(version)
            world.wait(hour)
        }
        let fitting = try rollback(in: world.rollBack())
        #expect(fitting.to == number(2), "one that answers as today comes before a newer one that does not")
    }

    @Test func whereNoneIsLeftTheListSaysWhy() throws {
        let world = try serving([(1, hour), (2, hour)])
        let command = Command.rollback(rollbackRequest(unloadable: [1: "no file"]))
        let considered = [Considered(version: number(1), taken: false, why: "does not load: no file")]
        #expect(throws: Refusal.nothingToGoBackTo(prod, considered: considered)) {
            try decide(command, by: ann, in: world.state)
        }
    }

    @Test func aTargetThatDoesNotLoadIsPassedOverDuringTheWatchToo() throws {
        var world = try serving([(1, hour), (2, hour)])
        try world.release(3, under: policy(plan([], watch: hour)))
        try world.passGates()
        let rollback = try rollback(in: world.rollBack(unloadable: [2: "no file"]))
        #expect(rollback.to == number(1))
        #expect(rollback.release == ReleaseID(3))
        #expect(rollback.selection.map(\.taken) == [false, true])
    }

    @Test(arguments: [1, 2])
    func aFormerStableCanBeNamed(target: Int) throws {
        var world = try serving([(1, hour), (2, hour), (3, hour)])
        let rollback = try rollback(in: world.rollBack(to: target))
        #expect(rollback.to == number(target))
        #expect(rollback.release == nil)
        #expect(rollback.cause == .request(by: ann))
        #expect(world.stable == target)
        #expect(world.route?.withdrawn == [number(3)])
    }

    @Test func aFormerStableCanBeNamedByItsLabel() throws {
        var world = World()
        try world.run(.register(draft(1, label: label("1.5.0"))))
        try world.register(2, 3)
        for version in [1, 2, 3] { try world.serve(version) }
        let request = RollbackRequest(endpoint: prod, to: .label(label("1.5.0")), unloadable: [:])
        try world.run(.rollback(request))
        #expect(world.stable == 1)
    }

    @Test func goingToWhatServesIsAlreadySo() throws {
        var world = try serving([(1, hour), (2, hour)])
        #expect(try world.rollBack(to: 2).isEmpty)
        #expect(world.route?.withdrawn.isEmpty == true)
    }

    @Test func targetsThatAreNoWayBackAreRefused() throws {
        var world = try serving([(1, hour), (2, hour), (3, hour)])
        try world.rollBack()
        func code(_ to: Int, unloadable: [Int: String] = [:]) -> String? {
            refusal(of: .rollback(rollbackRequest(to: to, unloadable: unloadable)), in: world.state)
        }
        #expect(code(9) == "version.unknown")
        #expect(code(4) == "rollback.never-served")
        #expect(code(3) == "version.quarantined")
        #expect(code(1, unloadable: [1: "no file"]) == "rollback.does-not-load")
        #expect(code(1) == nil)
    }

    @Test func whereNothingServesThereIsNothingToTakeBack() throws {
        var world = World()
        try world.register(1)
        #expect(refusal(of: .rollback(rollbackRequest()), in: world.state) == "endpoint.nothing-serves")
        try world.release(1)
        #expect(try world.rollBack().map(\.kind) == [.rolledBack, .quarantined])
        #expect(world.stable == nil)
        #expect(refusal(of: .rollback(rollbackRequest()), in: world.state) == "endpoint.nothing-serves")
    }

    @Test func duringAReleaseAnOlderTargetTakesOutBoth() throws {
        var world = try serving([(1, hour), (2, hour)])
        try world.release(3, under: policy(twoSteps()))
        try world.passGates()
        let events = try world.rollBack(to: 1)
        #expect(events.map(\.kind) == [.rolledBack, .quarantined, .rolledBack, .quarantined])
        #expect(world.stable == 1)
        #expect(world.route?.withdrawn == [number(2), number(3)])
        #expect(world.newest?.hasEnded == true)
    }

    @Test func duringAReleaseTheStableVersionAsTargetTakesOutOnlyTheCandidate() throws {
        var world = try serving([(1, hour), (2, hour)])
        try world.release(3, under: policy(twoSteps()))
        try world.passGates()
        #expect(try world.rollBack(to: 2).map(\.kind) == [.rolledBack, .quarantined])
        #expect(world.stable == 2)
        #expect(world.route?.withdrawn == [number(3)])
    }

    @Test func theVersionOnTrialIsNoTarget() throws {
        var world = try serving([(1, hour), (2, hour)])
        try world.release(1, under: policy(twoSteps()))
        try world.passGates()
        #expect(refusal(of: .rollback(rollbackRequest(to: 1)), in: world.state) == "release.in-progress")
        #expect(world.stable == 2)
        try world.rollBack()
        #expect(world.stable == 2)
        #expect(world.route?.withdrawn == [number(1)])
    }

    @Test func theWatchEndsInARollbackOfTheRelease() throws {
        var world = try serving([(1, hour), (2, hour)])
        try world.release(3, under: policy(plan([], watch: hour)))
        try world.passGates()
        #expect(world.stable == 3)
        let release = world.activeID
        let rollback = try rollback(in: world.rollBack(to: 1))
        #expect(rollback.release == release)
        #expect(world.stable == 1)
        #expect(world.active == nil)
    }

    @Test func whatComesBackCanGoBackFurther() throws {
        var world = try serving([(1, hour), (2, hour), (3, hour)])
        try world.rollBack()
        try world.rollBack()
        #expect(world.stable == 1)
        #expect(world.route?.withdrawn == [number(2), number(3)])
        #expect(refusal(of: .rollback(rollbackRequest()), in: world.state) == "rollback.no-target")
    }

    @Test func aFenceIsRecordedOnceAndOnlyWithANewEnoughReceipt() throws {
        var world = try serving([(1, hour), (2, hour)])
        try world.rollBack()
        let fence = try #require(world.state.demand.fences.first)
        func receipt(_ epoch: Int) -> Receipt {
            Receipt(epoch: Epoch(epoch), loops: 2, replayed: 0, drained: 0, elapsedMicroseconds: 900)
        }
        #expect(try world.run(.recordFence(fence, receipt(fence.epoch.value - 1))).isEmpty)
        #expect(world.state.demand.fences == [fence])
        #expect(
            try world.run(.recordFence(fence, receipt(fence.epoch.value))).map(\.kind) == [.fenceCompleted]
        )
        #expect(world.state.demand.fences.isEmpty)
        #expect(try world.run(.recordFence(fence, receipt(fence.epoch.value))).isEmpty)
    }
}
