import BelayCore

/// One alert for Alertmanager's `POST /api/v2/alerts`.
struct AlertmanagerAlert: Encodable {
    /// A notice of something that does not stay wrong is an alert for so long.
    private static let noteLasts = Duration.seconds(300)
    /// What is wrong is told again every minute, and counts as over when it was not told for so long.
    private static let conditionLasts = Duration.seconds(300)

    let labels: [String: String]
    let annotations: [String: String]
    let startsAt: String
    let endsAt: String
    let generatorURL: String

    init(_ letter: Letter) {
        let notice = letter.notice
        var labels = [
            "alertname": "Belay\(notice.kind.camelCased)",
            "severity": letter.delivery.target.severity ?? notice.severity.rawValue,
            "belay_model": notice.endpoint.model.text,
            "belay_env": notice.endpoint.environment.text,
            "belay_event": notice.kind.rawValue,
        ]
        labels["belay_release"] = notice.release?.description
        labels["belay_incident"] = notice.incident?.description
        labels["belay_guard"] = notice.figures?.name
        self.labels = labels
        annotations = [
            "summary": notice.summary, "command": notice.command, "description": notice.reason ?? "",
        ].filter { !$0.value.isEmpty }
        startsAt = notice.at.description
        endsAt =
            switch letter.delivery.act {
            case .note: notice.at.advanced(by: Self.noteLasts).description
            case .raise: letter.sentAt.advanced(by: Self.conditionLasts).description
            // The alert began before it ends, whatever the clocks say.
            case .clear: max(letter.sentAt, notice.at.advanced(by: .milliseconds(1))).description
            }
        generatorURL = letter.link
    }
}

extension Notice.Kind {
    /// `RollbackAutomatic`, as alerts are called.
    fileprivate var camelCased: String {
        rawValue.split { $0 == "." || $0 == "_" }.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
