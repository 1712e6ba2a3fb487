import BelayCore
import Testing

@Suite("Decide: aliases")
struct DecideAliasTests {
    private func serving() throws -> World {
        var world = World()
        try world.run(.register(draft(1, label: label("1.0.0"))))
        try world.register(2, 3, 4)
        for version in [1, 2] {
            try world.serve(version)
            world.wait(hour)
        }
        return world
    }

    private func move(_ version: Int?, _ alias: AliasName = champion) -> Command {
        .moveAlias(alias, of: fraud, to: version.map { .number(number($0)) })
    }

    @Test func anAliasIsGivenMovedAndRemovedWithItsHistory() throws {
        var world = try serving()
        func moved(_ from: Int?, _ to: Int?) -> [Event] {
            let move = AliasMove(
                model: fraud,
                alias: champion,
                from: from.map(number),
                to: to.map(number)
            )
            return [.registry(.aliasMoved(move))]
        }
        #expect(try world.run(move(1)) == moved(nil, 1))
        #expect(try world.run(move(1)).isEmpty)
        #expect(try world.run(move(2)) == moved(1, 2))
        #expect(try world.run(move(nil)) == moved(2, nil))
        #expect(try world.run(move(nil)).isEmpty)
        #expect(world.state.models[fraud]?.aliases.isEmpty == true)
    }

    /// Whoever asks for what a rollback took out is told so.
    @Test func aNameOnlyPointsAtWhatCanAnswerOrCouldUntilItWasWithdrawn() throws {
        var world = try serving()
        #expect(world.route?.aliases == ["stable": number(2), "1.0.0": number(1)])
        try world.run(move(3))
        #expect(world.route?.aliases["champion"] == nil)
        try world.release(3, under: policy(twoSteps()))
        #expect(world.route?.aliases["champion"] == nil)
        try world.passGates()
        #expect(world.route?.aliases["champion"] == number(3))
        #expect(world.route?.aliases["candidate"] == number(3))
        try world.rollBack()
        #expect(
            world.route?.aliases == ["stable": number(2), "1.0.0": number(1), "champion": number(3)]
        )
        #expect(world.route?.withdrawn == [number(3)])
        #expect(world.state.models[fraud]?.aliases == [champion: number(3)])
    }

    @Test func aShadowHasNoName() throws {
        var world = try serving()
        try world.run(move(3))
        let shadow = ShadowRequest(version: .number(number(3)), share: share(percent: 10))
        try world.run(.changeShadow(prod, shadow))
        #expect(world.route?.aliases["champion"] == nil)
    }

    @Test func movingOneChangesTheTablesEpoch() throws {
        var world = try serving()
        let before = world.state.epoch
        try world.run(move(1))
        #expect(world.state.epoch > before)
    }

    @Test func aVersionMayBeNamedByItsAlias() throws {
        var world = try serving()
        try world.run(move(1))
        let named = VersionReference.label(label("champion"))
        #expect(try find(named, of: fraud, in: world.state).id == id(1))
        try world.run(.rollback(RollbackRequest(endpoint: prod, to: named, unloadable: [:])))
        #expect(world.stable == 1)
    }

    @Test func aliasesAndLabelsNeverMeanTwoVersions() throws {
        var world = try serving()
        let taken = legal(AliasName("1.0.0"))
        #expect(refusal(of: move(2, taken), in: world.state) == "alias.is-label")
        try world.run(move(2))
        #expect(
            refusal(of: .register(draft(9, label: label("champion"))), in: world.state)
                == "version.label-taken"
        )
    }

    @Test func whatCannotBearANameIsRefused() throws {
        var world = try serving()
        #expect(refusal(of: move(9), in: world.state) == "version.unknown")
        #expect(refusal(of: move(1), in: State()) == "model.unknown")
        try world.rollBack()
        #expect(refusal(of: move(2), in: world.state) == "version.quarantined")
    }

    @Test func aModelHasABoundedNumberOfThem() throws {
        var world = try serving()
        for index in 0..<Model.mostAliases { try world.run(move(1, legal(AliasName("a\(index)")))) }
        #expect(refusal(of: move(1), in: world.state) == "alias.too-many")
        #expect(refusal(of: move(2, legal(AliasName("a0"))), in: world.state) == nil)
        try world.run(move(nil, legal(AliasName("a0"))))
        #expect(refusal(of: move(1), in: world.state) == nil)
    }
}
