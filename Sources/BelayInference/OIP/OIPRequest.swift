package import BelayCore

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
        mostInputs: 4_096,
        mostElements: Tensor.mostElements,
        mostStrings: 1_048_576,
        mostStringBytes: 4_194_304,
        mostDepth: 32
    )
}

/// One output that a request asks for, and how.
package struct RequestedOutput: Equatable, Sendable {
    package let name: String
    /// `binary_data`; nil leaves it to the request's `binary_data_output`.
    package let isBinary: Bool?
    /// `classification`: how many of the highest values, with their indices; nil wants the tensor itself.
    package let classes: Int?

    package init(name: String, isBinary: Bool? = nil, classes: Int? = nil) {
        self.name = name
        self.isBinary = isBinary
        self.classes = classes
    }
}

/// An inference request of the Open Inference Protocol, in any of its forms: JSON, JSON followed by binary
/// tensors, or one tensor's bytes alone.
///
/// Decoding goes from the body's bytes straight into tensors; no key is required to come before another.
/// Unknown keys are passed over, as the protocol wants, but must still be JSON. FP16 has no JSON form in the
/// protocol; Belay takes and gives plain numbers for it, rounded once, so that such models can be called.
///
/// NaN and infinities are refused in every form. JSON cannot say them; in binary they would be possible, but
/// a model that is asked about NaN answers NaN, and a candidate would be rolled back for a caller's mistake.
package struct OIPRequest: Equatable, Sendable {
    package var id: String?
    package var inputs: [NamedTensor]
    /// Empty means all, each as ``binaryOutput`` says.
    package var outputs: [RequestedOutput]
    /// Whether outputs that do not say otherwise are answered in binary: `binary_data_output`.
    package var binaryOutput: Bool
    /// How long the caller will wait: `timeout`.
    package var timeoutMicroseconds: Int64?
    /// The whole body, when it is the bytes of the model's only input; then ``inputs`` are empty until
    /// ``completed(by:)``.
    package var raw: [UInt8]?

    package init(
        id: String?,
        inputs: [NamedTensor],
        outputs: [RequestedOutput],
        binaryOutput: Bool = false,
        timeoutMicroseconds: Int64? = nil,
        raw: [UInt8]? = nil
    ) {
        self.id = id
        self.inputs = inputs
        self.outputs = outputs
        self.binaryOutput = binaryOutput
        self.timeoutMicroseconds = timeoutMicroseconds
        self.raw = raw
    }

    /// Reads a whole body; whether it suits a model is for ``BelayCore/Signature/check(_:outputs:)`` to say.
    ///
    /// - Parameters:
    ///   - body: Decompressed.
    ///   - headerLength: What ``headerLength(_:)`` read: the bytes of JSON at the start. Nil means that all
    ///     is JSON, 0 that nothing is.
    ///   - limits: What one request may take.
    /// - Throws: ``InferenceError/malformedJSON(offset:expected:)``,
    ///   ``InferenceError/requestMismatch(_:)`` or ``InferenceError/tooLarge(what:limit:)``.
    package init(
        decoding body: [UInt8],
        headerLength: Int? = nil,
        limits: OIPLimits
    ) throws(InferenceError) {
        guard headerLength != 0 else {
            // All that can be said of the answer to such a request is that it should be alike.
            self.init(id: nil, inputs: [], outputs: [], binaryOutput: true, raw: body)
            return
        }
        self.init(id: nil, inputs: [], outputs: [])
        var binary = try BinarySection(of: body, headerLength: headerLength)
        var scanner = JSONScanner(binary.header, mostDepth: limits.mostDepth)
        var tensors: [WireTensor]?
        try scanner.object(expecting: "a JSON object, the request") { (scanner, key) throws(InferenceError) in
            switch key {
            case "id": if try !scanner.passNull() { id = try scanner.string() }
            case "parameters": try readParameters(&scanner)
            case "inputs": tensors = try scanner.tensors(called: "input", limits: limits)
            case "outputs":
                if try !scanner.passNull() { outputs = try scanner.requestedOutputs(limits: limits) }
            default: try scanner.skipValue()
            }
        }
        try scanner.expectEnd()
        guard let tensors else { throw .requestMismatch("The request has no 'inputs'.") }
        inputs = try binary.complete(tensors, limits: limits)
    }

    private mutating func readParameters(_ scanner: inout JSONScanner) throws(InferenceError) {
        try scanner.parameters { (scanner, key) throws(InferenceError) in
            switch key {
            case "binary_data_output": binaryOutput = try scanner.boolean()
            case "timeout":
                let microseconds = try scanner.count("a timeout: whole microseconds")
                timeoutMicroseconds = microseconds == 0 ? nil : Int64(microseconds)
            default: try scanner.skipValue()
            }
        }
    }

    /// Reads the values of the header `Inference-Header-Content-Length`; nil when there are none.
    ///
    /// - Throws: ``InferenceError/requestMismatch(_:)`` unless there is one, of decimal digits only.
    package static func headerLength(_ values: [String]) throws(InferenceError) -> Int? {
        guard let value = values.first else { return nil }
        guard values.count == 1, !value.isEmpty, value.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            let length = Int(value)
        else {
            throw .requestMismatch(
                "Inference-Header-Content-Length is '\(values.joined(separator: ", ").prefix(40))', "
                    + "not one whole number of bytes."
            )
        }
        return length
    }
}

extension OIPRequest {
    /// Names of the outputs wanted, in the order asked for; empty means all.
    package var outputNames: [String] { outputs.map(\.name) }

    /// The request with nothing left that only the model's signature can tell: ``raw`` has become the tensor
    /// of the only input, and every classification asked for has values to order.
    ///
    /// A raw tensor's shape is the input's, with at most one dimension to work out from the number of bytes;
    /// of a BYTES input the body is one element, without a length in front.
    ///
    /// - Throws: ``InferenceError/requestMismatch(_:)`` or ``InferenceError/tooLarge(what:limit:)``.
    package func completed(by signature: Signature) throws(InferenceError) -> OIPRequest {
        for output in outputs where output.classes != nil {
            guard let spec = signature.output(output.name), spec.type == .bool || spec.type == .bytes else {
                continue
            }
            throw .requestMismatch(
                "Output '\(output.name)' is \(spec.type.rawValue), which has no classification."
            )
        }
        guard let raw else { return self }
        guard signature.inputs.count == 1, let spec = signature.inputs.first else {
            throw .requestMismatch(
                "A raw body (Inference-Header-Content-Length: 0) can only be the one input of a model; "
                    + "this one takes \(signature.inputs.count)."
            )
        }
        var request = self
        request.raw = nil
        request.inputs = [NamedTensor(name: spec.name, tensor: try spec.tensor(raw: raw))]
        return request
    }

    /// Whether an output is answered in binary.
    func isBinary(_ output: String) -> Bool {
        outputs.first { $0.name == output }?.isBinary ?? binaryOutput
    }

    /// The body a client would send, all JSON; NaN and infinities have no JSON form and are refused.
    package func encode() throws(InferenceError) -> [UInt8] {
        if let raw { return raw }
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
            for (index, output) in outputs.enumerated() {
                if index > 0 { writer.raw(",") }
                writer.requested(output)
            }
            writer.raw("]")
        }
        var parameters: [(StaticString, ParameterValue)] = []
        if binaryOutput { parameters.append(("binary_data_output", .flag(true))) }
        if let timeoutMicroseconds { parameters.append(("timeout", .number(timeoutMicroseconds))) }
        writer.parameters(parameters)
        writer.raw("}")
        return writer.bytes
    }
}

extension TensorSpec {
    fileprivate func tensor(raw: [UInt8]) throws(InferenceError) -> Tensor {
        let open = shape.indices.filter { shape[$0] == nil }
        let known = try Tensor.elementCount(shape: shape.compactMap(\.self))
        guard let width = type.width else {
            guard known == 1 else {
                throw .requestMismatch(
                    "A raw body is one string, but the input '\(name)' takes \(shape.map { $0 ?? -1 })."
                )
            }
            return try Tensor(type: type, shape: shape.map { _ in 1 }, storage: .strings([raw]))
        }
        guard open.count <= 1 else {
            throw .requestMismatch(
                "The shape of the raw input '\(name)' cannot be told: \(shape.map { $0 ?? -1 }) "
                    + "leaves more than one dimension open."
            )
        }
        let (row, overflow) = known.multipliedReportingOverflow(by: width)
        guard !overflow, row > 0, !raw.isEmpty, raw.count.isMultiple(of: row),
            open.count == 1 || raw.count == row
        else {
            throw .requestMismatch(
                "The raw body has \(raw.count) bytes, which is not \(type.rawValue) "
                    + "\(shape.map { $0 ?? -1 })."
            )
        }
        let tensor = try Tensor(
            type: type,
            shape: shape.map { $0 ?? raw.count / row },
            storage: .packed(raw)
        )
        try tensor.checkValues(of: name)
        return tensor
    }
}

extension JSONScanner {
    fileprivate mutating func requestedOutputs(limits: OIPLimits) throws(InferenceError) -> [RequestedOutput]
    {
        var outputs: [RequestedOutput] = []
        try array(expecting: "an array, the outputs") { (scanner) throws(InferenceError) in
            guard outputs.count < limits.mostInputs else {
                throw .tooLarge(what: "outputs in one request", limit: limits.mostInputs)
            }
            outputs.append(try scanner.requestedOutput())
        }
        return outputs
    }

    private mutating func requestedOutput() throws(InferenceError) -> RequestedOutput {
        var (name, isBinary, classes): (String?, Bool?, Int?)
        try object(expecting: "an object, one output") { (scanner, key) throws(InferenceError) in
            switch key {
            case "name": name = try scanner.string()
            case "parameters":
                try scanner.parameters { (scanner, key) throws(InferenceError) in
                    switch key {
                    case "binary_data": isBinary = try scanner.boolean()
                    case "classification":
                        let count = try scanner.count("a number of classes: a whole number")
                        classes = count == 0 ? nil : count
                    default: try scanner.skipValue()
                    }
                }
            default: try scanner.skipValue()
            }
        }
        guard let name else { throw .requestMismatch("An output in the request has no 'name'.") }
        return RequestedOutput(name: name, isBinary: isBinary, classes: classes)
    }
}

extension JSONWriter {
    fileprivate mutating func requested(_ output: RequestedOutput) {
        raw("{\"name\":")
        string(output.name)
        var parameters: [(StaticString, ParameterValue)] = []
        if let isBinary = output.isBinary { parameters.append(("binary_data", .flag(isBinary))) }
        if let classes = output.classes { parameters.append(("classification", .number(Int64(classes)))) }
        self.parameters(parameters)
        raw("}")
    }
}
