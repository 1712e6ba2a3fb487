import BelayCore
import BelayStore
import BelayTesting
import Foundation
import GRDB
import Testing

/// A folder of its own for one test, gone with it.
final class Scratch: Sendable {
    let folder: String

    init() throws {
        folder = "\(NSTemporaryDirectory())/belay-store-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    var path: String { "\(folder)/belay.sqlite" }

    /// Copies the database and its write-ahead log, as a crash would leave them: without the shared memory.
    func copy(as name: String) throws -> String {
        let target = "\(folder)/\(name).sqlite"
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: target + suffix)
        }
        return target
    }

    /// Writes behind Belay's back, by default with the ledger's triggers out of the way.
    func tamper(
        _ sql: String,
        _ arguments: StatementArguments = [],
        at other: String? = nil,
        dropTriggers: Bool = true
    ) throws {
        let queue = try DatabaseQueue(path: other ?? path)
        try queue.writeWithoutTransaction { database in
            for trigger in ["ledger_only_grows", "ledger_is_immutable", "ledger_is_permanent"]
            where dropTriggers {
                try database.execute(sql: "DROP TRIGGER IF EXISTS \(trigger)")
            }
            try database.execute(sql: sql, arguments: arguments)
        }
        try queue.close()
    }
}

/// A history that holds every kind of entry.
func story() throws -> World {
    var world = World()
    try world.perform(.recordStart(ServerStart(belay: "0.1.0", process: 7)), by: .belay, at: 1_000)
    try world.serve("fraud", bytes: "one", at: 2_000)
    try world.serve("fraud", bytes: "two", at: 3_000)
    let better = Build.version(
        "fraud",
        bytes: "three",
        label: "1.5.0",
        metrics: ["auc": 0.97],
        note: "nächste/v3"
    )
    try world.perform(.register(better), at: 4_000)
    let id = try world.release("fraud", 3, policy: Build.policy("fraud", steps: [1, 20]), at: 5_000)
    try world.perform(.hold(id), at: 6_000, reason: "look at the tail first")
    try world.perform(.resume(id), at: 7_000)
    try world.perform(.rule(id, .advance([report(.pass)])), by: .belay, at: 8_000)
    try world.perform(.beginEpoch(id), by: .belay, at: 8_500)
    try world.perform(.rule(id, .rollback("error_rate", [report(.breach)])), by: .belay, at: 9_000)
    try world.fence("fraud", at: 9_001)
    try world.perform(.clearQuarantine(Build.id("fraud", 3)), at: 10_000, reason: "the input was wrong")
    try world.perform(.allowAutomatic(Build.endpoint("fraud")), at: 11_000)
    try world.rollBack("fraud", at: 12_000)
    try world.perform(.register(Build.version("churn", bytes: "other")), at: 13_000)
    let refused = try propose("churn", in: &world, at: 14_000)
    let failure = GateReport(gate: .probe, outcome: .fail, detail: "it does not load")
    let result = GateResult(release: refused, gates: [failure])
    try world.perform(.concludeGates(result), by: .belay, at: 15_000)
    try tellOfJudging(of: try tellOfShadows(in: &world), in: &world)
    return world
}

/// An alias, a standing shadow, and a release that only ever was a shadow.
private func tellOfShadows(in world: inout World) throws -> ReleaseID {
    let fraud = Build.model("fraud")
    let champion = try #require(AliasName("champion"))
    try world.perform(.moveAlias(champion, of: fraud, to: .number(.first)), at: 16_000)
    let share = try #require(Share(partsPerMillion: 100_000))
    let shadow = ShadowRequest(version: .number(Build.number(3)), share: share)
    try world.perform(.changeShadow(Build.endpoint("fraud"), shadow), at: 17_000)
    let policy = try #require(
        Policy(
            model: fraud,
            serving: .standard,
            plan: .shadowOnly,
            guards: [],
            labels: Policy.Labels(output: nil),
            rollback: .standard
        )
    )
    let id = try world.release("fraud", 3, policy: policy, at: 18_000)
    try world.perform(.rule(id, .advance([])), by: .belay, at: 19_000)
    return id
}

/// A waiver, late labels, and an incident of what serves.
private func tellOfJudging(of tried: ReleaseID, in world: inout World) throws {
    try world.perform(.waive(tried, guards: ["invalid_output"]), at: 21_000, reason: "nobody asks it today")
    try world.perform(.promote(tried), at: 23_000)
    let rejudged = Command.rejudge(tried, breached: "error_rate", guards: [report(.breach)])
    try world.perform(rejudged, by: .belay, at: 24_000)
    try world.perform(.closeIncident(IncidentID(1)), at: 25_000, reason: "it was a test")
    let whom = Build.version("fraud", bytes: "salt and subject").digest
    let erasure = Erasure(model: Build.model("fraud"), answers: 12, labels: 3, commitment: whom)
    try world.perform(.recordErasure(erasure), at: 26_000)
}

private func propose(_ model: String, in world: inout World, at milliseconds: Int64) throws -> ReleaseID {
    let id = world.state.nextRelease
    let request = ReleaseRequest(
        endpoint: Build.endpoint(model),
        candidate: .number(.first),
        policy: nil,
        origin: .person,
        salt: Salt(9)
    )
    try world.perform(.release(request), at: milliseconds)
    return id
}

private func report(_ verdict: Verdict) -> GuardReport {
    GuardReport(
        name: "error_rate",
        metric: .errorRate,
        verdict: verdict,
        value: 0.041,
        lower: 0.012,
        upper: 0.07,
        limit: 0,
        candidateSamples: 512,
        stableSamples: 2048,
        logEvidence: 6.25
    )
}

/// What was counted in one tick.
func tick(_ release: Int, at milliseconds: Int64, bad: Int) -> EvidenceTick {
    let id = ReleaseID(release)
    var counts = EvidenceCounts()
    for (arm, count) in [(Arm.stable, 90), (.candidate, 10)] {
        let good = EvidenceKey(release: id, metric: .errorRate, arm: arm, share: .all, bad: false)
        counts.add(good, count)
    }
    counts.add(EvidenceKey(release: id, metric: .errorRate, arm: .candidate, share: .all, bad: true), bad)
    return EvidenceTick(release: id, at: Timestamp(milliseconds: milliseconds), step: 0, counts: counts)
}

/// A draft that any state accepts.
func start(_ process: Int, at milliseconds: Int64, by actor: Actor = .belay, reason: String? = nil)
    -> EntryDraft
{
    EntryDraft(
        at: Timestamp(milliseconds: milliseconds),
        actor: actor,
        reason: reason,
        event: .operation(.serverStarted(ServerStart(belay: "0.1.0", process: process)))
    )
}
