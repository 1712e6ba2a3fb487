import BelayCore
import BelayInference
import Foundation

// What one inference costs inside the process, step by step. See ../README.md.
guard CommandLine.arguments.count >= 4, let entry = RelativePath(CommandLine.arguments[3]) else {
    print("usage: belay-bench-kernel LIBONNXRUNTIME FOLDER MODEL.onnx [STEP]")
    exit(2)
}
let instance = try ONNXRuntime(libraryPath: CommandLine.arguments[1])
    .load(folder: CommandLine.arguments[2], entry: entry)
let signature = instance.signature
let input = signature.inputs[0]
let never = Cancellation()

func decoded(_ body: [UInt8]) throws -> OIPRequest { try OIPRequest(decoding: body, limits: .standard) }

func answered(_ request: OIPRequest) throws -> [NamedTensor] {
    try instance.infer(request.inputs, outputs: request.outputNames, cancellation: Cancellation())
}

func encoded(_ outputs: [NamedTensor]) throws -> [UInt8] {
    let request = OIPRequest(id: "r-1", inputs: [], outputs: [])
    return try OIPResponse.encode(model: "breast-cancer", version: "2", request: request, outputs: outputs)
        .bytes
}

func isFinite(_ outputs: [NamedTensor]) -> Bool { outputs.allSatisfy { $0.tensor.firstNonFinite == nil } }

let small = body(rows: 1, columns: 30, decimals: 6, input: input)
let python = body(rows: 1, columns: 30, decimals: nil, input: input)
let large = body(rows: 32, columns: 30, decimals: 6, input: input)
let request = try decoded(small)
let outputs = try answered(request)
var numbers = Numbers()
let singles = NamedTensor(name: "p", tensor: try tensor(of: (0..<1_000).map { _ in Float(numbers.next()) }))
let doubles = NamedTensor(name: "p", tensor: try tensor(of: (0..<1_000).map { _ in numbers.next() }))

print("| step | median µs | least µs | allocations |\n|---|---|---|---|")
try report("decode \(small.count) B, 1 × 30") { _ = try decoded(small) }
try report("decode \(python.count) B, 1 × 30 of 17 digits") { _ = try decoded(python) }
try report("decode \(large.count) B, 32 × 30") { _ = try decoded(large) }
try report("check the request") { try signature.check(request.inputs, outputs: []) }
try report("infer, 1 row (checks too)") { _ = try answered(request) }
report("guard the outputs") { _ = isFinite(outputs) }
try report("encode the outputs") { _ = try encoded(outputs) }
try report("all of it: decode, infer, guard, encode") {
    let outputs = try answered(decoded(small))
    guard isFinite(outputs) else { return }
    _ = try encoded(outputs)
}
try report("floats: encode 1 000") { _ = try encoded([singles]) }
try report("doubles: encode 1 000") { _ = try encoded([doubles]) }
