/// A SHA-256 digest: the name of some bytes.
package struct Digest: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Always 32 bytes.
    package let bytes: [UInt8]

    /// Returns nil unless there are exactly 32 bytes.
    package init?(bytes: some Sequence<UInt8>) {
        let copy = Array(bytes)
        guard copy.count == 32 else { return nil }
        self.bytes = copy
    }

    /// Reads 64 lower-case hexadecimal digits, with or without the prefix `sha256:`.
    package init?(_ text: String) {
        let digits = Array((text.hasPrefix("sha256:") ? text.dropFirst(7) : text[...]).utf8)
        guard digits.count == 64 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        for index in stride(from: 0, to: 64, by: 2) {
            guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        self.bytes = bytes
    }

    /// 64 lower-case hexadecimal digits.
    package var hex: String {
        String(decoding: bytes.flatMap { [hexDigits[Int($0 >> 4)], hexDigits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The first twelve digits, for tables and messages.
    package var short: String { String(hex.prefix(12)) }
    package var description: String { "sha256:\(hex)" }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.bytes.lexicographicallyPrecedes(rhs.bytes) }
}

private let hexDigits = Array("0123456789abcdef".utf8)

private func nibble(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
}
