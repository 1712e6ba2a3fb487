import BelayCore

/// Writes JSON into bytes, in one pass.
///
/// Floats are written as the shortest decimal that reads back to the same value, so a response carries
/// exactly what the model said and nothing that it did not.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []

    mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func string(_ text: String) { quoted(Array(text.utf8)) }

    /// - Parameter content: Must be UTF-8.
    private mutating func quoted(_ content: [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in content {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0a: raw("\\n")
            case 0..<0x20:
                raw("\\u00")
                bytes.append(byte < 0x10 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
                bytes.append(lowerDigits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func integer(_ value: some FixedWidthInteger) {
        bytes.append(contentsOf: value.description.utf8)
    }

    mutating func tensors(_ tensors: [NamedTensor]) throws(InferenceError) {
        raw("[")
        for (index, named) in tensors.enumerated() {
            raw(index == 0 ? "{\"name\":" : ",{\"name\":")
            string(named.name)
            raw(",\"datatype\":")
            string(named.tensor.type.rawValue)
            raw(",\"shape\":[")
            for (axis, dimension) in named.tensor.shape.enumerated() {
                if axis > 0 { raw(",") }
                integer(dimension)
            }
            raw("],\"data\":[")
            try elements(of: named)
            raw("]}")
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
            for (index, text) in strings.enumerated() {
                guard String(validating: text, as: UTF8.self) != nil else {
                    throw .invalidOutput(
                        name: named.name,
                        reason: "string \(index) is not UTF-8, which JSON must be"
                    )
                }
                if index > 0 { raw(",") }
                quoted(text)
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

    private mutating func float(_ value: some CustomStringConvertible & BinaryFloatingPoint) {
        bytes.append(contentsOf: value.description.utf8)
    }

    private mutating func list<Bits: FixedWidthInteger & UnsignedInteger>(
        _ packed: [UInt8],
        of _: Bits.Type,
        _ write: (inout JSONWriter, Bits) -> Void
    ) {
        let width = Bits.bitWidth / 8
        for start in stride(from: 0, to: packed.count, by: width) {
            if start > 0 { raw(",") }
            write(&self, packed.littleEndian(at: start))
        }
    }
}

private let lowerDigits = Array("0123456789abcdef".utf8)

extension [UInt8] {
    /// The element whose first byte is at `start`.
    func littleEndian<Bits: FixedWidthInteger & UnsignedInteger>(at start: Int) -> Bits {
        var bits: Bits = 0
        for index in 0..<Bits.bitWidth / 8 { bits |= Bits(self[start + index]) << Bits(index * 8) }
        return bits
    }
}
