package import BelayCore
package import BelayInference
import NIOCore
package import NIOPosix
import Synchronization

/// Requests in, answers out: the inference port of one process.
///
/// It holds no truth: what it answers by is the last ``BelayCore/RouteTable`` it was given, and if nobody
/// gives it another it goes on with that one. Before the first publication it is alive but not ready, and
/// knows no model.
package final class Gateway: RoutePublisher, EvidenceSource {
    private enum Phase {
        case fresh
        case listening(any Channel)
        case leaving
    }

    /// Takes the labels or the feedback of a request, as its path says.
    package typealias LabelKeeper =
        @Sendable (
            _ body: [UInt8], _ contentType: String?, _ isFeedback: Bool
        ) async -> LabelReply

    private let configuration: GatewayConfiguration
    private let stations: [Station]
    private let listener: Listener
    private let publication: Publication
    private let seen: SeenUnits
    private let phase = Mutex(Phase.fresh)

    /// - Parameters:
    ///   - configuration: Where to listen, and the limits.
    ///   - group: Every loop of it answers requests; the caller shuts it down after the gateway.
    ///   - pool: Where control puts the versions it has loaded.
    ///   - log: Keeps each answer, on an event loop: it must not block.
    ///   - labels: Keeps the labels of a `POST /v1/labels` or `/v1/feedback`.
    ///   - clock: The time for the log; deadlines use the loops' own monotonic one.
    ///   - ids: Makes the id of a request that brought none; 1 to 128 visible ASCII characters.
    package init(
        configuration: GatewayConfiguration,
        group: MultiThreadedEventLoopGroup,
        pool: InstancePool,
        log: AnswerLogPort,
        labels: @escaping LabelKeeper,
        clock: @escaping @Sendable () -> Timestamp,
        ids: @escaping @Sendable () -> String
    ) {
        self.configuration = configuration
        let seen = SeenUnits(limit: configuration.unitLimit)
        self.seen = seen
        let stations = group.makeIterator().map { Station(eventLoop: $0) }
        self.stations = stations
        let ports = Ports(
            configuration: configuration,
            log: log,
            labels: labels,
            clock: clock,
            ids: ids,
            seen: seen,
            bodies: BodyBudget(bytes: configuration.bodiesLimit),
            readers: Readers(),
            figures: { await gather(stations) }
        )
        listener = Listener(group: group, stations: stations, ports: ports)
        let limits = Lane.Limits(threads: configuration.laneThreads, waiting: configuration.laneWaiting)
        publication = Publication(stations: stations, pool: pool, seen: seen) { version, instance in
            Lane(version: version, instance: instance, limits: limits)
        }
    }

    /// Starts to accept connections and says where.
    ///
    /// - Throws: ``GatewayError``, or the system's error when the address cannot be bound.
    package func start() async throws -> (host: String, port: Int) {
        guard case .fresh = phase.withLock({ $0 }) else { throw GatewayError.startedTwice }
        let channel = try await listener.bind()
        let isFirst = phase.withLock { phase in
            guard case .fresh = phase else { return false }
            phase = .listening(channel)
            return true
        }
        guard isFirst else {
            try await channel.close()
            throw GatewayError.startedTwice
        }
        return (configuration.host, channel.localAddress?.port ?? configuration.port)
    }

    /// Loses no request: connections that are open are answered once more and told to go, then nothing more
    /// is accepted, requests in flight finish within the drain timeout, and every version is let go.
    ///
    /// Connections are accepted until the silent ones have been let go. What a client sends in the very
    /// moment in which its silent connection is closed is lost, as HTTP/1.1 has it. Tables are taken as long
    /// as anything is answered: a rollback holds to the end.
    package func shutdown() async {
        let former = phase.withLock { phase in
            defer { phase = .leaving }
            return phase
        }
        guard case .listening(let channel) = former else { return }
        let linger = configuration.lingerTimeout
        for left in stations.map({ station in station.submit { cell in cell.leave(linger: linger) } }) {
            try? await left.get()
        }
        await waitForSilence()
        // Already closed is closed too.
        try? await channel.close()
        let deadline = NIODeadline.now() + configuration.drainTimeout
        let drains = stations.map { station in
            station.submit { cell in cell.drain(until: deadline, grace: .seconds(2)) }.flatMap { $0 }
        }
        for drained in drains {
            // A loop that has stopped has no connections.
            try? await drained.get()
        }
        await publication.retire()
    }

    /// Returns when no connection is open, or when those that are have had their time to say something.
    private func waitForSilence() async {
        let deadline = NIODeadline.now() + configuration.lingerTimeout
        while NIODeadline.now() < deadline {
            var open = 0
            for count in stations.map({ $0.submit { cell in cell.openConnections } }) {
                open += (try? await count.get()) ?? 0
            }
            guard open > 0 else { return }
            let pause = stations.first?.eventLoop.scheduleTask(in: .milliseconds(20)) {}
            try? await pause?.futureResult.get()
        }
    }

    // MARK: - Routes

    package func hand(_ table: RouteTable, preparing next: RouteTable?) async throws -> Handover {
        try await publication.hand(table, preparing: next)
    }

    package func prepare(_ table: RouteTable?) async {
        await publication.prepare(table)
    }

    // MARK: - Evidence

    package func collect() async -> EvidenceCounts {
        var sum = EvidenceCounts()
        for counts in stations.map({ $0.submit { cell in cell.tally.take() } }) {
            // Counts of a loop that has stopped are lost, as they are in a crash: fewer outcomes, none
            // invented.
            if let counts = try? await counts.get() { sum.merge(counts) }
        }
        return sum
    }

    /// What the gateway has counted since it started, for people and for machines to look at.
    package func figures() async -> GatewayFigures { await gather(stations).shown }

    /// Puts back the sticky units whose outcome was counted before a restart, in the evidence epoch that goes
    /// on, so that none is evidence twice.
    package func seed(units: some Sequence<UnitHash>, for release: ReleaseID, inEvidenceEpoch epoch: Int) {
        seen.seed(units, in: EvidenceEpoch(release: release, number: epoch))
    }

    /// Sticky units that are no evidence because the release had more than can be remembered.
    package var uncountedUnits: Int { seen.uncounted }
}

/// Adds up what the loops have counted.
private func gather(_ stations: [Station]) async -> LoopFigures {
    var sum = LoopFigures()
    for figures in stations.map({ $0.submit { cell in cell.allFigures } }) {
        if let figures = try? await figures.get() { sum.merge(figures) }
    }
    return sum
}

/// Why a gateway cannot do what it was asked.
package enum GatewayError: Error, Equatable, Sendable {
    case startedTwice
    case stopped
    case tooManyConnections(limit: Int)
}

extension GatewayError: Explainable {
    package var explanation: Explanation {
        switch self {
        case .startedTwice:
            Explanation(
                code: "gateway.started-twice",
                summary: "The gateway was started although it had been started before.",
                remedy: "Make another gateway; one serves once."
            )
        case .stopped:
            Explanation(
                code: "gateway.stopped",
                summary: "The gateway was given a route table after it had been shut down.",
                remedy: "Start the server again."
            )
        case .tooManyConnections(let limit):
            Explanation(
                code: "gateway.too-many-connections",
                summary: "More than \(limit) connections were opened.",
                remedy: "Let clients share connections, or put another server beside this one."
            )
        }
    }

    package var category: FailureCategory { self == .startedTwice ? .failed : .unavailable }
}
