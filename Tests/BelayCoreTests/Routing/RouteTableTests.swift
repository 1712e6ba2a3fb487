import BelayCore
import Testing

@Suite("Route table and demand")
struct RouteTableTests {
    @Test func anEmptyStateDemandsNothing() {
        let demand = State().demand
        #expect(demand.loaded.isEmpty && demand.gates.isEmpty && demand.fences.isEmpty)
        #expect(demand.table == .empty)
    }

    @Test func aFirstReleaseIsLoadedBeforeItHasARoute() throws {
        var world = World()
        try world.register(1)
        let release = try world.release(1)
        #expect(world.state.demand.loaded == [id(1)])
        #expect(world.state.demand.gates == [release])
        #expect(world.state.routeTable == .empty)
        try world.passGates()
        #expect(world.state.demand.gates.isEmpty)
        #expect(world.route?.stable == number(1))
        #expect(world.route?.stableRelease == release)
    }

    @Test(arguments: Scene.allCases)
    func theRouteFollowsFromTheScene(scene: Scene) throws {
        let world = try scene.world()
        let route = try #require(world.route)
        let candidate: Double? =
            switch scene {
            case .canary0, .canary0Held, .stepsDone: 5
            case .canary1, .canary1Held: 25
            default: nil
            }
        #expect(route.candidate?.share == candidate.map { share(percent: $0) })
        #expect(route.candidate?.version == candidate.map { _ in number(3) })
        #expect(route.candidate?.release == candidate.map { _ in ReleaseID(3) })
        let shadows = scene == .shadow || scene == .shadowHeld ? [share(percent: 100)] : []
        #expect(route.shadows.map(\.share) == shadows)
        let stable =
            switch scene {
            case .watching, .watchingHeld, .settled: 3
            case .rolledBackTwice: 1
            default: 2
            }
        #expect(route.stable == number(stable))
        #expect(route.standbys.first == (stable == 1 ? nil : number(stable - 1)))
        let withdrawn: [Int] =
            switch scene {
            case .rolledBack: [3]
            case .rolledBackTwice: [2, 3]
            default: []
            }
        #expect(route.withdrawn == Set(withdrawn.map(number)))
        #expect(world.state.demand.gates.isEmpty == (scene != .gating))
        #expect(world.state.demand.fences.count == (withdrawn.isEmpty ? 0 : 1))
        #expect(route.answering.isSubset(of: world.state.demand.loaded.map(\.number)))
    }

    @Test(arguments: [0, 1, 2, 5])
    func noMoreStandbysStayLoadedThanThePolicyAsksFor(keepWarm: Int) throws {
        var world = World()
        try world.register(1, 2, 3, 4)
        for version in 1...4 { try world.serve(version) }
        try world.run(.changePolicy(prod, policy(.instant, keepWarm: keepWarm)))
        let standbys = try #require(world.route).standbys
        #expect(standbys == [3, 2, 1].prefix(keepWarm).map(number))
        #expect(world.state.demand.loaded == Set(([number(4)] + standbys).map { VersionID(fraud, $0) }))
    }

    @Test func aWithdrawnVersionIsNoStandbyEvenIfItServedBefore() throws {
        var world = World()
        try world.register(1, 2, 3)
        for version in 1...3 { try world.serve(version) }
        try world.release(1, under: policy(twoSteps()))
        try world.passGates()
        #expect(world.route?.standbys == [number(2)], "one on trial is none either")
        try world.rollBack()
        #expect(world.route?.standbys == [number(2)])
        #expect(world.state.demand.loaded == [id(2), id(3)])
    }

    @Test func aFenceIsDemandedUntilItIsRecordedAndANewerOneReplacesIt() throws {
        var world = World()
        try world.register(1, 2, 3)
        for version in 1...3 { try world.serve(version) }
        try world.rollBack()
        let first = try #require(world.state.demand.fences.first)
        #expect(first.epoch.value < world.state.routeTable.epoch.value)
        try world.rollBack()
        let second = try #require(world.state.demand.fences.first)
        #expect(world.state.demand.fences.count == 1)
        #expect(second.epoch > first.epoch)
        let receipt = Receipt(epoch: second.epoch, loops: 1, replayed: 0, drained: 0, elapsedMicroseconds: 1)
        #expect(try world.run(.recordFence(first, receipt)).isEmpty)
        try world.run(.recordFence(second, receipt))
        #expect(world.state.demand.fences.isEmpty)
    }

    @Test func whatRoutesNothingLeavesTheEpochAlone() throws {
        var world = World()
        try world.register(1, 2, 3)
        try world.serve(1)
        let table = world.state.routeTable
        try world.run(.recordStart(ServerStart(belay: "0.1.0", process: 7)))
        try world.register(4)
        try world.release(2, under: policy(.instant))
        try world.run(.hold(world.activeID))
        try world.run(.resume(world.activeID))
        try world.run(.concludeGates(failing(world.activeID)))
        #expect(world.state.routeTable == table)
    }

    @Test func servingSettingsComeFromThePolicyInForce() throws {
        var world = World()
        try world.register(1)
        try world.serve(1)
        let table = world.state.routeTable
        #expect(world.route?.serving == .standard)
        let settings = ServingSettings(unit: .header("x-user"), timeoutMilliseconds: 900, record: .standard)
        try world.run(.changePolicy(prod, policy(.instant, serving: settings)))
        #expect(world.route?.serving == settings)
        #expect(world.state.routeTable.epoch > table.epoch)
    }

    @Test func prodHasTheRouteOfItsModel() throws {
        var world = World()
        try world.register(1, 2)
        for name in ["dev", "prod", "test"] {
            let endpoint = EndpointID(fraud, in: legal(EnvironmentName(name)))
            let request = ReleaseRequest(
                endpoint: endpoint,
                candidate: .number(number(name == "prod" ? 2 : 1)),
                policy: policy(.instant),
                origin: .person,
                salt: Salt(1)
            )
            try world.run(.release(request))
            let release = try #require(world.state.endpoints[endpoint]?.release)
            try world.run(.concludeGates(passing(release)))
        }
        #expect(world.route?.endpoint == prod)
        #expect(world.route?.stable == number(2))
    }

    @Test(arguments: [
        "request", "header:x-user", "header:X-User", "/user", "/a/b~1c",
        "header:" + String(repeating: "a", count: 64),
    ])
    func unitsAreReadInTheirThreeForms(text: String) {
        #expect(ServingSettings.Unit(text)?.description == (text.hasPrefix("h") ? text.lowercased() : text))
    }

    @Test(arguments: [
        "", "Request", "user", "header:", "header: x", "header:x y", "header:x:y", "header:é", "header:x\n",
        "header:" + String(repeating: "a", count: 65), "/" + String(repeating: "a", count: 256),
    ])
    func anythingElseIsNoUnit(text: String) {
        #expect(ServingSettings.Unit(text) == nil)
    }
}
