package import BelayCore
import BelayInference
import BelayStore
import Logging

/// A version that answers nobody any more, and whose rollback the record does not say yet.
///
/// That takes a moment; as long as a disk hangs or refuses, it takes that long. The record decides which
/// routes there are, but who waits for it need not be answered by a version that is to go: as with an open
/// circuit breaker, the next in the chain answers, and nothing has to be remembered for that. A restart
/// before the record lets the version answer again.
struct Suspension {
    /// A command to carry out anew, because its events could not be recorded.
    struct Retry {
        let command: Command
        let actor: Actor
        let reason: String?
        let failure: String
    }

    /// Tells it from every other of this process.
    let number: Int
    let endpoint: EndpointID
    /// One, or the candidate and the version behind it.
    var versions: [VersionNumber]
    /// Which route answers instead: the one that the record will lead to.
    var route: Route
    let since: Timestamp
    /// The endpoint's last change when it began.
    let lastChange: Int
    /// What it meant for requests; nil until every event loop has the route.
    var handover: Handover?
    var isRecorded = false
    /// Whether a guard asked for it on evidence that is not recorded yet.
    var isVerdict: Bool
    var retry: Retry?

    /// As it is told; nil before anything came of it, and once the record says so itself.
    var shown: Suspended? {
        guard handover != nil, !isRecorded else { return nil }
        return Suspended(version: version, since: since, failure: retry?.failure)
    }

    var version: VersionID { VersionID(endpoint.model, versions[0]) }
}

/// A version that answers nobody although the record does not say so yet.
package struct Suspended: Equatable, Sendable {
    package let version: VersionID
    package let since: Timestamp
    /// Why its rollback could not be recorded, when that was tried; nil while it is being recorded.
    package let failure: String?
}

/// A rollback that holds in this process and that could not be recorded.
struct UnrecordedRollback: Error, Explainable {
    let version: VersionID
    let failure: StoreError

    func of(_ other: VersionID) -> Self { Self(version: other, failure: failure) }

    var category: FailureCategory { .unavailable }

    var explanation: Explanation {
        Explanation(
            code: "rollback.unrecorded",
            summary:
                "\(version) answers nobody any more, but that could not be recorded: "
                + failure.explanation.summary,
            remedy:
                "Belay tries again every round. Make the data directory writable, and do not restart before: "
                + "\(version) would answer again."
        )
    }
}

extension Conductor {
    /// Hands out the routes of the record, with those of suspensions instead where there are any.
    func hand(preparing next: RouteTable? = nil) async throws -> Handover {
        try await publishing.pass {
            let suspended = suspensions.values.filter { !$0.isRecorded }.map(\.route)
            let table = suspended.isEmpty ? recordedTable : recordedTable.replacing(suspended)
            return try await publisher.hand(table, preparing: next)
        }
    }

    // MARK: - Before the record

    /// Takes what is rolled back from all requests, at once.
    ///
    /// - Parameters:
    ///   - events: What is decided.
    ///   - table: The routes that the events lead to.
    ///   - next: A table to prepare in the same turn of the event loops.
    ///   - isVerdict: Whether it is a guard's wish, on evidence that is not recorded yet.
    /// - Returns: What was suspended by this.
    func suspend(
        _ events: [Event],
        by table: RouteTable,
        preparing next: RouteTable? = nil,
        isVerdict: Bool = false
    ) async -> [Suspension] {
        var suspended: [Suspension] = []
        for (endpoint, versions) in events.takenOut {
            guard let route = table.routes[endpoint.model] else { continue }
            if let standing = suspensions[endpoint], !standing.isRecorded {
                // What was a guard's wish is somebody's decision now.
                if !isVerdict { suspensions[endpoint]?.isVerdict = false }
                if standing.retry != nil, !isVerdict, standing.route != route {
                    // Somebody named another version meanwhile, and is tried again in place of that.
                    suspensions[endpoint]?.versions = versions
                } else {
                    guard !versions.allSatisfy(standing.versions.contains) else { continue }
                    suspensions[endpoint]?.versions += versions.filter { !standing.versions.contains($0) }
                }
                suspensions[endpoint]?.route = route
            } else {
                let answering = recordedTable.routes[endpoint.model]?.answering ?? []
                guard versions.contains(where: answering.contains) else { continue }
                suspensionsMade += 1
                suspensions[endpoint] = Suspension(
                    number: suspensionsMade,
                    endpoint: endpoint,
                    versions: versions,
                    route: route,
                    since: now(),
                    lastChange: state.lastChange(of: endpoint),
                    isVerdict: isVerdict
                )
            }
            if let suspension = suspensions[endpoint] { suspended.append(suspension) }
        }
        guard !suspended.isEmpty else { return [] }
        // Should a gateway not acknowledge, the table of the record comes next and counts.
        guard let handover = try? await hand(preparing: next) else { return suspended }
        for each in suspended where suspensions[each.endpoint]?.number == each.number {
            let earlier = suspensions[each.endpoint]?.handover
            suspensions[each.endpoint]?.handover = earlier.map(handover.completing) ?? handover
        }
        return suspended
    }

    /// Takes what a rollback will take out from all requests while it still waits for its turn: whoever has
    /// it may wait for a disk that hangs, and what could not be recorded before comes first.
    ///
    /// - Returns: What was suspended, to be lifted unless the rollback is carried out.
    func suspendAhead(
        _ request: RollbackRequest,
        after known: Endpoint.TakenOut?,
        by actor: Actor,
        reason: String?,
        expecting expectation: Expectation?
    ) async -> Suspension? {
        let hasToWait = turnstile.isTaken || suspensions.values.contains { $0.retry != nil }
        guard hasToWait, suspensions[request.endpoint] == nil,
            request.to != nil || justTakenOut(at: request.endpoint, after: known) == nil
        else { return nil }
        do {
            try expectation?.check(in: state)
            let events = try decide(.rollback(request), by: actor, in: state, unready: unready)
            return try await suspendAhead(events, by: actor, reason: reason).first
        } catch {
            // It is said when it is the rollback's turn.
            return nil
        }
    }

    /// Suspends what events would take out that are not recorded yet, unless what is gone back to has to be
    /// loaded first.
    private func suspendAhead(
        _ events: [Event],
        by actor: Actor,
        reason: String?,
        isVerdict: Bool = false
    ) async throws(StoreError) -> [Suspension] {
        guard unloadedTarget(of: events) == nil else { return [] }
        let batch = try ledger.seal(drafts(of: events, by: actor, reason: reason), after: head)
        return await suspend(events, by: batch.state.routeTable, isVerdict: isVerdict)
    }

    /// Looks, once a cadence, whether a round takes longer than with a disk that does not hang.
    func lookAtRound() async {
        guard let looks = looksAtRound else { return }
        looksAtRound = looks + 1
        if looks + 1 >= Self.patientLooks { await judgeAhead() }
    }

    private static let patientLooks = 3

    /// Lets guards speak on evidence that cannot be recorded now: what they would roll back answers nobody
    /// any more.
    ///
    /// The rollback itself waits for the record, so that everything that led to it can be read there.
    func judgeAhead() async {
        await collect()
        let time = now()
        let ticks = recording + unrecordedTicks(at: time)
        for id in judges.keys.sorted() {
            guard var judge = judges[id], let release = state.releases[id], !release.hasEnded,
                suspensions[release.proposal.endpoint] == nil
            else { continue }
            for tick in ticks where tick.release == id { judge.settle(tick) }
            let ruling = judge.rule(on: release, now: time)
            guard case .rollback = ruling else { continue }
            // What it goes back to may have to be loaded first.
            rulings[id] = ruling
            guard let events = try? decide(.rule(id, ruling), by: .belay, in: state, unready: unready)
            else { continue }
            // What cannot be sealed is said when it is the rollback's turn.
            _ = try? await suspendAhead(events, by: .belay, reason: nil, isVerdict: true)
        }
    }

    /// Gives back their requests to versions that no guard would take out on all the evidence.
    func liftVerdictsThatAreNone() async {
        // What has come since is the next round's.
        guard unrecorded.isEmpty, readings.isEmpty else { return }
        for suspension in suspensions.values where suspension.isVerdict { await lift(suspension) }
    }

    // MARK: - After it

    /// What came of what was suspended and is recorded now goes into the proof that it is over.
    func concluded(_ handover: Handover) -> Handover {
        var handover = handover
        for (endpoint, suspension) in suspensions where suspension.isRecorded {
            if let earlier = suspension.handover { handover = handover.completing(earlier) }
            suspensions[endpoint] = nil
        }
        return handover
    }

    /// Leaves to the record what it says itself, and to people what they decide against a guard's wish.
    func noteRecordedSuspensions() {
        for (endpoint, suspension) in suspensions {
            let answering = recordedTable.routes[endpoint.model]?.answering ?? []
            let isOverruled = suspension.isVerdict && state.lastChange(of: endpoint) != suspension.lastChange
            let isRecorded = isOverruled || !suspension.versions.contains(where: answering.contains)
            suspensions[endpoint]?.isRecorded = isRecorded
            // The loops still have its route, and what overrules it need not lead to another table.
            if isRecorded, !suspension.isRecorded { published = nil }
        }
    }

    /// The error for a command whose events could not be recorded; what it took out stays so, and is tried
    /// again.
    func unrecorded(
        _ events: [Event],
        of command: Command,
        by actor: Actor,
        reason: String?,
        _ failure: StoreError
    ) -> any Error {
        var error: any Error = failure
        for case .release(.rolledBack(let rollback)) in events {
            guard let suspension = suspensions[rollback.endpoint], !suspension.isRecorded else { continue }
            suspensions[rollback.endpoint]?.retry = Suspension.Retry(
                command: command,
                actor: actor,
                reason: reason,
                failure: failure.explanation.summary
            )
            error = UnrecordedRollback(version: suspension.version, failure: failure)
        }
        return error
    }

    /// A turn in which something is decided: after what could not be recorded before, so that the record has
    /// what people asked for in the order in which they did.
    ///
    /// - Throws: ``UnrecordedRollback`` while the disk refuses, and what `work` throws.
    func turn<Value: Sendable>(_ work: () async throws -> Value) async throws -> Value {
        try await turnstile.pass {
            try await recordSuspended()
            return try await work()
        }
    }

    /// A turn in which somebody's rollback is decided.
    ///
    /// That another could not be recorded keeps it from nothing: if the disk refuses still, it says so of
    /// this one, too. Without a target it means the one that waits for its record at the same endpoint.
    func turnForRollback<Value: Sendable>(
        at endpoint: EndpointID,
        to reference: VersionReference?,
        _ work: () async throws -> Value
    ) async throws -> Value {
        try await turnstile.pass {
            do {
                try await recordSuspended()
            } catch {
                if reference == nil, let same = suspensions[endpoint], same.retry != nil {
                    throw (error as? UnrecordedRollback)?.of(same.version) ?? error
                }
                // Each round says why.
            }
            return try await work()
        }
    }

    /// Records what could not be recorded before, in the order in which it was wanted.
    private func recordSuspended() async throws {
        for endpoint in suspensions.values.sorted(by: { $0.number < $1.number }).map(\.endpoint) {
            guard let suspension = suspensions[endpoint], !suspension.isRecorded,
                let retry = suspension.retry
            else { continue }
            let events: [Event]
            do {
                events = try decide(retry.command, by: retry.actor, in: state, unready: unready)
            } catch {
                logger.error("a rollback is not carried out", metadata: ["error": "\(reasonText(error))"])
                await giveUp(suspension)
                continue
            }
            // It is these versions that were to go, whatever else the command would mean now.
            let isMeant = events.takenOut.contains { other, versions in
                other == endpoint && suspension.versions.allSatisfy(versions.contains)
            }
            guard isMeant else {
                logger.error(
                    "a rollback is not carried out: it would take out others by now",
                    metadata: ["version": "\(suspension.version)"]
                )
                await giveUp(suspension)
                continue
            }
            _ = try await carryOut(events, of: retry.command, by: retry.actor, reason: retry.reason)
            if case .rollback = retry.command {
                retried[endpoint] = state.endpoints[endpoint]?.lastTakenOut?.at
            }
            toldFailure = nil
        }
    }

    /// The same in a round of its own; says each failure once.
    func retrySuspended() async {
        guard suspensions.values.contains(where: { $0.retry != nil }) else { return }
        do {
            try await turn {}
        } catch {
            let failure = reasonText(error)
            guard failure != toldFailure else { return }
            toldFailure = failure
            logger.error("a rollback is not recorded", metadata: ["error": "\(failure)"])
        }
    }

    /// Lets go of a suspension that needs no trying again.
    private func giveUp(_ suspension: Suspension) async {
        let endpoint = suspension.endpoint
        if suspensions[endpoint]?.number == suspension.number { suspensions[endpoint]?.retry = nil }
        await lift(suspension)
    }

    /// Lets the record alone say who answers, unless a rollback is recorded or still to be.
    func lift(_ suspension: Suspension) async {
        let endpoint = suspension.endpoint
        guard let standing = suspensions[endpoint], standing.number == suspension.number,
            !standing.isRecorded, standing.retry == nil
        else { return }
        suspensions[endpoint] = nil
        do {
            _ = try await hand()
        } catch {
            logger.error("a table was not acknowledged", metadata: ["error": "\(reasonText(error))"])
        }
    }
}

extension [Event] {
    /// The versions that are rolled back, by endpoint, in order.
    var takenOut: [(endpoint: EndpointID, versions: [VersionNumber])] {
        var all: [(endpoint: EndpointID, versions: [VersionNumber])] = []
        for case .release(.rolledBack(let rollback)) in self {
            if let index = all.firstIndex(where: { $0.endpoint == rollback.endpoint }) {
                all[index].versions.append(rollback.from)
            } else {
                all.append((rollback.endpoint, [rollback.from]))
            }
        }
        return all
    }
}
