import BelayCore
import BelayGateway
import BelayInference
import BelayStats
import Glibc
import NIOCore
import NIOPosix

// What evidence costs a gateway, by the processor time of everything but the client. See ../README.md.
//
// belay-bench-evidence [ROUNDS [PLAN]]; with a plan's name nothing else is run, for a profiler.

let rounds = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 40 : 40
let only = CommandLine.arguments.count > 2 ? CommandLine.arguments[2] : nil
let (connections, requestsPerRound) = (16, 500)

guard let model = ModelName("bench"), let one = VersionNumber(1), let two = VersionNumber(2),
    let half = Share(partsPerMillion: 500_000),
    let signature = Signature(
        inputs: [TensorSpec(name: "x", type: .fp32, shape: [nil, 30])],
        outputs: [TensorSpec(name: "y", type: .fp32, shape: [nil])]
    ), let bins = ReferenceBins(numbers: (0..<1000).map { Double($0) / 10 }, missing: 0)
else { exit(2) }

func instance(_ value: Float) throws -> ScriptedInstance {
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
    let output = NamedTensor(name: "y", tensor: try Tensor(type: .fp32, shape: [1], storage: .packed(bytes)))
    return ScriptedInstance(signature: signature) { _ throws(InferenceError) in [output] }
}

/// Latency, predictions and so many features; with `isSliced`, all of it once more by another feature.
func plan(features: Int, isSliced: Bool = false) -> CountingPlan {
    let columns = [Series.prediction] + (0..<features).map { Series.feature("x[\($0)]") }
    let split: Set<Series> = Set(columns).union([.answers, .latency])
    return CountingPlan(
        countsLatency: true,
        countsSchema: true,
        columns: columns.map { CountingPlan.Column(series: $0, bins: bins) },
        slicings: isSliced ? [CountingPlan.Slicing(feature: "x[29]", series: split)] : []
    )
}

let off = "nothing, both versions asked by name"

/// The first names its version in each request, half of them the one and half the other: what two versions
/// cost without a toss, and without anything that is counted.
let plans: [(name: String, plan: CountingPlan?)] = [
    (off, nil), ("answers", CountingPlan.nothing),
    ("latency, prediction, 8 features", plan(features: 8)),
    ("the same, sliced", plan(features: 8, isSliced: true)),
    ("latency, prediction, 30 features", plan(features: 30)),
]

func route(_ plan: CountingPlan) -> Route {
    Route(
        endpoint: EndpointID(model, in: .prod),
        stable: one,
        stableRelease: ReleaseID(1),
        candidate: Route.Candidate(
            version: two,
            release: ReleaseID(2),
            share: half,
            salt: Salt(7),
            counting: plan
        ),
        standbys: [],
        shadows: [],
        withdrawn: [],
        aliases: [:],
        prediction: nil,
        serving: .standard,
        failing: .standard
    )
}

/// Processor time in microseconds.
func time(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
}

let numbers = (0..<30).map { "\(Double($0 * 37 % 100) + 0.5)" }.joined(separator: ",")
let body = #"{"id":"r-1","inputs":[{"name":"x","shape":[1,30],"datatype":"FP32","data":[\#(numbers)]}]}"#

func request(_ path: String) -> [UInt8] {
    let head =
        "POST /v2/models/bench\(path)/infer HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\r\n"
    return Array((head + body).utf8)
}

let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
let pool = InstancePool()
pool.put(try instance(1), for: VersionID(model, one))
pool.put(try instance(2), for: VersionID(model, two))
let gateway = Gateway(
    configuration: GatewayConfiguration(host: "127.0.0.1", port: 0),
    group: group,
    pool: pool,
    log: AnswerLogPort { _, _, settled in
        settled?(true)
        return true
    } sampledOut: { _ in
    } isWritable: {
        true
    },
    labels: { _, _, _ in LabelReply(status: 404, json: []) },
    clock: { Timestamp(milliseconds: 0) },
    ids: { "r-1" }
)
let port = try await gateway.start().port

func begin(_ plan: CountingPlan, epoch: Int) async throws {
    let table = RouteTable(epoch: Epoch(epoch), routes: [model: route(plan)])
    _ = try await gateway.publish(table)
}

try await begin(.nothing, epoch: 1)
let load = Load(port: port, connections: connections, requests: [request("")])
let pinned = Load(
    port: port,
    connections: connections,
    requests: [request("/versions/1"), request("/versions/2")]
)
var costs: [String: [Double]] = [:]
for round in 0..<rounds {
    for (index, (name, plan)) in plans.enumerated() where only == nil || only == name {
        // Both versions answer either way.
        try await begin(plan ?? .nothing, epoch: 2 + round * plans.count + index)
        let load = plan == nil ? pinned : load
        _ = load.ask(rounds: 20)
        let (all, own) = (time(CLOCK_PROCESS_CPUTIME_ID), time(CLOCK_THREAD_CPUTIME_ID))
        let failures = load.ask(rounds: requestsPerRound)
        let spent = time(CLOCK_PROCESS_CPUTIME_ID) - all - (time(CLOCK_THREAD_CPUTIME_ID) - own)
        guard failures == 0 else { exit(1) }
        // As control does, and outside of what is measured only for its first use.
        _ = await gateway.collect()
        if round > 0 || rounds == 1 {
            costs[name, default: []].append(spent / Double(requestsPerRound * connections))
        }
    }
}

print("| counted | median µs | least µs | more than with nothing |\n|---|---:|---:|---:|")
let base = (costs[off] ?? []).min()
for (name, _) in plans {
    guard let all = costs[name]?.sorted(), let least = all.first else { continue }
    let more = base.map { "\((least / $0 - 1) * 100)".prefix(5) + " %" } ?? "–"
    print("| \(name) | \("\(all[all.count / 2])".prefix(5)) | \("\(least)".prefix(5)) | \(more) |")
}
await gateway.shutdown()
try await group.shutdownGracefully()
