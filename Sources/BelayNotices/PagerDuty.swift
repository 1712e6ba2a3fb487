import BelayCore

/// An alert event of PagerDuty's Events API v2: it begins what `dedup_key` names, or ends it.
struct PagerDutyEvent: Encodable {
    struct Link: Encodable {
        let href: String
        let text: String
    }

    struct Payload: Encodable {
        let summary: String
        let source: String
        let severity: String
        let timestamp: String
        let component: String
        let group: String
        let `class`: String
        let details: WebhookBody.Content

        enum CodingKeys: String, CodingKey {
            case summary, source, severity, timestamp, component, group, `class`
            case details = "custom_details"
        }

        init(_ letter: Letter) {
            let notice = letter.notice
            summary = notice.summary
            source = "belay/\(notice.endpoint.environment)"
            severity = letter.delivery.target.severity ?? notice.severity.rawValue
            timestamp = notice.at.description
            component = notice.endpoint.model.text
            group = "ml"
            `class` = notice.figures.map { "guard.\($0.name)" } ?? notice.kind.rawValue
            details = WebhookBody.Content(letter)
        }
    }

    let routingKey: String
    let action: String
    let dedupKey: String
    let payload: Payload?
    let links: [Link]?
    let client = "Belay"

    enum CodingKeys: String, CodingKey {
        case payload, links, client
        case routingKey = "routing_key"
        case action = "event_action"
        case dedupKey = "dedup_key"
    }

    init(_ letter: Letter, routingKey: String) {
        let ends = letter.delivery.act == .clear
        self.routingKey = routingKey
        action = ends ? "resolve" : "trigger"
        dedupKey = String(letter.delivery.topic.prefix(255))
        payload = ends ? nil : Payload(letter)
        links = ends ? nil : [Link(href: letter.link, text: letter.notice.command)]
    }
}

/// What is not wrong, for PagerDuty's list of changes.
struct PagerDutyChange: Encodable {
    struct Payload: Encodable {
        let summary: String
        let source: String
        let timestamp: String
        let details: WebhookBody.Content

        enum CodingKeys: String, CodingKey {
            case summary, source, timestamp
            case details = "custom_details"
        }
    }

    let routingKey: String
    let payload: Payload
    let links: [PagerDutyEvent.Link]

    enum CodingKeys: String, CodingKey {
        case payload, links
        case routingKey = "routing_key"
    }

    init(_ letter: Letter, routingKey: String) {
        let notice = letter.notice
        self.routingKey = routingKey
        payload = Payload(
            summary: notice.summary,
            source: "belay/\(notice.endpoint.environment)",
            timestamp: notice.at.description,
            details: WebhookBody.Content(letter)
        )
        links = [.init(href: letter.link, text: notice.command)]
    }
}
