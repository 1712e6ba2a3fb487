import BelayCore

/// One question of a guard on a `query`, for one arm.
struct QueryText: Equatable, Sendable {
    /// In the language of the monitor.
    let text: String

    /// Puts the version's number, the arm and the model in place of `{{version}}`, `{{arm}}` and `{{model}}`,
    /// written so that they can stand between quotes of any kind.
    init(_ template: String, model: ModelName, version: VersionNumber, arm: Arm) {
        var text = template
        let names = ["version": version.description, "arm": arm.rawValue, "model": model.text]
        for (name, value) in names {
            text = text.replacing("{{\(name)}}", with: Self.quotable(value))
        }
        self.text = text
    }

    private static func quotable(_ value: String) -> String {
        String(
            value.flatMap { character -> [Character] in
                switch character {
                case "\\", "\"", "'": ["\\", character]
                case "\n": ["\\", "n"]
                // Between backticks nothing can be escaped; no name has one.
                case "`": []
                default: [character]
                }
            }
        )
    }

    /// Where a Prometheus server at `base` answers it, of this moment.
    func url(at base: String) -> String {
        var root = base
        while root.hasSuffix("/") { root.removeLast() }
        return "\(root)/api/v1/query?query=\(Self.percentEncoded(text))"
    }

    /// All but the unreserved characters of RFC 3986, byte by byte.
    private static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.append(byte)
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
