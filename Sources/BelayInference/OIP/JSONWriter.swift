import BelayCore

/// Writes JSON into bytes, in one pass.
///
/// Floats are written as the shortest decimal that reads back to the same value, so a response carries
/// exactly what the model said and nothing that it did not.
struct JSONWriter {
    private var text = GrowingBytes()

    init() { text.reserve(512) }

    /// All there is; nothing is written after that.
    var bytes: [UInt8] { mutating get { text.bytes } }

    mutating func raw(_ words: StaticString) {
        words.withUTF8Buffer { unsafe text.append(contentsOf: $0) }
    }

    mutating func string(_ content: String) {
        var content = content
        content.withUTF8 { unsafe quoted($0) }
    }

    /// - Parameter content: Must be UTF-8.
    private mutating func quoted(_ content: UnsafeBufferPointer<UInt8>) {
        text.append(UInt8(ascii: "\""))
        if unsafe content.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            unsafe text.append(contentsOf: content)
        } else {
            unsafe escaped(content)
        }
        text.append(UInt8(ascii: "\""))
    }

    private mutating func escaped(_ content: UnsafeBufferPointer<UInt8>) {
        for index in 0..<content.count {
            let byte = unsafe content[index]
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                text.append(UInt8(ascii: "\\"))
                text.append(byte)
            case 0x0a: raw("\\n")
            case 0..<0x20:
                raw("\\u00")
                text.append(byte < 0x10 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
                text.append(lowerDigits[Int(byte & 15)])
            default: text.append(byte)
            }
        }
    }

    mutating func integer(_ value: some FixedWidthInteger) { text.append(number: value) }

    mutating func tensors(_ tensors: [NamedTensor]) throws(InferenceError) {
        raw("[")
        for (index, named) in tensors.enumerated() {
            if index > 0 { raw(",") }
            try tensor(named)
        }
        raw("]")
    }

    /// One tensor with its elements.
    mutating func tensor(_ named: NamedTensor) throws(InferenceError) {
        head(of: named)
        raw(",\"data\":[")
        try elements(of: named)
        raw("]}")
    }

    /// One tensor whose elements follow behind the JSON, in so many bytes.
    mutating func tensor(_ named: NamedTensor, binarySize: Int) {
        head(of: named)
        raw(",\"parameters\":{\"binary_data_size\":")
        integer(binarySize)
        raw("}}")
    }

    private mutating func head(of named: NamedTensor) {
        raw("{\"name\":")
        string(named.name)
        raw(",\"datatype\":")
        string(named.tensor.type.rawValue)
        raw(",\"shape\":[")
        for (axis, dimension) in named.tensor.shape.enumerated() {
            if axis > 0 { raw(",") }
            integer(dimension)
        }
        raw("]")
    }

    private mutating func elements(of named: NamedTensor) throws(InferenceError) {
        let tensor = named.tensor
        if let index = tensor.firstNonFinite {
            throw .invalidOutput(
                name: named.name,
                reason: "element \(index) is NaN or infinite, which JSON has not"
            )
        }
        switch tensor.storage {
        case .strings(let strings):
            for (index, string) in strings.enumerated() {
                guard String(validating: string, as: UTF8.self) != nil else {
                    // No never-event: the caller may have sent it, and as binary data it can be told.
                    throw .runFailed(
                        reason:
                            "string \(index) of the output \(named.name) is not UTF-8; "
                            + "ask for it as binary data"
                    )
                }
                if index > 0 { raw(",") }
                unsafe string.withUnsafeBufferPointer { unsafe quoted($0) }
            }
        case .packed(let packed): numbers(packed, type: tensor.type)
        }
    }

    private mutating func numbers(_ packed: [UInt8], type: TensorType) {
        switch type {
        case .bool:
            list(packed, of: UInt8.self) { writer, bits in
                bits == 0 ? writer.raw("false") : writer.raw("true")
            }
        case .int8: list(packed, of: UInt8.self) { $0.integer(Int8(bitPattern: $1)) }
        case .int16: list(packed, of: UInt16.self) { $0.integer(Int16(bitPattern: $1)) }
        case .int32: list(packed, of: UInt32.self) { $0.integer(Int32(bitPattern: $1)) }
        case .int64: list(packed, of: UInt64.self) { $0.integer(Int64(bitPattern: $1)) }
        case .uint8: list(packed, of: UInt8.self) { $0.integer($1) }
        case .uint16: list(packed, of: UInt16.self) { $0.integer($1) }
        case .uint32: list(packed, of: UInt32.self) { $0.integer($1) }
        case .uint64: list(packed, of: UInt64.self) { $0.integer($1) }
        case .fp16: list(packed, of: UInt16.self) { $0.float(Float(Float16(bitPattern: $1))) }
        case .fp32: list(packed, of: UInt32.self) { $0.float(Float(bitPattern: $1)) }
        case .fp64: list(packed, of: UInt64.self) { $0.float(Double(bitPattern: $1)) }
        case .bytes: break
        }
    }

    private mutating func float(_ value: Float) {
        float(ShortestDecimal(value), isNegative: value.sign == .minus) { value.description }
    }

    private mutating func float(_ value: Double) {
        float(ShortestDecimal(value), isNegative: value.sign == .minus) { value.description }
    }

    private mutating func float(_ short: ShortestDecimal?, isNegative: Bool, otherwise: () -> String) {
        if let short {
            text.append(short, isNegative: isNegative)
        } else {
            var long = otherwise()
            long.withUTF8 { unsafe text.append(contentsOf: $0) }
        }
    }

    private mutating func list<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ packed: [UInt8],
        of _: Bits.Type,
        _ write: (inout JSONWriter, Bits) -> Void
    ) {
        // A comma and digits as they usually are; for more it grows.
        text.reserve(packed.count * 3)
        let width = Bits.bitWidth / 8
        for start in stride(from: 0, to: packed.count, by: width) {
            if start > 0 { text.append(UInt8(ascii: ",")) }
            write(&self, packed.littleEndian(at: start))
        }
    }
}

private let lowerDigits = Array("0123456789abcdef".utf8)

extension [UInt8] {
    /// The element whose first byte is at `start`.
    @inline(__always)
    func littleEndian<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(at start: Int) -> Bits {
        let bits = unsafe span.bytes.unsafeLoadUnaligned(fromByteOffset: start, as: Bits.self)
        return Bits(littleEndian: bits)
    }
}
