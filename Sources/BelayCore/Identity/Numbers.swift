/// The number of a version within its model: 1, 2, 3…, never reused.
package struct VersionNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let value: Int

    private init(known value: Int) { self.value = value }

    /// Returns nil unless `1 ≤ value ≤ 1 000 000 000`.
    package init?(_ value: Int) {
        guard (1...1_000_000_000).contains(value) else { return nil }
        self.init(known: value)
    }

    /// Reads the decimal form; nil for anything else, including signs and leading zeros.
    package init?(_ text: String) {
        guard let value = Int(text), String(value) == text else { return nil }
        self.init(value)
    }

    package static let first = VersionNumber(known: 1)

    package var next: VersionNumber { VersionNumber(known: value + 1) }
    package var description: String { String(value) }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.value < rhs.value }
}

/// One version of one model: `fraud@3`.
package struct VersionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let model: ModelName
    package let number: VersionNumber

    package init(_ model: ModelName, _ number: VersionNumber) {
        self.model = model
        self.number = number
    }

    package var description: String { "\(model)@\(number)" }

    package static func < (lhs: Self, rhs: Self) -> Bool {
        (lhs.model, lhs.number) < (rhs.model, rhs.number)
    }
}

/// A model in an environment: the thing that applications call.
package struct EndpointID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let model: ModelName
    package let environment: EnvironmentName

    package init(_ model: ModelName, in environment: EnvironmentName) {
        self.model = model
        self.environment = environment
    }

    package var description: String { "\(model)#\(environment)" }

    package static func < (lhs: Self, rhs: Self) -> Bool {
        (lhs.model, lhs.environment) < (rhs.model, rhs.environment)
    }
}

/// The number of a release on this server: `r142`.
package struct ReleaseID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let value: Int

    package init(_ value: Int) { self.value = value }

    /// Reads `r142` or `142`, up to a billion; nil for anything else.
    package init?(_ text: String) {
        let digits = text.hasPrefix("r") ? text.dropFirst() : text[...]
        guard let value = Int(digits), (1...1_000_000_000).contains(value), String(value) == digits else {
            return nil
        }
        self.value = value
    }

    package var description: String { "r\(value)" }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.value < rhs.value }
}

/// The number of an incident on this server: `i7`.
package struct IncidentID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let value: Int

    package init(_ value: Int) { self.value = value }

    /// Reads `i7` or `7`, up to a billion; nil for anything else.
    package init?(_ text: String) {
        let digits = text.hasPrefix("i") ? text.dropFirst() : text[...]
        guard let value = Int(digits), (1...1_000_000_000).contains(value), String(value) == digits else {
            return nil
        }
        self.value = value
    }

    package var description: String { "i\(value)" }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.value < rhs.value }
}

/// The number of a route table; a newer table has the greater epoch.
///
/// It is the sequence number of the ledger entry that last changed a route, so equal epochs mean equal
/// tables and no counter has to be kept beside the ledger.
package struct Epoch: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let value: Int

    package init(_ value: Int) { self.value = value }

    package var description: String { String(value) }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.value < rhs.value }
}

/// The part of requests that goes to the candidate, in parts per million: 0 … 1 000 000.
///
/// An integer, so that shares compare, hash and add up exactly.
package struct Share: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let partsPerMillion: Int

    private init(known partsPerMillion: Int) { self.partsPerMillion = partsPerMillion }

    /// Returns nil outside 0 … 1 000 000.
    package init?(partsPerMillion: Int) {
        guard (0...1_000_000).contains(partsPerMillion) else { return nil }
        self.init(known: partsPerMillion)
    }

    package static let none = Share(known: 0)
    package static let all = Share(known: 1_000_000)

    /// What is left of all.
    package var rest: Share { Share(known: 1_000_000 - partsPerMillion) }
    /// The same as a fraction of one.
    package var fraction: Double { Double(partsPerMillion) / 1_000_000 }
    /// The same in per cent, as people say it.
    package var percent: Double { Double(partsPerMillion) / 10_000 }
    package var description: String { "\(shortDecimal(percent))%" }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.partsPerMillion < rhs.partsPerMillion }
}

/// Writes `10.0` as `10` and leaves `2.5` alone.
package func shortDecimal(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? String(value)
}

/// A number as sixteen hexadecimal digits in lower case.
package func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
