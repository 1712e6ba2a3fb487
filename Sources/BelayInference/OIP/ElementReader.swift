import BelayCore

/// Gathers the elements of one tensor's `data`, flat or nested, as they are scanned.
struct ElementReader {
    private let name: String
    private let type: TensorType
    /// Bytes of one element; nil for strings.
    private let width: Int?
    private let mostElements: Int
    private let mostStringBytes: Int
    /// How many elements there should be; nil when nothing has said so yet.
    private let expected: Int?
    private var packed = GrowingBytes()
    private var strings: [[UInt8]] = []
    private var count = 0

    init(name: String, type: TensorType, expecting expected: Int?, limits: OIPLimits) {
        self.name = name
        self.type = type
        width = type.width
        mostElements = width == nil ? limits.mostStrings : limits.mostElements
        mostStringBytes = limits.mostStringBytes
        self.expected = expected
    }

    /// All elements, once they are read.
    var storage: Tensor.Storage {
        mutating get { width == nil ? .strings(strings) : .packed(packed.bytes) }
    }

    /// Consumes one array and everything in it.
    ///
    /// Elements are counted, nesting is not compared with the shape: so do the other servers that speak this
    /// protocol.
    mutating func read(_ scanner: inout JSONScanner) throws(InferenceError) {
        try scanner.open("[", expecting: "an array, the data of '\(name)'")
        reserve(for: scanner.bytes.count - scanner.position)
        var isFirst = true
        while try scanner.nextElement(isFirst: isFirst) {
            isFirst = false
            if type == .fp32 || type == .fp64, takeUsualFloats(&scanner) { continue }
            if scanner.peek() == UInt8(ascii: "[") {
                try read(&scanner)
            } else {
                try element(&scanner)
            }
        }
    }

    /// Makes room for the elements that are expected, and never for more than those bytes can hold, nor for
    /// many: what a request says is a claim, and there may be thousands of tensors.
    private mutating func reserve(for bytes: Int) {
        guard count == 0, let width else { return }
        packed.reserve(min(expected ?? 64, bytes / 2, 4_096) * width)
    }

    private mutating func element(_ scanner: inout JSONScanner) throws(InferenceError) {
        count += 1
        guard count <= mostElements else {
            throw .tooLarge(what: "elements in input '\(name)'", limit: mostElements)
        }
        switch type {
        case .bytes: try string(&scanner)
        case .bool: try boolean(&scanner)
        default:
            let next = scanner.peek()
            if next == UInt8(ascii: "\"") || next == UInt8(ascii: "t") || next == UInt8(ascii: "f") {
                throw unexpected("a number", at: scanner.position)
            }
            let number = try scanner.number()
            try append(number, of: scanner.bytes)
        }
    }

    /// Reads the numbers ahead as long as they are what numbers usually are.
    ///
    /// That is at most 15 digits, no exponent, and a comma or the end of the array directly behind. Stops
    /// behind the last such number, and leaves everything else, mistakes too, to ``element(_:)``. Returns
    /// false when there was none.
    private mutating func takeUsualFloats(_ scanner: inout JSONScanner) -> Bool {
        let (isSingle, before) = (type == .fp32, count)
        let width = isSingle ? 4 : 8
        let document = scanner.bytes
        // Some at a time, so that what they are added to is looked at once for all of them.
        unsafe withUnsafeTemporaryAllocation(byteCount: 64 * 8, alignment: 8) { room in
            unsafe document.withUnsafeBufferPointer { document in
                var start = scanner.position
                var isOver = false
                while !isOver {
                    let most = min(64, mostElements - count)
                    var taken = 0
                    while taken < most, !isOver, let number = unsafe UsualNumber(document, at: start) {
                        let behind = unsafe document[number.end]
                        guard behind == UInt8(ascii: ",") || behind == UInt8(ascii: "]") else { break }
                        if isSingle {
                            let bits = Float(number.value).bitPattern.littleEndian
                            unsafe room.storeBytes(of: bits, toByteOffset: 4 * taken, as: UInt32.self)
                        } else {
                            let bits = number.value.bitPattern.littleEndian
                            unsafe room.storeBytes(of: bits, toByteOffset: 8 * taken, as: UInt64.self)
                        }
                        taken += 1
                        scanner.position = number.end
                        start = number.end + 1
                        isOver = behind == UInt8(ascii: "]")
                    }
                    let found = unsafe UnsafeRawBufferPointer(rebasing: room[..<(taken * width)])
                    unsafe packed.append(contentsOf: found.assumingMemoryBound(to: UInt8.self))
                    count += taken
                    isOver = isOver || taken < most || taken == 0
                }
            }
        }
        return count > before
    }

    private mutating func string(_ scanner: inout JSONScanner) throws(InferenceError) {
        guard scanner.peek() == UInt8(ascii: "\"") else {
            throw unexpected("a string", at: scanner.position)
        }
        let text = try scanner.stringBytes()
        guard text.count <= mostStringBytes else {
            throw .tooLarge(what: "bytes in one string of '\(name)'", limit: mostStringBytes)
        }
        strings.append(text)
    }

    private mutating func boolean(_ scanner: inout JSONScanner) throws(InferenceError) {
        let next = scanner.peek()
        guard next == UInt8(ascii: "t") || next == UInt8(ascii: "f") else {
            throw unexpected("true or false", at: scanner.position)
        }
        packed.append(try scanner.boolean() ? 1 as UInt8 : 0)
    }

    private mutating func append(_ number: JSONNumber, of document: [UInt8]) throws(InferenceError) {
        let start = number.range.lowerBound
        switch type {
        // Through the double, as Python's float and then float32 round.
        case .fp32: packed.append(try finite(Float(number.double(in: document)), at: start).bitPattern)
        case .fp64: packed.append(try finite(number.double(in: document), at: start).bitPattern)
        case .fp16: packed.append(try finite(Float16(number.double(in: document)), at: start).bitPattern)
        case .int8: try append(number.integer(Int8.self), at: start)
        case .int16: try append(number.integer(Int16.self), at: start)
        case .int32: try append(number.integer(Int32.self), at: start)
        case .int64: try append(number.integer(Int64.self), at: start)
        case .uint8: try append(number.integer(UInt8.self), at: start)
        case .uint16: try append(number.integer(UInt16.self), at: start)
        case .uint32: try append(number.integer(UInt32.self), at: start)
        case .uint64: try append(number.integer(UInt64.self), at: start)
        case .bool, .bytes: throw unexpected("no number", at: start)
        }
    }

    private mutating func append(
        _ value: (some FixedWidthInteger & BitwiseCopyable)?,
        at start: Int
    ) throws(InferenceError) {
        guard let value else { throw unexpected("a whole number in its range", at: start) }
        packed.append(value)
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
    mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
        unsafe Swift.withUnsafeBytes(of: value.littleEndian) { unsafe append(contentsOf: $0) }
    }
}

/// A number of at most 15 digits without an exponent, as `-12.5`, with perhaps one space before it.
private struct UsualNumber {
    let value: Double
    /// The place of the character behind it, which there is.
    let end: Int

    /// Nil for anything else, and near the end of the document.
    @inline(__always)
    init?(_ document: UnsafeBufferPointer<UInt8>, at start: Int) {
        // A space, a minus, seven digits, a point, twice eight digits, and what follows.
        guard start >= 0, document.count - start >= 34 else { return nil }
        var position = start
        if unsafe document[position] == 0x20 { position += 1 }
        let isNegative = unsafe document[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let whole = unsafe EightCharacters(document, at: position)
        guard 1...7 ~= whole.count else { return nil }
        if whole.count > 1, unsafe document[position] == UInt8(ascii: "0") { return nil }
        position += whole.count
        var significand = whole.value
        var places = 0
        if unsafe document[position] == UInt8(ascii: ".") {
            let first = unsafe EightCharacters(document, at: position + 1)
            guard first.count > 0 else { return nil }
            significand = significand &* powersOfTen[first.count] &+ first.value
            places = first.count
            if places == 8 {
                let second = unsafe EightCharacters(document, at: position + 9)
                guard whole.count + 8 + second.count <= 15 else { return nil }
                significand = significand &* powersOfTen[second.count] &+ second.value
                places += second.count
            }
            position += places + 1
        }
        // Both are exact doubles, so the one division rounds once.
        let magnitude = Double(significand) / exactPowersOfTen[places]
        value = isNegative ? -magnitude : magnitude
        end = position
    }
}
