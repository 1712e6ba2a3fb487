import BelayCore
import BelayTesting
import Testing

@Suite("Notices")
struct NoticeTests {
    private typealias World = BelayTesting.World

    /// Every notice of every entry of a world, in order.
    private func told(_ world: World) -> [Notice] {
        world.entries.flatMap { notices(of: $0, in: world.state) }
    }

    private func kinds(_ world: World) -> [Notice.Kind] { told(world).map(\.kind) }

    /// `fraud@1` serves and `fraud@2` is registered; entries so far are left out of what is compared.
    private func started() throws -> World {
        var world = World()
        try world.serve("fraud", bytes: "one", at: 1000)
        try world.perform(.register(Build.version("fraud", bytes: "two")), at: 2000)
        return world
    }

    private func report(_ name: String = "error_rate", _ verdict: Verdict = .breach) -> GuardReport {
        GuardReport(
            name: name,
            metric: .errorRate,
            verdict: verdict,
            value: 0.0081,
            lower: 0.0052,
            upper: 0.011,
            limit: 0.005,
            candidateSamples: 2140,
            stableSamples: 19_411,
            logEvidence: 6.2
        )
    }

    @Test func aReleaseIsToldFromItsStartToItsEnd() throws {
        var world = try started()
        let before = told(world).count
        let id = try world.release("fraud", 2, at: 3000)
        try world.perform(.promote(id), at: 4000)
        let kinds = kinds(world).dropFirst(before)
        #expect(
            Array(kinds) == [.releaseStarted, .releaseStepEntered, .releasePromoted, .releaseSettled]
        )
    }

    @Test func aRefusalIsTold() throws {
        var world = try started()
        let id = world.state.nextRelease
        let request = ReleaseRequest(
            endpoint: Build.endpoint("fraud"),
            candidate: .number(Build.number(2)),
            policy: nil,
            origin: .person,
            salt: Salt(1)
        )
        try world.perform(.release(request), at: 3000)
        let failed = GateReport(gate: .probe, outcome: .fail, detail: "it does not load")
        try world.perform(
            .concludeGates(GateResult(release: id, gates: [failed])),
            by: .belay,
            at: 4000
        )
        let last = try #require(told(world).last)
        #expect(last.kind == .releaseRefused)
        #expect(last.severity == .warning)
        #expect(last.summary == "fraud prod: \(id) of 2 refused by gate probe: it does not load")
        #expect(last.effect.raises == "refused")
    }

    @Test func aHoldAndWhatEndsItAreTold() throws {
        var world = try started()
        let id = try world.release("fraud", 2, at: 3000)
        try world.perform(.hold(id), at: 4000, reason: "lunch")
        try world.perform(.resume(id), at: 5000)
        let last = told(world).suffix(2)
        #expect(last.map(\.kind) == [.releaseHeld, .releaseResumed])
        #expect(last.first?.summary == "fraud prod: \(id) of 2 held by ada: lunch")
        #expect(last.first?.effect.raises == "held")
        let clears = try #require(last.last?.effect.clears)
        let topic = try #require(last.first?.topic)
        #expect(clears.contains { $0.clears("held", topic: topic, at: Build.endpoint("fraud")) })
    }

    @Test func anAutomaticRollbackIsToldWithItsFigures() throws {
        var world = try started()
        let id = try world.release("fraud", 2, at: 3000)
        try world.perform(.rule(id, .rollback("error_rate", [report()])), by: .belay, at: 4000)
        try world.fence("fraud", at: 4010)
        let last = told(world).suffix(3)
        #expect(last.map(\.kind) == [.guardBreached, .rollbackAutomatic, .rollbackConfirmed])
        let rollback = try #require(last.first { $0.kind == .rollbackAutomatic })
        #expect(
            rollback.summary
                == "fraud prod rolled back 2 → 1: error_rate +0.81 pts, limit +0.5 pts, n 2140"
        )
        #expect(rollback.severity == .error)
        #expect(rollback.command == "belay why \(id)")
        #expect(rollback.figures == report())
        #expect(rollback.topic == "belay/fraud/prod/\(id)")
        #expect(Set(last.map(\.id)).count == 3)
    }

    @Test func aRollbackByAPersonIsTold() throws {
        var world = try started()
        let id = try world.release("fraud", 2, at: 3000)
        try world.rollBack("fraud", at: 4000)
        let last = try #require(told(world).last)
        #expect(last.kind == .rollbackManual)
        #expect(last.release == id)
        #expect(last.summary == "fraud prod rolled back 2 → 1 by ada")
    }

    @Test func aRollbackOfWhatHadSettledIsTold() throws {
        var world = try started()
        try world.serve("fraud", bytes: "three", at: 3000)
        try world.rollBack("fraud", at: 4000)
        let last = try #require(told(world).last)
        #expect(last.kind == .rollbackManual)
        #expect(last.release == nil)
        #expect(last.topic == "belay/fraud/prod/serving")
    }

    /// Every way in which a release can end, by the kind of entry that ends it.
    @Test func noKindOfEntryThatEndsAReleaseIsSilent() throws {
        var worlds: [World] = []
        var world = try started()
        let id = try world.release("fraud", 2, at: 3000)
        var promoted = world
        try promoted.perform(.promote(id), at: 4000)
        worlds.append(promoted)
        var taken = world
        try taken.rollBack("fraud", at: 4000)
        worlds.append(taken)
        var breached = world
        try breached.perform(.rule(id, .rollback("error_rate", [report()])), by: .belay, at: 4000)
        worlds.append(breached)
        for world in worlds {
            var ends = 0
            var replay = State()
            for entry in world.entries {
                let running = Set(replay.releases.values.filter { !$0.hasEnded }.map(\.id))
                try replay.apply(entry)
                let ended = replay.releases.values.filter { $0.hasEnded && running.contains($0.id) }
                guard !ended.isEmpty else { continue }
                ends += 1
                #expect(!notices(of: entry, in: replay).isEmpty, "\(entry.event.kind) is silent")
            }
            #expect(ends >= 2)
        }
    }

    @Test func theSameEntryIsToldInTheSameWordsForEver() throws {
        var world = try started()
        try world.release("fraud", 2, at: 3000)
        let entry = try #require(world.entries.last { $0.event.kind == .proposed })
        let early = notices(of: entry, in: world.state)
        try world.rollBack("fraud", at: 9000)
        #expect(notices(of: entry, in: world.state) == early)
    }

    @Test func longWordsAreCut() throws {
        let long = String(repeating: "e\u{301}\u{302}\u{303}\u{304}\u{305}", count: 4000)
        let notice = Notice(
            id: "n1",
            kind: .releaseHeld,
            at: Timestamp(milliseconds: 0),
            endpoint: Build.endpoint("fraud"),
            reason: long,
            severity: .info,
            summary: long,
            command: "belay status"
        )
        #expect(notice.summary.count <= Notice.mostSummary)
        #expect(notice.summary.hasSuffix("…"))
        #expect(notice.summary.unicodeScalars.count <= Notice.mostSummary * 4 + 1)
        #expect((notice.reason?.count ?? 0) <= Notice.mostReason)
    }

    @Test(arguments: [
        ([], true), (["*"], true), (["release.*"], true), (["release.held"], true), (["rollback.*"], false),
        (["release"], false), (["rollback.*", "release.h*"], true),
    ])
    func targetsChooseByPattern(patterns: [String], wanted: Bool) {
        let target = NotifyTarget(
            via: .slack,
            url: .plain("https://hooks.example"),
            secret: nil,
            events: patterns,
            severity: nil,
            format: .standardWebhooks,
            allowsPrivate: false
        )
        #expect(target.wants(.releaseHeld) == wanted)
    }
}
