package import BelayCore

/// MLflow's scoring protocol, `POST /invocations`: tables in, predictions out.
///
/// A body is rewritten as a request of the Open Inference Protocol, with the types and shapes of the model's
/// signature, and read as one: so every rule about numbers, strings and limits is the same on both.
package enum Scoring {
    /// The request that a body stands for; its inputs still have to be checked against the signature.
    ///
    /// Columns go to the inputs of their names, others are passed over. A model with one input takes all
    /// columns as its rows, in the order in which they stand, when none has its name. `params` are passed
    /// over: a model of tensors takes none.
    ///
    /// The body is decompressed, the signature that of the version that is to answer.
    ///
    /// - Throws: ``InferenceError/malformedJSON(offset:expected:)``,
    ///   ``InferenceError/requestMismatch(_:)`` or ``InferenceError/tooLarge(what:limit:)``.
    package static func request(
        decoding body: [UInt8],
        format: ScoringFormat,
        signature: Signature,
        limits: OIPLimits
    ) throws(InferenceError) -> OIPRequest {
        var writer = ScoringTranscript(limits: limits)
        switch format {
        case .csv: try writer.write(try ScoringTable(csv: body, limits: limits), for: signature)
        case .json:
            var reader = ScoringReader(body, limits: limits)
            switch try reader.content() {
            case .table(let table): try writer.write(table, for: signature)
            case .value(let range): try writer.write(body[range], for: signature)
            }
        }
        do throws(InferenceError) {
            return try OIPRequest(decoding: writer.finished, limits: limits)
        } catch InferenceError.malformedJSON(_, let expected) {
            // The place is one in the transcript, which the caller never saw.
            throw .requestMismatch("A value is not what the model takes: expected \(expected).")
        }
    }

    /// `{"predictions": …}`: nested rows of the only output, or an object of outputs by name.
    ///
    /// - Throws: ``InferenceError/invalidOutput(name:reason:)`` for what has no form in JSON.
    package static func encode(_ outputs: [NamedTensor]) throws(InferenceError) -> [UInt8] {
        var bytes = Array("{\"predictions\":".utf8)
        if outputs.count == 1 {
            bytes += try nested(outputs)
        } else {
            for (index, output) in outputs.enumerated() {
                var name = JSONWriter()
                index == 0 ? name.raw("{") : name.raw(",")
                name.string(output.name)
                name.raw(":")
                bytes += name.bytes
                bytes += try nested([output])
            }
            bytes += outputs.isEmpty ? "{}".utf8 : "}".utf8
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    /// The body of an error, as MLflow's server words it.
    package static func refusal(_ sentence: String, code: String = "BAD_REQUEST") -> [UInt8] {
        var writer = JSONWriter()
        writer.raw("{\"error_code\":")
        writer.string(code)
        writer.raw(",\"message\":")
        writer.string(sentence)
        writer.raw("}")
        return writer.bytes
    }

    /// The elements of the first tensor, in as many brackets as it has dimensions.
    private static func nested(_ outputs: [NamedTensor]) throws(InferenceError) -> [UInt8] {
        var writer = JSONWriter()
        try writer.tensors(outputs)
        var scanner = JSONScanner(writer.bytes, mostDepth: 8)
        var bytes: [UInt8] = []
        let shape = outputs.first?.tensor.shape ?? []
        try scanner.array(expecting: "tensors") { (scanner) throws(InferenceError) in
            try scanner.object(expecting: "a tensor") { (scanner, key) throws(InferenceError) in
                guard key == "data" else { return try scanner.skipValue() }
                try scanner.open("[", expecting: "elements")
                var isFirst = true
                try scanner.nest(shape[...], isFirst: &isFirst, into: &bytes)
                _ = try scanner.nextElement(isFirst: isFirst)
            }
        }
        return bytes
    }
}

extension JSONScanner {
    /// Copies elements of the flat array that is open, and puts the brackets of `shape` around them.
    fileprivate mutating func nest(
        _ shape: ArraySlice<Int>,
        isFirst: inout Bool,
        into bytes: inout [UInt8]
    ) throws(InferenceError) {
        guard let length = shape.first else {
            guard try nextElement(isFirst: isFirst) else { return }
            isFirst = false
            let start = position
            try skipValue()
            bytes += self.bytes[start..<position]
            return
        }
        bytes.append(UInt8(ascii: "["))
        for index in 0..<length {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            try nest(shape.dropFirst(), isFirst: &isFirst, into: &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
    }
}
