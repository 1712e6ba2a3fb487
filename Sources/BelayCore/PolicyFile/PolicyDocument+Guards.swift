/// Guards, labels and who is told, as a document says them.
extension PolicyNode {
    static func guarded(_ each: Guard) -> PolicyNode {
        var members: [(String, PolicyNode)] = [
            ("metric", text(each.metric.rawValue)), ("name", text(each.name)),
        ]
        if let bound = bound(each) { members.append(bound) }
        if let samples = each.minSamples { members.append(("min_samples", number(samples))) }
        members += focus(each.looksBack ? each.focus : each.focus.withoutWindow, each.metric)
        members.append(("then", text(each.reaction.rawValue)))
        return mapping(members)
    }

    /// The key and the value by which a document says a guard's bound; nil for a never-event.
    package static func bound(of each: Guard) -> (key: String, text: String)? {
        bound(each).flatMap { key, node in
            if case .scalar(let scalar) = node.value { (key, scalar.text) } else { nil }
        }
    }

    private static func bound(_ each: Guard) -> (String, PolicyNode)? {
        let metric = each.metric
        switch each.limit {
        case .never: return nil
        case .againstStable(let margin):
            return (metric.isGood ? "max_drop" : "max_rise", amount(margin, metric))
        case .relativeToStable(let margin):
            return (metric.isGood ? "max_drop" : "max_rise", part(margin))
        case .withinOfStable(let change): return ("max_change", part(change))
        case .atLeast(let min): return ("min", decimal(min))
        case .absolute(let max):
            switch metric.unit {
            case .goodRate: return ("min", rate(1 - max))
            case .score:
                let least = (((each.focus.most ?? 0) - max) * 1e9).rounded() / 1e9
                return ("min", decimal(least == 0 ? 0 : least))
            default: return ("max", amount(max, metric))
            }
        }
    }

    private static func amount(_ value: Double, _ metric: Metric) -> PolicyNode {
        switch metric.unit {
        case .rate, .goodRate: rate(value)
        case .time: text(PolicyQuantity.text(microseconds: Int(exactly: value.rounded()) ?? 0))
        default: decimal(value)
        }
    }

    private static func part(_ fraction: Double) -> PolicyNode {
        let parts = Int((fraction * 1_000_000_000).rounded())
        return text(PolicyQuantity.percentage(partsPerBillion: parts) + PolicyDecoder.ofStable)
    }

    private static func focus(_ focus: Guard.Focus, _ metric: Metric) -> [(String, PolicyNode)] {
        var members: [(String, PolicyNode)] = []
        if let feature = focus.feature { members.append(("feature", text(feature))) }
        if let label = focus.label { members.append(("label", text(label))) }
        if !focus.sliceBy.isEmpty {
            members.append(("slice_by", PolicyNode(.sequence(focus.sliceBy.map { text($0) }))))
        }
        if let window = focus.windowMilliseconds { members.append(("window", time(window))) }
        if metric.unit != .event { members.append(("no_data", text(focus.noData.rawValue))) }
        if let query = focus.query { members.append(("query", text(query))) }
        if let most = focus.most { members.append(("most", decimal(most))) }
        return members
    }

    /// Nil when nothing is said of labels.
    static func labels(_ labels: Policy.Labels) -> PolicyNode? {
        var members: [(String, PolicyNode)] = []
        if let output = labels.output { members.append(("output", text(output))) }
        if let probability = labels.probability { members.append(("probability", text(probability))) }
        if let kind = labels.kind { members.append(("type", text(kind.rawValue))) }
        if let positive = labels.positive { members.append(("positive", text(positive))) }
        if let threshold = labels.threshold { members.append(("threshold", decimal(threshold))) }
        if !labels.classes.isEmpty {
            members.append(("classes", PolicyNode(.sequence(labels.classes.map { text($0) }))))
        }
        if let join = labels.joinWithinMilliseconds { members.append(("join_within", time(join))) }
        if let delay = labels.typicalDelayMilliseconds { members.append(("typical_delay", time(delay))) }
        return members.isEmpty ? nil : mapping(members)
    }

    static func target(_ target: NotifyTarget) -> PolicyNode {
        var members: [(String, PolicyNode)] = [("via", text(target.via.rawValue))]
        switch target.url {
        case .plain(let url): members.append(("url", text(url)))
        case .secret(let secret): members.append(("url", text(secret.reference)))
        case nil: break
        }
        if let secret = target.secret {
            members.append((target.via == .pagerduty ? "key" : "secret", text(secret.reference)))
        }
        if !target.events.isEmpty {
            members.append(("events", PolicyNode(.sequence(target.events.map { text($0) }))))
        }
        if let severity = target.severity { members.append(("severity", text(severity))) }
        if target.via == .webhook { members.append(("format", text(target.format.rawValue))) }
        if target.allowsPrivate { members.append(("private", PolicyNode(.scalar(Scalar(plain: "true"))))) }
        return mapping(members)
    }

    /// The shortest decimal that reads back as the same number.
    private static func decimal(_ value: Double) -> PolicyNode {
        PolicyNode(.scalar(Scalar(plain: shortDecimal(value))))
    }
}

extension NotifyTarget.Secret {
    /// Where it is found, as a policy says it.
    package var reference: String {
        switch self {
        case .environment(let name): "env:\(name)"
        case .file(let path): "file:\(path)"
        }
    }
}
