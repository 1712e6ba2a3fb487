/// One value of a policy document, with the place where a person can find it.
///
/// The same tree comes from YAML, whose places are lines, and from JSON, whose places are pointers. So
/// there is one decoder, and the server repeats exactly what the command line checked.
package struct PolicyNode: Hashable, Sendable {
    /// Where a value stands in its document.
    package enum Place: Hashable, Comparable, Sendable, CustomStringConvertible {
        /// Both from 1; the column counts characters.
        case mark(line: Int, column: Int)
        /// A JSON pointer (RFC 6901); empty for the whole document.
        case pointer(String)

        package var description: String {
            switch self {
            case .mark(let line, let column): "\(line):\(column)"
            case .pointer(let pointer): pointer
            }
        }
    }

    /// A value without parts, as it was written.
    package struct Scalar: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            case text, number, boolean, null
        }

        package let kind: Kind
        /// For a number its JSON form, for the others `true`, `false` and `null`.
        package let text: String

        /// A scalar that is known to be text: it was quoted, or a JSON string.
        package init(text: String) {
            kind = .text
            self.text = text
        }

        /// Reads a scalar that nobody quoted: what looks like JSON is JSON, and everything else is text.
        ///
        /// Neither `no` nor `10:30` nor `2026-12-18` therefore turns into something that was not written.
        package init(plain: String) {
            switch plain {
            case "", "~", "null": self.init(known: .null, "null")
            case "true", "false": self.init(known: .boolean, plain)
            default: self.init(known: isJSONNumber(plain) ? .number : .text, plain)
            }
        }

        private init(known kind: Kind, _ text: String) {
            self.kind = kind
            self.text = text
        }
    }

    /// A key with its value, in the order of the document; nothing yet says that keys differ.
    package struct Member: Hashable, Sendable {
        package let key: String
        package let keyPlace: Place
        package let value: PolicyNode

        package init(key: String, keyPlace: Place, value: PolicyNode) {
            self.key = key
            self.keyPlace = keyPlace
            self.value = value
        }
    }

    package enum Value: Hashable, Sendable {
        case scalar(Scalar)
        case sequence([PolicyNode])
        case mapping([Member])
    }

    package let place: Place
    package let value: Value

    package init(_ value: Value, at place: Place) {
        self.value = value
        self.place = place
    }
}

/// Whether it is `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`.
private func isJSONNumber(_ text: String) -> Bool {
    var rest = Array(text.utf8)[...]
    if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
    let whole = rest.prefix(while: isDigit)
    guard !whole.isEmpty, whole.count == 1 || whole.first != UInt8(ascii: "0") else { return false }
    rest = rest.dropFirst(whole.count)
    if rest.first == UInt8(ascii: ".") {
        let fraction = rest.dropFirst().prefix(while: isDigit)
        guard !fraction.isEmpty else { return false }
        rest = rest.dropFirst(1 + fraction.count)
    }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
        rest.removeFirst()
        if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest.removeFirst() }
        guard !rest.isEmpty else { return false }
        rest = rest.drop(while: isDigit)
    }
    return rest.isEmpty
}

private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
