/// One notice on its way to one target, and what has become of it.
package struct DeliveryView: Codable, Equatable, Sendable {
    /// The same for every try; receivers know it as `webhook-id`.
    package let id: String
    package let type: String
    package let model: String
    package let environment: String
    @ExplicitNull package private(set) var release: String?
    package let summary: String
    package let at: String
    package let via: String
    /// The host, or where its secret is found; never the secret.
    package let target: String
    /// `note`, `raise` or `clear`.
    package let act: String
    /// `waiting`, `delivered`, `failed` or `dropped`.
    package let state: String
    package let tries: Int
    /// When it is tried next; null once it is over.
    @ExplicitNull package private(set) var dueAt: String?
    @ExplicitNull package private(set) var endedAt: String?
    /// What the target answered to the newest try.
    @ExplicitNull package private(set) var status: Int?
    @ExplicitNull package private(set) var error: String?

    enum CodingKeys: String, CodingKey {
        case id, type, model, environment, release, summary, at, via, target, act, state, tries, status, error
        case dueAt = "due_at"
        case endedAt = "ended_at"
    }

    package init(
        id: String,
        type: String,
        model: String,
        environment: String,
        release: String?,
        summary: String,
        at: String,
        via: String,
        target: String,
        act: String,
        state: String,
        tries: Int,
        dueAt: String?,
        endedAt: String?,
        status: Int?,
        error: String?
    ) {
        self.id = id
        self.type = type
        self.model = model
        self.environment = environment
        self.release = release
        self.summary = summary
        self.at = at
        self.via = via
        self.target = target
        self.act = act
        self.state = state
        self.tries = tries
        self.dueAt = dueAt
        self.endedAt = endedAt
        self.status = status
        self.error = error
    }
}

/// `GET /v1/deliveries`: newest first.
package struct DeliveryList: Codable, Equatable, Sendable {
    package let deliveries: [DeliveryView]

    package init(deliveries: [DeliveryView]) { self.deliveries = deliveries }
}

/// What came of one alert that a monitor outside sent.
package struct PullView: Codable, Equatable, Sendable {
    package let alert: String
    @ExplicitNull package private(set) var model: String?
    /// `rollback`, `hold` or `none`.
    package let action: String
    /// `done`, `repeated`, `ignored` or `refused`.
    package let outcome: String
    package let detail: String

    package init(alert: String, model: String?, action: String, outcome: String, detail: String) {
        self.alert = alert
        self.model = model
        self.action = action
        self.outcome = outcome
        self.detail = detail
    }
}

/// The answer to `POST /hooks/alertmanager`, alert by alert.
package struct PullList: Codable, Equatable, Sendable {
    package let results: [PullView]

    package init(results: [PullView]) { self.results = results }
}
