import BelayArtifacts
import BelayControl
import BelayCore
import BelayDisk
import BelayGateway
import BelayInference
import BelayInferenceLog
import BelayStore
import CMemory
import Foundation
import Hummingbird
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// The version of this program.
package let belayVersion = "0.1.0"

/// Where a started server can be reached.
package struct ServerAddresses: Equatable, Sendable {
    package let control: ListenAddress
    package let inference: ListenAddress
}

/// One process, assembled: the only file that names concrete adapters.
package struct Assembly: Sendable {
    let settings: Settings
    let logger: Logger

    package init(settings: Settings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    /// Runs a server until it is told to stop.
    ///
    /// - Parameters:
    ///   - handlesSignals: Whether SIGTERM and SIGINT end it gracefully; otherwise cancelling the task does.
    ///   - onReady: Called once, when both ports are open and what serves has been published.
    /// - Throws: A ``ServerError`` or whatever keeps the data from being read; nothing is left running.
    package func run(
        handlesSignals: Bool,
        onReady: @escaping @Sendable (ServerAddresses) async -> Void
    ) async throws {
        for address in [settings.listen, settings.inference] where !address.isLoopback {
            throw ServerError.notLoopback(address)
        }
        let threads = Threads()
        let descriptors = DescriptorLimit.raised()
        do {
            try await serve(on: threads, descriptors, handlesSignals: handlesSignals, onReady: onReady)
        } catch {
            try? await threads.shutdown()
            throw error
        }
        try await threads.shutdown()
    }

    private func serve(
        on threads: Threads,
        _ descriptors: DescriptorLimit,
        handlesSignals: Bool,
        onReady: @escaping @Sendable (ServerAddresses) async -> Void
    ) async throws {
        let parts = try await assemble(on: threads, descriptors)
        try await start(parts)
        let inference = try await open(parts.gateway)
        let control = control(parts, descriptors, inference: inference, onReady: onReady)
        let services = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: Closing(parts: parts)),
                    .init(service: Conducting(conductor: parts.conductor)),
                    .init(service: Heralding(herald: parts.telling.herald, logger: logger)),
                    .init(service: Forgetting(conductor: parts.conductor, log: parts.log, logger: logger)),
                    .init(service: Joining(intake: parts.intake, logger: logger)),
                    .init(service: asking(parts)),
                    .init(service: control),
                    .init(service: Finishing(gateway: parts.gateway)),
                    .init(service: Announcing(draining: parts.desk.draining, handlesSignals: handlesSignals)),
                ],
                gracefulShutdownSignals: handlesSignals ? [.sigterm, .sigint] : [],
                logger: quiet(logger)
            )
        )
        do {
            try await services.run()
        } catch let error as IOError {
            throw ServerError.portTaken(settings.listen, reason: String(cString: strerror(error.errnoCode)))
        }
    }

    /// The control API, on its own loop.
    private func control(
        _ parts: Parts,
        _ descriptors: DescriptorLimit,
        inference: ListenAddress,
        onReady: @escaping @Sendable (ServerAddresses) async -> Void
    ) -> some Service {
        let settings = settings
        let places = ConnectionPlaces(most: descriptors.ofControl)
        // Long, for an answer counts as given when it is written, and the last of it may be taken slowly; who
        // is idle makes room before, when there is none.
        let patience = TimeAmount.minutes(10)
        let router = router(parts, inference: inference)
        let application = Application(
            router: router,
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [
                        PlaceHandler(places: places), StalledReaderHandler(patience: patience),
                        ContinueHandler(),
                    ],
                    idleTimeout: patience
                )
            ),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.listen.host, port: settings.listen.port),
                serverName: "belay"
            ),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? settings.listen.port
                let control = ListenAddress(host: settings.listen.host, port: port)
                // Much of the program and of ONNX Runtime has served its purpose by now.
                belay_forget_read_only_pages()
                await onReady(ServerAddresses(control: control, inference: inference))
            },
            eventLoopGroupProvider: .shared(parts.threads.control),
            logger: quiet(logger)
        )
        return Preferring(
            executor: LoopExecutor(parts.threads.control.next()),
            service: application,
            patience: settings.shutdownPatience
        )
    }

    private func asking(_ parts: Parts) -> Asking {
        let poller = QueryPoller(base: settings.prometheus, http: parts.telling.http, logger: logger)
        return Asking(
            poller: poller,
            cadence: settings.queryCadence,
            conductor: parts.conductor,
            now: parts.desk.now
        )
    }

    private func open(_ gateway: Gateway) async throws -> ListenAddress {
        do {
            let bound = try await gateway.start()
            return ListenAddress(host: settings.inference.host, port: bound.port)
        } catch let error as IOError {
            throw ServerError.portTaken(
                settings.inference,
                reason: String(cString: strerror(error.errnoCode))
            )
        }
    }

    /// The libraries' own chatter stays out of the server's log.
    private func quiet(_ logger: Logger) -> Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        return quiet
    }
}

// MARK: - The parts

extension Assembly {
    /// Everything that lives as long as the server.
    struct Parts: Sendable {
        let store: SQLiteStore
        /// Kept free for rollbacks on a full disk.
        let reserve: Reserve
        let artifacts: DirectoryArtifacts
        let log: InferenceLog
        let gateway: Gateway
        let conductor: Conductor
        let registrar: Registrar
        let intake: LabelIntake
        let desk: Desk
        let coverage: CoverageFigures
        let telling: Telling
        let verifications = VerificationLog()
        let threads: Threads
        let runtimeVersion: String
        let startedAt: Timestamp
    }

    private func assemble(on threads: Threads, _ descriptors: DescriptorLimit) async throws -> Parts {
        let data = settings.data
        try makeFolder(data)
        // First, because it locks the folder: nothing may be tidied up in another server's house.
        let reserve = Reserve.forRollbacks(in: data)
        let store = try await SQLiteStore.open(path: "\(data)/belay.sqlite", reserve: reserve)
        let runtime = try ONNXRuntime(libraryPath: try runtimePath())
        let artifacts = try DirectoryArtifacts(root: "\(data)/artifacts")
        let folders = try VersionFolders(root: "\(data)/versions", artifacts: artifacts)
        let log = try await reserve.lend {
            try InferenceLog(folder: "\(data)/inference", limits: .standard, memory: "/dev/shm")
        }
        let labels = try await reserve.lend { try LabelStore(path: "\(data)/inference/labels.sqlite") }
        let pool = InstancePool()
        let loader = VersionLoader(
            folders: folders,
            runtime: runtime,
            pool: pool,
            clock: ContinuousClock()
        )
        let evidence = EvidenceBox()
        let relay = LabelRelay()
        let gateway = gateway(on: threads.gateway, descriptors, pool: pool, log: log, labels: relay)
        let clock = SteadyClock(newest: store.standing.newest, logger: logger)
        let conductor = conductor(store, gateway, evidence, loader, clock)
        let intake = LabelIntake(
            log: log,
            labels: labels,
            evidence: evidence,
            conductor: conductor,
            now: wallClock
        )
        relay.connect(intake)
        return Parts(
            store: store,
            reserve: reserve,
            artifacts: artifacts,
            log: log,
            gateway: gateway,
            conductor: conductor,
            registrar: Registrar(artifacts: artifacts, loader: loader, conductor: conductor),
            intake: intake,
            desk: Desk(conductor: conductor, pool: pool, now: clock.now),
            coverage: CoverageFigures(reader: CoverageReader(log: log, labels: labels)),
            telling: try await Telling(
                settings: settings,
                store: store,
                reserve: reserve,
                conductor: conductor,
                now: clock.now,
                logger: logger
            ),
            threads: threads,
            runtimeVersion: runtime.version,
            startedAt: wallClock()
        )
    }

    private func conductor(
        _ store: SQLiteStore,
        _ gateway: Gateway,
        _ evidence: EvidenceBox,
        _ loader: VersionLoader,
        _ clock: SteadyClock
    ) -> Conductor {
        let standing = store.standing
        return Conductor(
            ledger: store,
            archive: store,
            state: standing.state,
            head: standing.head,
            publisher: gateway,
            sources: [gateway, evidence],
            loader: loader,
            now: clock.now,
            logger: logger
        )
    }

    private func gateway(
        on group: MultiThreadedEventLoopGroup,
        _ descriptors: DescriptorLimit,
        pool: InstancePool,
        log: InferenceLog,
        labels: LabelRelay
    ) -> Gateway {
        var configuration = GatewayConfiguration(
            host: settings.inference.host,
            port: settings.inference.port
        )
        configuration.version = belayVersion
        if descriptors.ofGateway < configuration.maxConnections {
            logger.warning(
                "the system allows fewer connections than the gateway takes: raise the limit of open files",
                metadata: ["limit": "\(descriptors.whole)", "connections": "\(descriptors.ofGateway)"]
            )
            configuration.maxConnections = descriptors.ofGateway
        }
        let ids = RequestIDs()
        return Gateway(
            configuration: configuration,
            group: group,
            pool: pool,
            log: AnswerLogPort { answer, mustFit, settled in
                log.keep(answer, mustFit: mustFit, settled)
            } sampledOut: { model in
                log.sampledOut(model: model)
            } isWritable: {
                log.counters.trouble == nil
            },
            labels: { body, type, isFeedback in
                await labels.reply(to: LabelDelivery(body: body, contentType: type, isFeedback: isFeedback))
            },
            clock: wallClock,
            ids: { ids.next(at: wallClock()) }
        )
    }

    private func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw ServerError.dataUnusable(path: path, reason: "it cannot be made")
        }
    }

    private func runtimePath() throws -> String {
        try settings.onnxRuntime
            ?? ONNXLibrary.find(
                environment: ProcessInfo.processInfo.environment,
                executable: Bundle.main.executablePath ?? CommandLine.arguments[0],
                workingDirectory: FileManager.default.currentDirectoryPath
            )
    }

    /// Brings the world back to where the ledger says it is, before anyone can ask.
    private func start(_ parts: Parts) async throws {
        parts.log.opening.report(to: logger)
        // A wall clock that was set back dates answers before their epoch: then all units count as known.
        let isBehind = wallClock() < parts.desk.now().advanced(by: .seconds(-5))
        for release in await parts.conductor.state.releases.values where !release.hasEnded {
            let (units, fault) = await parts.log.units(
                of: release.id,
                since: isBehind ? nil : release.epochBegan
            )
            if let fault { await hold(release.id, for: fault, parts) }
            parts.gateway.seed(units: units, for: release.id, inEvidenceEpoch: release.evidenceEpoch)
        }
        let state = await parts.conductor.state
        for release in state.releases.values where state.takesLabels(release, at: parts.desk.now()) {
            try await restoreLabels(of: release.id, parts)
        }
        let start = ServerStart(belay: belayVersion, process: Int(ProcessInfo.processInfo.processIdentifier))
        try await parts.conductor.perform(.recordStart(start), by: .belay, reason: nil)
        try await parts.conductor.tick()
        try await parts.conductor.loadServing()
    }

    /// Whom a release has met cannot all be read, so some may be counted again: a person is to look at it.
    private func hold(_ release: ReleaseID, for fault: InferenceLogError, _ parts: Parts) async {
        let reason = "Whom it has met cannot all be read: \(fault.explanation.summary)"
        logger.error("a release is held", metadata: ["release": "\(release)", "reason": "\(reason)"])
        do {
            try await parts.conductor.perform(.hold(release), by: .belay, reason: reason)
        } catch {
            logger.error("it could not be held", metadata: ["error": "\(error)"])
        }
    }

    /// Brings back the labels that were kept but not yet recorded as evidence when the process ended.
    private func restoreLabels(of release: ReleaseID, _ parts: Parts) async throws {
        let kept = try await parts.intake.labels.evidence(of: release)
        guard !kept.isEmpty else { return }
        var recorded = EvidenceCounts()
        for tick in try await parts.store.ticks(of: release) { recorded.merge(tick.counts) }
        for (key, count) in kept.counts {
            parts.intake.evidence.add(key, count - recorded.counts[key, default: 0])
        }
    }
}
