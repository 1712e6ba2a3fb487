/// What live behaviour is held against.
extension PolicyDecoder {
    /// What the document says of one guard, before its bounds become guards of their own.
    private struct Draft {
        let name: String
        let metric: Metric
        let minSamples: Int?
        let reaction: Guard.Reaction
        let place: PolicyNode.Place
        let path: String
    }

    /// A bound as written, with the sense in which people say it.
    private struct Bound {
        let key: String
        let node: PolicyNode
    }

    mutating func guards(_ node: PolicyNode) -> [Guard]? {
        guard let nodes = list(node, "guards", atMost: Policy.mostGuards) else { return nil }
        var guards: [Guard] = []
        var taken: Set<String> = []
        var isWhole = true
        for (index, node) in nodes.enumerated() {
            guard let some = guardOrTwo(node, "guards[\(index)]") else {
                isWhole = false
                continue
            }
            for each in some {
                // The never-events that every policy contains keep their names.
                let isReserved = Guard.neverEvents.contains {
                    $0.name == each.name && $0.metric != each.metric
                }
                guard isReserved || !taken.insert(each.name).inserted else { continue }
                report(
                    node.place,
                    .duplicate,
                    "guards[\(index)] is the second guard called \"\(each.name)\"",
                    "give it another name"
                )
                isWhole = false
            }
            guards += some
        }
        guard guards.count <= Policy.mostGuards else {
            report(node.place, .badValue, "guards holds too many bounds", "keep to \(Policy.mostGuards)")
            return nil
        }
        return isWhole ? guards : nil
    }

    private mutating func guardOrTwo(_ node: PolicyNode, _ path: String) -> [Guard]? {
        guard let fields = fields(of: node, PolicyKeys.guarded, path) else { return nil }
        let metric = fields["metric"].flatMap { self.metric($0, path) }
        let name = fields["name"].map { guardName($0, path) } ?? metric?.rawValue
        let samples: Int??
        if let node = fields["min_samples"] {
            samples = count(node, "\(path).min_samples", 0...PolicyQuantity.greatestCount).map { .some($0) }
        } else {
            samples = .some(nil)
        }
        let reaction = fields["then"].map { self.reaction($0, path) } ?? Guard.Reaction.rollback
        guard let metric, let name, let samples, let reaction else { return nil }
        let draft = Draft(
            name: name,
            metric: metric,
            minSamples: samples,
            reaction: reaction,
            place: fields.place,
            path: path
        )
        switch metric {
        case .errorRate: return errorRate(draft, fields)
        case .accuracy: return accuracy(draft, fields)
        case .invalidOutput, .circuitBreaker: return neverEvent(draft, fields)
        case .disagreement, .shadowError: return ofShadows(draft, fields)
        default: return nil
        }
    }

    private mutating func errorRate(_ draft: Draft, _ fields: Fields) -> [Guard]? {
        guard refuse(["min", "max_drop"], in: fields, "error_rate takes max_rise and max") else { return nil }
        let rise = fields["max_rise"].map { rate($0, "\(draft.path).max_rise") }
        let limit = fields["max"].map { rate($0, "\(draft.path).max") }
        guard rise != .some(nil), limit != .some(nil) else { return nil }
        let margin = rise ?? (limit == nil ? 0 : nil)
        return bounds(draft, fields, margin: margin ?? nil, ("max_rise", "max"), limit: limit ?? nil)
    }

    /// Wrong answers are what rises where accuracy falls, so a floor of 90 % is a ceiling of 10 %.
    private mutating func accuracy(_ draft: Draft, _ fields: Fields) -> [Guard]? {
        guard refuse(["max", "max_rise"], in: fields, "accuracy takes max_drop and min") else { return nil }
        let drop = fields["max_drop"].map { rate($0, "\(draft.path).max_drop") }
        let least = fields["min"].map { rate($0, "\(draft.path).min") }
        guard drop != .some(nil), least != .some(nil) else { return nil }
        guard drop != nil || least != nil else {
            report(
                draft.place,
                .missingKey,
                "\(draft.path) needs \"max_drop\" or \"min\"",
                "write max_drop: 3% to compare with stable, or min: 90%"
            )
            return nil
        }
        let most = (least ?? nil).map { 1_000_000_000 - $0 }
        return bounds(draft, fields, margin: drop ?? nil, ("max_drop", "min"), limit: most)
    }

    /// Served answers are what shadows are compared with, so there is no stable arm to exceed.
    private mutating func ofShadows(_ draft: Draft, _ fields: Fields) -> [Guard]? {
        let name = draft.metric.rawValue
        guard refuse(["min", "max_drop", "max_rise"], in: fields, "\(name) takes max") else { return nil }
        guard let node = fields["max"] else {
            report(
                draft.place,
                .missingKey,
                "\(draft.path) needs \"max\"",
                "write max: 2% to allow for that part of the copied requests"
            )
            return nil
        }
        guard let limit = rate(node, "\(draft.path).max") else { return nil }
        return bounds(draft, fields, margin: nil, ("max_rise", "max"), limit: limit)
    }

    private mutating func neverEvent(_ draft: Draft, _ fields: Fields) -> [Guard]? {
        let bounds = ["max", "max_rise", "min", "max_drop", "min_samples"]
        let name = draft.metric.rawValue
        let isBare = refuse(bounds, in: fields, "\(name) takes no bound, since one is too many")
        return isBare ? guardWith(.never, draft, suffix: "").map { [$0] } : nil
    }

    /// Makes a guard of each bound; the absolute one of two bears the name of its key too.
    private mutating func bounds(
        _ draft: Draft,
        _ fields: Fields,
        margin: Int?,
        _ keys: (margin: String, limit: String),
        limit: Int?
    ) -> [Guard]? {
        let billion = 1_000_000_000
        if let margin, margin >= billion {
            report(
                fields[keys.margin]?.place ?? draft.place,
                .badValue,
                "\(draft.path).\(keys.margin) lets everything pass",
                "write less than 100%"
            )
            return nil
        }
        if let limit, limit <= 0 || limit >= billion {
            let relative = draft.metric.isOfShadows ? "" : ", or compare with stable by \(keys.margin): 0%"
            report(
                fields[keys.limit]?.place ?? draft.place,
                .badValue,
                "\(draft.path).\(keys.limit) must lie between 0% and 100%, both excluded",
                "allow a little\(relative)"
            )
            return nil
        }
        var guards: [Guard] = []
        if let margin {
            let limit = Guard.Limit.againstStable(margin: Double(margin) / Double(billion))
            guards += [guardWith(limit, draft, suffix: "")].compactMap { $0 }
        }
        if let limit {
            let suffix = margin == nil ? "" : ".\(keys.limit)"
            let limit = Guard.Limit.absolute(max: Double(limit) / Double(billion))
            guards += [guardWith(limit, draft, suffix: suffix)].compactMap { $0 }
        }
        return guards
    }

    private func guardWith(_ limit: Guard.Limit, _ draft: Draft, suffix: String) -> Guard? {
        Guard(
            name: draft.name + suffix,
            metric: draft.metric,
            limit: limit,
            minSamples: draft.minSamples,
            reaction: draft.reaction
        )
    }

    private mutating func refuse(_ keys: [String], in fields: Fields, _ rule: String) -> Bool {
        let present = keys.compactMap { key in fields[key].map { Bound(key: key, node: $0) } }
        for bound in present {
            report(
                bound.node.place,
                .badValue,
                "\(fields.path).\(bound.key) does not suit its metric",
                "\(rule)"
            )
        }
        return present.isEmpty
    }

    private mutating func metric(_ node: PolicyNode, _ path: String) -> Metric? {
        let word = word(
            node,
            "\(path).metric",
            known: PolicyWords.metrics,
            later: PolicyWords.laterMetrics,
            meant: PolicyWords.meantMetrics
        )
        return word.flatMap(Metric.init(rawValue:))
    }

    private mutating func reaction(_ node: PolicyNode, _ path: String) -> Guard.Reaction? {
        let word = word(
            node,
            "\(path).then",
            known: PolicyWords.reactions,
            later: PolicyWords.laterReactions,
            meant: PolicyWords.meantReactions
        )
        return word.flatMap(Guard.Reaction.init(rawValue:))
    }

    private mutating func guardName(_ node: PolicyNode, _ path: String) -> String? {
        guard let text = text(node, "\(path).name") else { return nil }
        // The alphabet of model names, so that it can stand in a label of a metric and in a log line.
        guard ModelName(text) != nil, text.utf8.count <= 56 else {
            report(
                node.place,
                .badValue,
                "\"\(shown(text))\" cannot name a guard",
                "use 1 to 56 letters, digits, dots, dashes and underscores, a letter or digit first"
            )
            return nil
        }
        return text
    }
}
