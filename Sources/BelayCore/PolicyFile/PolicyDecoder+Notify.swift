/// Who is told, and where the secrets for that are found.
extension PolicyDecoder {
    private static let mostTargets = 20
    private static let mostPatterns = 50
    private static let longestAddress = 2048

    mutating func targets(_ node: PolicyNode) -> [NotifyTarget]? {
        guard let nodes = list(node, "notify", atMost: Self.mostTargets) else { return nil }
        let targets = nodes.enumerated().map { target($1, "notify[\($0)]") }
        return targets.contains(nil) ? nil : targets.compactMap { $0 }
    }

    private mutating func target(_ node: PolicyNode, _ path: String) -> NotifyTarget? {
        guard let fields = fields(of: node, PolicyKeys.notify, path) else { return nil }
        let before = problems.count
        let via = fields["via"].flatMap { way($0, "\(path).via") }
        let url = fields["url"].flatMap { address($0, "\(path).url", via) }
        let keys = ["key", "secret"].compactMap { key in fields[key].map { (key, $0) } }
        let secrets = keys.compactMap { secret($0.1, "\(path).\($0.0)") }
        let events = fields["events"].flatMap { patterns($0, "\(path).events") } ?? []
        let severity = fields["severity"].flatMap { severityWord($0, "\(path).severity") }
        let format = fields["format"].flatMap {
            choice($0, "\(path).format", of: NotifyTarget.Format.self)
        }
        let allowsPrivate = fields["private"].flatMap { flag($0, "\(path).private") } ?? false
        guard let via else { return nil }
        checkKeys(fields, via)
        guard problems.count == before else { return nil }
        return NotifyTarget(
            via: via,
            url: url,
            secret: secrets.first,
            events: events,
            severity: severity,
            format: format ?? .standardWebhooks,
            allowsPrivate: allowsPrivate
        )
    }

    private mutating func way(_ node: PolicyNode, _ path: String) -> NotifyTarget.Way? {
        let known = NotifyTarget.Way.allCases.map(\.rawValue)
        let word = word(
            node,
            path,
            known: known,
            later: PolicyWords.laterWays,
            meant: PolicyWords.meantWays
        )
        return word.flatMap(NotifyTarget.Way.init(rawValue:))
    }

    /// What one way needs, and what it has no use for.
    private mutating func checkKeys(_ fields: Fields, _ via: NotifyTarget.Way) {
        let needed: [(key: String, example: String)]
        let useless: [String]
        switch via {
        case .slack:
            needed = [("url", "write url: env:SLACK_WEBHOOK_URL")]
            useless = ["key", "secret", "format", "severity"]
        case .pagerduty:
            needed = [("key", "write key: env:PAGERDUTY_ROUTING_KEY")]
            useless = ["secret", "format"]
        case .alertmanager:
            needed = [("url", "write url: http://alertmanager:9093 and private: true")]
            useless = ["key", "format"]
        case .webhook:
            needed = [("url", "write url: https://hooks.example.com/belay")]
            useless = ["key", "severity"]
        }
        for (key, example) in needed where fields[key] == nil {
            report(
                fields.place,
                .missingKey,
                "\(fields.path) by \(via.rawValue) needs \"\(key)\"",
                example
            )
        }
        for key in useless {
            guard let node = fields[key] else { continue }
            report(
                node.place,
                .badValue,
                "\(fields.path).\(key) has no meaning for \(via.rawValue)",
                "take it out"
            )
        }
    }

    private mutating func severityWord(_ node: PolicyNode, _ path: String) -> String? {
        let meant = ["warn": "warning", "fatal": "critical", "page": "critical"]
        return word(node, path, known: PolicyWords.severities, later: [], meant: meant)
    }

    private mutating func flag(_ node: PolicyNode, _ path: String) -> Bool? {
        guard case .scalar(let scalar) = node.value, scalar.kind == .boolean else {
            reportType(node, path, "true or false", "write true or take it out")
            return nil
        }
        return scalar.text == "true"
    }
}

// MARK: - Addresses, secrets, events

extension PolicyDecoder {
    private mutating func address(
        _ node: PolicyNode,
        _ path: String,
        _ via: NotifyTarget.Way?
    ) -> NotifyTarget.Address? {
        guard let text = text(node, path) else { return nil }
        if isReference(text) { return secret(node, path).map { .secret($0) } }
        guard let url = WebAddress(text), text.utf8.count <= Self.longestAddress else {
            report(
                node.place,
                .badValue,
                "\(path) is no address",
                "write http:// or https:// with a host, or env:NAME or file:/path where that stands"
            )
            return nil
        }
        // Whoever knows a Slack webhook can write to its channel, and the file is recorded for ever.
        let isSlackHook = via == .slack && (url.host == "slack.com" || url.host.hasSuffix(".slack.com"))
        guard !url.hasCredentials, !isSlackHook else {
            reportSecret(node, path)
            return nil
        }
        return .plain(text)
    }

    private mutating func secret(_ node: PolicyNode, _ path: String) -> NotifyTarget.Secret? {
        guard case .scalar(let scalar) = node.value, scalar.kind != .null else {
            reportType(node, path, "the place of a secret", "write env:NAME or file:/path")
            return nil
        }
        let text = scalar.text
        guard scalar.kind == .text, isReference(text) else {
            reportSecret(node, path)
            return nil
        }
        let place = String(text[text.index(after: text.firstIndex(of: ":") ?? text.startIndex)...])
        if text.hasPrefix("env:"), isVariable(place) { return .environment(place) }
        if text.hasPrefix("file:"), place.hasPrefix("/"), place.utf8.count <= 1024,
            !place.utf8.contains(where: { $0 < 0x20 })
        {
            return .file(place)
        }
        report(
            node.place,
            .badValue,
            "\(path) is \"\(shown(text))\"",
            text.hasPrefix("env:")
                ? "write the name of a variable, such as env:BELAY_SECRET"
                : "write the whole path, such as file:/run/secrets/belay"
        )
        return nil
    }

    /// The secret itself is not repeated: messages are printed and logged.
    private mutating func reportSecret(_ node: PolicyNode, _ path: String) {
        report(
            node.place,
            .badValue,
            "\(path) holds a secret, and policies are recorded and shown to people",
            "write env:NAME or file:/path, and put the secret there"
        )
    }

    private func isReference(_ text: String) -> Bool { text.hasPrefix("env:") || text.hasPrefix("file:") }

    private func isVariable(_ text: String) -> Bool {
        let isOfLetters = text.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "_") || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        return isOfLetters && (1...128).contains(text.utf8.count) && !(text.first?.isNumber ?? true)
    }

    private mutating func patterns(_ node: PolicyNode, _ path: String) -> [String]? {
        guard let nodes = list(node, path, atMost: Self.mostPatterns) else { return nil }
        guard !nodes.isEmpty else {
            report(node.place, .badValue, "\(path) is empty", "name events, or take it out to hear of all")
            return nil
        }
        var patterns: [String] = []
        for (index, node) in nodes.enumerated() {
            guard let text = text(node, "\(path)[\(index)]") else { continue }
            guard isPattern(text) else {
                report(
                    node.place,
                    .badValue,
                    "\(path)[\(index)] is \"\(shown(text))\"",
                    "write the name of an event, such as rollback.automatic, or release.* or *"
                )
                continue
            }
            guard Notice.Kind.allCases.contains(where: { $0.matches(text) }) else {
                let near = nearest(text, among: Notice.Kind.allCases.map(\.rawValue))
                let message = "\(path)[\(index)] \"\(shown(text))\" is no event"
                let choice = "choose such as release.*, rollback.automatic, guard.breached, incident.*"
                report(node.place, .badValue, message, near.map { "did you mean \"\($0)\"?" } ?? choice)
                continue
            }
            patterns.append(text)
        }
        return patterns.count == nodes.count ? patterns : nil
    }

    /// Whether it is `*`, or words of small letters between dots, of which the last may be `*`.
    private func isPattern(_ text: String) -> Bool {
        let words = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= 64, let last = words.last else { return false }
        let isWord = { (word: Substring) in
            !word.isEmpty
                && word.utf8.allSatisfy {
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "_")
                }
        }
        return words.dropLast().allSatisfy(isWord) && (last == "*" || isWord(last))
    }
}

/// As much of a URL as a policy has to know: what is dialled in the end is checked where it is dialled.
private struct WebAddress {
    let host: String
    let hasCredentials: Bool

    /// Returns nil unless it is http or https, with a host and without blanks.
    init?(_ text: String) {
        let schemes = ["https://", "http://"]
        guard let scheme = schemes.first(where: { text.hasPrefix($0) }),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { return nil }
        let authority = text.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        hasCredentials = authority.contains("@")
        let place = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        let name = place.hasPrefix("[") ? place.prefix { $0 != "]" } : place.prefix { $0 != ":" }
        guard !name.isEmpty, name != "[" else { return nil }
        host = name.lowercased()
    }
}
