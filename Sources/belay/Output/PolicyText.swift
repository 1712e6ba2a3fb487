import BelayCore

extension PolicyNode {
    /// The document as YAML: one key a line, and what is below in braces, as people write it.
    var yaml: String {
        guard case .mapping(let members) = value else { return inline + "\n" }
        return members.map { $0.key + ":" + $0.value.block(indent: "  ") }.joined()
    }

    private func block(indent: String) -> String {
        switch value {
        case .sequence(let nodes) where !nodes.isEmpty:
            "\n" + nodes.map { "\(indent)- \($0.inline)\n" }.joined()
        case .mapping(let members) where members.contains { !$0.value.isScalar }:
            "\n"
                + members.map { "\(indent)\(name($0.key)):" + $0.value.block(indent: indent + "  ") }.joined()
        default: " \(inline)\n"
        }
    }

    var isScalar: Bool {
        if case .scalar = value { true } else { false }
    }

    /// The value on one line, as YAML.
    var inline: String {
        switch value {
        case .scalar(let scalar): scalar.kind == .text && !isPlain(scalar.text) ? json : scalar.text
        case .sequence(let nodes): "[" + nodes.map(\.inline).joined(separator: ", ") + "]"
        case .mapping(let members):
            "{" + members.map { "\(name($0.key)): \($0.value.inline)" }.joined(separator: ", ") + "}"
        }
    }

    /// A key, quoted where YAML would read something else.
    private func name(_ key: String) -> String { isPlain(key) ? key : PolicyNode.quoted(key) }

    private static func quoted(_ text: String) -> String {
        PolicyNode(.scalar(Scalar(text: text)), at: .pointer("")).json
    }

    /// Whether the text is itself without quotes, anywhere in YAML.
    private func isPlain(_ text: String) -> Bool {
        let letters = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "%"),
                UInt8(ascii: "."),
                UInt8(ascii: "/"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        let first = text.utf8.first.map { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "%") } ?? false
        return letters && first && Scalar(plain: text).kind == .text
            && !["yes", "no", "on", "off"].contains(text)
    }
}
