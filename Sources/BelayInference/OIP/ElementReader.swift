import BelayCore

/// Gathers the elements of one tensor's `data`, flat or nested, as they are scanned.
struct ElementReader {
    private let name: String
    private let type: TensorType
    private let limits: OIPLimits
    private var packed: [UInt8] = []
    private var strings: [[UInt8]] = []
    private var count = 0

    init(name: String, type: TensorType, limits: OIPLimits) {
        self.name = name
        self.type = type
        self.limits = limits
    }

    var storage: Tensor.Storage { type.width == nil ? .strings(strings) : .packed(packed) }

    /// Consumes one array and everything in it.
    ///
    /// Elements are counted, nesting is not compared with the shape: so do the other servers that speak this
    /// protocol.
    mutating func read(_ scanner: inout JSONScanner) throws(InferenceError) {
        try scanner.open("[", expecting: "an array, the data of '\(name)'")
        var isFirst = true
        while try scanner.nextElement(isFirst: isFirst) {
            isFirst = false
            if scanner.peek() == UInt8(ascii: "[") {
                try read(&scanner)
            } else {
                try element(&scanner)
            }
        }
    }

    private mutating func element(_ scanner: inout JSONScanner) throws(InferenceError) {
        count += 1
        let most = type.width == nil ? limits.mostStrings : limits.mostElements
        guard count <= most else { throw .tooLarge(what: "elements in input '\(name)'", limit: most) }
        let next = scanner.peek()
        let start = scanner.position
        switch type {
        case .bytes:
            guard next == UInt8(ascii: "\"") else { throw unexpected("a string", at: start) }
            let text = try scanner.stringBytes()
            guard text.count <= limits.mostStringBytes else {
                throw .tooLarge(what: "bytes in one string of '\(name)'", limit: limits.mostStringBytes)
            }
            strings.append(text)
        case .bool:
            guard next == UInt8(ascii: "t") || next == UInt8(ascii: "f") else {
                throw unexpected("true or false", at: start)
            }
            packed.append(try scanner.boolean() ? 1 : 0)
        default:
            if next == UInt8(ascii: "\"") || next == UInt8(ascii: "t") || next == UInt8(ascii: "f") {
                throw unexpected("a number", at: start)
            }
            try append(try scanner.number(), of: scanner.bytes, at: start)
        }
    }

    private mutating func append(
        _ number: JSONNumber,
        of document: [UInt8],
        at start: Int
    ) throws(InferenceError) {
        switch type {
        case .int8: try append(number.integer(Int8.self), at: start)
        case .int16: try append(number.integer(Int16.self), at: start)
        case .int32: try append(number.integer(Int32.self), at: start)
        case .int64: try append(number.integer(Int64.self), at: start)
        case .uint8: try append(number.integer(UInt8.self), at: start)
        case .uint16: try append(number.integer(UInt16.self), at: start)
        case .uint32: try append(number.integer(UInt32.self), at: start)
        case .uint64: try append(number.integer(UInt64.self), at: start)
        case .fp16:
            packed.appendLittleEndian(try finite(Float16(number.double(in: document)), at: start).bitPattern)
        // Through the double, as Python's float and then float32 round.
        case .fp32:
            packed.appendLittleEndian(try finite(Float(number.double(in: document)), at: start).bitPattern)
        case .fp64: packed.appendLittleEndian(try finite(number.double(in: document), at: start).bitPattern)
        case .bool, .bytes: throw unexpected("no number", at: start)
        }
    }

    private mutating func append(
        _ value: (some FixedWidthInteger)?,
        at start: Int
    ) throws(InferenceError) {
        guard let value else { throw unexpected("a whole number in its range", at: start) }
        packed.appendLittleEndian(value)
    }

    private func finite<Value: BinaryFloatingPoint>(
        _ value: Value,
        at start: Int
    ) throws(InferenceError) -> Value {
        guard value.isFinite else { throw unexpected("a number in its range", at: start) }
        return value
    }

    private func unexpected(_ what: String, at start: Int) -> InferenceError {
        .malformedJSON(offset: start, expected: "\(what) for '\(name)' (\(type.rawValue))")
    }
}

extension [UInt8] {
    mutating func appendLittleEndian<Value: FixedWidthInteger>(_ value: Value) {
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> Value(truncatingIfNeeded: shift)))
        }
    }
}
