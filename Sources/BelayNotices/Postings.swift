import BelayCore

/// Writes deliveries as the services want them, without sending anything.
struct Postings: Sendable {
    /// A receiver may refuse more, and nobody reads it.
    static let mostBytes = 20_000
    static let timeout = Duration.seconds(15)
    private static let answerBytes = 2048
    private static let pagerDuty = "https://events.pagerduty.com/v2/enqueue"

    let secrets: SecretReader

    func posting(_ letter: Letter) -> Posting {
        switch letter.delivery.target.via {
        case .slack: slack(letter)
        case .pagerduty: pagerDuty(letter)
        case .alertmanager: alertmanager([letter])
        case .webhook: webhook(letter)
        }
    }

    /// All that is wrong and of which one Alertmanager was told, in one request.
    func alertmanager(_ letters: [Letter]) -> Posting {
        guard let first = letters.first else { return .impossible("there is nothing to tell") }
        let target = first.delivery.target
        return addressed(target) { address in
            let base = address.hasSuffix("/") ? String(address.dropLast()) : address
            let url = base.hasSuffix("/api/v2/alerts") ? base : "\(base)/api/v2/alerts"
            var headers: [OutgoingRequest.Header] = []
            if let reference = target.secret {
                guard let secret = secrets(reference) else { return .impossible(missing(reference)) }
                headers.append(.init("Authorization", "Bearer \(secret)"))
            }
            return post(json(letters.map(AlertmanagerAlert.init)), to: url, target, headers)
        }
    }

    private func slack(_ letter: Letter) -> Posting {
        addressed(letter.delivery.target) { url in
            post(json(SlackMessage(letter)), to: url, letter.delivery.target, [])
        }
    }

    private func pagerDuty(_ letter: Letter) -> Posting {
        let target = letter.delivery.target
        guard let reference = target.secret else { return .impossible("it has no routing key") }
        guard let key = secrets(reference) else { return .impossible(missing(reference)) }
        let send = { (url: String) -> Posting in
            guard letter.delivery.act == .note else {
                return post(json(PagerDutyEvent(letter, routingKey: key)), to: url, target, [])
            }
            // What is not wrong wakes nobody: it stands among the changes.
            let changes =
                url.hasSuffix("/v2/enqueue") ? "\(url.dropLast("enqueue".count))change/enqueue" : url
            return post(json(PagerDutyChange(letter, routingKey: key)), to: changes, target, [])
        }
        return target.url == nil ? send(Self.pagerDuty) : addressed(target, send)
    }

    private func webhook(_ letter: Letter) -> Posting {
        let target = letter.delivery.target
        return addressed(target) { url in
            let body: [UInt8]
            var headers: [OutgoingRequest.Header] = []
            switch target.format {
            case .standardWebhooks: body = json(WebhookBody(letter))
            case .cloudEvents: body = json(CloudEvent(letter))
            }
            if let reference = target.secret {
                guard let text = secrets(reference) else { return .impossible(missing(reference)) }
                let keys = WebhookSigning.keys(in: text)
                guard !keys.isEmpty else {
                    return .impossible("the secret \(reference.name) is not of the form whsec_…")
                }
                let signing = WebhookSigning(keys: keys)
                headers += signing.headers(id: letter.delivery.id, at: letter.sentAt, body: body)
            } else {
                headers += WebhookSigning(keys: []).headers(
                    id: letter.delivery.id,
                    at: letter.sentAt,
                    body: body
                )
            }
            let type = target.format == .cloudEvents ? "application/cloudevents+json" : "application/json"
            return post(body, to: url, target, headers, type: type)
        }
    }

    private func addressed(_ target: NotifyTarget, _ send: (String) -> Posting) -> Posting {
        switch target.url {
        case .plain(let url): send(url)
        case .secret(let reference): secrets(reference).map(send) ?? .impossible(missing(reference))
        case nil: .impossible("it has no address")
        }
    }

    private func missing(_ secret: NotifyTarget.Secret) -> String { "there is nothing in \(secret.name)" }

    private func post(
        _ body: [UInt8],
        to url: String,
        _ target: NotifyTarget,
        _ headers: [OutgoingRequest.Header],
        type: String = "application/json"
    ) -> Posting {
        // Every part of a notice is bounded, so only many alerts at once can come here.
        guard body.count <= Self.mostBytes || target.via == .alertmanager else {
            return .impossible("it is longer than \(Self.mostBytes) bytes")
        }
        return .ready(
            OutgoingRequest(
                method: .post,
                url: url,
                headers: [.init("Content-Type", type)] + headers,
                body: body,
                allowsPrivate: target.allowsPrivate,
                timeout: Self.timeout,
                answerBytes: Self.answerBytes
            )
        )
    }
}
