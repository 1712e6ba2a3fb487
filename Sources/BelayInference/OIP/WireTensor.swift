import BelayCore

/// One tensor as a body's JSON describes it; its elements may follow behind the JSON.
struct WireTensor {
    enum Content {
        /// They stood in `data`.
        case elements(Tensor.Storage)
        /// This many bytes of the binary section are they: `binary_data_size`.
        case binary(size: Int)
        /// They were taken out before the body was kept; this many bytes of the binary section mean nothing.
        case redacted(size: Int)
    }

    let role: String
    let name: String
    let type: TensorType
    let shape: [Int]
    let content: Content

    /// The tensor, once it is known what ``content`` stands for.
    func tensor(of storage: Tensor.Storage) throws(InferenceError) -> NamedTensor {
        do {
            return NamedTensor(name: name, tensor: try Tensor(type: type, shape: shape, storage: storage))
        } catch .requestMismatch(let sentence) {
            throw .requestMismatch("'\(name)': \(sentence)")
        }
    }
}

extension JSONScanner {
    /// An array of tensors: the inputs of a request, or the outputs of a response.
    mutating func tensors(called role: String, limits: OIPLimits) throws(InferenceError) -> [WireTensor] {
        var tensors: [WireTensor] = []
        try array(expecting: "an array, the \(role)s") { (scanner) throws(InferenceError) in
            guard tensors.count < limits.mostInputs else {
                throw .tooLarge(what: "\(role)s in one body", limit: limits.mostInputs)
            }
            tensors.append(try scanner.tensor(called: role, limits: limits))
        }
        return tensors
    }

    private mutating func tensor(called role: String, limits: OIPLimits) throws(InferenceError) -> WireTensor
    {
        var parts = TensorParts()
        try object(expecting: "an object, one \(role)") { (scanner, key) throws(InferenceError) in
            switch key {
            case "name": parts.name = try scanner.string()
            case "shape": parts.shape = try scanner.shape()
            case "datatype": parts.type = try scanner.tensorType()
            case "data": try scanner.data(into: &parts, limits: limits)
            case "parameters":
                try scanner.parameters { (scanner, key) throws(InferenceError) in
                    guard key == "binary_data_size" else { return try scanner.skipValue() }
                    parts.binarySize = try scanner.count("a number of bytes")
                }
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
            var reader = ElementReader(name: name, type: type, expecting: parts.count, limits: limits)
            try reader.read(&self)
            parts.storage = reader.storage
            position = end
        }
        return WireTensor(role: role, name: name, type: type, shape: shape, content: try parts.content(role))
    }

    /// Reads `data` at once when its type is known, which spares a second pass, else remembers where it was.
    private mutating func data(into parts: inout TensorParts, limits: OIPLimits) throws(InferenceError) {
        if peek() == UInt8(ascii: "\"") {
            let start = position
            guard try string() == Redaction.mark else {
                throw failure(expected: "an array, the data of '\(parts.name ?? "")'", at: start)
            }
            parts.isRedacted = true
            return
        }
        guard let type = parts.type else {
            parts.dataStart = position
            return try skipValue()
        }
        var reader = ElementReader(
            name: parts.name ?? "",
            type: type,
            expecting: parts.count,
            limits: limits
        )
        try reader.read(&self)
        parts.storage = reader.storage
    }

    private mutating func shape() throws(InferenceError) -> [Int] {
        var shape: [Int] = []
        shape.reserveCapacity(4)
        try array(expecting: "an array, the shape") { (scanner) throws(InferenceError) in
            guard shape.count < Tensor.mostDimensions else {
                throw .tooLarge(what: "dimensions in one tensor", limit: Tensor.mostDimensions)
            }
            shape.append(try scanner.count("a dimension: a whole number"))
        }
        return shape
    }

    private mutating func tensorType() throws(InferenceError) -> TensorType {
        _ = peek()
        let start = position
        let text = try string()
        // What most models take is not looked for among the others.
        guard let type = text == "FP32" ? .fp32 : TensorType(rawValue: text) else {
            guard text != "BF16" else {
                throw .requestMismatch("The datatype BF16 is not spoken here; send FP32 or FP16.")
            }
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
    var binarySize: Int?
    var isRedacted = false

    /// Elements by the shape, when that is known and can be.
    var count: Int? { shape.flatMap { try? Tensor.elementCount(shape: $0) } }

    func content(_ role: String) throws(InferenceError) -> WireTensor.Content {
        guard !isRedacted else { return .redacted(size: binarySize ?? 0) }
        switch (storage, binarySize) {
        case (.some(let storage), .none): return .elements(storage)
        case (.none, .some(let size)): return .binary(size: size)
        case (.some, .some):
            throw .requestMismatch("The \(role) '\(name ?? "")' has both 'data' and 'binary_data_size'.")
        case (.none, .none):
            throw .requestMismatch("The \(role) '\(name ?? "")' has neither 'data' nor 'binary_data_size'.")
        }
    }
}
