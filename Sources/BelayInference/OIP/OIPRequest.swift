import BelayCore

/// What one request may ask of the server's memory; the body's size is limited where it is received.
package struct OIPLimits: Equatable, Sendable {
    package let mostInputs: Int
    /// Numbers or booleans in one input.
    package let mostElements: Int
    /// Strings in one input; fewer, because each has an allocation of its own.
    package let mostStrings: Int
    package let mostStringBytes: Int
    /// Levels of objects and arrays, those of nested data included.
    package let mostDepth: Int

    package init(mostInputs: Int, mostElements: Int, mostStrings: Int, mostStringBytes: Int, mostDepth: Int) {
        self.mostInputs = mostInputs
        self.mostElements = min(mostElements, Tensor.mostElements)
        self.mostStrings = min(mostStrings, Tensor.mostElements)
        self.mostStringBytes = mostStringBytes
        self.mostDepth = mostDepth
    }

    package static let standard = OIPLimits(
        mostInputs: 256,
        mostElements: Tensor.mostElements,
        mostStrings: 1_048_576,
        mostStringBytes: 4_194_304,
        mostDepth: 32
    )
}

/// An inference request of the Open Inference Protocol, as its JSON says it.
///
/// Decoding goes from the body's bytes straight into tensors; no key is required to come before another.
/// Unknown keys are passed over, as the protocol wants, but must still be JSON. FP16 has no JSON form in the
/// protocol; Belay takes and gives plain numbers for it, rounded once, so that such models can be called.
package struct OIPRequest: Equatable, Sendable {
    package let id: String?
    package let inputs: [NamedTensor]
    /// Names of the outputs wanted; empty means all.
    package let outputs: [String]

    package init(id: String?, inputs: [NamedTensor], outputs: [String]) {
        self.id = id
        self.inputs = inputs
        self.outputs = outputs
    }

    /// Reads a whole body; whether it suits a model is for ``BelayCore/Signature/check(_:outputs:)`` to say.
    ///
    /// - Throws: ``InferenceError/malformedJSON(offset:expected:)``,
    ///   ``InferenceError/requestMismatch(_:)`` or ``InferenceError/tooLarge(what:limit:)``.
    package init(decoding body: [UInt8], limits: OIPLimits) throws(InferenceError) {
        var scanner = JSONScanner(body, mostDepth: limits.mostDepth)
        var id: String?
        var inputs: [NamedTensor]?
        var outputs: [String] = []
        try scanner.object(expecting: "a JSON object, the request") { (scanner, key) throws(InferenceError) in
            switch key {
            case "id": id = try scanner.string()
            case "parameters": try scanner.skipParameters()
            case "inputs": inputs = try scanner.tensors(called: "input", limits: limits)
            case "outputs": outputs = try scanner.outputNames(limits: limits)
            default: try scanner.skipValue()
            }
        }
        try scanner.expectEnd()
        guard let inputs else { throw .requestMismatch("The request has no 'inputs'.") }
        self.init(id: id, inputs: inputs, outputs: outputs)
    }

    /// The body a client would send; NaN and infinities have no JSON form and are refused.
    package func encode() throws(InferenceError) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw("{")
        if let id {
            writer.raw("\"id\":")
            writer.string(id)
            writer.raw(",")
        }
        writer.raw("\"inputs\":")
        try writer.tensors(inputs)
        if !outputs.isEmpty {
            writer.raw(",\"outputs\":[")
            for (index, name) in outputs.enumerated() {
                writer.raw(index == 0 ? "{\"name\":" : ",{\"name\":")
                writer.string(name)
                writer.raw("}")
            }
            writer.raw("]")
        }
        writer.raw("}")
        return writer.bytes
    }
}

extension JSONScanner {
    /// Parameters are strings, numbers or booleans; what they mean is not decided here.
    fileprivate mutating func skipParameters() throws(InferenceError) {
        try object(expecting: "an object, the parameters") { (scanner, _) throws(InferenceError) in
            switch scanner.peek() {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                throw scanner.failure(expected: "a string, a number or a boolean as parameter")
            default: try scanner.skipValue()
            }
        }
    }

    fileprivate mutating func outputNames(limits: OIPLimits) throws(InferenceError) -> [String] {
        var names: [String] = []
        try array(expecting: "an array, the outputs") { (scanner) throws(InferenceError) in
            guard names.count < limits.mostInputs else {
                throw .tooLarge(what: "outputs in one request", limit: limits.mostInputs)
            }
            var name: String?
            try scanner.object(expecting: "an object, one output") { (scanner, key) throws(InferenceError) in
                switch key {
                case "name": name = try scanner.string()
                case "parameters": try scanner.skipParameters()
                default: try scanner.skipValue()
                }
            }
            guard let name else { throw .requestMismatch("An output in the request has no 'name'.") }
            names.append(name)
        }
        return names
    }
}

extension JSONScanner {
    /// An array of tensors: the inputs of a request, or the outputs of a response.
    mutating func tensors(called role: String, limits: OIPLimits) throws(InferenceError) -> [NamedTensor] {
        var tensors: [NamedTensor] = []
        try array(expecting: "an array, the \(role)s") { (scanner) throws(InferenceError) in
            guard tensors.count < limits.mostInputs else {
                throw .tooLarge(what: "\(role)s in one body", limit: limits.mostInputs)
            }
            tensors.append(try scanner.tensor(called: role, limits: limits))
        }
        return tensors
    }

    private mutating func tensor(called role: String, limits: OIPLimits) throws(InferenceError) -> NamedTensor
    {
        var parts = TensorParts()
        try object(expecting: "an object, one \(role)") { (scanner, key) throws(InferenceError) in
            switch key {
            case "name": parts.name = try scanner.string()
            case "shape": parts.shape = try scanner.shape()
            case "datatype": parts.type = try scanner.tensorType()
            case "data": try scanner.data(into: &parts, limits: limits)
            case "parameters": try scanner.skipParameters()
            default: try scanner.skipValue()
            }
        }
        let name = parts.name ?? ""
        guard parts.name != nil, let type = parts.type, let shape = parts.shape else {
            let absent = parts.name == nil ? "name" : parts.type == nil ? "datatype" : "shape"
            throw .requestMismatch("The \(role) '\(name)' has no '\(absent)'.")
        }
        if parts.storage == nil, let start = parts.dataStart {
            let end = position
            // It had to wait for its type, which came behind it.
            position = start
            var reader = ElementReader(name: name, type: type, limits: limits)
            try reader.read(&self)
            parts.storage = reader.storage
            position = end
        }
        guard let storage = parts.storage else {
            throw .requestMismatch(
                "The \(role) '\(name)' has no 'data'; tensors are taken as JSON, not in the binary form."
            )
        }
        return NamedTensor(name: name, tensor: try named(name, type: type, shape: shape, storage: storage))
    }

    private func named(
        _ name: String,
        type: TensorType,
        shape: [Int],
        storage: Tensor.Storage
    ) throws(InferenceError) -> Tensor {
        do {
            return try Tensor(type: type, shape: shape, storage: storage)
        } catch .requestMismatch(let sentence) {
            throw .requestMismatch("'\(name)': \(sentence)")
        }
    }

    /// Reads `data` at once when its type is known, which spares a second pass, else remembers where it was.
    private mutating func data(into parts: inout TensorParts, limits: OIPLimits) throws(InferenceError) {
        _ = peek()
        guard let type = parts.type else {
            parts.dataStart = position
            return try skipValue()
        }
        var reader = ElementReader(name: parts.name ?? "", type: type, limits: limits)
        try reader.read(&self)
        parts.storage = reader.storage
    }

    private mutating func shape() throws(InferenceError) -> [Int] {
        var shape: [Int] = []
        try array(expecting: "an array, the shape") { (scanner) throws(InferenceError) in
            guard shape.count < Tensor.mostDimensions else {
                throw .tooLarge(what: "dimensions in one tensor", limit: Tensor.mostDimensions)
            }
            _ = scanner.peek()
            let start = scanner.position
            guard let dimension = try scanner.number().integer(Int.self), dimension >= 0 else {
                throw scanner.failure(expected: "a dimension: a whole number, 0 or more", at: start)
            }
            shape.append(dimension)
        }
        return shape
    }

    private mutating func tensorType() throws(InferenceError) -> TensorType {
        _ = peek()
        let start = position
        guard let type = TensorType(rawValue: try string()) else {
            let known = TensorType.allCases.map(\.rawValue).joined(separator: ", ")
            throw failure(expected: "a datatype: one of \(known)", at: start)
        }
        return type
    }
}

/// What has been read of one tensor so far, in whatever order it came.
private struct TensorParts {
    var name: String?
    var shape: [Int]?
    var type: TensorType?
    var storage: Tensor.Storage?
    /// Where `data` stood, when it came before its type.
    var dataStart: Int?
}
