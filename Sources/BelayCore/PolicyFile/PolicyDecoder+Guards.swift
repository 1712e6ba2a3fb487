/// What live behaviour is held against.
extension PolicyDecoder {
    /// What the document says of one guard, before its bounds become guards of their own.
    struct GuardDraft {
        let name: String
        let metric: Metric
        let minSamples: Int?
        let reaction: Guard.Reaction
        let focus: Guard.Focus
        let fields: Fields

        var path: String { fields.path }

        /// The guard that one bound makes; nil when the bound does not suit the metric.
        func guarded(by limit: Guard.Limit, suffix: String = "") -> Guard? {
            let guarded = { (focus: Guard.Focus) in
                Guard(
                    name: name + suffix,
                    metric: metric,
                    limit: limit,
                    minSamples: minSamples,
                    reaction: reaction,
                    focus: focus
                )
            }
            return guarded(focus).flatMap { $0.looksBack ? $0 : guarded(focus.withoutWindow) }
        }
    }

    /// Reads all guards; `labels` is nil where they could not be read, and then nothing depends on them.
    mutating func guards(_ node: PolicyNode, labels: Policy.Labels?) -> [Guard]? {
        guard let nodes = list(node, "guards", atMost: Policy.mostGuards) else { return nil }
        var guards: [Guard] = []
        var taken: Set<String> = []
        var isWhole = true
        for (index, node) in nodes.enumerated() {
            guard let some = guardsOfOne(node, "guards[\(index)]", labels) else {
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

    private mutating func guardsOfOne(
        _ node: PolicyNode,
        _ path: String,
        _ labels: Policy.Labels?
    ) -> [Guard]? {
        guard let fields = fields(of: node, PolicyKeys.guarded, path) else { return nil }
        let metric = fields["metric"].flatMap { self.metric($0, fields) }
        let name = fields["name"].map { guardName($0, path) } ?? metric?.rawValue
        let samples: Int??
        if let node = fields["min_samples"] {
            samples = count(node, "\(path).min_samples", 0...PolicyQuantity.greatestCount).map { .some($0) }
        } else {
            samples = .some(nil)
        }
        let reaction = fields["then"].map { self.reaction($0, path) } ?? Guard.Reaction.rollback
        guard let metric else { return nil }
        let focus = focus(fields, metric)
        guard let name, let samples, let reaction, let focus else { return nil }
        let draft = GuardDraft(
            name: name,
            metric: metric,
            minSamples: samples,
            reaction: reaction,
            focus: focus,
            fields: fields
        )
        let guards = metric.unit == .event ? neverEvent(draft) : bounded(draft)
        guard let guards, checkComparison(fields, guards), checkLabels(draft, labels) else { return nil }
        return guards
    }

    private mutating func neverEvent(_ draft: GuardDraft) -> [Guard]? {
        let refused = PolicyKeys.bounds + ["min_samples", "no_data", "vs"]
        let name = draft.metric.rawValue
        let isBare = refuse(refused, in: draft.fields, "\(name) takes no bound, since one is too many")
        return isBare ? draft.guarded(by: .never).map { [$0] } : nil
    }

    /// Refuses keys that do not suit the metric; `rule` says what it takes instead.
    mutating func refuse(_ keys: [String], in fields: Fields, _ rule: String) -> Bool {
        let present = keys.compactMap { key in fields[key].map { (key, $0) } }
        for (key, node) in present {
            report(node.place, .badValue, "\(fields.path).\(key) does not suit its metric", "\(rule)")
        }
        return present.isEmpty
    }

    private mutating func metric(_ node: PolicyNode, _ fields: Fields) -> Metric? {
        let path = "\(fields.path).metric"
        if fields["query"] != nil, case .scalar(let scalar) = node.value, scalar.kind == .text,
            !PolicyWords.metrics.contains(scalar.text)
        {
            let message = "\(path) \"\(shown(scalar.text))\" has a query"
            report(
                node.place,
                .badValue,
                message,
                "write metric: query and name: \(shown(scalar.text))"
            )
            return nil
        }
        let word = word(
            node,
            path,
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
            later: [],
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

// MARK: - What a guard compares with

extension PolicyDecoder {
    /// `vs` may say what is so anyway, for people who read the file.
    private mutating func checkComparison(_ fields: Fields, _ guards: [Guard]) -> Bool {
        guard let node = fields["vs"] else { return true }
        let path = "\(fields.path).vs"
        guard let first = guards.first,
            let said = word(
                node,
                path,
                known: PolicyWords.comparisons,
                later: [],
                meant: PolicyWords.meantComparisons
            )
        else { return false }
        let truth = comparison(of: first)
        guard said == truth else {
            let fact = truth == "none" ? "is compared with nothing" : "is compared with \"\(truth)\""
            report(
                node.place,
                .contradiction,
                "\(path) is \"\(said)\", and \(first.name) \(fact)",
                "take it out, or write vs: \(truth)"
            )
            return false
        }
        return true
    }

    private func comparison(of guarded: Guard) -> String {
        switch guarded.metric {
        case .featureDrift, .unseenRate: return "reference"
        case .predictionDrift: return "stable"
        default: break
        }
        switch guarded.limit {
        case .againstStable, .relativeToStable, .withinOfStable: return "stable"
        case .absolute, .atLeast, .never: return "none"
        }
    }
}
