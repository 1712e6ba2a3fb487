/// Somebody who is told of what happens to a model, and by which way.
package struct NotifyTarget: Hashable, Codable, Sendable {
    package enum Way: String, Hashable, Codable, CaseIterable, Sendable {
        case slack, pagerduty, alertmanager, webhook
    }

    /// Where a secret is found; the secret itself stands in no policy and no ledger.
    package enum Secret: Hashable, Codable, Sendable {
        case environment(String)
        case file(String)
    }

    /// An address that may be a secret itself, as Slack's are.
    package enum Address: Hashable, Codable, Sendable {
        case plain(String)
        case secret(Secret)
    }

    package enum Format: String, Hashable, Codable, CaseIterable, Sendable {
        case standardWebhooks = "standard-webhooks"
        case cloudEvents = "cloudevents"
    }

    package let via: Way
    /// Nil for PagerDuty's own address.
    package let url: Address?
    package let secret: Secret?
    /// Patterns of event types, such as `release.*`; empty means all.
    package let events: [String]
    package let severity: String?
    package let format: Format
    /// Whether the address may lie in a private network.
    package let allowsPrivate: Bool

    enum CodingKeys: String, CodingKey {
        case via, url, secret, events, severity, format
        case allowsPrivate = "allows_private"
    }

    package init(
        via: Way,
        url: Address?,
        secret: Secret?,
        events: [String],
        severity: String?,
        format: Format,
        allowsPrivate: Bool
    ) {
        self.via = via
        self.url = url
        self.secret = secret
        self.events = events
        self.severity = severity
        self.format = format
        self.allowsPrivate = allowsPrivate
    }
}
