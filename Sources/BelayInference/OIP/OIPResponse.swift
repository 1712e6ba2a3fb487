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

    /// The body to send; data is flattened, as every server of this protocol does.
    ///
    /// - Throws: ``InferenceError/invalidOutput(name:reason:)`` for NaN, infinities and strings that are not
    ///   UTF-8: none of them has a form in JSON.
    package static func encode(
        model: String,
        version: String?,
        id: String?,
        outputs: [NamedTensor]
    ) throws(InferenceError) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw("{\"model_name\":")
        writer.string(model)
        if let version {
            writer.raw(",\"model_version\":")
            writer.string(version)
        }
        if let id {
            writer.raw(",\"id\":")
            writer.string(id)
        }
        writer.raw(",\"outputs\":")
        try writer.tensors(outputs)
        writer.raw("}")
        return writer.bytes
    }

    /// Reads a body that this or another server wrote.
    package static func decode(_ body: [UInt8], limits: OIPLimits) throws(InferenceError) -> OIPResponse {
        var scanner = JSONScanner(body, mostDepth: limits.mostDepth)
        var (model, version, id): (String?, String?, String?)
        var outputs: [NamedTensor]?
        try scanner.object(expecting: "a JSON object, the response") {
            (scanner, key) throws(InferenceError) in
            switch key {
            case "model_name": model = try scanner.string()
            case "model_version": version = try scanner.string()
            case "id": id = try scanner.string()
            case "outputs": outputs = try scanner.tensors(called: "output", limits: limits)
            default: try scanner.skipValue()
            }
        }
        try scanner.expectEnd()
        guard let model, let outputs else {
            throw .requestMismatch("The response has no '\(model == nil ? "model_name" : "outputs")'.")
        }
        return OIPResponse(model: model, version: version, id: id, outputs: outputs)
    }
}
