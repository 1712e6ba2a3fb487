import BelayCore
import CONNXRuntime

/// A model loaded by ONNX Runtime.
///
/// Dropping the last reference costs nothing where it happens: the memory is given back by a thread of the C
/// side that does only that.
final class ONNXSession: Sendable {
    private let handle: Handle

    init(library: Handle, file: String, name: String) throws(InferenceError) {
        handle = try made({ .modelUnreadable(path: name, reason: $0) }) { reason in
            unsafe belay_session_create(library.pointer, file, reason.text, reason.capacity)
        }
    }

    deinit { unsafe belay_session_release(handle.pointer) }

    /// - Throws: ``InferenceError/modelUnsupported(name:obstacle:)`` when an input or output is not a tensor
    ///   of a type that requests can carry.
    func signature(name: String) throws(InferenceError) -> Signature {
        let (inputs, outputs) = (try specs(belay_inputs), try specs(belay_outputs))
        guard let signature = Signature(inputs: inputs, outputs: outputs) else {
            throw .modelUnreadable(path: name, reason: "it has no outputs, or two of the same name")
        }
        return signature
    }

    /// A run of this session, which must outlive it.
    func run() throws(InferenceError) -> Handle {
        try made({ .runFailed(reason: $0) }) { reason in
            unsafe belay_run_create(handle.pointer, reason.text, reason.capacity)
        }
    }

    private func specs(_ side: belay_side) throws(InferenceError) -> [TensorSpec] {
        var specs: [TensorSpec] = []
        for index in 0..<(unsafe belay_session_count(handle.pointer, side)) {
            specs.append(try spec(side, index))
        }
        return specs
    }

    private func spec(_ side: belay_side, _ index: Int) throws(InferenceError) -> TensorSpec {
        let name = unsafe String(cString: belay_session_name(handle.pointer, side, index))
        let kind = unsafe belay_session_kind(handle.pointer, side, index)
        guard kind == kindTensor else {
            throw .modelUnsupported(name: name, obstacle: .notATensor(kind: kindName(kind)))
        }
        let element = unsafe belay_session_element(handle.pointer, side, index)
        guard let type = TensorType(element: element) else {
            throw .modelUnsupported(name: name, obstacle: .elementType(elementName(element)))
        }
        guard unsafe belay_session_has_shape(handle.pointer, side, index) != 0 else {
            throw .modelUnsupported(name: name, obstacle: .unknownShape)
        }
        var shape: [Int?] = []
        for axis in 0..<(unsafe belay_session_rank(handle.pointer, side, index)) {
            let dimension = unsafe belay_session_dimension(handle.pointer, side, index, axis)
            shape.append(dimension < 0 ? nil : Int(dimension))
        }
        return TensorSpec(name: name, type: type, shape: shape)
    }
}

private let kindTensor: Int32 = 1

/// ONNXType, in words.
private func kindName(_ kind: Int32) -> String {
    switch kind {
    case 2: "sequence"
    case 3: "map"
    case 4: "opaque value"
    case 5: "sparse tensor"
    case 6: "optional value"
    default: "value of kind \(kind)"
    }
}

/// The names ONNX gives to the element types that Belay does not take.
private func elementName(_ element: Int32) -> String {
    let names: [Int32: String] = [
        14: "complex64", 15: "complex128", 16: "bfloat16", 17: "float8e4m3fn", 18: "float8e4m3fnuz",
        19: "float8e5m2", 20: "float8e5m2fnuz", 21: "uint4", 22: "int4", 23: "float4e2m1",
    ]
    return names[element] ?? "number \(element) of ONNX"
}

/// ONNXTensorElementDataType and its name here.
private let elements: [(Int32, TensorType)] = [
    (1, .fp32), (2, .uint8), (3, .int8), (4, .uint16), (5, .int16), (6, .int32), (7, .int64), (8, .bytes),
    (9, .bool), (10, .fp16), (11, .fp64), (12, .uint32), (13, .uint64),
]

extension TensorType {
    init?(element: Int32) {
        guard let known = elements.first(where: { $0.0 == element }) else { return nil }
        self = known.1
    }

    var element: Int32 { elements.first { $0.1 == self }?.0 ?? 0 }
}
