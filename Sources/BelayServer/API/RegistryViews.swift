/// The shapes of the control API's answers; the command line reads the same types.
///
/// Wire names are snake_case and frozen apart from the domain's. Shares are per cent, times RFC 3339 in UTC,
/// identities the text that a person would type. A field that has nothing to say is null or absent.

/// What registering a version answers.
///
/// `created` is false when the same bytes were known already.
package struct RegistrationView: Codable, Equatable, Sendable {
    package let model: String
    package let version: Int
    package let digest: String
    package let created: Bool

    package init(model: String, version: Int, digest: String, created: Bool) {
        self.model = model
        self.version = version
        self.digest = digest
        self.created = created
    }
}

/// Where an alias stands now.
package struct AliasView: Codable, Equatable, Sendable {
    package let model: String
    package let alias: String
    /// Null once it is removed.
    @ExplicitNull package private(set) var version: Int?

    package init(model: String, alias: String, version: Int?) {
        self.model = model
        self.alias = alias
        self.version = version
    }
}

/// One version in a list.
package struct VersionView: Codable, Equatable, Sendable {
    package let model: String
    package let version: Int
    package let label: String?
    package let aliases: [String]
    package let digest: String
    /// `serving`, `candidate`, `standby`, `shadow`, `withdrawn` or `registered`.
    package let state: String
    package let bytes: Int64
    package let registeredAt: String
    package let metrics: [String: Double]
    package let params: [String: String]
    package let note: String?

    enum CodingKeys: String, CodingKey {
        case model, version, label, aliases, digest, state, bytes, metrics, params, note
        case registeredAt = "registered_at"
    }

    package init(
        model: String,
        version: Int,
        label: String?,
        aliases: [String],
        digest: String,
        state: String,
        bytes: Int64,
        registeredAt: String,
        metrics: [String: Double],
        params: [String: String],
        note: String?
    ) {
        self.model = model
        self.version = version
        self.label = label
        self.aliases = aliases
        self.digest = digest
        self.state = state
        self.bytes = bytes
        self.registeredAt = registeredAt
        self.metrics = metrics
        self.params = params
        self.note = note
    }
}

package struct VersionList: Codable, Equatable, Sendable {
    package let versions: [VersionView]

    package init(versions: [VersionView]) { self.versions = versions }
}
