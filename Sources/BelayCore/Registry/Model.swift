/// A line of versions, and which of their bytes may not serve.
package struct Model: Equatable, Sendable {
    package let name: ModelName
    package internal(set) var versions: [VersionNumber: Version] = [:]
    package internal(set) var registeredAt: [VersionNumber: Timestamp] = [:]
    /// By digest, so that the same bytes under another number or label stay out as well.
    package internal(set) var quarantine: Set<Digest> = []

    init(name: ModelName) { self.name = name }

    package var nextNumber: VersionNumber { versions.keys.max()?.next ?? .first }

    /// Versions from the first to the newest.
    package var history: [Version] { versions.values.sorted { $0.id < $1.id } }

    package func version(digest: Digest) -> Version? { versions.values.first { $0.digest == digest } }

    package func version(_ reference: VersionReference) -> Version? {
        switch reference {
        case .number(let number): versions[number]
        case .label(let label): versions.values.first { $0.label == label }
        }
    }

    package var withdrawn: Set<VersionNumber> {
        Set(versions.values.filter { quarantine.contains($0.digest) }.map(\.id.number))
    }
}
