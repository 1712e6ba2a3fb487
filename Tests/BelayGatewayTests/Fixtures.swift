import BelayCore
import BelayGateway
import BelayInference
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

/// A gateway on a free port with everything it talks to, for the length of one test.
struct Rig: Sendable {
    let gateway: Gateway
    let pool: InstancePool
    let group: MultiThreadedEventLoopGroup
    let port: Int
    let log: AnswerLog

    static func run(
        loops: Int = 2,
        configure: (inout GatewayConfiguration) -> Void = { _ in },
        _ body: (Rig) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
        var configuration = GatewayConfiguration(host: "127.0.0.1", port: 0)
        configuration.drainTimeout = .seconds(5)
        configuration.lingerTimeout = .milliseconds(20)
        // A test that waits for its turn on a busy machine is not idle.
        (configuration.idleTimeout, configuration.bodyTimeout) = (.hours(1), .hours(1))
        configure(&configuration)
        let (pool, log, made) = (InstancePool(), AnswerLog(), Counter())
        let gateway = Gateway(
            configuration: configuration,
            group: group,
            pool: pool,
            log: AnswerLogPort { answer, mustFit, settled in
                log.keep(answer, mustFit: mustFit, settled)
            } sampledOut: { _ in
                log.leaveOut()
            } isWritable: {
                log.isWritable
            },
            labels: { body, type, isFeedback in
                LabelReply(
                    status: 202,
                    json: Array(
                        "{\"bytes\":\(body.count),\"type\":\"\(type ?? "")\",\"feedback\":\(isFeedback)}".utf8
                    )
                )
            },
            clock: { Timestamp(milliseconds: 1_700_000_000_000) },
            ids: { "made-\(made.next())" }
        )
        let port = try await gateway.start().port
        do {
            try await body(Rig(gateway: gateway, pool: pool, group: group, port: port, log: log))
        } catch {
            await gateway.shutdown()
            try await group.shutdownGracefully()
            throw error
        }
        await gateway.shutdown()
        try await group.shutdownGracefully()
    }

    /// Clients have loops of their own, or nothing that a gateway's loop does too late could be seen.
    func client() async throws -> HTTPClient { try await .connect(port: port, group: .singleton) }

    func rawClient(staysOpen: Bool = false) async throws -> RawClient {
        try await .connect(port: port, group: .singleton, staysOpen: staysOpen)
    }

    /// A place where a run waits for the test.
    func gate() -> Gate { Gate(on: MultiThreadedEventLoopGroup.singleton.any()) }
}

final class AnswerLog: Sendable {
    private let answers = Mutex<[Answer]>([])
    private let obstacle = Mutex<Gate?>(nil)

    private let leftOut = Counter()
    private let capacity = Mutex(Int.max)
    private let commits = Mutex<[AnswerLogPort.Settled]?>(nil)

    func keep(_ answer: Answer, mustFit: Bool, _ settled: AnswerLogPort.Settled?) -> Bool {
        let fits = answers.withLock { answers in
            guard answers.count < capacity.withLock({ $0 }) else { return false }
            answers.append(answer)
            return true
        }
        if let gate = obstacle.withLock({ $0.take() }) { gate.holdUp() }
        guard fits else {
            if !mustFit { settled?(false) }
            return !mustFit
        }
        guard let settled else { return true }
        let waits = commits.withLock { commits in
            commits?.append(settled)
            return commits != nil
        }
        if !waits { settled(true) }
        return true
    }

    func leaveOut() { leftOut.next() }

    var sampledOut: Int { leftOut.value }

    /// No more than so many answers fit.
    func limit(to count: Int) { capacity.withLock { $0 = count } }

    /// Whether there is room.
    var isWritable: Bool { capacity.withLock { $0 } > answers.withLock { $0.count } }

    /// From now on nothing is on disk before ``commit()``.
    func holdCommits() { commits.withLock { $0 = [] } }

    var waitingCommits: Int { commits.withLock { $0?.count ?? 0 } }

    func commit(isKept: Bool = true) {
        let waiting = commits.withLock { commits in
            defer { commits = nil }
            return commits ?? []
        }
        for each in waiting { each(isKept) }
    }

    /// Lets the event loop of the next answer stand still until the gate is opened.
    func blockNext(at gate: Gate) { obstacle.withLock { $0 = gate } }

    var all: [Answer] { answers.withLock { $0 } }
    var last: Answer? { answers.withLock { $0.last } }
}

final class Counter: Sendable {
    private let count = Mutex(0)

    @discardableResult
    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }

    var value: Int { count.withLock { $0 } }
}

/// Lets a run be caught on its way and released.
final class Gate: Sendable {
    private let entered: EventLoopPromise<Void>
    private let opened: EventLoopPromise<Void>
    private let hasOpened = Mutex(false)

    init(on eventLoop: any EventLoop) {
        entered = eventLoop.makePromise()
        opened = eventLoop.makePromise()
    }

    /// NIO stops the process when a promise is dropped unkept, which would hide why a test failed.
    deinit {
        entered.succeed()
        opened.succeed()
    }

    /// Called by the run, on its own thread; an event loop's failure opens the gate too.
    func passThrough() {
        entered.succeed()
        try? opened.futureResult.wait()
    }

    /// The same for an event loop, which may not wait for a future: it turns in a circle.
    func holdUp() {
        entered.succeed()
        while !isOpen {}
    }

    func waitForRun() async throws { try await entered.futureResult.get() }

    var isOpen: Bool { hasOpened.withLock { $0 } }

    func open() {
        hasOpened.withLock { $0 = true }
        opened.succeed()
    }
}

// MARK: - Values

let fraud = name("fraud")
let release = ReleaseID(7)
let salt = Salt(0x5eed)
let half = share(500_000)

func name(_ text: String) -> ModelName {
    guard let name = ModelName(text) else { preconditionFailure("'\(text)' is no model name") }
    return name
}

func version(_ value: Int) -> VersionNumber {
    guard let number = VersionNumber(value) else { preconditionFailure("\(value) is no version number") }
    return number
}

func share(_ partsPerMillion: Int) -> Share {
    guard let share = Share(partsPerMillion: partsPerMillion) else { preconditionFailure("no share") }
    return share
}

func fraudVersion(_ value: Int) -> VersionID { VersionID(fraud, version(value)) }

/// A route of `fraud`; versions by their plain numbers.
///
/// No test that is not about it meets its timeout, however busy the machine is.
func route(
    stable: Int?,
    candidate: Int? = nil,
    share: Share = half,
    standbys: [Int] = [],
    withdrawn: Set<Int> = [],
    unit: ServingSettings.Unit = .header("x-user"),
    timeout: Int = 600_000,
    record: RecordSettings = .standard,
    shadows: [Route.Shadow] = [],
    aliases: [String: VersionNumber] = [:],
    failing: FailureSettings = .standard,
    counting: CountingPlan = .nothing,
    epoch: Int = 0,
    watched: CountingPlan? = nil
) -> Route {
    Route(
        endpoint: EndpointID(fraud, in: .prod),
        stable: stable.map(version),
        stableRelease: stable == nil ? nil : ReleaseID(1),
        candidate: candidate.map {
            Route.Candidate(
                version: version($0),
                release: release,
                share: share,
                salt: salt,
                evidenceEpoch: epoch,
                counting: counting
            )
        },
        watched: watched.map { Route.Watched(release: ReleaseID(1), counting: $0, isJudged: false) },
        standbys: standbys.map(version),
        shadows: shadows,
        withdrawn: Set(withdrawn.map(version)),
        aliases: aliases,
        prediction: nil,
        serving: ServingSettings(unit: unit, timeoutMilliseconds: timeout, record: record),
        failing: failing
    )
}

func table(_ epoch: Int, _ route: Route) -> RouteTable {
    RouteTable(epoch: Epoch(epoch), routes: [route.endpoint.model: route])
}

/// A user whom the test's salt sends to `arm` at a share of one half; a different one for each `nth`.
func user(in arm: Arm, nth: Int = 0) -> String {
    let names = (0...).lazy.map { "user-\($0)" }
    let fitting = names.filter { Splitter.arm(of: UnitHash(bytes: $0.utf8), salt: salt, share: half) == arm }
    return fitting.dropFirst(nth).first { _ in true } ?? ""
}

func key(_ metric: Metric, _ arm: Arm, bad: Bool, share: Share = half) -> EvidenceKey {
    EvidenceKey(release: release, metric: metric, arm: arm, share: share, bad: bad)
}

// MARK: - Models

/// Takes `x`, FP32 of two columns, and gives `y`, one FP32 a row.
func signature() throws -> Signature {
    try #require(
        Signature(
            inputs: [TensorSpec(name: "x", type: .fp32, shape: [nil, 2])],
            outputs: [TensorSpec(name: "y", type: .fp32, shape: [nil])]
        )
    )
}

func floats(_ name: String, _ values: [Float], shape: [Int]) throws(InferenceError) -> NamedTensor {
    let bytes = values.flatMap { value in
        (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
    }
    return NamedTensor(name: name, tensor: try Tensor(type: .fp32, shape: shape, storage: .packed(bytes)))
}

/// A model that says the same number whatever it is asked, so that an answer proves its version.
func constant(_ value: Float) throws -> ScriptedInstance {
    ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
        [try floats("y", [value], shape: [1])]
    }
}

/// A constant model that waits at the gate first.
func waiting(_ value: Float, at gate: Gate) throws -> ScriptedInstance {
    ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
        gate.passThrough()
        return [try floats("y", [value], shape: [1])]
    }
}

/// Runs until it is cancelled, which opens its gate.
final class HangingInstance: Instance {
    let signature: Signature
    private let gate: Gate

    init(signature: Signature, gate: Gate) {
        self.signature = signature
        self.gate = gate
    }

    func infer(
        _ inputs: [NamedTensor],
        outputs: [String],
        cancellation: Cancellation
    ) throws(InferenceError) -> [NamedTensor] {
        try cancellation.stopping { [gate] in
            gate.open()
        } _: { () throws(InferenceError) in
            gate.passThrough()
            throw .cancelled
        }
    }
}

/// Tells when it is unloaded.
final class TrackedInstance: Instance {
    let signature: Signature
    private let instance: ScriptedInstance
    private let onUnload: EventLoopPromise<Void>

    init(_ instance: ScriptedInstance, onUnload: EventLoopPromise<Void>) {
        self.instance = instance
        self.onUnload = onUnload
        signature = instance.signature
    }

    deinit { onUnload.succeed() }

    func infer(
        _ inputs: [NamedTensor],
        outputs: [String],
        cancellation: Cancellation
    ) throws(InferenceError) -> [NamedTensor] {
        try instance.infer(inputs, outputs: outputs, cancellation: cancellation)
    }
}

let question = #"{"id":"q-1","inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[0.5,2]}]}"#
let inferPath = "/v2/models/fraud/infer"

extension HTTPClient {
    /// Asks the test's model, for a user when one is given.
    func ask(user: String? = nil, path: String = inferPath) async throws -> Response {
        try await post(path, headers: user.map { ["X-User": $0] } ?? [:], question)
    }

    /// The status of the answer; nil when the connection ends without one.
    func status(user: String) async -> Int? { try? await ask(user: user).status }
}

/// The one number of an answer of the test's models.
func answered(_ response: Response) throws -> Float {
    let decoded = try OIPResponse.decode(response.body, limits: .standard)
    guard case .packed(let bytes) = decoded.outputs.first?.tensor.storage, bytes.count == 4 else {
        throw NoNumber()
    }
    return Float(bitPattern: bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) })
}

struct NoNumber: Error {}
