import BelayCore
import Testing

@Suite("Decide: registration and release")
struct DecideReleaseTests {
    private func serving(_ versions: Int...) throws -> World {
        var world = World()
        try world.register(1, 2, 3, 4)
        for version in versions {
            try world.serve(version)
            world.wait(hour)
        }
        return world
    }

    @Test func theSameBytesAreTheSameVersion() throws {
        var world = World()
        #expect(try world.run(.register(draft(1))).map(\.kind) == [.modelCreated, .versionRegistered])
        #expect(try world.run(.register(draft(1))).isEmpty)
        #expect(try world.run(.register(draft(1, label: label("again")))).isEmpty)
        #expect(try world.run(.register(draft(2))).map(\.kind) == [.versionRegistered])
        #expect(world.state.models[fraud]?.history.map(\.id) == [id(1), id(2)])
    }

    @Test func aLabelNamesOneVersionForEver() throws {
        var world = World()
        try world.run(.register(draft(1, label: label("v1"))))
        #expect(
            refusal(of: .register(draft(2, label: label("v1"))), in: world.state) == "version.label-taken"
        )
        #expect(try find(.label(label("v1")), of: fraud, in: world.state).id == id(1))
    }

    @Test func theFirstReleaseServesAtOnceWhateverItsPlan() throws {
        var world = World()
        try world.register(1)
        try world.release(1)
        let events = try world.run(.concludeGates(passing(world.activeID)))
        #expect(events.map(\.kind) == [.gatesPassed, .promoted, .settled])
        #expect(world.stable == 1)
        #expect(world.route?.answering == [number(1)])
    }

    /// A guard on what is not there would be blind for ever, and the release would wait with it.
    @Test(arguments: [
        ("lable", nil, "labels.output"), (nil, "features[30]", "guards[missing].feature"),
        (nil, "amount", "guards[missing].feature"), (nil, "features", "guards[missing].feature"),
        ("label", "features[29]", nil), (nil, nil, nil),
    ])
    func aPolicyThatNamesWhatTheVersionHasNotIsRefused(_ output: String?, feature: String?, key: String?)
        throws
    {
        let world = try serving(1)
        let missing = bound(
            "missing",
            .missingRate,
            .absolute(max: 0.1),
            then: .notify,
            focus: Guard.Focus(feature: feature ?? "features[0]")
        )
        let draft = Policy(
            model: fraud,
            serving: .standard,
            plan: twoSteps(),
            guards: [.errorRate, missing],
            labels: Policy.Labels(output: output),
            rollback: .standard
        )
        let request = ReleaseRequest(
            endpoint: prod,
            candidate: .number(number(2)),
            policy: legal(draft),
            origin: .person,
            salt: Salt(1)
        )
        let code = refusal(of: .release(request), in: world.state)
        #expect(code == key.map { _ in "policy.unknown-name" })
    }

    @Test(
        arguments: [
            (["label": [.number(0)]], nil), (["label": [.text("a")]], "policy.impossible-fallback"),
            (["label": [.number(0.5)]], "policy.impossible-fallback"),
            (["label": [.number(0), .number(1)]], "policy.impossible-fallback"),
            (["labl": [.number(0)]], "policy.unknown-name"),
            (["label": [.number(0)], "score": [.number(0)]], "policy.unknown-name"),
        ] as [([String: [StaticAnswer.Value]], String?)]
    )
    func aFallbackAnswerThatCannotBeGivenIsRefusedBeforeItIsNeeded(
        outputs: [String: [StaticAnswer.Value]],
        code: String?
    ) throws {
        let world = try serving(1)
        let answer = StaticAnswer(outputs: outputs)
        let settings = policy(twoSteps(), failing: FailureSettings(inflight: .replay, answer: answer))
        #expect(refusal(of: .release(request(2, under: settings)), in: world.state) == code)
        // What serves goes by it from the next request on.
        #expect(refusal(of: .changePolicy(prod, settings), in: world.state) == code)
    }

    @Test func aFallbackAnswerHasEveryOutput() throws {
        var world = World()
        let outputs = [spec("label", .int64, [nil]), spec("p", .fp32, [nil, 2])]
        try world.run(.register(draft(1, signature: signature(thirtyFeatures.inputs, outputs))))
        for (given, code) in [
            (["label": [.number(0)]], "policy.impossible-fallback"),
            (["label": [.number(0)], "p": [.number(0.5)]], "policy.impossible-fallback"),
            (["label": [.number(0)], "p": [.number(0.5), .number(0.5)]], nil),
        ] as [([String: [StaticAnswer.Value]], String?)] {
            let failing = FailureSettings(inflight: .replay, answer: StaticAnswer(outputs: given))
            let asked = request(1, under: policy(.instant, failing: failing))
            #expect(refusal(of: .release(asked), in: world.state) == code)
        }
        // Before anything serves, nothing can be said of it.
        let unfit = FailureSettings(inflight: .replay, answer: StaticAnswer(outputs: ["q": [.number(0)]]))
        #expect(refusal(of: .changePolicy(prod, policy(.instant, failing: unfit)), in: world.state) == nil)
    }

    /// A null among whole numbers fits no signature, so nothing would ever be missing to the guard.
    @Test(arguments: [
        (TensorType.int64, true), (.bool, true), (.uint8, true), (.fp32, false), (.bytes, false),
    ])
    func aGuardOnWhatCannotBeMissingIsRefused(type: TensorType, isRefused: Bool) throws {
        var world = World()
        let amount = signature([spec("amount", type, [nil, 1])], [spec("label", .int64, [nil])])
        try world.run(.register(draft(1, signature: amount)))
        let missing = bound(
            "missing",
            .missingRate,
            .absolute(max: 0.1),
            then: .notify,
            focus: Guard.Focus(feature: "amount")
        )
        let request = ReleaseRequest(
            endpoint: prod,
            candidate: .number(number(1)),
            policy: policy(twoSteps(), guards: [.errorRate, missing]),
            origin: .person,
            salt: Salt(1)
        )
        let code = refusal(of: .release(request), in: world.state)
        #expect(code == (isRefused ? "policy.never-missing" : nil))
    }

    @Test func namesThatDoNotExistAreRefusedWithAGuess() throws {
        let world = try serving(1)
        func release(_ model: String, _ reference: String) -> Refusal? {
            let request = ReleaseRequest(
                endpoint: EndpointID(legal(ModelName(model)), in: .prod),
                candidate: legal(VersionReference(reference)),
                policy: nil,
                origin: .person,
                salt: Salt(1)
            )
            do {
                _ = try decide(.release(request), by: ann, in: world.state)
                return nil
            } catch { return error }
        }
        #expect(release("fruad", "1") == .unknownModel(legal(ModelName("fruad")), near: fraud))
        #expect(release("churn", "1") == .unknownModel(legal(ModelName("churn")), near: nil))
        #expect(release("fraud", "9") == .unknownVersion(fraud, "9"))
        #expect(release("fraud", "v9") == .unknownVersion(fraud, "v9"))
        #expect(release("fraud", "1") == .alreadyServing(id(1)))
        for command in [Command.hold(ReleaseID(99)), .resume(ReleaseID(99)), .promote(ReleaseID(99))] {
            #expect(refusal(of: command, in: world.state) == "release.unknown")
        }
        #expect(outcome(of: .rule(ReleaseID(99), .rollback("x", [])), in: world.state) == "-")
        #expect(outcome(of: .concludeGates(passing(ReleaseID(99))), in: world.state) == "-")
    }

    @Test func thereIsOneReleaseAtATime() throws {
        var world = try serving(1)
        try world.release(2, under: policy(twoSteps()))
        for candidate in [2, 3] {
            #expect(refusal(of: .release(request(candidate)), in: world.state) == "release.in-progress")
        }
    }

    @Test func withdrawnBytesAreRefusedUnderEveryName() throws {
        var world = try serving(1)
        try world.run(.register(draft(5, label: label("bad"))))
        try world.release(5, under: policy(twoSteps()))
        try world.passGates()
        try world.rollBack()
        #expect(refusal(of: .release(request(5)), in: world.state) == "version.quarantined")
        #expect(try world.run(.register(draft(5))).isEmpty)
        #expect(try world.run(.register(draft(5, label: label("good")))).isEmpty)
        let byLabel = ReleaseRequest(
            endpoint: prod,
            candidate: .label(label("bad")),
            policy: nil,
            origin: .person,
            salt: Salt(1)
        )
        #expect(refusal(of: .release(byLabel), in: world.state) == "version.quarantined")
        try world.run(.clearQuarantine(id(5)))
        #expect(refusal(of: .release(request(5)), in: world.state) == nil)
        #expect(refusal(of: .clearQuarantine(id(5)), in: world.state) == "version.not-quarantined")
        #expect(refusal(of: .clearQuarantine(id(9)), in: world.state) == "version.unknown")
    }

    @Test func afterARollbackOnlyAPersonStartsReleases() throws {
        var world = try serving(1)
        try world.release(2, under: policy(twoSteps()))
        try world.passGates()
        try world.rollBack()
        #expect(
            refusal(of: .release(request(3, origin: .automatic)), in: world.state)
                == "endpoint.automatic-suspended"
        )
        #expect(refusal(of: .release(request(3)), in: world.state) == nil)
        #expect(try world.run(.allowAutomatic(prod)).map(\.kind) == [.automaticAllowed])
        #expect(try world.run(.allowAutomatic(prod)).isEmpty)
        #expect(refusal(of: .release(request(3, origin: .automatic)), in: world.state) == nil)
    }

    @Test func aBreachToo() throws {
        var world = try serving(1)
        try world.release(2, under: policy(twoSteps()))
        try world.passGates()
        try world.run(.rule(world.activeID, .rollback("error_rate", [])), by: .belay)
        #expect(
            world.newest?.phase == .rolledBack(at: world.now, cause: .breach(of: "error_rate", guards: []))
        )
        #expect(
            refusal(of: .release(request(3, origin: .automatic)), in: world.state)
                == "endpoint.automatic-suspended"
        )
    }

    @Test func aPolicyIsStoredAndUsedAgain() throws {
        var world = try serving(1)
        let strict = policy(twoSteps())
        let events = try world.run(.release(request(2, under: strict)))
        #expect(events.map(\.kind) == [.policyChanged, .proposed])
        #expect(world.active?.proposal.policy == strict)
        try world.rollBack()
        #expect(try world.run(.release(request(3))).map(\.kind) == [.proposed])
        #expect(world.active?.proposal.policy == strict)
        try world.rollBack()
        #expect(try world.run(.release(request(4, under: strict))).map(\.kind) == [.proposed])
    }

    @Test func withoutAPolicyTheStandardOneHolds() throws {
        var world = World()
        try world.register(1)
        try world.release(1)
        #expect(world.active?.proposal.policy == .standard(for: fraud))
    }

    @Test func aPolicyOfAnotherModelIsRefused() throws {
        let world = try serving(1)
        let foreign = Policy.standard(for: legal(ModelName("churn")))
        #expect(refusal(of: .release(request(2, under: foreign)), in: world.state) == "policy.other-model")
        #expect(refusal(of: .changePolicy(prod, foreign), in: world.state) == "policy.other-model")
        #expect(outcome(of: .changePolicy(prod, policy(.canary)), in: world.state) == "policy_changed")
    }

    @Test func nothingIsRecordedForAModelThatDoesNotExist() {
        let elsewhere = EndpointID(legal(ModelName("churn")), in: .prod)
        let state = State()
        #expect(refusal(of: .allowAutomatic(elsewhere), in: state) == "model.unknown")
        #expect(
            refusal(of: .changePolicy(elsewhere, .standard(for: elsewhere.model)), in: state)
                == "model.unknown"
        )
        let rollback = RollbackRequest(endpoint: elsewhere, to: nil, unloadable: [:])
        #expect(refusal(of: .rollback(rollback), in: state) == "model.unknown")
    }

    @Test func promotingSkipsTheStepsThatAreLeft() throws {
        var world = try serving(1)
        try world.release(2, under: policy(twoSteps()))
        try world.passGates()
        let events = try world.run(.promote(world.activeID))
        let promotion = Promotion(release: ReleaseID(2), guards: [], skippedSteps: 1)
        #expect(events == [.release(.promoted(promotion)), .release(.settled(ReleaseID(2)))])
        #expect(world.stable == 2)
        #expect(world.state.endpoints[prod]?.formers.map(\.version) == [number(1)])
    }

    @Test func aHeldReleaseStaysAtItsShareWhenItsGatesPass() throws {
        var world = try serving(1)
        try world.release(2, under: policy(twoSteps()))
        let release = world.activeID
        try world.run(.hold(release))
        #expect(try world.run(.concludeGates(passing(release))).isEmpty)
        #expect(world.active?.share == Share.none)
        #expect(world.state.demand.gates.isEmpty)
        try world.run(.resume(release))
        #expect(world.state.demand.gates == [release])
        try world.passGates()
        #expect(world.active?.share == share(percent: 5))
    }

    @Test(arguments: [GateReport.Outcome.fail, .error])
    func oneGateThatDoesNotPassRefusesTheRelease(outcome: GateReport.Outcome) throws {
        var world = try serving(1)
        try world.release(2)
        let result = GateResult(
            release: world.activeID,
            gates: [
                GateReport(gate: .signature, outcome: .skipped, detail: ""),
                GateReport(gate: .probe, outcome: outcome, detail: "no"),
            ]
        )
        #expect(try world.run(.concludeGates(result)) == [.release(.refused(result))])
        #expect(world.active == nil)
        #expect(world.stable == 1)
        #expect(refusal(of: .release(request(2)), in: world.state) == nil)
    }

    @Test func everyStartIsRecorded() throws {
        var world = World()
        let start = ServerStart(belay: "0.1.0", process: 7)
        #expect(try world.run(.recordStart(start)) == [.operation(.serverStarted(start))])
    }
}
