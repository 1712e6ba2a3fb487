/// What becomes of requests when the version that should answer them cannot, or may not any more.
package struct FailureSettings: Hashable, Codable, Sendable {
    /// What a rollback does with requests in flight on the version that it takes out.
    package enum Inflight: String, Hashable, Codable, CaseIterable, Sendable {
        /// Another version answers them.
        case replay
        /// The version may finish them, within the endpoint's timeout; the rollback returns after the last.
        case drain
        /// They get 503 at once.
        case fail
    }

    package let inflight: Inflight
    /// What callers get when no version can answer; nil leaves them a 503.
    package let answer: StaticAnswer?

    package init(inflight: Inflight, answer: StaticAnswer?) {
        self.inflight = inflight
        self.answer = answer
    }

    package static let standard = FailureSettings(inflight: .replay, answer: nil)
}

/// An answer that needs no version: one row of values for each output, repeated for each row asked about.
package struct StaticAnswer: Hashable, Codable, Sendable {
    /// One element of an output.
    package enum Value: Hashable, Codable, Sendable {
        case number(Double)
        case text(String)
        case boolean(Bool)

        package init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let value = try? container.decode(Bool.self) {
                self = .boolean(value)
            } else if let value = try? container.decode(Double.self) {
                self = .number(value)
            } else {
                self = .text(try container.decode(String.self))
            }
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .number(let value): try container.encode(value)
            case .text(let value): try container.encode(value)
            case .boolean(let value): try container.encode(value)
            }
        }
    }

    package static let mostOutputs = 64
    package static let mostValues = 1024

    /// By the name of the output: the elements of one row.
    package let outputs: [String: [Value]]

    package init(outputs: [String: [Value]]) { self.outputs = outputs }

    /// Whether each output has values, and neither is too many.
    var isLegal: Bool {
        (1...Self.mostOutputs).contains(outputs.count)
            && outputs.values.allSatisfy { (1...Self.mostValues).contains($0.count) }
    }
}
