import BelayCore
import BelayStats
import Testing

/// Two thousand seeded random walks over all commands; what must always hold is checked after each of them.
@Suite("Random walks")
struct WalkTests {
    private static let walksEach = 100
    private static let commandsEach = 30

    @Test(arguments: 0..<20)
    func whatMustAlwaysHoldHoldsAfterEveryCommand(seed: Int) throws {
        for walk in 0..<Self.walksEach {
            var generator = SplitMix64(seed: UInt64(seed * Self.walksEach + walk))
            var world = World()
            try world.register(1, 2)
            for _ in 0..<Self.commandsEach {
                let before = world
                let command = Self.command(in: world.state, &generator)
                do { try world.run(command, by: generator.next() % 4 == 0 ? .belay : ann) } catch is Refusal {
                    #expect(world.state == before.state)
                    continue
                }
                try check(world, after: before, command)
                world.wait(.seconds(Int64(generator.next() % 3000)))
            }
            var again = State()
            for entry in world.entries { try again.apply(entry) }
            #expect(again == world.state)
        }
    }

    private func check(_ world: World, after before: World, _ command: Command) throws {
        let (state, old) = (world.state, before.state)
        #expect(state.releases.values.count { !$0.hasEnded } <= 1)
        checkIndexes(of: state)
        #expect(state.activeRelease(at: prod)?.hasEnded != true)
        let (table, oldTable) = (state.routeTable, old.routeTable)
        #expect(table.epoch >= oldTable.epoch)
        #expect((table.epoch == oldTable.epoch) == (table == oldTable), "\(command)")
        for id in state.demand.loaded { #expect(!state.isQuarantined(id), "\(id) is wanted") }
        if old.endpoints[prod]?.stable != nil, command != .rule(before.activeID, .rollback("g", [])) {
            #expect(world.stable != nil, "\(command) left nothing serving")
        }
        guard let route = table.routes[fraud] else { return }
        #expect(
            route.withdrawn == Set((1...8).map(number).filter { state.isQuarantined(VersionID(fraud, $0)) })
        )
        #expect(route.stable.map(route.withdrawn.contains) != true, "\(command)")
        #expect(route.candidate.map { route.withdrawn.contains($0.version) } != true, "\(command)")
        #expect(route.withdrawn.isDisjoint(with: route.standbys), "\(command)")
        #expect(route.stable.map(route.standbys.contains) != true)
        let keepWarm = state.endpoints[prod]?.effectivePolicy.rollback.keepWarm ?? 0
        #expect(route.standbys.count <= keepWarm)
        #expect(Set(route.aliases.values).isSubset(of: route.answering.union(route.withdrawn)), "\(command)")
        #expect(route.aliases["stable"] == state.endpoints[prod]?.stable?.version)
        #expect(route.aliases["candidate"] == route.candidate?.version)
        for shadow in route.shadows {
            #expect(shadow.share > .none)
            #expect(shadow.version != route.stable && shadow.version != route.candidate?.version)
            #expect(!route.withdrawn.contains(shadow.version), "\(command)")
            #expect(state.demand.loaded.contains(VersionID(fraud, shadow.version)))
        }
        #expect(Set(route.shadows.map(\.version)).count == route.shadows.count)
        if let candidate = route.candidate {
            switch state.releases[candidate.release]?.phase {
            case .canary: break
            case .watching: #expect(route.stable != world.state.endpoints[prod]?.stable?.version)
            default: Issue.record("a share without a canary, after \(command)")
            }
            #expect(candidate.share > .none && candidate.share < .all)
        }
        if let fence = state.demand.fences.first { #expect(fence.epoch <= table.epoch) }
    }

    /// What is kept beside the versions is what a search through them would find.
    private func checkIndexes(of state: State) {
        #expect(state.nextRelease.value == (state.releases.keys.map(\.value).max() ?? 0) + 1)
        guard let model = state.models[fraud] else { return }
        let versions = model.versions.values
        #expect(model.nextNumber == model.versions.keys.max()?.next ?? .first)
        let withdrawn = versions.filter { model.quarantine.contains($0.digest) }
        #expect(model.withdrawn == Set(withdrawn.map(\.id.number)))
        for version in versions {
            #expect(model.version(digest: version.digest) == version)
            if let label = version.label { #expect(model.version(.label(label)) == version) }
        }
        #expect(model.version(digest: digest(999)) == nil)
        #expect(model.aliases.values.allSatisfy { model.versions[$0] != nil })
    }

    private static func command(in state: State, _ generator: inout SplitMix64) -> Command {
        let release = state.endpoints[prod]?.release ?? ReleaseID(Int.random(in: 1...9, using: &generator))
        let version = Int.random(in: 1...8, using: &generator)
        switch Int.random(in: 0..<32, using: &generator) {
        case 0, 1: return .register(registration(&generator))
        case 2, 3, 4, 5: return .release(request(version, under: somePolicy(&generator)))
        case 6: return .release(request(version, origin: .automatic))
        case 7, 8, 9, 10: return .concludeGates(passing(release))
        case 11: return .concludeGates(failing(release))
        case 12, 13, 14, 15: return .rule(release, .advance([]))
        case 16:
            return .rule(release, [.wait([]), .hold(.breach(of: "g"), []), .rollback("g", [])][version % 3])
        case 17: return version < 5 ? .hold(release) : .resume(release)
        case 18: return .promote(release)
        case 19, 20: return .rollback(rollback(&generator))
        case 21: return .clearQuarantine(id(version))
        case 22, 23:
            let shadow = ShadowRequest(version: .number(number(version)), share: share(percent: 10))
            return .changeShadow(prod, version < 7 ? shadow : nil)
        case 24, 25:
            let target = VersionReference.number(number(version))
            return .moveAlias(champion, of: fraud, to: version < 7 ? target : nil)
        case 28: return .waive(release, guards: ["error_rate"])
        case 29: return .beginEpoch(release)
        case 30:
            let better = version < 5 ? [number(version): "it was better"] : [:]
            return .ruleStable(prod, StableFinding(kind: .decay, guards: [], better: better))
        case 31:
            return version < 5
                ? .closeIncident(IncidentID(version)) : .rejudge(release, breached: "g", guards: [])
        case 26:
            return version < 5
                ? .allowAutomatic(prod) : .changePolicy(prod, somePolicy(&generator) ?? policy(.canary))
        default: return state.demand.fences.first.map { .recordFence($0, receipt($0)) } ?? .promote(release)
        }
    }

    private static func registration(_ generator: inout SplitMix64) -> VersionDraft {
        let seed = Int.random(in: 1...8, using: &generator)
        let fits = Int.random(in: 0..<8, using: &generator) > 0
        return draft(
            seed,
            label: seed % 3 == 0 ? label("v\(seed)") : nil,
            signature: fits ? thirtyFeatures : twentyFeatures
        )
    }

    private static func rollback(_ generator: inout SplitMix64) -> RollbackRequest {
        let to = Int.random(in: -8...8, using: &generator)
        let broken = Int.random(in: 1...16, using: &generator)
        return rollbackRequest(to: to < 1 ? nil : to, unloadable: broken < 9 ? [broken: "no file"] : [:])
    }

    private static func somePolicy(_ generator: inout SplitMix64) -> Policy? {
        switch Int.random(in: 0..<7, using: &generator) {
        case 6: policy(heldBack, serving: headerUnit)
        case 5: policy(plan([shadowStep(percent: 100), step(percent: 5)], ending: .hold))
        case 0: nil
        case 1: policy(.instant, keepWarm: 0)
        case 2: policy(twoSteps())
        case 3: policy(twoSteps(watch: hour), keepWarm: 1)
        default: policy(plan([step(percent: 50)], watch: hour), serving: headerUnit)
        }
    }

    private static let heldBack = legal(
        Plan(steps: [step(percent: 50)], watchMilliseconds: 1000, holdback: share(percent: 5))
    )

    private static let headerUnit = ServingSettings(
        unit: .header("x-user"),
        timeoutMilliseconds: 900,
        record: .standard
    )

    private static func receipt(_ fence: PendingFence) -> Receipt {
        Receipt(epoch: fence.epoch, loops: 2, replayed: 0, drained: 0, elapsedMicroseconds: 10)
    }
}
