/// How labels are read, and what guards need of them.
extension PolicyDecoder {
    mutating func labels(_ node: PolicyNode) -> Policy.Labels? {
        guard let fields = fields(of: node, PolicyKeys.labels, "labels") else { return nil }
        let before = problems.count
        let longest = PolicyQuantity.longestMilliseconds
        let output = fields["output"].flatMap { outputName($0, "labels.output") }
        let probability = fields["probability"].flatMap { outputName($0, "labels.probability") }
        let kind = fields["type"].flatMap { labelKind($0) }
        let positive = fields["positive"].flatMap { classText($0, "labels.positive") }
        let threshold = fields["threshold"].flatMap { number($0, "labels.threshold") }
        let classes = fields["classes"].flatMap { self.classes($0) } ?? []
        let join = fields["join_within"].flatMap { time($0, "labels.join_within", 1000...longest) }
        let delay = fields["typical_delay"].flatMap { time($0, "labels.typical_delay", 0...longest) }
        guard problems.count == before else { return nil }
        let labels = Policy.Labels(
            output: output,
            probability: probability,
            kind: kind,
            positive: positive,
            threshold: threshold,
            classes: classes,
            joinWithinMilliseconds: join,
            typicalDelayMilliseconds: delay
        )
        return checkSense(labels, fields) ? labels : nil
    }

    private mutating func labelKind(_ node: PolicyNode) -> Policy.Labels.Kind? {
        let known = Policy.Labels.Kind.allCases.map(\.rawValue)
        let word = word(node, "labels.type", known: known, later: [], meant: PolicyWords.meantKinds)
        return word.flatMap(Policy.Labels.Kind.init(rawValue:))
    }

    private mutating func classes(_ node: PolicyNode) -> [String]? {
        guard let nodes = list(node, "labels.classes", atMost: LabelCell.mostClasses) else { return nil }
        guard nodes.count >= 2 else {
            report(
                node.place,
                .badValue,
                "labels.classes has \(nodes.count == 1 ? "1 entry" : "no entry")",
                "name all classes, or write positive: for one of two"
            )
            return nil
        }
        var classes: [String] = []
        for (index, node) in nodes.enumerated() {
            guard let text = classText(node, "labels.classes[\(index)]") else { continue }
            if classes.contains(text) {
                let message = "labels.classes[\(index)] stands there already"
                report(node.place, .duplicate, message, "keep one of them")
            }
            classes.append(text)
        }
        return classes.count == nodes.count ? classes : nil
    }

    private mutating func checkSense(_ labels: Policy.Labels, _ fields: Fields) -> Bool {
        let before = problems.count
        if let positive = labels.positive, !labels.classes.isEmpty, !labels.classes.contains(positive) {
            let message = "labels.positive \"\(shown(positive))\" is none of labels.classes"
            contradict(fields["positive"], message, "write one of \(labels.classes.joined(separator: ", "))")
        }
        if labels.kind == .binary, labels.classes.count > 2 {
            contradict(
                fields["type"],
                "labels.type is binary, and there are \(labels.classes.count) classes",
                "write type: multiclass"
            )
        }
        if labels.kind == .regression {
            for key in ["positive", "threshold", "classes", "probability"] {
                contradict(
                    fields[key],
                    "labels.\(key) speaks of classes, and labels.type is regression",
                    "take one of them out"
                )
            }
        }
        if labels.threshold != nil, labels.kind != .regression { checkThreshold(labels, fields) }
        if let join = labels.joinWithinMilliseconds, let delay = labels.typicalDelayMilliseconds,
            join < delay
        {
            contradict(
                fields["join_within"],
                "labels.join_within is shorter than labels.typical_delay, so most labels would not count",
                "write more than \(PolicyQuantity.text(milliseconds: delay))"
            )
        }
        return problems.count == before
    }

    /// A score tells two classes apart, and one of them must be named.
    private mutating func checkThreshold(_ labels: Policy.Labels, _ fields: Fields) {
        if labels.kind == .multiclass || labels.classes.count > 2 {
            let message = "labels.threshold tells two classes apart, and there are more"
            contradict(fields["threshold"], message, "take it out, and let labels.output name the class")
        } else if labels.positive == nil, let node = fields["threshold"] {
            let message = "labels.threshold needs labels.positive"
            let remedy = "write positive: 1 with the class that a high score speaks for"
            report(node.place, .missingKey, message, remedy)
        }
    }

    private mutating func contradict(_ node: PolicyNode?, _ message: String, _ remedy: String) {
        guard let node else { return }
        report(node.place, .contradiction, message, remedy)
    }
}

// MARK: - What guards need

extension PolicyDecoder {
    /// Checks that what a guard is about can be known from the labels.
    mutating func checkLabels(_ draft: GuardDraft, _ labels: Policy.Labels?) -> Bool {
        guard let labels else { return true }
        let (metric, fields) = (draft.metric, draft.fields)
        let subject = "\(draft.path) on \(metric.rawValue)"
        switch metric {
        case .logLoss, .brier:
            guard labels.probability == nil else { break }
            report(
                fields.place,
                .missingKey,
                "\(subject) needs labels.probability",
                "write labels: {probability: NAME} with the output that holds probabilities"
            )
            return false
        case .precision, .recall, .f1:
            guard checkClass(draft, labels, subject) else { return false }
        default: break
        }
        let speaksOfClasses = metric.unit == .goodRate || metric == .logLoss || metric == .brier
        let isWrong =
            speaksOfClasses
            ? labels.kind == .regression
            : (metric == .mae || metric == .rmse) && labels.kind != nil && labels.kind != .regression
        guard isWrong, let kind = labels.kind else { return true }
        report(
            fields["metric"]?.place ?? fields.place,
            .contradiction,
            "\(subject) does not fit labels.type \(kind.rawValue)",
            speaksOfClasses
                ? "judge numbers by mae or rmse, or correct labels.type"
                : "judge classes by accuracy, recall or log_loss, or correct labels.type"
        )
        return false
    }

    private mutating func checkClass(
        _ draft: GuardDraft,
        _ labels: Policy.Labels,
        _ subject: String
    ) -> Bool {
        let named = labels.namedClasses
        guard !named.isEmpty else {
            report(
                draft.fields.place,
                .missingKey,
                "\(subject) needs labels.positive or labels.classes",
                draft.focus.label.map { "write labels: {positive: \(shown($0))}" }
                    ?? "write labels: {positive: 1} with the class that it is about"
            )
            return false
        }
        guard let label = draft.focus.label, !named.contains(label) else { return true }
        report(
            draft.fields["label"]?.place ?? draft.fields.place,
            .contradiction,
            "\(draft.path).label \"\(shown(label))\" is no class of labels",
            labels.classes.isEmpty
                ? "give labels.classes with both, or write \(named.map { shown($0) }.joined(separator: ", "))"
                : "write one of \(named.map { shown($0) }.joined(separator: ", "))"
        )
        return false
    }
}
