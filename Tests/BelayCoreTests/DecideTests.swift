import BelayCore
import Testing

/// The moments in the life of an endpoint at which any command may come.
enum Scene: String, CaseIterable {
    case gating, gatingHeld, canary0, canary0Held, canary1, canary1Held, watching, watchingHeld
    case settled, refused, rolledBack, rolledBackTwice
    case shadow, shadowHeld, stepsDone

    /// Versions 1 and 2 have served; 3 is, or was, on trial; 4 is registered.
    func world() throws -> World {
        var world = World()
        try world.register(1, 2, 3, 4)
        for version in [1, 2] {
            try world.serve(version)
            world.wait(hour)
        }
        try world.release(3, under: policy(plan))
        try prepare(&world)
        return world
    }

    private var plan: Plan {
        switch self {
        case .shadow, .shadowHeld, .stepsDone: shadowed
        default: twoSteps(watch: hour)
        }
    }

    /// A shadow, then 5 %, then a person decides.
    private var shadowed: Plan {
        BelayCoreTests.plan([shadowStep(percent: 100), step(percent: 5)], ending: .hold, watch: hour)
    }

    private func prepare(_ world: inout World) throws {
        switch self {
        case .gating: break
        case .canary0: try world.passGates()
        case .canary1:
            try Scene.canary0.prepare(&world)
            try world.advance()
        case .watching:
            try Scene.canary1.prepare(&world)
            try world.advance()
        case .settled:
            try Scene.watching.prepare(&world)
            try world.advance()
        case .refused: try world.run(.concludeGates(failing(world.activeID)), by: .belay)
        case .rolledBack:
            try Scene.canary1.prepare(&world)
            try world.rollBack()
        case .rolledBackTwice:
            try Scene.rolledBack.prepare(&world)
            try world.rollBack()
        case .gatingHeld: try hold(.gating, &world)
        case .canary0Held: try hold(.canary0, &world)
        case .canary1Held: try hold(.canary1, &world)
        case .watchingHeld: try hold(.watching, &world)
        case .shadow: try world.passGates()
        case .shadowHeld: try hold(.shadow, &world)
        case .stepsDone:
            try world.passGates()
            try world.advance()
            try world.advance()
        }
    }

    private func hold(_ scene: Scene, _ world: inout World) throws {
        try scene.prepare(&world)
        try world.run(.hold(world.activeID))
    }
}

@Suite("Decide: every phase, every command")
struct DecideTests {
    /// The release on trial in every scene is the third.
    private static let third = ReleaseID(3)

    private static let commands: [Command] = [
        .hold(third), .resume(third), .promote(third), .rule(third, .advance([])),
        .rule(third, .rollback("error_rate", [])), .rule(third, .hold(.breach(of: "error_rate"), [])),
        .concludeGates(passing(third)), .concludeGates(failing(third)), .release(request(4)),
        .rollback(rollbackRequest()), .rollback(rollbackRequest(to: 1)),
    ]

    /// One outcome for each of ``commands``; `out` is a rollback with its quarantine, `-` is nothing.
    private static let table: [Scene: String] = [
        .gating: "held not-held gates-running - out held entered refused in-progress out out+out",
        .gatingHeld: "already-held resumed gates-running - out - - refused in-progress out out+out",
        .canary0: "held not-held promoted entered out held - - in-progress out out+out",
        .canary0Held: "already-held resumed promoted - out - - - in-progress out out+out",
        .canary1: "held not-held promoted promoted out held - - in-progress out out+out",
        .canary1Held: "already-held resumed promoted - out - - - in-progress out out+out",
        .watching: "held not-held - settled out held - - in-progress out out",
        .watchingHeld: "already-held resumed - - out - - - in-progress out out",
        .shadow: "held not-held promoted entered out held - - in-progress out out+out",
        .shadowHeld: "already-held resumed promoted - out - - - in-progress out out+out",
        .stepsDone: "already-held resumed+promoted promoted - out - - - in-progress out out+out",
        .settled: "ended ended ended - - - - - proposed out out",
        .refused: "ended ended ended - - - - - proposed out out",
        .rolledBack: "ended ended ended - - - - - proposed out out",
        .rolledBackTwice: "ended ended ended - - - - - proposed no-target -",
    ]

    /// In the words of the table.
    private static func brief(_ outcome: String) -> String {
        switch outcome {
        case "rolled_back+quarantined": "out"
        case "rolled_back+quarantined+rolled_back+quarantined": "out+out"
        case "step_entered", "gates_passed+step_entered": "entered"
        default: outcome.split(separator: ".").last.map(String.init) ?? outcome
        }
    }

    @Test(arguments: Scene.allCases)
    func everyCommandHasTheDocumentedOutcome(scene: Scene) throws {
        let state = try scene.world().state
        let expected = try #require(Self.table[scene]).split(separator: " ").map(String.init)
        let found = Self.commands.map { Self.brief(outcome(of: $0, in: state)) }
        #expect(found == expected)
    }

    @Test(arguments: Scene.allCases)
    func whateverIsDecidedCanBeFoldedAndARefusalChangesNothing(scene: Scene) throws {
        for command in Self.commands {
            var world = try scene.world()
            let before = world.state
            do {
                try world.run(command)
            } catch is Refusal {
                #expect(world.state == before)
            }
        }
    }

    @Test(arguments: Scene.allCases)
    func aRollbackIsAcceptedInEveryPhaseAndAGoodVersionServes(scene: Scene) throws {
        var world = try scene.world()
        guard scene != .rolledBackTwice else { return }
        let before = try #require(world.stable)
        let onTrial = world.active?.proposal.candidate.value
        try world.rollBack()
        let route = try #require(world.route)
        let stable = try #require(route.stable)
        #expect(!world.state.isQuarantined(VersionID(fraud, stable)))
        #expect(!route.withdrawn.contains(stable))
        #expect(route.candidate == nil)
        #expect(world.active == nil)
        #expect(route.withdrawn.contains(number(onTrial ?? before)))
        #expect(stable.value == (onTrial == nil || onTrial == before ? before - 1 : before))
        #expect(world.state.endpoints[prod]?.automatic == .suspended(since: world.now))
        #expect(world.state.endpoints[prod]?.unfenced != nil)
    }

    @Test func aRollbackWithNoVersionLeftIsRefusedRatherThanServingNothing() throws {
        var world = World()
        try world.register(1)
        try world.serve(1)
        #expect(refusal(of: .rollback(rollbackRequest()), in: world.state) == "rollback.no-target")
        #expect(world.stable == 1)
    }

    @Test func aWatchedFirstReleaseIsNotTakenBackToNothing() throws {
        var world = World()
        try world.register(1)
        try world.release(1, under: policy(twoSteps(watch: hour)))
        try world.passGates()
        #expect(world.active?.share == .all)
        #expect(refusal(of: .rollback(rollbackRequest()), in: world.state) == "rollback.no-target")
        #expect(world.stable == 1)
    }
}
