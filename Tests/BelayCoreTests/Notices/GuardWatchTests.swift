import BelayCore
import BelayTesting
import Testing

@Suite("Changes of verdicts")
struct GuardWatchTests {
    private typealias World = BelayTesting.World

    private let id: ReleaseID
    private let state: State

    init() throws {
        var world = World()
        try world.serve("fraud", bytes: "one", at: 1000)
        try world.perform(.register(Build.version("fraud", bytes: "two")), at: 2000)
        let guards = try [
            #require(Self.made("errors", .rollback)), #require(Self.made("slow", .hold)),
            #require(Self.made("drift", .notify)),
        ]
        id = try world.release("fraud", 2, policy: Build.policy("fraud", guards: guards), at: 3000)
        state = world.state
    }

    private static func made(_ name: String, _ reaction: Guard.Reaction) -> Guard? {
        Guard(
            name: name,
            metric: .errorRate,
            limit: .againstStable(margin: 0),
            minSamples: nil,
            reaction: reaction
        )
    }

    private func report(_ name: String, _ verdict: Verdict) -> GuardReport {
        GuardReport(
            name: name,
            metric: .errorRate,
            verdict: verdict,
            value: verdict == .blind ? nil : 0.02,
            lower: nil,
            upper: nil,
            limit: 0,
            candidateSamples: 30,
            stableSamples: 300,
            logEvidence: 0
        )
    }

    private func look(
        _ watch: inout GuardWatch,
        _ name: String,
        _ verdict: Verdict,
        at seconds: Int64
    ) -> [Notice.Kind] {
        watch.look(
            at: [id: [report(name, verdict)]],
            in: state,
            now: Timestamp(milliseconds: seconds * 1000)
        ).map(\.kind)
    }

    @Test func blindnessIsToldOnceAndOnlyWhenItLasts() {
        var watch = GuardWatch(told: [:])
        #expect(look(&watch, "errors", .blind, at: 0) == [])
        #expect(look(&watch, "errors", .blind, at: 59) == [])
        #expect(look(&watch, "errors", .blind, at: 60) == [.guardBlind])
        #expect(look(&watch, "errors", .blind, at: 600) == [])
        #expect(look(&watch, "errors", .undecided, at: 601) == [.guardRecovered])
        #expect(look(&watch, "errors", .pass, at: 602) == [])
    }

    @Test func blindnessThatPassesIsNotTold() {
        var watch = GuardWatch(told: [:])
        #expect(look(&watch, "errors", .blind, at: 0) == [])
        #expect(look(&watch, "errors", .undecided, at: 30) == [])
        #expect(look(&watch, "errors", .blind, at: 40) == [])
        #expect(look(&watch, "errors", .blind, at: 99) == [])
        #expect(look(&watch, "errors", .blind, at: 100) == [.guardBlind])
    }

    @Test func aRestartDoesNotTellAgain() {
        var watch = GuardWatch(told: [:])
        #expect(look(&watch, "drift", .breach, at: 0) == [.guardNotified])
        var next = GuardWatch(told: watch.told)
        #expect(look(&next, "drift", .breach, at: 1) == [])
        #expect(look(&next, "drift", .pass, at: 2) == [.guardRecovered])
        #expect(look(&next, "drift", .breach, at: 3) == [.guardNotified])
    }

    @Test func aBreachIsToldByWhatItLeadsTo() {
        var watch = GuardWatch(told: [:])
        #expect(look(&watch, "drift", .breach, at: 0) == [.guardNotified])
        #expect(look(&watch, "slow", .breach, at: 0) == [.guardBreached])
        // What rolls back is told by the ledger; that it does not happen is told here.
        #expect(look(&watch, "errors", .breach, at: 0) == [])
        #expect(look(&watch, "errors", .breach, at: 10) == [.rollbackFailed])
    }

    @Test func aGuardThatFlickersIsNotToldForEver() {
        var watch = GuardWatch(told: [:])
        var told = 0
        for second in 0..<1000 {
            told += look(&watch, "drift", second.isMultiple(of: 2) ? .breach : .pass, at: Int64(second)).count
        }
        #expect(told == GuardWatch.mostTellings)
    }

    @Test func whatWasToldOfAReleaseIsForgottenWithIt() throws {
        var watch = GuardWatch(told: [:])
        _ = look(&watch, "drift", .breach, at: 0)
        #expect(!watch.told.isEmpty)
        _ = watch.look(at: [:], in: state, now: Timestamp(milliseconds: 1000))
        #expect(!watch.told.isEmpty, "the release still runs")
        _ = watch.look(at: [:], in: State(), now: Timestamp(milliseconds: 2000))
        #expect(watch.told.isEmpty)
    }

    @Test func aRollbackThatIsNotConfirmedIsTold() throws {
        var world = World()
        try world.serve("fraud", bytes: "one", at: 1000)
        try world.perform(.register(Build.version("fraud", bytes: "two")), at: 2000)
        try world.release("fraud", 2, at: 3000)
        try world.rollBack("fraud", at: 4000)
        var watch = GuardWatch(told: [:])
        let times: [Int64] = [4000, 13_999, 14_000, 20_000]
        let told = times.map { time in
            watch.look(at: [:], in: world.state, now: Timestamp(milliseconds: time)).map(\.kind)
        }
        #expect(told == [[], [], [.rollbackFailed], []])
        try world.fence("fraud", at: 21_000)
        #expect(watch.look(at: [:], in: world.state, now: Timestamp(milliseconds: 21_000)).isEmpty)
        #expect(watch.told.isEmpty)
    }
}
