package import BelayCore

extension Signature {
    /// How many rows a request asks about: the first open dimension of an input that has one, else one.
    package func rows(of inputs: [NamedTensor]) -> Int {
        for spec in self.inputs {
            guard let axis = spec.shape.firstIndex(of: nil),
                let given = inputs.first(where: { $0.name == spec.name }), axis < given.tensor.shape.count
            else { continue }
            return given.tensor.shape[axis]
        }
        return 1
    }
}

extension OIPResponse {
    /// What callers get when no version can answer: every output of the signature, in its order.
    ///
    /// An output with an open dimension has `rows` there and 1 in every other open one, and its values are
    /// repeated for each row; an output without has its values once. The rows are those of
    /// ``BelayCore/Signature/rows(of:)``.
    ///
    /// - Throws: ``InferenceError/invalidOutput(name:reason:)`` when the answer leaves an output out, names
    ///   one that is not there, or gives values that are not of its type or count.
    package static func fixed(
        _ answer: StaticAnswer,
        rows: Int,
        signature: Signature
    ) throws(InferenceError) -> [NamedTensor] {
        if let fault = answer.fault(by: signature) {
            throw .invalidOutput(name: fault.output, reason: fault.reason)
        }
        var outputs: [NamedTensor] = []
        for spec in signature.outputs {
            let tensor = try spec.tensor(repeating: answer.outputs[spec.name] ?? [], rows: rows)
            outputs.append(NamedTensor(name: spec.name, tensor: tensor))
        }
        return outputs
    }
}

extension TensorSpec {
    /// `values` are known to be one row of it.
    fileprivate func tensor(
        repeating values: [StaticAnswer.Value],
        rows: Int
    ) throws(InferenceError) -> Tensor {
        let open = self.shape.firstIndex(of: nil)
        let shape = self.shape.indices.map { $0 == open ? rows : self.shape[$0] ?? 1 }
        do throws(InferenceError) {
            _ = try Tensor.elementCount(shape: shape)
        } catch {
            throw .invalidOutput(name: name, reason: error.explanation.summary)
        }
        let times = open == nil ? 1 : rows
        var packed: [UInt8] = []
        var strings: [[UInt8]] = []
        for value in values {
            switch value {
            case .text(let text): strings.append(Array(text.utf8))
            case .boolean(let flag): packed.append(flag ? 1 : 0)
            case .number(let number): packed.append(number, as: type)
            }
        }
        let storage: Tensor.Storage =
            type == .bytes
            ? .strings(Array(repeatElement(strings, count: times).joined()))
            : .packed(Array(repeatElement(packed, count: times).joined()))
        return try Tensor(type: type, shape: shape, storage: storage)
    }
}

extension [UInt8] {
    /// Appends a number as one element; nothing when the type has no such value.
    ///
    /// Floats are rounded to their width.
    fileprivate mutating func append(_ number: Double, as type: TensorType) {
        switch type {
        case .int8: append(Int8(exactly: number))
        case .int16: append(Int16(exactly: number))
        case .int32: append(Int32(exactly: number))
        case .int64: append(Int64(exactly: number))
        case .uint8: append(UInt8(exactly: number))
        case .uint16: append(UInt16(exactly: number))
        case .uint32: append(UInt32(exactly: number))
        case .uint64: append(UInt64(exactly: number))
        case .fp16: append(Float16(number).bitPattern)
        case .fp32: append(Float(number).bitPattern)
        case .fp64: append(number.bitPattern)
        case .bool, .bytes: break
        }
    }

    private mutating func append(_ value: (some FixedWidthInteger)?) {
        if let value { appendLittleEndian(value) }
    }
}
