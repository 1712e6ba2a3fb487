/// Where a text stops being JSON, and what was to come there.
package struct JSONFault: Error, Equatable {
    /// In bytes from the beginning of the document.
    package let offset: Int
    package let expected: String
}

/// Reads one JSON string: escapes, surrogate pairs, and nothing that is not UTF-8.
package struct JSONString {
    private let bytes: [UInt8]
    package private(set) var position: Int

    /// - Parameters:
    ///   - bytes: The whole document.
    ///   - start: The byte after the opening quote.
    package init(_ bytes: [UInt8], from start: Int) {
        self.bytes = bytes
        self.position = start
    }

    /// Consumes the closing quote too.
    package mutating func read() throws(JSONFault) -> [UInt8] {
        let start = position
        var content: [UInt8] = []
        var copied = start
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                let content =
                    content.isEmpty ? Array(bytes[copied..<position]) : content + bytes[copied..<position]
                position += 1
                return try validated(content, from: start)
            case UInt8(ascii: "\\"):
                content += bytes[copied..<position]
                position += 1
                try escape(into: &content)
                copied = position
            case 0..<0x20: throw failure("a control character to be escaped")
            default: position += 1
            }
        }
        throw failure("'\"' at the end of a string")
    }

    private func validated(_ content: [UInt8], from start: Int) throws(JSONFault) -> [UInt8] {
        guard content.allSatisfy({ $0 < 0x80 }) || String(validating: content, as: UTF8.self) != nil else {
            throw JSONFault(offset: start, expected: "a string of valid UTF-8")
        }
        return content
    }

    private mutating func escape(into content: inout [UInt8]) throws(JSONFault) {
        guard position < bytes.count else { throw failure("a character after '\\'") }
        let letter = bytes[position]
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(letter)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0c)
        case UInt8(ascii: "n"): content.append(0x0a)
        case UInt8(ascii: "r"): content.append(0x0d)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"): content.append(contentsOf: String(Character(try scalar())).utf8)
        default:
            position -= 1
            throw failure("one of \" \\ / b f n r t u after '\\'")
        }
    }

    /// Reads what follows `\u`, and the second half when it is the first half of a surrogate pair.
    private mutating func scalar() throws(JSONFault) -> Unicode.Scalar {
        let start = position
        var value = try codeUnit()
        if 0xd800...0xdbff ~= value {
            guard bytes[position...].starts(with: "\\u".utf8) else {
                throw failure("the second half of a surrogate pair")
            }
            position += 2
            let low = try codeUnit()
            guard 0xdc00...0xdfff ~= low else {
                throw failure("the second half of a surrogate pair", at: start)
            }
            value = 0x10000 + (value - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw failure("no lone surrogate", at: start) }
        return scalar
    }

    private mutating func codeUnit() throws(JSONFault) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = hexadecimal(bytes[position]) else {
                throw failure("four hexadecimal digits after '\\u'")
            }
            value = value << 4 | digit
            position += 1
        }
        return value
    }

    private func failure(_ expected: String, at offset: Int? = nil) -> JSONFault {
        JSONFault(offset: offset ?? position, expected: expected)
    }
}

private func hexadecimal(_ digit: UInt8) -> UInt32? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(digit - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(digit - UInt8(ascii: "A")) + 10
    default: nil
    }
}
