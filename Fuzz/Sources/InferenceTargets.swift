import BelayCore
import BelayInference

private let limits = OIPLimits(
    mostInputs: 16,
    mostElements: 1 << 16,
    mostStrings: 1 << 12,
    mostStringBytes: 1 << 16,
    mostDepth: 32
)

private let redaction = Redaction(pointers: ["/inputs/a", "/outputs/0", "/parameters/user", "/id"])

private let signatures = [
    Signature(
        inputs: [TensorSpec(name: "a", type: .fp32, shape: [nil, 2])],
        outputs: [TensorSpec(name: "label", type: .int64, shape: [nil])]
    ),
    Signature(
        inputs: TensorType.allCases.map { TensorSpec(name: $0.rawValue, type: $0, shape: [nil, 1]) },
        outputs: [TensorSpec(name: "y", type: .bytes, shape: [nil])]
    ),
].compactMap(\.self)

/// A request: what was read must be the same when it is written and read again.
func tryRequest(_ input: [UInt8]) {
    let (line, body) = parts(of: input)
    guard let header = try? OIPRequest.headerLength(line.isEmpty ? [] : [line]) ?? -1 else { return }
    let length = header < 0 ? nil : header
    _ = redaction.redacted(body, headerLength: length)
    _ = JSONPointer("/parameters/user")?.scalar(in: body, headerLength: length)
    guard let request = try? OIPRequest(decoding: body, headerLength: length, limits: limits) else { return }
    for signature in signatures { _ = try? request.completed(by: signature) }
    guard request.raw == nil, let written = try? request.encode() else { return }
    let again = try? OIPRequest(decoding: written, limits: OIPLimits.standard)
    precondition(again == request, "written and read again, the request is another")
}

/// An answer, and the bodies of MLflow's scoring protocol.
func tryAnswer(_ input: [UInt8]) {
    let (line, body) = parts(of: input)
    for signature in signatures {
        for format in [ScoringFormat.json, .csv] {
            let request = try? Scoring.request(
                decoding: body,
                format: format,
                signature: signature,
                limits: limits
            )
            if let request { _ = try? Scoring.encode(request.inputs) }
        }
    }
    guard let length = try? OIPRequest.headerLength(line.isEmpty ? [] : [line]) ?? -1,
        let answer = try? OIPResponse.decode(body, headerLength: length < 0 ? nil : length, limits: limits)
    else { return }
    for isBinary in [false, true] {
        let request = OIPRequest(id: answer.id, inputs: [], outputs: [], binaryOutput: isBinary)
        let written = try? OIPResponse.encode(
            model: answer.model,
            version: answer.version,
            request: request,
            outputs: answer.outputs
        )
        guard let written else { continue }
        let again = try? OIPResponse.decode(
            written.bytes,
            headerLength: written.headerLength,
            limits: OIPLimits.standard
        )
        let outputs = again?.outputs ?? []
        // NaN, which only bytes can bring, equals nothing.
        let isFinite = answer.outputs.allSatisfy { $0.tensor.firstNonFinite == nil }
        precondition(!isFinite || outputs == answer.outputs, "written and read again, the answer is another")
    }
}
