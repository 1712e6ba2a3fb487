import BelayCore

/// What Belay's own webhooks say.
struct WebhookBody: Encodable {
    struct Cause: Encodable {
        let `guard`: String
        let metric: String
        let verdict: String
        /// As the API says them, and in the same units.
        let unit: String
        let versus: String
        let value: Double?
        let interval: [Double]?
        let limit: Double?
        let n: Int
        let nStable: Int

        enum CodingKeys: String, CodingKey {
            case `guard`, metric, verdict, unit, versus, value, interval, limit, n
            case nStable = "n_stable"
        }

        init(_ report: GuardReport) {
            `guard` = report.name
            metric = report.metric.rawValue
            verdict = report.verdict.rawValue
            let versus = report.versus()
            let scale = report.metric.unitScale(versus)
            unit = report.metric.unitName(versus)
            self.versus = versus.rawValue
            value = report.value.flatMap { ($0 * scale).finite }
            let ends = [report.lower, report.upper].compactMap { $0.flatMap { ($0 * scale).finite } }
            interval = ends.count == 2 ? ends : nil
            limit = (report.limit * scale).finite
            n = report.candidateSamples
            nStable = report.stableSamples
        }
    }

    struct Content: Encodable {
        let notice: String
        let model: String
        let environment: String
        let release: String?
        let incident: String?
        let from: Int?
        let to: Int?
        let actor: String?
        let reason: String?
        let cause: Cause?
        let severity: String
        let summary: String
        let command: String
        let url: String

        init(_ letter: Letter) {
            let told = letter.notice
            notice = told.id
            model = told.endpoint.model.text
            environment = told.endpoint.environment.text
            release = told.release?.description
            incident = told.incident?.description
            from = told.from?.value
            to = told.to?.value
            actor = told.actor
            reason = told.reason
            cause = told.figures.map(Cause.init)
            severity = told.severity.rawValue
            summary = told.summary
            command = told.command
            url = letter.link
        }
    }

    let type: String
    let timestamp: String
    let data: Content

    init(_ letter: Letter) {
        type = letter.notice.kind.rawValue
        timestamp = letter.notice.at.description
        data = Content(letter)
    }
}

/// The same as a CloudEvent 1.0 in structured mode.
struct CloudEvent: Encodable {
    let specversion = "1.0"
    let id: String
    let source: String
    let type: String
    let subject: String
    let time: String
    let datacontenttype = "application/json"
    let data: WebhookBody.Content

    init(_ letter: Letter) {
        id = letter.delivery.id
        source = letter.server
        type = "dev.belay.\(letter.notice.kind.rawValue).v1"
        subject = "\(letter.notice.endpoint.model)/\(letter.notice.endpoint.environment)"
        time = letter.notice.at.description
        data = WebhookBody.Content(letter)
    }
}
