/// Lets a value read itself from a part of a document.
struct JSONDecoding: Decoder {
    let value: JSONValue

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let members) = value else { throw Self.mismatch([String: Any].self, value) }
        return KeyedDecodingContainer(Keyed(members))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let values) = value else { throw Self.mismatch([Any].self, value) }
        return Unkeyed(values: values)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { Single(value: value) }

    static func mismatch(_ type: Any.Type, _ found: JSONValue) -> DecodingError {
        let context = DecodingError.Context(codingPath: [], debugDescription: "it is no \(type)")
        if case .null = found { return .valueNotFound(type, context) }
        return .typeMismatch(type, context)
    }
}

extension JSONValue {
    fileprivate var isNull: Bool { if case .null = self { true } else { false } }

    fileprivate func read(_ type: Bool.Type) throws -> Bool {
        guard case .bool(let flag) = self else { throw JSONDecoding.mismatch(type, self) }
        return flag
    }

    fileprivate func read(_ type: String.Type) throws -> String {
        guard case .text(let text) = self else { throw JSONDecoding.mismatch(type, self) }
        return text
    }

    fileprivate func read<Number: BinaryFloatingPoint & LosslessStringConvertible>(
        _ type: Number.Type
    ) throws -> Number {
        guard case .number(let digits) = self else { throw JSONDecoding.mismatch(type, self) }
        guard let number = Number(digits), number.isFinite else { throw Self.misfit(type, digits) }
        return number
    }

    fileprivate func read<Number: BinaryInteger & LosslessStringConvertible>(
        _ type: Number.Type
    ) throws -> Number {
        guard case .number(let digits) = self else { throw JSONDecoding.mismatch(type, self) }
        // `1e3` and `5.0` are whole numbers as well.
        guard let number = Number(digits) ?? Double(digits).flatMap({ Number(exactly: $0) }) else {
            throw Self.misfit(type, digits)
        }
        return number
    }

    fileprivate func read<Other: Decodable>(_ type: Other.Type) throws -> Other {
        try type.init(from: JSONDecoding(value: self))
    }

    private static func misfit(_ type: Any.Type, _ digits: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: [], debugDescription: "\(digits) is no \(type)"))
    }
}

private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
    /// So many are looked through one by one.
    private static var few: Int { 16 }

    private let members: [JSONMember]
    private let index: [String: JSONValue]?

    init(_ members: [JSONMember]) {
        self.members = members
        let isLong = members.count > Self.few
        index = isLong ? Dictionary(members.map { ($0.key, $0.value) }) { _, last in last } : nil
    }

    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { (index.map { Array($0.keys) } ?? members.map(\.key)).compactMap(Key.init) }

    func contains(_ key: Key) -> Bool { found(key.stringValue) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try value(key).isNull }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try value(key).read(type) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try value(key).read(type) }

    func decode<Number: BinaryFloatingPoint & LosslessStringConvertible & Decodable>(
        _ type: Number.Type,
        forKey key: Key
    ) throws -> Number { try value(key).read(type) }

    func decode<Number: BinaryInteger & LosslessStringConvertible & Decodable>(
        _ type: Number.Type,
        forKey key: Key
    ) throws -> Number { try value(key).read(type) }

    func decode<Other: Decodable>(_ type: Other.Type, forKey key: Key) throws -> Other {
        try value(key).read(type)
    }

    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
        try present(key).map { try $0.read(type) }
    }

    func decodeIfPresent<Number: BinaryInteger & LosslessStringConvertible & Decodable>(
        _ type: Number.Type,
        forKey key: Key
    ) throws -> Number? { try present(key).map { try $0.read(type) } }

    func decodeIfPresent<Other: Decodable>(_ type: Other.Type, forKey key: Key) throws -> Other? {
        try present(key).map { try $0.read(type) }
    }

    func nestedContainer<Other: CodingKey>(
        keyedBy type: Other.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Other> {
        try JSONDecoding(value: value(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try JSONDecoding(value: value(key)).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { JSONDecoding(value: found("super") ?? .null) }
    func superDecoder(forKey key: Key) throws -> any Decoder { JSONDecoding(value: try value(key)) }

    private func value(_ key: Key) throws -> JSONValue {
        if let value = found(key.stringValue) { return value }
        let context = DecodingError.Context(
            codingPath: [],
            debugDescription: "'\(key.stringValue)' is missing"
        )
        throw DecodingError.keyNotFound(key, context)
    }

    private func present(_ key: Key) -> JSONValue? {
        found(key.stringValue).flatMap { $0.isNull ? nil : $0 }
    }

    /// Of two equal keys the last one counts.
    private func found(_ key: String) -> JSONValue? {
        if let index { index[key] } else { members.last { $0.key == key }?.value }
    }
}

private struct Unkeyed: UnkeyedDecodingContainer {
    let values: [JSONValue]

    private(set) var currentIndex = 0

    init(values: [JSONValue]) { self.values = values }

    var codingPath: [any CodingKey] { [] }
    var count: Int? { values.count }
    var isAtEnd: Bool { currentIndex == values.count }

    mutating func decodeNil() throws -> Bool {
        guard try current(Any?.self).isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try next { try $0.read(type) } }
    mutating func decode(_ type: String.Type) throws -> String { try next { try $0.read(type) } }

    mutating func decode<Number: BinaryFloatingPoint & LosslessStringConvertible & Decodable>(
        _ type: Number.Type
    ) throws -> Number { try next { try $0.read(type) } }

    mutating func decode<Number: BinaryInteger & LosslessStringConvertible & Decodable>(
        _ type: Number.Type
    ) throws -> Number { try next { try $0.read(type) } }

    mutating func decode<Other: Decodable>(_ type: Other.Type) throws -> Other {
        try next { try $0.read(type) }
    }

    mutating func nestedContainer<Other: CodingKey>(
        keyedBy type: Other.Type
    ) throws -> KeyedDecodingContainer<Other> {
        try next { try JSONDecoding(value: $0).container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try next { try JSONDecoding(value: $0).unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder { try next { JSONDecoding(value: $0) } }

    /// What could not be read stays the next one.
    private mutating func next<Result>(_ read: (JSONValue) throws -> Result) throws -> Result {
        let result = try read(try current(Result.self))
        currentIndex += 1
        return result
    }

    private func current(_ type: Any.Type) throws -> JSONValue {
        guard !isAtEnd else {
            let context = DecodingError.Context(codingPath: [], debugDescription: "the array ends before")
            throw DecodingError.valueNotFound(type, context)
        }
        return values[currentIndex]
    }
}

private struct Single: SingleValueDecodingContainer {
    let value: JSONValue

    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool { value.isNull }
    func decode(_ type: Bool.Type) throws -> Bool { try value.read(type) }
    func decode(_ type: String.Type) throws -> String { try value.read(type) }

    func decode<Number: BinaryFloatingPoint & LosslessStringConvertible & Decodable>(
        _ type: Number.Type
    ) throws -> Number { try value.read(type) }

    func decode<Number: BinaryInteger & LosslessStringConvertible & Decodable>(
        _ type: Number.Type
    ) throws -> Number { try value.read(type) }

    func decode<Other: Decodable>(_ type: Other.Type) throws -> Other { try value.read(type) }
}
