/// What the inference log keeps of an endpoint's answers, and what an answer waits for.
package struct RecordSettings: Hashable, Codable, Sendable {
    /// Which answers are kept.
    package enum Extent: Hashable, Sendable, TextCoded {
        case every
        /// Each with this probability, irrespective of the arm.
        case sample(Share)
        case none

        /// Reads `every`, `none` or a share in parts per million, `sample:10000`; nil for anything else.
        package init?(_ text: String) {
            switch text {
            case "every": self = .every
            case "none": self = .none
            default:
                guard text.hasPrefix("sample:"), let parts = Int(text.dropFirst(7)),
                    let share = Share(partsPerMillion: parts)
                else { return nil }
                self = .sample(share)
            }
        }

        package var description: String {
            switch self {
            case .every: "every"
            case .sample(let share): "sample:\(share.partsPerMillion)"
            case .none: "none"
            }
        }
    }

    /// When an answer may leave.
    package enum Durability: String, Hashable, Codable, CaseIterable, Sendable {
        /// At once; a process that is killed may lose what waited to be written, and says how much.
        case buffered
        /// Once its record is on disk; many answers share one commit.
        case durable
    }

    /// What happens when the log cannot take a record.
    package enum Overflow: String, Hashable, Codable, CaseIterable, Sendable {
        /// The answer leaves, and the record is counted as dropped.
        case drop
        /// The caller gets 503 instead of an answer that nobody could account for.
        case refuse
    }

    package static let mostRedactions = 64

    package let extent: Extent
    package let durability: Durability
    package let onFull: Overflow
    /// What never reaches the disk: JSON pointers into the request (`/parameters/user`), or a tensor by its
    /// name, `/inputs/driver_name` and `/outputs/score`.
    package let redact: [String]
    /// Who an answer is about, for erasure; nil takes what requests stick by.
    package let subject: ServingSettings.Unit?
    /// Answers older than this are removed, in milliseconds; nil keeps them until there are too many.
    package let keepMilliseconds: Int64?
    /// The oldest answers are removed when the log of the endpoint is longer, in bytes.
    package let keepBytes: Int64?

    enum CodingKeys: String, CodingKey {
        case extent, durability, redact, subject
        case onFull = "on_full"
        case keepMilliseconds = "keep_ms"
        case keepBytes = "keep_bytes"
    }

    package init(
        extent: Extent,
        durability: Durability,
        onFull: Overflow,
        redact: [String],
        subject: ServingSettings.Unit?,
        keepMilliseconds: Int64?,
        keepBytes: Int64?
    ) {
        self.extent = extent
        self.durability = durability
        self.onFull = onFull
        self.redact = redact
        self.subject = subject
        self.keepMilliseconds = keepMilliseconds
        self.keepBytes = keepBytes
    }

    /// Whether no answer at all leaves without a record.
    package var isRequired: Bool { extent == .every && onFull == .refuse }

    /// Whether its times and sizes are positive and its list is bounded.
    var isLegal: Bool {
        (keepMilliseconds ?? 1) > 0 && (keepBytes ?? 1) > 0 && redact.count <= Self.mostRedactions
    }

    package static let standard = RecordSettings(
        extent: .every,
        durability: .buffered,
        onFull: .drop,
        redact: [],
        subject: nil,
        keepMilliseconds: nil,
        keepBytes: nil
    )
}
