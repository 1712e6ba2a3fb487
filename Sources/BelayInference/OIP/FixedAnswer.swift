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
        if let stranger = answer.outputs.keys.filter({ signature.output($0) == nil }).min() {
            throw .invalidOutput(name: stranger, reason: "the fallback answer has it, the model has not")
        }
        var outputs: [NamedTensor] = []
        for spec in signature.outputs {
            guard let values = answer.outputs[spec.name] else {
                throw .invalidOutput(name: spec.name, reason: "the fallback answer does not have it")
            }
            outputs.append(
                NamedTensor(name: spec.name, tensor: try spec.tensor(repeating: values, rows: rows))
            )
        }
        return outputs
    }
}

extension TensorSpec {
    fileprivate func tensor(
        repeating values: [StaticAnswer.Value],
        rows: Int
    ) throws(InferenceError) -> Tensor {
        let open = self.shape.firstIndex(of: nil)
        let shape = self.shape.indices.map { $0 == open ? rows : self.shape[$0] ?? 1 }
        let count: Int
        do throws(InferenceError) {
            count = try Tensor.elementCount(shape: shape)
        } catch {
            throw .invalidOutput(name: name, reason: error.explanation.summary)
        }
        let times = open == nil ? 1 : rows
        guard times == 0 || count == values.count * times else {
            throw .invalidOutput(
                name: name,
                reason: "the fallback answer gives it \(values.count) values a row, "
                    + "but \(self.shape.map { $0 ?? -1 }) takes \(count / times)"
            )
        }
        var packed: [UInt8] = []
        var strings: [[UInt8]] = []
        for value in values {
            switch value {
            case .text(let text) where type == .bytes: strings.append(Array(text.utf8))
            case .boolean(let flag) where type == .bool: packed.append(flag ? 1 : 0)
            case .number(let number) where packed.append(number, as: type): continue
            default:
                throw .invalidOutput(
                    name: name,
                    reason: "the fallback answer gives it \(value.phrase), which is no \(type.rawValue)"
                )
            }
        }
        let storage: Tensor.Storage =
            type == .bytes
            ? .strings(Array(repeatElement(strings, count: times).joined()))
            : .packed(Array(repeatElement(packed, count: times).joined()))
        return try Tensor(type: type, shape: shape, storage: storage)
    }
}

extension StaticAnswer.Value {
    fileprivate var phrase: String {
        switch self {
        case .number(let number): "\(number)"
        case .text(let text): "'\(text.prefix(40))'"
        case .boolean(let flag): "\(flag)"
        }
    }
}

extension [UInt8] {
    /// Appends a number as one element; false when the type has no such value.
    ///
    /// Floats are rounded to their width, but not to infinity; integers must be whole and in their range.
    fileprivate mutating func append(_ number: Double, as type: TensorType) -> Bool {
        switch type {
        case .int8: return append(Int8(exactly: number))
        case .int16: return append(Int16(exactly: number))
        case .int32: return append(Int32(exactly: number))
        case .int64: return append(Int64(exactly: number))
        case .uint8: return append(UInt8(exactly: number))
        case .uint16: return append(UInt16(exactly: number))
        case .uint32: return append(UInt32(exactly: number))
        case .uint64: return append(UInt64(exactly: number))
        case .fp16: return append(Float16(number).isFinite ? Float16(number).bitPattern : nil)
        case .fp32: return append(Float(number).isFinite ? Float(number).bitPattern : nil)
        case .fp64: return append(number.isFinite ? number.bitPattern : nil)
        case .bool, .bytes: return false
        }
    }

    private mutating func append(_ value: (some FixedWidthInteger)?) -> Bool {
        guard let value else { return false }
        appendLittleEndian(value)
        return true
    }
}
