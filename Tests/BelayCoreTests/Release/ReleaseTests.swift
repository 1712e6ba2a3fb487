import BelayCore
import Testing

@Suite("Release")
struct ReleaseTests {
    private static let proposal = Proposal(
        release: ReleaseID(142),
        endpoint: prod,
        candidate: number(2),
        stable: number(1),
        policy: policy(twoSteps(watch: hour)),
        salt: Salt(42)
    )
    private static let shadowed = Proposal(
        release: ReleaseID(142),
        endpoint: prod,
        candidate: number(2),
        stable: number(1),
        policy: policy(plan([shadowStep(percent: 100), step(percent: 5)], ending: .hold)),
        salt: Salt(42)
    )
    private static let hold = Release.Hold(by: ann, why: "lunch", since: noon)
    private static let cause = RollbackCause.request(by: ann)

    private static let moves: [(name: String, move: Release.Move)] = [
        ("refuse", .refused([])), ("enter -1", .entered(step: -1)), ("enter 0", .entered(step: 0)),
        ("enter 1", .entered(step: 1)), ("enter 2", .entered(step: 2)), ("enter max", .entered(step: .max)),
        ("hold", .held(hold)), ("resume", .resumed), ("promote", .promoted), ("settle", .settled),
        ("roll back", .rolledBack(cause)), ("done", .stepsDone(hold)),
    ]

    private static let paths: [(name: String, moves: [Release.Move])] = [
        ("gating", []),
        ("canary 0", [.entered(step: 0)]),
        ("canary 1", [.entered(step: 0), .entered(step: 1)]),
        ("watching", [.promoted]),
        ("refused", [.refused([])]),
        ("settled", [.promoted, .settled]),
        ("rolled back", [.entered(step: 0), .rolledBack(cause)]),
        ("shadow 0", [.entered(step: 0)]),
        ("after shadow", [.entered(step: 0), .entered(step: 1)]),
    ]

    /// The documented machine: what each phase allows; a hold changes only `hold` and `resume`.
    private static let legal: [String: Set<String>] = [
        "gating": ["refuse", "enter 0", "promote", "roll back"],
        "canary 0": ["enter 1", "promote", "roll back"],
        "canary 1": ["promote", "roll back"],
        "shadow 0": ["enter 1", "promote", "roll back"],
        "after shadow": ["promote", "roll back"],
        "watching": ["settle", "roll back"],
    ]

    private static func release(_ path: Int) throws -> Release {
        try release(paths[path].moves, of: path < 7 ? proposal : shadowed)
    }

    private static func release(
        _ moves: [Release.Move],
        of proposal: Proposal = proposal
    ) throws -> Release {
        var release = Release(proposal: proposal, by: ann, at: noon, reason: nil)
        for move in moves { try release.apply(move, at: noon) }
        return release
    }

    private func takes(_ release: Release, _ move: Release.Move) -> Bool {
        var moved = release
        do {
            try moved.apply(move, at: noon.advanced(by: hour))
            return true
        } catch {
            #expect(error.phase == release.phase && error.move == move)
            #expect(moved == release, "a move that is refused changes nothing")
            return false
        }
    }

    @Test(arguments: paths.indices, [false, true])
    func eachPhaseAllowsExactlyTheDocumentedMoves(path: Int, held: Bool) throws {
        let name = Self.paths[path].name
        let runs = Self.legal[name] != nil
        guard runs || !held else { return }
        var release = try Self.release(path)
        if held { try release.apply(.held(Self.hold), at: noon) }
        let allowed = Set(Self.moves.filter { takes(release, $0.move) }.map(\.name))
        var more: Set<String> = runs ? [held ? "resume" : "hold"] : []
        if !held, name == "canary 1" || name == "after shadow" { more.insert("done") }
        #expect(allowed == (Self.legal[name] ?? []).union(more), "\(name)")
        #expect(release.hasEnded == !runs)
    }

    @Test(arguments: [(0, 0.0), (1, 5), (2, 25), (3, 100), (4, 0), (5, 100), (6, 0), (7, 0), (8, 5)])
    func theShareFollowsFromThePhase(path: Int, percent: Double) throws {
        let release = try Self.release(path)
        #expect(release.share == share(percent: percent))
        #expect(release.shadowShare == share(percent: path == 7 ? 100 : 0))
    }

    @Test(arguments: [0, 1, 2, 3, 7, 8])
    func aHeldReleaseKeepsItsPhaseAndShare(path: Int) throws {
        let free = try Self.release(path)
        var held = free
        try held.apply(.held(Self.hold), at: noon)
        #expect(held.hold == Self.hold)
        #expect(held.phase == free.phase)
        #expect(held.share == free.share)
        try held.apply(.resumed, at: noon)
        #expect(held == free)
    }

    @Test func onlyAHoldOfBelayIsWaivedByResuming() throws {
        var release = try Self.release([.entered(step: 0), .held(Self.hold), .resumed])
        #expect(!release.holdWaived)
        let own = Release.Hold(by: .belay, why: nil, since: noon)
        try release.apply(.held(own), at: noon)
        try release.apply(.resumed, at: noon)
        #expect(release.holdWaived)
    }

    @Test func aReleaseWhoseStepsAreDoneAwaitsAPerson() throws {
        let own = Release.Hold(by: .belay, why: nil, since: noon)
        var release = try Self.release(8)
        try release.apply(.stepsDone(own), at: noon)
        #expect(release.awaitsPerson && release.hold == own)
        var resumed = release
        try resumed.apply(.resumed, at: noon)
        #expect(!resumed.awaitsPerson && resumed.hold == nil)
        try release.apply(.promoted, at: noon)
        #expect(!release.awaitsPerson && release.hold == nil)
    }

    @Test(arguments: [Release.Move.promoted, .rolledBack(cause)])
    func leavingATrialEndsItsHold(move: Release.Move) throws {
        #expect(try Self.release([.entered(step: 0), .held(Self.hold), move]).hold == nil)
    }

    @Test func phasesRememberWhenTheyBegan() throws {
        var release = try Self.release([])
        let later = noon.advanced(by: hour)
        try release.apply(.entered(step: 0), at: later)
        #expect(release.phase == .canary(step: 0, since: later))
        try release.apply(.promoted, at: noon)
        #expect(release.phase == .watching(since: noon))
    }

    @Test func causesAreNamedForTables() {
        #expect(Self.cause.label == "request")
        #expect(RollbackCause.breach(of: "error_rate", guards: []).label == "guard:error_rate")
    }
}
