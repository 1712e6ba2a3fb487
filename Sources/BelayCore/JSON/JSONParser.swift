/// Reads a JSON text (RFC 8259) into values, strictly.
struct JSONParser {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    /// The bytes are valid UTF-8.
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The one value that the text is.
    mutating func document() throws -> JSONValue {
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw corrupted }
        return value
    }

    private var corrupted: DecodingError {
        .dataCorrupted(.init(codingPath: [], debugDescription: "it is no JSON at byte \(position)"))
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || (0x09...0x0a).contains(byte) || byte == 0x0d {
            position += 1
        }
    }

    /// Goes past the byte if it comes next.
    private mutating func skip(_ byte: Unicode.Scalar) -> Bool {
        skipSpace()
        guard current == UInt8(ascii: byte) else { return false }
        position += 1
        return true
    }

    private mutating func value() throws -> JSONValue {
        skipSpace()
        switch current {
        case UInt8(ascii: "{"): return try nested { parser throws in .object(try parser.members()) }
        case UInt8(ascii: "["): return try nested { parser throws in .array(try parser.elements()) }
        case UInt8(ascii: "\""): return .text(try text())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func nested(_ read: (inout JSONParser) throws -> JSONValue) throws -> JSONValue {
        depth += 1
        guard depth <= CompactJSON.deepest else { throw corrupted }
        position += 1
        let value = try read(&self)
        depth -= 1
        return value
    }

    private mutating func members() throws -> [JSONMember] {
        if skip("}") { return [] }
        var members: [JSONMember] = []
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw corrupted }
            let key = try text()
            guard skip(":") else { throw corrupted }
            members.append(JSONMember(key: key, value: try value()))
            if skip("}") { return members }
            guard skip(",") else { throw corrupted }
        }
    }

    private mutating func elements() throws -> [JSONValue] {
        if skip("]") { return [] }
        var values: [JSONValue] = []
        while true {
            values.append(try value())
            if skip("]") { return values }
            guard skip(",") else { throw corrupted }
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws -> JSONValue {
        let isThere = word.withUTF8Buffer { bytes[position...].starts(with: $0) }
        guard isThere else { throw corrupted }
        position += word.utf8CodeUnitCount
        return value
    }

    private mutating func number() throws -> String {
        let start = position
        if current == UInt8(ascii: "-") { position += 1 }
        let whole = try digits()
        guard whole == 1 || bytes[position - whole] != UInt8(ascii: "0") else { throw corrupted }
        if current == UInt8(ascii: ".") {
            position += 1
            _ = try digits()
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            _ = try digits()
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// How many digits there are, at least one.
    private mutating func digits() throws -> Int {
        let start = position
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw corrupted }
        return position - start
    }
}

// MARK: - Texts

extension JSONParser {
    private mutating func text() throws -> String {
        position += 1
        let start = position
        while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
            position += 1
        }
        // Mostly there is nothing to undo.
        if current == UInt8(ascii: "\"") {
            position += 1
            return String(decoding: bytes[start..<(position - 1)], as: UTF8.self)
        }
        var rest = JSONString(bytes, from: start)
        guard let read = try? rest.read() else { throw corrupted }
        position = rest.position
        return String(decoding: read, as: UTF8.self)
    }
}
