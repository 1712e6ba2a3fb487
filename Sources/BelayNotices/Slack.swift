import BelayCore

/// A message for one of Slack's incoming webhooks: `text` for the notification, blocks for the channel.
struct SlackMessage: Encodable {
    struct Text: Encodable {
        let type: String
        let text: String
    }

    struct Button: Encodable {
        let type = "button"
        let text: Text
        let url: String
    }

    enum Block: Encodable {
        case section(Text)
        case fields([Text])
        case actions([Button])

        private enum CodingKeys: String, CodingKey { case type, text, fields, elements }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            switch self {
            case .section(let text):
                try container.encode("section", forKey: .type)
                try container.encode(text, forKey: .text)
            case .fields(let fields):
                try container.encode("section", forKey: .type)
                try container.encode(fields, forKey: .fields)
            case .actions(let buttons):
                try container.encode("actions", forKey: .type)
                try container.encode(buttons, forKey: .elements)
            }
        }
    }

    let text: String
    let blocks: [Block]

    init(_ letter: Letter) {
        let notice = letter.notice
        let line = "\(notice.kind.mark(notice.severity)) \(escaped(notice.summary))"
        var fields = [
            ("Model", "\(notice.endpoint.model) \(notice.endpoint.environment)"),
            ("Release", notice.release?.description ?? ""),
            ("By", notice.actor ?? ""),
            ("Why", notice.reason ?? ""),
        ]
        if let figures = notice.figures { fields.append(("Guard", figures.line)) }
        text = line
        blocks = [
            .section(Text(type: "mrkdwn", text: line)),
            .fields(
                fields.filter { !$0.1.isEmpty }.map {
                    Text(type: "mrkdwn", text: "*\($0.0)*\n\(escaped($0.1))")
                }
            ),
            .section(Text(type: "mrkdwn", text: "`\(escaped(notice.command))`")),
            .actions([Button(text: Text(type: "plain_text", text: "Open"), url: letter.link)]),
        ]
    }
}

/// The three signs by which somebody could write a link, a mention or a channel into what is told.
private func escaped(_ text: String) -> String {
    text.reduce(into: "") { text, character in
        switch character {
        case "&": text += "&amp;"
        case "<": text += "&lt;"
        case ">": text += "&gt;"
        default: text.append(character)
        }
    }
}

extension Notice.Kind {
    fileprivate func mark(_ severity: Notice.Severity) -> String {
        switch self {
        case .rollbackAutomatic, .rollbackManual: ":rewind:"
        case .releasePromoted, .releaseSettled, .rollbackConfirmed, .guardRecovered: ":white_check_mark:"
        case .releaseStarted, .releaseStepEntered, .releaseResumed: ":arrow_forward:"
        case .releaseHeld, .releaseWaiting: ":double_vertical_bar:"
        default: severity >= .warning ? ":warning:" : ":information_source:"
        }
    }
}
