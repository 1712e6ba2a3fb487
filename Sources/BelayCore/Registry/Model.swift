/// A line of versions, and which of their bytes may not serve.
///
/// What is looked up at every command and for every table is kept beside the versions, since a line grows for
/// years.
package struct Model: Equatable, Sendable {
    /// Aliases of one model; each is looked at whenever a table is made.
    package static let mostAliases = 100

    package let name: ModelName
    package private(set) var versions: [VersionNumber: Version] = [:]
    package private(set) var registeredAt: [VersionNumber: Timestamp] = [:]
    /// By digest, so that the same bytes under another number or label stay out as well.
    package private(set) var quarantine: Set<Digest> = []
    /// The versions whose bytes are quarantined.
    package private(set) var withdrawn: Set<VersionNumber> = []
    package private(set) var aliases: [AliasName: VersionNumber] = [:]
    private var newest: VersionNumber?
    private var numbers: [Digest: VersionNumber] = [:]
    private var labelled: [VersionLabel: VersionNumber] = [:]

    init(name: ModelName) { self.name = name }

    package var nextNumber: VersionNumber { newest?.next ?? .first }

    /// Versions from the first to the newest.
    package var history: [Version] { versions.values.sorted { $0.id < $1.id } }

    package func version(digest: Digest) -> Version? { numbers[digest].flatMap { versions[$0] } }

    /// The version that a person named: by its number, its label, or an alias.
    package func version(_ reference: VersionReference) -> Version? {
        switch reference {
        case .number(let number): versions[number]
        case .label(let label): number(of: label).flatMap { versions[$0] }
        }
    }

    private func number(of label: VersionLabel) -> VersionNumber? {
        labelled[label] ?? AliasName(label.text).flatMap { aliases[$0] }
    }

    /// Takes a version in; false when its number is not the next, or its bytes are known.
    mutating func register(_ version: Version, at time: Timestamp) -> Bool {
        let number = version.id.number
        guard number == nextNumber, numbers[version.digest] == nil else { return false }
        versions[number] = version
        registeredAt[number] = time
        newest = number
        numbers[version.digest] = number
        if let label = version.label, labelled[label] == nil { labelled[label] = number }
        return true
    }

    mutating func withdraw(_ digest: Digest) {
        quarantine.insert(digest)
        if let number = numbers[digest] { withdrawn.insert(number) }
    }

    mutating func clear(_ digest: Digest) {
        quarantine.remove(digest)
        if let number = numbers[digest] { withdrawn.remove(number) }
    }

    /// Moves an alias, or removes it; false when it does not stand where the move begins.
    mutating func move(_ move: AliasMove) -> Bool {
        guard aliases[move.alias] == move.from, move.to.map({ versions[$0] != nil }) ?? true else {
            return false
        }
        aliases[move.alias] = move.to
        return true
    }
}
