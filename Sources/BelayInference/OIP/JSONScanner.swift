import BelayCore

/// Reads JSON from bytes, one token at a time, and says at which byte it had to stop.
///
/// Pure, and without allocations where the wire is hot: numbers go from digits into tensors with no tree
/// between. Strict as RFC 8259 is, with one refusal more: a key that stands twice in one object, because two
/// readers could each believe another one.
struct JSONScanner {
    let bytes: [UInt8]
    /// The next byte to read.
    var position = 0
    private var depth = 0
    private let mostDepth: Int
    /// The keys of the objects that are open, those of the innermost last: one allocation for all of them.
    private var keys: [String] = []

    init(_ bytes: [UInt8], mostDepth: Int) {
        self.bytes = bytes
        self.mostDepth = mostDepth
        keys.reserveCapacity(8)
    }

    /// The next byte that is not white space, not consumed; nil at the end.
    @inline(__always)
    mutating func peek() -> UInt8? {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0a, 0x0d: position += 1
            case let byte: return byte
            }
        }
        return nil
    }

    func failure(expected: String, at offset: Int? = nil) -> InferenceError {
        .malformedJSON(offset: offset ?? position, expected: expected)
    }

    mutating func expectEnd() throws(InferenceError) {
        guard peek() == nil else { throw failure(expected: "the end of the document") }
    }

    // MARK: - Structure

    /// Consumes `{` or `[`.
    mutating func open(
        _ bracket: Unicode.Scalar,
        expecting what: @autoclosure () -> String
    ) throws(InferenceError) {
        guard peek() == UInt8(ascii: bracket) else { throw failure(expected: what()) }
        guard depth < mostDepth else {
            throw .tooLarge(what: "levels of nesting in the JSON", limit: mostDepth)
        }
        depth += 1
        position += 1
    }

    /// Moves to the next element of the array that is open; false when it was closed instead.
    @inline(__always)
    mutating func nextElement(isFirst: Bool) throws(InferenceError) -> Bool {
        switch peek() {
        case UInt8(ascii: "]"):
            position += 1
            depth -= 1
            return false
        case UInt8(ascii: ",") where !isFirst:
            position += 1
            return true
        case .some where isFirst: return true
        default: throw failure(expected: "',' or ']'")
        }
    }

    /// Moves to the value of the next member of the object that is open; nil when it was closed instead.
    mutating func nextKey(isFirst: Bool) throws(InferenceError) -> String? {
        switch peek() {
        case UInt8(ascii: "}"):
            position += 1
            depth -= 1
            return nil
        case UInt8(ascii: ",") where !isFirst: position += 1
        case .some where isFirst: break
        default: throw failure(expected: "',' or '}'")
        }
        guard peek() == UInt8(ascii: "\"") else { throw failure(expected: "a key in quotes") }
        let key = try string()
        guard peek() == UInt8(ascii: ":") else { throw failure(expected: "':' after a key") }
        position += 1
        return key
    }

    /// Calls `member` with each key of the object ahead; `member` must consume the value.
    mutating func object(
        expecting what: @autoclosure () -> String,
        _ member: (inout JSONScanner, String) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        try open("{", expecting: what())
        let outer = keys.count
        var many: Set<String> = []
        var isFirst = true
        while let key = try nextKey(isFirst: isFirst) {
            isFirst = false
            guard note(key, after: outer, in: &many) else {
                throw failure(expected: "each key once, not '\(key.prefix(40))' again")
            }
            try member(&self, key)
        }
        keys.removeLast(keys.count - outer)
    }

    /// Returns false when the object whose keys begin at `outer` has `key` already.
    ///
    /// They are compared one by one while they are few, which is nearly always, and hashed into `many` then.
    private mutating func note(_ key: String, after outer: Int, in many: inout Set<String>) -> Bool {
        for index in outer..<keys.count where keys[index] == key { return false }
        guard keys.count - outer < 16 else { return many.insert(key).inserted }
        keys.append(key)
        return true
    }

    /// Calls `element` for each element of the array ahead; `element` must consume it.
    mutating func array(
        expecting what: @autoclosure () -> String,
        _ element: (inout JSONScanner) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        try open("[", expecting: what())
        var isFirst = true
        while try nextElement(isFirst: isFirst) {
            isFirst = false
            try element(&self)
        }
    }

    // MARK: - Values

    /// Passes over one value of any kind, which must still be JSON.
    mutating func skipValue() throws(InferenceError) {
        switch peek() {
        case UInt8(ascii: "{"):
            try object(expecting: "an object") { (scanner, _) throws(InferenceError) in
                try scanner.skipValue()
            }
        case UInt8(ascii: "["):
            try array(expecting: "an array") { (scanner) throws(InferenceError) in try scanner.skipValue() }
        case UInt8(ascii: "\""): if plainText() == nil { _ = try stringBytes() }
        case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try boolean()
        case UInt8(ascii: "n"): try null()
        default: _ = try number()
        }
    }

    mutating func boolean() throws(InferenceError) -> Bool {
        if peek() == UInt8(ascii: "t") {
            try literal("true", expecting: "true or false")
            return true
        }
        try literal("false", expecting: "true or false")
        return false
    }

    mutating func null() throws(InferenceError) { try literal("null", expecting: "a value") }

    private mutating func literal(_ word: StaticString, expecting what: String) throws(InferenceError) {
        let word = word.description.utf8
        guard peek() != nil, bytes[position...].starts(with: word) else { throw failure(expected: what) }
        position += word.count
    }

    mutating func string() throws(InferenceError) -> String {
        if let plain = plainText() {
            return usualWord(in: bytes, at: plain) ?? String(decoding: bytes[plain], as: UTF8.self)
        }
        return String(decoding: try stringBytes(), as: UTF8.self)
    }

    /// The bytes of one string, escapes resolved; always well-formed UTF-8.
    mutating func stringBytes() throws(InferenceError) -> [UInt8] {
        if let plain = plainText() { return Array(bytes[plain]) }
        guard peek() == UInt8(ascii: "\"") else { throw failure(expected: "a string in quotes") }
        var reader = JSONString(bytes, from: position + 1)
        do throws(JSONFault) {
            let content = try reader.read()
            position = reader.position
            return content
        } catch {
            throw .malformedJSON(offset: error.offset, expected: error.expected)
        }
    }

    /// Consumes a string of ASCII without escapes, as nearly all are, and says where its content stands.
    ///
    /// Returns nil, and stays where it is, when anything else is ahead.
    private mutating func plainText() -> Range<Int>? {
        guard peek() == UInt8(ascii: "\"") else { return nil }
        let start = position + 1
        var end = start
        while end < bytes.count {
            switch bytes[end] {
            case UInt8(ascii: "\""):
                position = end + 1
                return start..<end
            case UInt8(ascii: "\\"), 0..<0x20, 0x80...: return nil
            default: end += 1
            }
        }
        return nil
    }
}

/// The words of which most of a request consists, without making a string of them.
private func usualWord(in document: [UInt8], at range: Range<Int>) -> String? {
    @inline(__always)
    func isThere(_ word: StaticString) -> Bool {
        word.withUTF8Buffer { unsafe $0.elementsEqual(document[range]) }
    }
    switch range.count {
    case 4 where isThere("name"): return "name"
    case 4 where isThere("data"): return "data"
    case 4 where isThere("FP32"): return "FP32"
    case 5 where isThere("shape"): return "shape"
    case 5 where isThere("input"): return "input"
    case 6 where isThere("inputs"): return "inputs"
    case 8 where isThere("datatype"): return "datatype"
    case 10 where isThere("parameters"): return "parameters"
    case 16 where isThere("binary_data_size"): return "binary_data_size"
    case 18 where isThere("binary_data_output"): return "binary_data_output"
    default: return nil
    }
}
