/// Lets a value write itself into a place of a document.
struct JSONEncoding: Encoder {
    let place: JSONPlace

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(Keyed(place: place))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        // Asked for twice, it goes on.
        if case .array = place.value {} else { place.value = .array([]) }
        return Unkeyed(place: place)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { Single(place: place) }

    /// The form of what is no scalar.
    static func value(of other: some Encodable) throws -> JSONValue {
        let place = JSONPlace()
        try other.encode(to: JSONEncoding(place: place))
        return place.value
    }

    static func value(of number: some BinaryFloatingPoint & CustomStringConvertible) throws -> JSONValue {
        guard number.isFinite else {
            let context = EncodingError.Context(codingPath: [], debugDescription: "JSON has no \(number)")
            throw EncodingError.invalidValue(number, context)
        }
        let text = number.description
        return .number(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
    }
}

extension JSONPlace {
    /// Adds a member to the object here.
    fileprivate func add(_ value: JSONValue, _ key: some CodingKey) {
        guard case .object(var members) = self.value else { return }
        // Held once, so that the array grows where it is.
        self.value = .null
        members.append(JSONMember(key: key.stringValue, value: value))
        self.value = .object(members)
    }

    fileprivate func add(_ value: JSONValue) {
        guard case .array(var values) = self.value else { return }
        self.value = .null
        values.append(value)
        self.value = .array(values)
    }

    fileprivate var count: Int { if case .array(let values) = value { values.count } else { 0 } }
}

private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let place: JSONPlace

    var codingPath: [any CodingKey] { [] }

    func encodeNil(forKey key: Key) { place.add(.null, key) }
    func encode(_ flag: Bool, forKey key: Key) { place.add(.bool(flag), key) }
    func encode(_ text: String, forKey key: Key) { place.add(.text(text), key) }

    func encode(_ number: some BinaryInteger & Encodable, forKey key: Key) {
        place.add(.number(String(number)), key)
    }

    func encode(
        _ number: some BinaryFloatingPoint & CustomStringConvertible & Encodable,
        forKey key: Key
    ) throws {
        place.add(try JSONEncoding.value(of: number), key)
    }

    func encode(_ other: some Encodable, forKey key: Key) throws {
        place.add(try JSONEncoding.value(of: other), key)
    }

    func nestedContainer<Other: CodingKey>(
        keyedBy: Other.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<Other> { nested(key).container(keyedBy: keyedBy) }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        nested(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { nested(JSONKey("super")) }
    func superEncoder(forKey key: Key) -> any Encoder { nested(key) }

    private func nested(_ key: some CodingKey) -> JSONEncoding {
        let inner = JSONPlace()
        place.add(.open(inner), key)
        return JSONEncoding(place: inner)
    }
}

private struct Unkeyed: UnkeyedEncodingContainer {
    let place: JSONPlace

    var codingPath: [any CodingKey] { [] }
    var count: Int { place.count }

    func encodeNil() { place.add(.null) }
    func encode(_ flag: Bool) { place.add(.bool(flag)) }
    func encode(_ text: String) { place.add(.text(text)) }
    func encode(_ number: some BinaryInteger & Encodable) { place.add(.number(String(number))) }

    func encode(_ number: some BinaryFloatingPoint & CustomStringConvertible & Encodable) throws {
        place.add(try JSONEncoding.value(of: number))
    }

    func encode(_ other: some Encodable) throws { place.add(try JSONEncoding.value(of: other)) }

    func nestedContainer<Other: CodingKey>(keyedBy: Other.Type) -> KeyedEncodingContainer<Other> {
        nested().container(keyedBy: keyedBy)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }
    func superEncoder() -> any Encoder { nested() }

    private func nested() -> JSONEncoding {
        let inner = JSONPlace()
        place.add(.open(inner))
        return JSONEncoding(place: inner)
    }
}

private struct Single: SingleValueEncodingContainer {
    let place: JSONPlace

    var codingPath: [any CodingKey] { [] }

    func encodeNil() { place.value = .null }
    func encode(_ flag: Bool) { place.value = .bool(flag) }
    func encode(_ text: String) { place.value = .text(text) }
    func encode(_ number: some BinaryInteger & Encodable) { place.value = .number(String(number)) }

    func encode(_ number: some BinaryFloatingPoint & CustomStringConvertible & Encodable) throws {
        place.value = try JSONEncoding.value(of: number)
    }

    func encode(_ other: some Encodable) throws { try other.encode(to: JSONEncoding(place: place)) }
}

/// A key that no type knows.
struct JSONKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ text: String) { stringValue = text }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
