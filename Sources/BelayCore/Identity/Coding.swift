/// A domain value that travels as one string, in the form its description writes.
///
/// Encoding through the text keeps JSON readable for auditors, and decoding through the failable
/// initialiser means that a corrupt record cannot smuggle in a value that parsing would refuse.
package protocol TextCoded: Codable, CustomStringConvertible {
    init?(_ text: String)
}

extension TextCoded {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Self(text) else {
            let message = "'\(text.prefix(80))' is not a legal \(Self.self)"
            throw DecodingError.dataCorruptedError(in: container, debugDescription: message)
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension ModelName: TextCoded {}
extension EnvironmentName: TextCoded {}
extension VersionLabel: TextCoded {}
extension AliasName: TextCoded {}
extension Digest: TextCoded {}
extension Timestamp: TextCoded {}
extension ReleaseID: TextCoded {}
extension IncidentID: TextCoded {}
extension Actor: TextCoded {}

/// A domain value that travels as one whole number.
package protocol NumberCoded: Codable {
    var wireNumber: Int { get }
    init?(wireNumber: Int)
}

extension NumberCoded {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let number = try container.decode(Int.self)
        guard let value = Self(wireNumber: number) else {
            let message = "\(number) is not a legal \(Self.self)"
            throw DecodingError.dataCorruptedError(in: container, debugDescription: message)
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wireNumber)
    }
}

extension VersionNumber: NumberCoded {
    package var wireNumber: Int { value }
    package init?(wireNumber: Int) { self.init(wireNumber) }
}

extension Epoch: NumberCoded {
    package var wireNumber: Int { value }
    package init?(wireNumber: Int) { self.init(wireNumber) }
}

/// Parts per million on the wire of the ledger; people and the HTTP API see per cent.
extension Share: NumberCoded {
    package var wireNumber: Int { partsPerMillion }
    package init?(wireNumber: Int) { self.init(partsPerMillion: wireNumber) }
}

extension VersionID: TextCoded {
    /// Reads `fraud@3`.
    package init?(_ text: String) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let model = ModelName(String(parts[0])),
            let number = VersionNumber(String(parts[1]))
        else { return nil }
        self.init(model, number)
    }
}

extension EndpointID: TextCoded {
    /// Reads `fraud#prod`.
    package init?(_ text: String) {
        let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let model = ModelName(String(parts[0])),
            let environment = EnvironmentName(String(parts[1]))
        else { return nil }
        self.init(model, in: environment)
    }
}
