/// A small JSON document, whole: for bodies whose shape is not known before they are read.
///
/// As strict as the scanner beneath: a key stands once, numbers are finite, and nesting has a bound.
package indirect enum JSONTree: Equatable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    /// A whole number that doubles do not tell from its neighbours, in its digits.
    case integer(String)
    case text(String)
    case list([JSONTree])
    case object([String: JSONTree])

    /// - Throws: ``InferenceError/malformedJSON(offset:expected:)`` or
    ///   ``InferenceError/tooLarge(what:limit:)``.
    package init(_ document: [UInt8], mostDepth: Int) throws(InferenceError) {
        var scanner = JSONScanner(document, mostDepth: mostDepth)
        self = try scanner.tree()
        try scanner.expectEnd()
    }

    /// The bytes of each element of an array, so that one that is odd does not spoil the others.
    ///
    /// Stops after `most` elements and one.
    package static func elements(
        of document: [UInt8],
        most: Int
    ) throws(InferenceError) -> [ArraySlice<UInt8>] {
        var scanner = JSONScanner(document, mostDepth: 64)
        var elements: [ArraySlice<UInt8>] = []
        try scanner.array(expecting: "an array") { (scanner) throws(InferenceError) in
            guard elements.count <= most else {
                throw .tooLarge(what: "elements in one array", limit: most)
            }
            _ = scanner.peek()
            let start = scanner.position
            try scanner.skipValue()
            elements.append(document[start..<scanner.position])
        }
        try scanner.expectEnd()
        return elements
    }
}

extension JSONScanner {
    fileprivate mutating func tree() throws(InferenceError) -> JSONTree {
        switch peek() {
        case UInt8(ascii: "{"):
            var members: [String: JSONTree] = [:]
            try object(expecting: "an object") { (scanner, key) throws(InferenceError) in
                members[key] = try scanner.tree()
            }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONTree] = []
            try array(expecting: "an array") { (scanner) throws(InferenceError) in
                elements.append(try scanner.tree())
            }
            return .list(elements)
        case UInt8(ascii: "\""): return .text(try string())
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool(try boolean())
        case UInt8(ascii: "n"):
            try null()
            return .null
        default:
            let number = try number()
            let double = number.double(in: bytes)
            guard double.isFinite else { throw failure(expected: "a number that a double can hold") }
            guard abs(double) >= 0x1p53, let digits = digits(of: number) else { return .number(double) }
            return .integer(digits)
        }
    }
}

extension JSONTree {
    /// Nil for anything but a number.
    package var number: Double? {
        switch self {
        case .number(let number): number
        case .integer(let digits): Double(digits)
        case .null, .bool, .text, .list, .object: nil
        }
    }
}

extension LabelValue {
    /// Nil for null, alone or inside.
    package init?(_ tree: JSONTree) {
        switch tree {
        case .null: return nil
        case .bool(let value): self = .bool(value)
        case .number(let value): self = .number(value)
        case .integer(let digits): self = LabelValue(digits: digits)
        case .text(let value): self = .text(value)
        case .list(let elements):
            var values: [LabelValue] = []
            for element in elements {
                guard let value = LabelValue(element) else { return nil }
                values.append(value)
            }
            self = .list(values)
        case .object(let members):
            var values: [String: LabelValue] = [:]
            for (key, member) in members {
                guard let value = LabelValue(member) else { return nil }
                values[key] = value
            }
            self = .outputs(values)
        }
    }
}
