/// An immutable set of files with its signature and what is known of its origin.
package struct Version: Hashable, Codable, Sendable {
    package let id: VersionID
    package let label: VersionLabel?
    /// The digest of the manifest's canonical bytes; what quarantine names.
    package let digest: Digest
    package let manifest: Manifest
    /// The file of the manifest that the runtime loads.
    package let entry: RelativePath
    package let signature: Signature
    package let metrics: [String: Double]
    package let params: [String: String]
    package let note: String?

    package init(id: VersionID, draft: VersionDraft) {
        self.id = id
        self.label = draft.label
        self.digest = draft.digest
        self.manifest = draft.manifest
        self.entry = draft.entry
        self.signature = draft.signature
        self.metrics = draft.metrics
        self.params = draft.params
        self.note = draft.note
    }
}

/// A version before it has a number: inspected and stored, but not yet in the ledger.
package struct VersionDraft: Equatable, Sendable {
    package let model: ModelName
    package let label: VersionLabel?
    package let digest: Digest
    package let manifest: Manifest
    package let entry: RelativePath
    package let signature: Signature
    package let metrics: [String: Double]
    package let params: [String: String]
    package let note: String?

    package init(
        model: ModelName,
        label: VersionLabel?,
        digest: Digest,
        manifest: Manifest,
        entry: RelativePath,
        signature: Signature,
        metrics: [String: Double],
        params: [String: String],
        note: String?
    ) {
        self.model = model
        self.label = label
        self.digest = digest
        self.manifest = manifest
        self.entry = entry
        self.signature = signature
        self.metrics = metrics
        self.params = params
        self.note = note
    }
}

/// How a person names a version: by number or by label.
package enum VersionReference: Hashable, Sendable, CustomStringConvertible {
    case number(VersionNumber)
    case label(VersionLabel)

    /// Reads `3`, `1.5.0` or `v1.5.0`; nil for anything else.
    package init?(_ text: String) {
        if let number = VersionNumber(text) {
            self = .number(number)
        } else if let label = VersionLabel(text) {
            self = .label(label)
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .number(let number): number.description
        case .label(let label): label.description
        }
    }
}
