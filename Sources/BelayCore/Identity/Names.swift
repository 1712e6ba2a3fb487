/// The name of a line of versions: `fraud`, `breast-cancer`.
///
/// One to 64 characters from `A–Z a–z 0–9 . _ -`, starting with a letter or a digit. The alphabet is
/// closed so that a name can stand in a URL, a header, a metric label and a log line unescaped.
package struct ModelName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let text: String

    /// Returns nil when `text` is not a legal name.
    package init?(_ text: String) {
        guard isPlainName(text, atMost: 64) else { return nil }
        self.text = text
    }

    package var description: String { text }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.text < rhs.text }
}

/// The place where an endpoint serves; `prod` unless said otherwise.
///
/// Same alphabet as ``ModelName``.
package struct EnvironmentName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let text: String

    private init(known text: String) { self.text = text }

    /// Returns nil when `text` is not a legal name.
    package init?(_ text: String) {
        guard isPlainName(text, atMost: 64) else { return nil }
        self.init(known: text)
    }

    package static let prod = EnvironmentName(known: "prod")

    package var description: String { text }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.text < rhs.text }
}

/// What a person may call a version besides its number: `1.5.0`, `2026-11-hotfix`.
///
/// Never all digits, so that `fraud@7` can only mean the seventh version.
package struct VersionLabel: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// Returns nil when `text` is not a legal label.
    package init?(_ text: String) {
        guard isPlainName(text, atMost: 64), text.contains(where: { !$0.isNumber }) else { return nil }
        self.text = text
    }

    package var description: String { text }
}

/// A name for a version that can be moved to another: `champion`.
///
/// The alphabet of labels, without the two names that every endpoint gives by itself.
package struct AliasName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package static let reserved: Set = ["stable", "candidate"]

    package let text: String

    /// Returns nil when `text` is not a legal alias.
    package init?(_ text: String) {
        guard VersionLabel(text) != nil, !Self.reserved.contains(text) else { return nil }
        self.text = text
    }

    package var description: String { text }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.text < rhs.text }
}

/// Who did something, as the ledger names them.
package enum Actor: Hashable, Sendable, CustomStringConvertible {
    /// Belay itself, acting on evidence or on recovery.
    case belay
    /// A person, or a program that acts for one; at most 128 Unicode scalars.
    case person(String)

    /// Reads what ``description`` wrote; over-long names are cut, never refused.
    package init(_ text: String) {
        // Scalars, not characters: one character may hold any number of combining marks.
        let scalars = String.UnicodeScalarView(text.unicodeScalars.prefix(128))
        self = text == "belay" ? .belay : .person(String(scalars))
    }

    package var description: String {
        switch self {
        case .belay: "belay"
        case .person(let name): name
        }
    }
}

private func isPlainName(_ text: String, atMost limit: Int) -> Bool {
    let bytes = text.utf8
    guard let first = bytes.first, bytes.count <= limit, isAlphanumeric(first) else { return false }
    return bytes.allSatisfy { byte in
        isAlphanumeric(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "-")
    }
}

private func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default: false
    }
}
