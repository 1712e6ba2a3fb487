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
    private static let hold = Release.Hold(by: ann, why: "lunch", since: noon)
    private static let cause = RollbackCause.request(by: ann)

    private static let moves: [(name: String, move: Release.Move)] = [
        ("refuse", .refused([])), ("enter -1", .entered(step: -1)), ("enter 0", .entered(step: 0)),
        ("enter 1", .entered(step: 1)), ("enter 2", .entered(step: 2)), ("enter max", .entered(step: .max)),
        ("hold", .held(hold)), ("resume", .resumed), ("promote", .promoted), ("settle", .settled),
        ("roll back", .rolledBack(cause)),
    ]

    private static let paths: [(name: String, moves: [Release.Move])] = [
        ("gating", []),
        ("canary 0", [.entered(step: 0)]),
        ("canary 1", [.entered(step: 0), .entered(step: 1)]),
        ("watching", [.promoted]),
        ("refused", [.refused([])]),
        ("settled", [.promoted, .settled]),
        ("rolled back", [.entered(step: 0), .rolledBack(cause)]),
    ]

    /// The documented machine: what each phase allows; a hold changes only `hold` and `resume`.
    private static let legal: [String: Set<String>] = [
        "gating": ["refuse", "enter 0", "promote", "roll back"],
        "canary 0": ["enter 1", "promote", "roll back"],
        "canary 1": ["promote", "roll back"],
        "watching": ["settle", "roll back"],
    ]

    private static func release(_ moves: [Release.Move], plan: Plan = twoSteps()) throws -> Release {
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
        let (name, moves) = Self.paths[path]
        let runs = Self.legal[name] != nil
        guard runs || !held else { return }
        let release = try Self.release(moves + (held ? [.held(Self.hold)] : []))
        let allowed = Set(Self.moves.filter { takes(release, $0.move) }.map(\.name))
        #expect(allowed == (Self.legal[name] ?? []).union(runs ? [held ? "resume" : "hold"] : []), "\(name)")
        #expect(release.hasEnded == !runs)
    }

    @Test(arguments: [(0, 0.0), (1, 5), (2, 25), (3, 100), (4, 0), (5, 100), (6, 0)])
    func theShareFollowsFromThePhase(path: Int, percent: Double) throws {
        #expect(try Self.release(Self.paths[path].moves).share == share(percent: percent))
    }

    @Test(arguments: [0, 1, 2, 3])
    func aHeldReleaseKeepsItsPhaseAndShare(path: Int) throws {
        let free = try Self.release(Self.paths[path].moves)
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
