import BelayCore
import Testing

@Suite("Decide: standbys that are not ready")
struct StandbyTests {
    /// Versions 1 and 2 served for an hour each, 3 serves.
    private func serving(_ last: Duration = hour) throws -> World {
        var world = World()
        try world.register(1, 2, 3, 4)
        for (version, time) in [(1, hour), (2, last), (3, hour)] {
            try world.serve(version)
            world.wait(time)
        }
        return world
    }

    private func selection(_ events: [Event]) throws -> [Considered] {
        let rollbacks = events.compactMap { event -> Rollback? in
            if case .release(.rolledBack(let rollback)) = event { rollback } else { nil }
        }
        return try #require(rollbacks.last).selection
    }

    /// Or a guard would go back to what has to be loaded first.
    @Test func whatARollbackPrefersStaysLoaded() throws {
        var world = try serving(.seconds(60))
        #expect(world.route?.standbys == [number(1), number(2)])
        try world.run(.changePolicy(prod, policy(.instant, keepWarm: 1)))
        #expect(world.route?.standbys == [number(1)])
        #expect(world.state.demand.loaded == [id(3), id(1)])
        try world.rollBack()
        #expect(world.stable == 1)
    }

    /// Callers would get its objections in place of answers.
    @Test func whatDoesNotTakeTodaysRequestsIsAskedByNobodyAndKeptLast() throws {
        var world = World()
        try world.run(.register(draft(1)))
        for number in 2...4 { try world.run(.register(draft(number, signature: twentyFeatures))) }
        for (version, time) in [(1, hour), (2, .seconds(60)), (3, hour)] {
            try world.serve(version)
            world.wait(time)
        }
        #expect(world.route?.standbys == [number(2)])
        #expect(world.state.demand.loaded == [id(3), id(2), id(1)])
        try world.run(.changePolicy(prod, policy(.instant, keepWarm: 1)))
        #expect(world.state.demand.loaded == [id(3), id(2)])
    }

    /// It gets the requests of its share and no others.
    @Test func aFormerThatIsTriedAgainIsNoStandby() throws {
        var world = try serving()
        try world.release(2, under: policy(plan([step(percent: 5)])))
        try world.passGates()
        #expect(world.route?.candidate?.version == number(2))
        #expect(world.route?.standbys == [number(1)])
    }

    /// What a holdback keeps from it, it gets when the predecessor fails.
    @Test func whatServesStandsFirstBehindItsPredecessor() throws {
        var world = try serving()
        let plan = Plan(steps: [], watchMilliseconds: hour.wholeMilliseconds, holdback: share(percent: 10))
        try world.release(4, under: policy(legal(plan)))
        try world.passGates()
        #expect(world.route?.stable == number(3))
        #expect(world.route?.candidate?.version == number(4))
        #expect(world.route?.standbys.first == number(4))
        try world.advance()
        #expect(world.route?.stable == number(4))
        #expect(world.route?.standbys.contains(number(4)) == false)
    }

    @Test func aReadyVersionIsPreferred() throws {
        var world = try serving()
        let events = try world.run(.rollback(rollbackRequest()), unready: [id(2): "it is not loaded"])
        #expect(
            try selection(events) == [
                Considered(version: number(2), taken: false, why: "is not ready: it is not loaded"),
                Considered(version: number(1), taken: true, why: "is the last good version"),
            ]
        )
        #expect(world.stable == 1)
    }

    @Test func whereNoneIsReadyTheBestIsTakenAllTheSame() throws {
        var world = try serving()
        let events = try world.run(.rollback(rollbackRequest()), unready: [id(2): "a", id(1): "b"])
        #expect(
            try selection(events) == [
                Considered(
                    version: number(2),
                    taken: true,
                    why: "is the last good version, though not ready: a"
                )
            ]
        )
    }

    @Test func whatDoesNotLoadIsNoTargetHoweverReady() throws {
        var world = try serving()
        let events = try world.run(
            .rollback(rollbackRequest(unloadable: [1: "no file"])),
            unready: [id(2): "a"]
        )
        #expect(try selection(events).map(\.taken) == [true])
        #expect(world.stable == 2)
    }

    @Test func aNamedTargetNeedNotBeReady() throws {
        var world = try serving()
        try world.run(.rollback(rollbackRequest(to: 2)), unready: [id(2): "a"])
        #expect(world.stable == 2)
    }

    @Test func aBreachDuringTheWatchPrefersAReadyVersionToo() throws {
        var world = try serving()
        try world.release(4, under: policy(plan([], watch: hour)))
        try world.passGates()
        let ruling = Command.rule(world.activeID, .rollback("error_rate", []))
        try world.run(ruling, by: .belay, unready: [id(3): "a"])
        #expect(world.stable == 2)
    }

    private func atLastStep(_ standby: Policy.StandbyRule, ending: Plan.Ending = .promote) throws -> World {
        var world = try serving()
        let plan = plan([step(percent: 5), step(percent: 50)], ending: ending)
        try world.release(4, under: policy(plan, standby: standby))
        try world.passGates()
        return world
    }

    @Test(arguments: Policy.StandbyRule.allCases)
    func theLastAdvanceWaitsForTheStandbyUnlessThePolicyDoesNotMind(rule: Policy.StandbyRule) throws {
        var world = try atLastStep(rule)
        let unready = [id(3): "its answers have changed"]
        let advance = Command.rule(world.activeID, .advance([]))
        #expect(try world.run(advance, by: .belay, unready: unready).map(\.kind) == [.stepEntered])
        let kinds = try world.run(advance, by: .belay, unready: unready).map(\.kind)
        #expect(kinds == (rule == .ignore ? [.promoted, .settled] : []))
        if rule != .ignore {
            // Another version than the one that would become the standby does not matter.
            #expect(try world.run(advance, by: .belay, unready: [id(2): "a"]).count == 2)
        }
        #expect(world.stable == 4)
    }

    @Test(arguments: Policy.StandbyRule.allCases)
    func aPersonIsTold(rule: Policy.StandbyRule) throws {
        var world = try atLastStep(rule)
        let promote = Command.promote(world.activeID)
        let unready = [id(3): "it is not loaded"]
        if rule == .ignore {
            #expect(try world.run(promote, unready: unready).count == 2)
        } else {
            let refused = Refusal.standbyNotReady(world.activeID, id(3), reason: "it is not loaded")
            #expect(throws: refused) { try world.run(promote, unready: unready) }
            #expect(try world.run(promote).count == 2)
        }
    }

    @Test func aResumptionThatPromotesIsToldToo() throws {
        var world = try atLastStep(.wait, ending: .hold)
        try world.advance()
        try world.advance()
        let resume = Command.resume(world.activeID)
        #expect(throws: Refusal.self) { try world.run(resume, unready: [id(3): "a"]) }
        #expect(world.active?.awaitsPerson == true)
        #expect(try world.run(resume).map(\.kind) == [.resumed, .promoted, .settled])
    }

    @Test func aPlanWithoutStepsAsksForNoStandby() throws {
        var world = try serving()
        try world.release(4, under: policy(.instant, standby: .refuse))
        try world.run(.concludeGates(passing(world.activeID)), unready: [id(3): "a"])
        #expect(world.stable == 4)
    }
}
