import BelayCore
import Testing

@Suite("Decide: shadows")
struct DecideShadowTests {
    private func serving() throws -> World {
        var world = World()
        try world.register(1, 2, 3, 4)
        try world.serve(1)
        return world
    }

    private func shadow(_ version: Int, percent: Double = 10) -> Command {
        .changeShadow(
            prod,
            ShadowRequest(version: .number(number(version)), share: share(percent: percent))
        )
    }

    @Test func aStandingShadowIsRoutedAndLoadedUntilItEnds() throws {
        var world = try serving()
        #expect(try world.run(shadow(2)).map(\.kind) == [.shadowChanged])
        let expected = Route.Shadow(version: number(2), release: nil, share: share(percent: 10))
        #expect(world.route?.shadows == [expected])
        #expect(world.route?.answering == [number(1)])
        #expect(world.state.demand.loaded == [id(1), id(2)])
        #expect(try world.run(shadow(2)).isEmpty)
        #expect(try world.run(shadow(2, percent: 20)).map(\.kind) == [.shadowChanged])
        #expect(try world.run(.changeShadow(prod, nil)).map(\.kind) == [.shadowChanged])
        #expect(world.route?.shadows == [])
        #expect(try world.run(.changeShadow(prod, nil)).isEmpty)
    }

    @Test func whatCannotBeAShadowIsRefused() throws {
        var world = try serving()
        #expect(refusal(of: shadow(1), in: world.state) == "version.already-serving")
        #expect(refusal(of: shadow(9), in: world.state) == "version.unknown")
        #expect(outcome(of: shadow(2, percent: 0), in: world.state) == "-")
        try world.serve(2)
        try world.rollBack()
        #expect(refusal(of: shadow(2), in: world.state) == "version.quarantined")
        var empty = World()
        try empty.register(1)
        #expect(refusal(of: shadow(1), in: empty.state) == "endpoint.nothing-serves")
        #expect(refusal(of: .changeShadow(prod, nil), in: State()) == "model.unknown")
    }

    @Test func aVersionThatIsTakenOutIsNoShadowAnyMoreAndDoesNotComeBack() throws {
        var world = try serving()
        try world.run(shadow(2))
        try world.release(2, under: policy(twoSteps()))
        try world.passGates()
        try world.rollBack()
        #expect(world.route?.shadows == [])
        try world.run(.clearQuarantine(id(2)))
        #expect(world.route?.shadows == [])
    }

    @Test func whatServesIsNoShadowOfItself() throws {
        var world = try serving()
        try world.run(shadow(2))
        try world.serve(2)
        #expect(world.route?.shadows == [])
        try world.run(shadow(1))
        try world.rollBack()
        #expect(world.stable == 1)
        #expect(world.route?.shadows == [])
    }

    @Test func aCandidateIsAskedOnceAlthoughItIsAStandingShadowToo() throws {
        var world = try serving()
        try world.run(shadow(2))
        try world.release(2, under: policy(plan([shadowStep(percent: 100), step(percent: 5)])))
        #expect(world.route?.shadows.map(\.release) == [nil])
        try world.passGates()
        #expect(world.route?.shadows.map(\.release) == [world.activeID])
        #expect(world.route?.candidate == nil)
        try world.advance()
        #expect(world.route?.shadows == [])
        #expect(world.route?.candidate?.share == share(percent: 5))
    }

    @Test func aShadowStepAndAnotherStandingShadowAreBothRouted() throws {
        var world = try serving()
        try world.run(shadow(3))
        try world.release(2, under: policy(plan([shadowStep(percent: 100), step(percent: 5)])))
        try world.passGates()
        #expect(world.route?.shadows.map(\.version.value) == [2, 3])
        #expect(world.active?.share == Share.none)
        try world.rollBack()
        #expect(world.route?.shadows.map(\.version.value) == [3])
        #expect(world.route?.withdrawn == [number(2)])
    }

    @Test func theEndOfAShadowOnlyPlanIsAPersons() throws {
        var world = try serving()
        try world.release(2, under: policy(.shadowOnly))
        try world.passGates()
        let events = try world.run(.rule(world.activeID, .advance([])), by: .belay)
        #expect(events.map(\.kind) == [.stepsDone])
        #expect(world.route?.shadows.map(\.version.value) == [2])
        try world.advance()
        #expect(world.stable == 1)
        #expect(try world.run(.resume(world.activeID)).map(\.kind) == [.resumed, .promoted, .settled])
        #expect(world.stable == 2)
    }
}
