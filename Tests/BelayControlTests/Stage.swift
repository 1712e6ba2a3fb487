import BelayArtifacts
import BelayControl
import BelayCore
import BelayInference
import BelayStore
import BelayTesting
import Foundation
import Logging
import Synchronization

/// The wall clock of a test: it moves when it is told to, backwards too.
final class WallTime: Sendable {
    private let milliseconds = Mutex<Int64>(1_800_000_000_000)

    var now: Timestamp { Timestamp(milliseconds: milliseconds.withLock { $0 }) }

    func advance(by duration: Duration) {
        let moved = now.advanced(by: duration)
        milliseconds.withLock { $0 = moved.milliseconds }
    }
}

/// Where the bytes of versions lie: written once, however often a story is told.
final class Shelf: Sendable {
    let artifacts = InMemoryArtifacts()
    let folders: VersionFolders
    private let root: String

    init() throws {
        root = FileManager.default.temporaryDirectory.path + "/belay-control-\(UUID().uuidString)"
        folders = try VersionFolders(root: root, artifacts: artifacts)
    }

    deinit {
        // What is left in the temporary folder harms nobody.
        try? FileManager.default.removeItem(atPath: root)
    }

    /// Stores bytes and says under which name.
    func put(_ text: String) async throws -> Manifest.File {
        let bytes = Array(text.utf8)
        let stream = AsyncThrowingStream<[UInt8], any Error> { continuation in
            continuation.yield(bytes)
            continuation.finish()
        }
        let digest = sha256(bytes)
        try await artifacts.put(digest, limit: 1 << 20, chunks: stream)
        guard let path = RelativePath("model.onnx") else { preconditionFailure("a plain name is a path") }
        return Manifest.File(path: path, size: Int64(bytes.count), digest: digest)
    }
}

/// The world around control: what outlives a process, and the process of the moment.
final class Stage {
    /// What dies together.
    struct Process: Sendable {
        let conductor: Conductor
        let loader: VersionLoader
        let pool: InstancePool
        let registrar: Registrar
        let store: MortalStore
    }

    let shelf: Shelf
    let store = InMemoryStore()
    let fate: Fate
    let runtime = StagedRuntime()
    let time = WallTime()
    /// By which loads and questions are given up.
    let clock = StepClock()
    /// What gateways have counted; it survives the process, because the requests that make it do.
    let evidence = EvidenceBox()
    /// A second source, for tests that want to stop a round in the middle.
    let source = DoorSource()
    let publisher: RecordingPublisher
    private(set) var process: Process

    init(shelf: Shelf, fate: Fate = .spared()) {
        self.shelf = shelf
        self.fate = fate
        publisher = RecordingPublisher(store: store, fate: fate)
        let sources: [any EvidenceSource] = [evidence, source]
        process = Self.process(shelf, store, fate, runtime, publisher, sources, time, clock)
    }

    /// Throws the process away and starts another on the same store: nothing is loaded, nothing published.
    func restart() {
        fate.revive()
        process = Self.process(shelf, store, fate, runtime, publisher, [evidence, source], time, clock)
    }

    private static func process(
        _ shelf: Shelf,
        _ store: InMemoryStore,
        _ fate: Fate,
        _ runtime: StagedRuntime,
        _ publisher: RecordingPublisher,
        _ sources: [any EvidenceSource],
        _ time: WallTime,
        _ clock: StepClock
    ) -> Process {
        let pool = InstancePool()
        publisher.restart(pool: pool)
        let loader = VersionLoader(
            folders: shelf.folders,
            runtime: runtime,
            pool: pool,
            clock: clock
        )
        let mortal = MortalStore(store, fate: fate)
        let conductor = Conductor(
            ledger: mortal,
            archive: mortal,
            state: store.standing.state,
            head: store.standing.head,
            publisher: publisher,
            sources: sources,
            loader: loader,
            now: { time.now },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let registrar = Registrar(artifacts: shelf.artifacts, loader: loader, conductor: conductor)
        return Process(conductor: conductor, loader: loader, pool: pool, registrar: registrar, store: mortal)
    }
}

/// A source of evidence that has none, and a door before it.
final class DoorSource: EvidenceSource {
    let door = Door()

    func collect() async -> EvidenceCounts {
        await door.pass()
        return EvidenceCounts()
    }
}

// MARK: - The usual acts

extension Stage {
    var conductor: Conductor { process.conductor }

    /// Registers a version whose only file holds `MODEL TEXT`; the runtime knows it by that name.
    @discardableResult
    func register(_ model: String, _ text: String, features: Int = 4) async throws -> Version {
        let name = "\(model) \(text)"
        runtime.know(name, signature: Build.signature(features: features))
        let file = try await shelf.put(name)
        guard let manifest = Manifest(files: [file]) else { preconditionFailure("one file is a manifest") }
        let request = Registrar.Request(
            model: Build.model(model),
            manifest: manifest,
            label: nil,
            metrics: [:],
            params: [:],
            note: nil
        )
        return try await process.registrar.register(request, by: .person("ada")).version
    }

    @discardableResult
    func release(
        _ model: String,
        _ number: Int,
        policy: Policy? = nil,
        origin: ReleaseRequest.Origin = .person
    ) async throws -> Conductor.Performed {
        let request = ReleaseRequest(
            endpoint: Build.endpoint(model),
            candidate: .number(Build.number(number)),
            policy: policy,
            origin: origin,
            salt: Salt(UInt64(number))
        )
        return try await conductor.perform(.release(request), by: .person("ada"), reason: nil)
    }

    /// A person takes back what serves, or the candidate.
    @discardableResult
    func rollBack(_ model: String, to number: Int? = nil) async throws -> Conductor.Performed {
        let target = number.map { VersionReference.number(Build.number($0)) }
        return try await conductor.rollback(
            Build.endpoint(model),
            to: target,
            by: .person("ada"),
            reason: "it looks bad"
        )
    }

    /// One round of each loop.
    func round() async throws {
        try await conductor.tick()
        try await conductor.load()
    }

    /// Registers a version, releases it without any step, and brings it to all requests.
    func serve(_ model: String, _ text: String, keepWarm: Int = 2) async throws {
        let version = try await register(model, text)
        let policy = Build.policy(model, steps: [], keepWarm: keepWarm)
        try await release(model, version.id.number.value, policy: policy)
        try await round()
        try await round()
    }

    /// Counts outcomes of one arm of the release that runs.
    func count(
        _ metric: Metric,
        of model: String,
        _ arm: Arm,
        _ number: Int,
        bad: Int = 0
    ) async throws {
        let running = await conductor.state.activeRelease(at: Build.endpoint(model))
        guard let release = running else { throw NothingOnTrial() }
        for (isBad, share) in [(true, bad), (false, number - bad)] {
            let key = EvidenceKey(
                release: release.id,
                metric: metric,
                arm: arm,
                share: release.share,
                bad: isBad
            )
            evidence.add(key, share)
        }
    }

    /// Counts answers of what is stable, as gateways do outside of a release.
    func serves(_ model: String, _ number: Int, bad: Int, rescuedBy rescuer: Int?) async {
        let stable = await conductor.state.endpoints[Build.endpoint(model)]?.stable
        guard let release = stable?.release else { return }
        for (isBad, count) in [(true, bad), (false, number - bad)] {
            let key = EvidenceKey(
                release: release,
                metric: .errorRate,
                arm: .candidate,
                share: .all,
                bad: isBad
            )
            evidence.add(key, count)
        }
        guard let rescuer else { return }
        evidence.add(Rescues.key(of: Build.number(rescuer), hasFailed: false, in: release), bad)
    }

    /// Counts labels of answers that one arm of a release gave while it was tried at 10 %.
    func late(_ release: ReleaseID, _ arm: Arm, _ number: Int, bad: Int) {
        guard let share = Share(partsPerMillion: 100_000) else { return }
        for (isBad, count) in [(true, bad), (false, number - bad)] {
            let key = EvidenceKey(release: release, metric: .accuracy, arm: arm, share: share, bad: isBad)
            evidence.add(key, count)
        }
    }

    /// What the data plane answers by: the record's, unless a rollback waits for that.
    func answering(_ model: String) -> VersionNumber? {
        publisher.current?.routes[Build.model(model)]?.stable
    }

    func serving(_ model: String) async -> VersionNumber? {
        await conductor.state.endpoints[Build.endpoint(model)]?.stable?.version
    }

    /// The receipts that are recorded, in order.
    var fences: [Receipt?] {
        store.entries(after: 0, limit: .max).compactMap { sealed in
            if case .release(.fenceCompleted(let fence)) = sealed.entry.event { fence.receipt } else { nil }
        }
    }

    /// What is known of a version's golden request.
    func health(_ model: String, _ number: Int) async -> StandbyHealth {
        await conductor.health(of: Build.id(model, number))
    }

    /// The kinds of all entries, in order.
    var kinds: [Event.Kind] { store.entries(after: 0, limit: .max).map(\.entry.event.kind) }
}

struct NothingOnTrial: Error {}
