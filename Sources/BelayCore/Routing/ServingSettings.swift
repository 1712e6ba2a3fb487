/// How requests are read and how long they may take; the `serving` part of a policy.
package struct ServingSettings: Hashable, Codable, Sendable {
    /// What sticks to one version.
    package enum Unit: Hashable, Sendable, TextCoded {
        /// Each request is tossed anew.
        case request
        /// The value of a request header; its name in lower case.
        case header(String)
        /// The scalar at a JSON pointer (RFC 6901) into the request body.
        case pointer(String)

        /// Reads `request`, `header:X-User` or `/parameters/user_id`; nil for anything else.
        package init?(_ text: String) {
            if text == "request" {
                self = .request
            } else if text.hasPrefix("/"), text.utf8.count <= 256 {
                self = .pointer(text)
            } else if text.hasPrefix("header:") {
                let name = text.dropFirst(7).lowercased()
                let legal = name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") }
                guard (1...64).contains(name.utf8.count), legal else { return nil }
                self = .header(name)
            } else {
                return nil
            }
        }

        package var description: String {
            switch self {
            case .request: "request"
            case .header(let name): "header:\(name)"
            case .pointer(let pointer): pointer
            }
        }
    }

    package let unit: Unit
    /// Longest time one request may take, fallbacks included, in milliseconds.
    package let timeoutMilliseconds: Int
    package let record: RecordSettings

    enum CodingKeys: String, CodingKey {
        case unit
        case timeoutMilliseconds = "timeout_ms"
        case record
    }

    package init(unit: Unit, timeoutMilliseconds: Int, record: RecordSettings) {
        self.unit = unit
        self.timeoutMilliseconds = timeoutMilliseconds
        self.record = record
    }

    package static let standard = ServingSettings(
        unit: .request,
        timeoutMilliseconds: 5000,
        record: .standard
    )

    /// Ledgers of 0.1 do not speak of records.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        unit = try container.decode(Unit.self, forKey: .unit)
        timeoutMilliseconds = try container.decode(Int.self, forKey: .timeoutMilliseconds)
        record = try container.decodeIfPresent(RecordSettings.self, forKey: .record) ?? .standard
    }
}
