import BelayCore

/// Something wrong with what serves, from the moment that it was found until it is over.
package struct IncidentView: Codable, Equatable, Sendable {
    package let id: String
    package let model: String
    package let version: Int
    /// The release that made the version stable.
    @ExplicitNull package private(set) var release: String?
    /// `decay`, `drift` or `rejudged`.
    package let kind: String
    package let openedAt: String
    @ExplicitNull package private(set) var closedAt: String?
    /// `person` or `replaced`.
    @ExplicitNull package private(set) var closedBy: String?
    package let guards: [GuardView]
    /// Versions that a rollback could have gone back to, and why it did not.
    package let selection: [String]

    enum CodingKeys: String, CodingKey {
        case id, model, version, release, kind, guards, selection
        case openedAt = "opened_at"
        case closedAt = "closed_at"
        case closedBy = "closed_by"
    }

    package init(
        id: String,
        model: String,
        version: Int,
        release: String?,
        kind: String,
        openedAt: String,
        closedAt: String?,
        closedBy: String?,
        guards: [GuardView],
        selection: [String]
    ) {
        self.id = id
        self.model = model
        self.version = version
        self.release = release
        self.kind = kind
        self.openedAt = openedAt
        self.closedAt = closedAt
        self.closedBy = closedBy
        self.guards = guards
        self.selection = selection
    }
}

package struct IncidentList: Codable, Equatable, Sendable {
    /// Newest first.
    package let incidents: [IncidentView]

    package init(incidents: [IncidentView]) { self.incidents = incidents }
}

extension IncidentView {
    init(_ incident: Incident, openedAt: Timestamp, under policy: Policy?) {
        let model = incident.endpoint.model.text
        self.init(
            id: incident.id.description,
            model: model,
            version: incident.version.value,
            release: incident.release?.description,
            kind: incident.kind.rawValue,
            openedAt: openedAt.description,
            closedAt: nil,
            closedBy: nil,
            guards: incident.guards.map { GuardView($0, under: policy) },
            selection: incident.selection.map { "\(model)@\($0.version) \($0.why)" }
        )
    }

    func closed(at time: Timestamp, by cause: IncidentClosure.Cause) -> IncidentView {
        var view = self
        view.closedAt = time.description
        view.closedBy = cause.rawValue
        return view
    }
}
