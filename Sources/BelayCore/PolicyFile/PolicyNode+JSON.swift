/// A policy document in JSON: read by any decoder, written in the order of the document.
extension PolicyNode: Codable {
    /// Reads a tree whose places are JSON pointers below the decoder's own place.
    ///
    /// A decoder forgets the order of keys, so they come sorted, and the problems with them.
    package init(from decoder: any Decoder) throws {
        try self.init(from: decoder, at: "", depth: 0)
    }

    private init(from decoder: any Decoder, at pointer: String, depth: Int) throws {
        guard depth <= Self.deepest else {
            let context = DecodingError.Context(
                codingPath: decoder.codingPath,
                debugDescription: "a policy is not nested so deeply"
            )
            throw DecodingError.dataCorrupted(context)
        }
        let value: Value
        if let container = try? decoder.container(keyedBy: AnyKey.self) {
            let members = try container.allKeys.map(\.stringValue).sorted().map { key in
                let place = pointer + "/" + escaped(key)
                let nested = try container.superDecoder(forKey: AnyKey(key))
                let node = try PolicyNode(from: nested, at: place, depth: depth + 1)
                return Member(key: key, keyPlace: .pointer(place), value: node)
            }
            value = .mapping(members)
        } else if var container = try? decoder.unkeyedContainer() {
            var nodes: [PolicyNode] = []
            while !container.isAtEnd {
                let place = pointer + "/\(nodes.count)"
                nodes.append(
                    try PolicyNode(from: try container.superDecoder(), at: place, depth: depth + 1)
                )
            }
            value = .sequence(nodes)
        } else {
            value = .scalar(try Scalar(from: decoder))
        }
        self.init(value, at: .pointer(pointer))
    }

    package func encode(to encoder: any Encoder) throws {
        switch value {
        case .scalar(let scalar): try scalar.encode(to: encoder)
        case .sequence(let nodes):
            var container = encoder.unkeyedContainer()
            for node in nodes { try container.encode(node) }
        case .mapping(let members):
            var container = encoder.container(keyedBy: AnyKey.self)
            for member in members { try container.encode(member.value, forKey: AnyKey(member.key)) }
        }
    }

    /// Levels that a document may nest; the format itself needs four.
    package static let deepest = 16

    /// The document as compact JSON, with its keys in their order.
    package var json: String {
        switch value {
        case .scalar(let scalar): scalar.kind == .text ? quoted(scalar.text) : scalar.text
        case .sequence(let nodes): "[" + nodes.map(\.json).joined(separator: ",") + "]"
        case .mapping(let members):
            "{" + members.map { quoted($0.key) + ":" + $0.value.json }.joined(separator: ",") + "}"
        }
    }
}

extension PolicyNode.Scalar: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self.init(plain: "null")
        } else if let flag = try? container.decode(Bool.self) {
            self.init(plain: String(flag))
        } else if let number = try? container.decode(Int.self) {
            self.init(plain: String(number))
        } else if let number = try? container.decode(Double.self) {
            self.init(plain: String(number))
        } else {
            self.init(text: try container.decode(String.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch kind {
        case .text: try container.encode(text)
        case .null: try container.encodeNil()
        case .boolean: try container.encode(text == "true")
        case .number:
            if let whole = Int(text) {
                try container.encode(whole)
            } else {
                try container.encode(Double(text))
            }
        }
    }
}

private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ text: String) { stringValue = text }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
}

/// One step of a JSON pointer (RFC 6901).
func escaped(_ key: String) -> String {
    key.reduce(into: "") { text, character in
        switch character {
        case "~": text += "~0"
        case "/": text += "~1"
        default: text.append(character)
        }
    }
}

private func quoted(_ text: String) -> String {
    var json = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": json += "\\\""
        case "\\": json += "\\\\"
        case "\n": json += "\\n"
        case _ where scalar.value < 0x20:
            let digits = String(scalar.value, radix: 16)
            json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: json.unicodeScalars.append(scalar)
        }
    }
    return json + "\""
}
