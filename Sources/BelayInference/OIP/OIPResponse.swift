import BelayCore

/// A body as it goes over the wire.
package struct OIPBody: Equatable, Sendable {
    package let bytes: [UInt8]
    /// The value of `Inference-Header-Content-Length`, how many of the bytes are JSON; nil when all are, and
    /// the header is not sent.
    package let headerLength: Int?

    package init(bytes: [UInt8], headerLength: Int?) {
        self.bytes = bytes
        self.headerLength = headerLength
    }

    /// `application/octet-stream` when there are bytes behind the JSON.
    package var contentType: String {
        headerLength == nil ? "application/json" : "application/octet-stream"
    }
}

/// An inference response of the Open Inference Protocol.
package struct OIPResponse: Equatable, Sendable {
    package let model: String
    /// The number of the version that answered, as text: so the protocol has it.
    package let version: String?
    package let id: String?
    package let outputs: [NamedTensor]

    package init(model: String, version: String?, id: String?, outputs: [NamedTensor]) {
        self.model = model
        self.version = version
        self.id = id
        self.outputs = outputs
    }

    /// The body to send: each output as the request wants it, in binary, in JSON, or as its classification.
    ///
    /// The outputs are in the order to send. Data in JSON is flattened, as every server of this protocol has
    /// it.
    ///
    /// - Throws: ``InferenceError/invalidOutput(name:reason:)`` for what has no form in JSON: NaN, infinities
    ///   and strings that are not UTF-8. In binary they pass.
    package static func encode(
        model: String,
        version: String?,
        request: OIPRequest,
        outputs: [NamedTensor]
    ) throws(InferenceError) -> OIPBody {
        var writer = JSONWriter()
        writer.raw("{\"model_name\":")
        writer.string(model)
        if let version {
            writer.raw(",\"model_version\":")
            writer.string(version)
        }
        if let id = request.id {
            writer.raw(",\"id\":")
            writer.string(id)
        }
        writer.raw(",\"outputs\":")
        var binary: [[UInt8]] = []
        writer.raw("[")
        for (index, output) in try request.classified(outputs).enumerated() {
            if index > 0 { writer.raw(",") }
            if request.isBinary(output.name) {
                let bytes = try output.tensor.binary(of: output.name)
                writer.tensor(output, binarySize: bytes.count)
                binary.append(bytes)
            } else {
                try writer.tensor(output)
            }
        }
        writer.raw("]}")
        var bytes = writer.bytes
        guard !binary.isEmpty else { return OIPBody(bytes: bytes, headerLength: nil) }
        let headerLength = bytes.count
        for part in binary { bytes += part }
        return OIPBody(bytes: bytes, headerLength: headerLength)
    }

    /// Reads a body that this or another server wrote.
    ///
    /// The arguments and errors are those of ``OIPRequest/init(decoding:headerLength:limits:)``.
    package static func decode(
        _ body: [UInt8],
        headerLength: Int? = nil,
        limits: OIPLimits
    ) throws(InferenceError) -> OIPResponse {
        var binary = try BinarySection(of: body, headerLength: headerLength)
        var scanner = JSONScanner(binary.header, mostDepth: limits.mostDepth)
        var (model, version, id): (String?, String?, String?)
        var tensors: [WireTensor]?
        try scanner.object(expecting: "a JSON object, the response") {
            (scanner, key) throws(InferenceError) in
            switch key {
            case "model_name": model = try scanner.string()
            case "model_version": version = try scanner.string()
            case "id": id = try scanner.string()
            case "outputs": tensors = try scanner.tensors(called: "output", limits: limits)
            default: try scanner.skipValue()
            }
        }
        try scanner.expectEnd()
        guard let model, let tensors else {
            throw .requestMismatch("The response has no '\(model == nil ? "model_name" : "outputs")'.")
        }
        let outputs = try binary.complete(tensors, limits: limits)
        return OIPResponse(model: model, version: version, id: id, outputs: outputs)
    }
}
