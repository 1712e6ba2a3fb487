/// What narrows a guard or tunes it.
extension PolicyDecoder {
    private static let mostSlicedFeatures = 8
    private static let longestName = 256
    private static let longestQuery = 4096
    static let shortestWindowMilliseconds: Int64 = 60_000

    mutating func focus(_ fields: Fields, _ metric: Metric) -> Guard.Focus? {
        let name = metric.rawValue
        let before = problems.count
        if !metric.isOfFeature {
            _ = refuse(["feature"], in: fields, "take it out; \(name) is not about one input")
        }
        if !metric.isOfClass {
            _ = refuse(["label"], in: fields, "take it out; \(name) is of no class")
        }
        if !metric.canBeSliced {
            _ = refuse(["slice_by"], in: fields, "take it out; \(name) cannot be split by features")
        }
        if !metric.hasWindow {
            _ = refuse(["window"], in: fields, "take it out; \(name) counts the whole release")
        } else if metric == .throughput, fields["min"] == nil {
            let rule = "take it out, or write min; against stable, throughput counts the whole release"
            _ = refuse(["window"], in: fields, rule)
        }
        if !metric.hasMost {
            _ = refuse(["most"], in: fields, "take it out; \(name) has bounds of its own")
        }
        if metric != .query {
            _ = refuse(["query"], in: fields, "write metric: query to judge what it answers")
        }
        guard problems.count == before else { return nil }
        return readFocus(fields, metric)
    }

    private mutating func readFocus(_ fields: Fields, _ metric: Metric) -> Guard.Focus? {
        let path = fields.path
        let before = problems.count
        let feature = fields["feature"].flatMap { outputName($0, "\(path).feature") }
        let label = fields["label"].flatMap { classText($0, "\(path).label") }
        let slices = fields["slice_by"].flatMap { sliceBy($0, "\(path).slice_by") } ?? []
        let window = fields["window"].flatMap {
            time($0, "\(path).window", Self.shortestWindowMilliseconds...PolicyQuantity.longestMilliseconds)
        }
        let noData =
            fields["no_data"].flatMap { choice($0, "\(path).no_data", of: Guard.NoData.self) } ?? .wait
        let query = fields["query"].flatMap { self.query($0, "\(path).query") }
        let most = fields["most"].flatMap { self.most($0, "\(path).most") }
        if metric.isOfFeature, metric != .featureDrift, fields["feature"] == nil {
            let message = "\(path) on \(metric.rawValue) needs \"feature\""
            report(fields.place, .missingKey, message, "write feature: with the name of one input")
        }
        if metric == .query, fields["query"] == nil {
            let remedy = "write query: with PromQL that answers one number, and {{version}} in it"
            report(fields.place, .missingKey, "\(path) on query needs \"query\"", remedy)
        }
        guard problems.count == before else { return nil }
        return Guard.Focus(
            feature: feature,
            label: label,
            sliceBy: slices,
            windowMilliseconds: window,
            noData: noData,
            query: query,
            most: most
        )
    }

    /// Reads the name of an input or an output.
    mutating func outputName(_ node: PolicyNode, _ path: String) -> String? {
        guard let name = text(node, path) else { return nil }
        guard (1...Self.longestName).contains(name.utf8.count) else {
            report(
                node.place,
                .badValue,
                "\(path) holds \(name.utf8.count) bytes",
                "write the name of one of the model's \(path.hasPrefix("labels") ? "outputs" : "inputs"), "
                    + "of 1 to \(Self.longestName) bytes"
            )
            return nil
        }
        return name
    }

    /// Reads a class as its label is written: `1`, `fraud`, `true`.
    mutating func classText(_ node: PolicyNode, _ path: String) -> String? {
        guard case .scalar(let scalar) = node.value, scalar.kind != .null else {
            reportType(node, path, "a class", "write it as its label is, such as 1")
            return nil
        }
        guard (1...Self.longestName).contains(scalar.text.utf8.count) else {
            report(
                node.place,
                .badValue,
                "\(path) holds \(scalar.text.utf8.count) bytes",
                "write a class of 1 to \(Self.longestName) bytes"
            )
            return nil
        }
        return scalar.text
    }

    private mutating func sliceBy(_ node: PolicyNode, _ path: String) -> [String]? {
        guard let nodes = list(node, path, atMost: Self.mostSlicedFeatures) else { return nil }
        guard !nodes.isEmpty else {
            report(node.place, .badValue, "\(path) is empty", "name a feature, or take it out")
            return nil
        }
        var names: [String] = []
        for (index, node) in nodes.enumerated() {
            guard let name = outputName(node, "\(path)[\(index)]") else { continue }
            if names.contains(name) {
                let message = "\(path)[\(index)] stands there already"
                report(node.place, .duplicate, message, "keep one of them")
            }
            names.append(name)
        }
        return names.count == nodes.count ? names : nil
    }

    private mutating func query(_ node: PolicyNode, _ path: String) -> String? {
        guard let text = text(node, path) else { return nil }
        guard (1...Self.longestQuery).contains(text.utf8.count) else {
            let message = "\(path) holds \(text.utf8.count) bytes"
            report(node.place, .badValue, message, "write up to \(Self.longestQuery)")
            return nil
        }
        guard text.contains("{{version}}") || text.contains("{{arm}}") else {
            report(
                node.place,
                .badValue,
                "\(path) asks the same of every version",
                "write {{version}} or {{arm}} where the version is chosen"
            )
            return nil
        }
        return text
    }

    private mutating func most(_ node: PolicyNode, _ path: String) -> Double? {
        guard let number = number(node, path) else { return nil }
        guard number > 0 else {
            report(node.place, .badValue, "\(path) must exceed 0", "write the greatest value that counts")
            return nil
        }
        return number
    }
}
