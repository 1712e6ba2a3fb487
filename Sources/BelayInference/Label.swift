import BelayCore

/// What a person or a system says the answer should have been.
package enum LabelValue: Equatable, Sendable {
    case number(Double)
    /// A whole number of 64 bits that doubles do not tell from its neighbours.
    case integer(Int128)
    case text(String)
    case bool(Bool)
    /// One label an element of a batch; nested lists count as one flat list.
    case list([LabelValue])
    /// One label an output, by the output's name.
    case outputs([String: LabelValue])
}

extension LabelValue: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let values = try? container.decode([LabelValue].self) {
            self = .list(values)
        } else {
            self = .outputs(try container.decode([String: LabelValue].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .number(let value): try container.encode(value)
        case .integer(let value):
            if let signed = Int64(exactly: value) {
                try container.encode(signed)
            } else {
                try container.encode(UInt64(clamping: value))
            }
        case .text(let value): try container.encode(value)
        case .bool(let value): try container.encode(value)
        case .list(let values): try container.encode(values)
        case .outputs(let values): try container.encode(values)
        }
    }
}

/// Whether a prediction was right.
///
/// A list is right when every element is. Kinds must be comparable: text with BYTES, numbers with numbers,
/// booleans with BOOL or with integers as 0 and 1. A label that could never be right is an error, not a wrong
/// answer, because it would count against a good version.
///
/// - Throws: ``InferenceError/labelMismatch(_:)``.
package func judgeLabel(_ label: LabelValue, against prediction: Tensor) throws(InferenceError) -> Bool {
    let labels = label.flattened
    guard labels.count == prediction.count else {
        throw .labelMismatch(
            "The label has \(labels.count) values, the prediction has \(prediction.count)."
        )
    }
    var isRight = true
    for (index, value) in labels.enumerated() {
        // No early end: a label of the wrong kind behind a wrong one is still an error.
        let agrees = try prediction.element(at: index, equals: value)
        isRight = isRight && agrees
    }
    return isRight
}

extension LabelValue {
    /// A whole number by its digits; beyond 64 bits, and where a double is exact, the double.
    package init(digits: String) {
        let range = Int128(Int64.min)...Int128(UInt64.max)
        if let whole = Int128(digits), range.contains(whole), whole.magnitude > 1 << 53 {
            self = .integer(whole)
        } else {
            self = .number(Double(digits) ?? .nan)
        }
    }

    /// Nil for anything but a number.
    package var number: Double? {
        switch self {
        case .number(let number): number
        case .integer(let whole): Double(whole)
        case .text, .bool, .list, .outputs: nil
        }
    }

    /// The labels of a batch's elements in their order; the label itself when it is none of a batch.
    package var flattened: [LabelValue] {
        guard case .list(let values) = self else { return [self] }
        return values.flatMap(\.flattened)
    }

    fileprivate var kind: String {
        switch self {
        case .number, .integer: "a number"
        case .text: "a text"
        case .bool: "a boolean"
        case .list: "a list"
        case .outputs: "an object"
        }
    }
}

extension Tensor {
    /// One element as the nearest double; nil for text, and outside the tensor.
    ///
    /// An element that is equal to `other` in the tensor's own precision is `other`: 0.1 is 0.1.
    package func number(at index: Int, like other: Double = .nan) -> Double? {
        guard case .packed(let packed) = storage, (0..<count).contains(index) else { return nil }
        let start = index * (type.width ?? 1)
        switch type {
        case .int64: return Double(Int64(bitPattern: packed.littleEndian(at: start)))
        case .uint64: return Double(packed.littleEndian(at: start) as UInt64)
        default: return value(packed, at: index, like: other)
        }
    }

    /// Calls `body` with each of these elements that the tensor has, as ``number(at:)`` has them; with none
    /// of a text.
    package func forEachNumber(at indices: [Int], _ body: (_ position: Int, _ number: Double) -> Void) {
        guard case .packed(let packed) = storage else { return }
        if type == .fp32 {
            // What most models take, without asking for storage and type at each element.
            for position in indices.indices where (0..<count).contains(indices[position]) {
                let bits: UInt32 = packed.littleEndian(at: indices[position] * 4)
                body(position, Double(Float(bitPattern: bits)))
            }
        } else {
            for position in indices.indices { number(at: indices[position]).map { body(position, $0) } }
        }
    }

    /// One element of a tensor of text; nil for numbers, and outside the tensor.
    package func text(at index: Int) -> String? {
        guard case .strings(let strings) = storage, strings.indices.contains(index) else { return nil }
        return String(decoding: strings[index], as: UTF8.self)
    }

    fileprivate func element(at index: Int, equals label: LabelValue) throws(InferenceError) -> Bool {
        switch (storage, label) {
        case (.strings(let strings), .text(let text)): return strings[index].elementsEqual(text.utf8)
        case (.packed(let packed), .number(let number)):
            if type == .bool, number != 0, number != 1 { throw mismatch(label) }
            return number == value(packed, at: index, like: number)
        case (.packed(let packed), .integer(let whole)):
            guard type != .bool else { throw mismatch(label) }
            let start = index * (type.width ?? 1)
            switch type {
            case .int64: return Int64(bitPattern: packed.littleEndian(at: start)) == whole
            case .uint64: return packed.littleEndian(at: start) as UInt64 == whole
            default: return Double(whole) == value(packed, at: index, like: Double(whole))
            }
        case (.packed(let packed), .bool(let flag)):
            guard type != .fp16, type != .fp32, type != .fp64 else { throw mismatch(label) }
            return value(packed, at: index, like: 0) == (flag ? 1 : 0)
        default: throw mismatch(label)
        }
    }

    private func mismatch(_ label: LabelValue) -> InferenceError {
        .labelMismatch(
            "The label is \(label.kind), which cannot be compared with a prediction of \(type.rawValue)."
        )
    }

    /// One element as a double; nil when no double is equal to it.
    ///
    /// For narrow floats, what the label says in their precision counts: 0.1 is 0.1.
    private func value(_ packed: [UInt8], at index: Int, like label: Double) -> Double? {
        let start = index * (type.width ?? 1)
        switch type {
        case .bool, .uint8: return Double(packed[start])
        case .int8: return Double(Int8(bitPattern: packed[start]))
        case .int16: return Double(Int16(bitPattern: packed.littleEndian(at: start)))
        case .int32: return Double(Int32(bitPattern: packed.littleEndian(at: start)))
        case .int64: return Double(exactly: Int64(bitPattern: packed.littleEndian(at: start)))
        case .uint16: return Double(packed.littleEndian(at: start) as UInt16)
        case .uint32: return Double(packed.littleEndian(at: start) as UInt32)
        case .uint64: return Double(exactly: packed.littleEndian(at: start) as UInt64)
        case .fp16:
            let value = Float16(bitPattern: packed.littleEndian(at: start))
            return value == Float16(label) ? label : Double(value)
        case .fp32:
            let value = Float(bitPattern: packed.littleEndian(at: start))
            return value == Float(label) ? label : Double(value)
        case .fp64: return Double(bitPattern: packed.littleEndian(at: start))
        case .bytes: return nil
        }
    }
}
