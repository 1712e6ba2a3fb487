/// The bounds of a guard, each in the unit of its metric.
extension PolicyDecoder {
    /// What a metric takes, and what to write when it has none.
    private struct Rule {
        let keys: [String]
        let example: String

        var choice: String { keys.map { "\"\($0)\"" }.joined(separator: " or ") }
    }

    private func rule(of metric: Metric) -> Rule {
        switch metric.unit {
        case .rate where metric.isOfShadows:
            Rule(keys: ["max"], example: "write max: 2% to allow for that part of the copied requests")
        case .rate:
            Rule(
                keys: ["max_rise", "max"],
                example: "write max_rise: 1% to compare with stable, or max: 5%"
            )
        case .goodRate:
            Rule(
                keys: ["max_drop", "min"],
                example: "write max_drop: 3% to compare with stable, or min: 90%"
            )
        case .time:
            Rule(
                keys: ["max_rise", "max"],
                example: "write max_rise: 25% to compare with stable, or max: 250ms"
            )
        case .loss:
            Rule(
                keys: ["max_rise", "max"],
                example: "write max_rise: 5% to compare with stable, or max: 0.2"
            )
        case .score:
            Rule(
                keys: ["max_drop", "min"],
                example: "write max_drop: 0.2 to compare with stable, or min: 4"
            )
        case .throughput:
            Rule(
                keys: ["max_drop", "min"],
                example: "write max_drop: 20% to compare with stable, or min: 100"
            )
        case .stabilityIndex: Rule(keys: ["max"], example: "write max: 0.2")
        case .number:
            Rule(
                keys: ["max_change", "max", "min"],
                example: "write max_change: 20% to compare with stable, or max: 5"
            )
        case .event: Rule(keys: [], example: "take it out")
        }
    }

    /// Makes a guard of each bound; every one after the first bears the name of its key too.
    mutating func bounded(_ draft: GuardDraft) -> [Guard]? {
        let rule = rule(of: draft.metric)
        let refused = PolicyKeys.bounds.filter { !rule.keys.contains($0) }
        let takes = "\(draft.metric.rawValue) takes \(rule.keys.joined(separator: " and "))"
        guard refuse(refused, in: draft.fields, takes) else { return nil }
        var guards: [Guard] = []
        var isWhole = true
        for key in rule.keys {
            guard let node = draft.fields[key] else { continue }
            guard let limit = limit(node, key, draft) else {
                isWhole = false
                continue
            }
            guard let guarded = draft.guarded(by: limit, suffix: guards.isEmpty ? "" : ".\(key)") else {
                report(
                    node.place,
                    .badValue,
                    "\(draft.path).\(key) is out of the range of \(draft.metric.rawValue)",
                    "write a positive bound in its unit"
                )
                isWhole = false
                continue
            }
            guards.append(guarded)
        }
        guard isWhole else { return nil }
        if guards.isEmpty {
            if draft.metric == .errorRate {
                return draft.guarded(by: .againstStable(margin: 0)).map { [$0] }
            }
            report(draft.fields.place, .missingKey, "\(draft.path) needs \(rule.choice)", rule.example)
            return nil
        }
        return guards
    }

    private mutating func limit(_ node: PolicyNode, _ key: String, _ draft: GuardDraft) -> Guard.Limit? {
        let path = "\(draft.path).\(key)"
        switch key {
        case "max_change":
            return relative(node, path, 1...Self.mostRelative).map { .withinOfStable(change: fraction($0)) }
        case "max_rise", "max_drop": return margin(node, path, draft.metric)
        default: break
        }
        switch draft.metric.unit {
        case .rate, .goodRate: return rateLimit(node, key, draft)
        case .time: return duration(node, path, 1...).map { .absolute(max: Double($0)) }
        case .loss, .stabilityIndex: return positive(node, path).map { .absolute(max: $0) }
        case .throughput: return positive(node, path).map { .atLeast(min: $0) }
        case .score: return leastScore(node, path, draft)
        case .number:
            return number(node, path).map { key == "max" ? .absolute(max: $0) : .atLeast(min: $0) }
        case .event: return nil
        }
    }

    /// Wrong answers are what rises where accuracy falls, so a floor of 90 % is a ceiling of 10 %.
    private mutating func rateLimit(
        _ node: PolicyNode,
        _ key: String,
        _ draft: GuardDraft
    ) -> Guard.Limit? {
        let billion = 1_000_000_000
        guard let rate = rate(node, "\(draft.path).\(key)") else { return nil }
        let limit = key == "min" ? billion - rate : rate
        guard limit > 0, limit < billion else {
            let margin = key == "min" ? "max_drop" : "max_rise"
            let relative = draft.metric.isOfShadows ? "" : ", or compare with stable by \(margin): 0%"
            report(
                node.place,
                .badValue,
                "\(draft.path).\(key) must lie between 0% and 100%, both excluded",
                "allow a little\(relative)"
            )
            return nil
        }
        return .absolute(max: fraction(limit))
    }

    /// What is missing to the best score may not exceed what the least score leaves.
    private mutating func leastScore(
        _ node: PolicyNode,
        _ path: String,
        _ draft: GuardDraft
    ) -> Guard.Limit? {
        guard let least = number(node, path) else { return nil }
        guard let most = draft.focus.most else {
            report(
                node.place,
                .missingKey,
                "\(path) needs \"most\" beside it",
                "write the best score that a person can give, such as most: 5"
            )
            return nil
        }
        let missing = rounded(most - least)
        guard missing > 0 else {
            report(node.place, .badValue, "\(path) is not below most", "write a score below \(most)")
            return nil
        }
        return .absolute(max: missing)
    }
}

// MARK: - Against stable

extension PolicyDecoder {
    /// 1000 %, in parts per billion.
    static let mostRelative = 10_000_000_000
    static let ofStable = " of stable"

    /// Reads what a rise or a drop may come to, in the metric's unit, or as a part of stable's own figure.
    ///
    /// `25% of stable` is always such a part. A bare `25%` is one too, except for rates, where it means
    /// percentage points, as everywhere else in the file.
    private mutating func margin(_ node: PolicyNode, _ path: String, _ metric: Metric) -> Guard.Limit? {
        let unit = metric.unit
        guard case .scalar(let scalar) = node.value, scalar.kind != .null else {
            reportType(node, path, "a margin", rule(of: metric).example)
            return nil
        }
        let saysStable = scalar.text.hasSuffix(Self.ofStable)
        switch unit {
        case .rate, .goodRate:
            if saysStable, unit == .rate {
                return relative(node, path, 0...Self.mostRelative).map {
                    .relativeToStable(margin: fraction($0))
                }
            }
            return rateMargin(node, path, saysStable: saysStable)
        case .score:
            return nonNegative(node, path).map { .againstStable(margin: rounded($0)) }
        case .time, .loss:
            if scalar.text.hasSuffix("%") || saysStable {
                return relative(node, path, 0...Self.mostRelative).map {
                    .relativeToStable(margin: fraction($0))
                }
            }
            return unit == .time
                ? duration(node, path, 0...).map { .againstStable(margin: Double($0)) }
                : nonNegative(node, path).map { .againstStable(margin: $0) }
        case .throughput:
            return relative(node, path, 0...999_999_999).map { .relativeToStable(margin: fraction($0)) }
        case .stabilityIndex, .number, .event: return nil
        }
    }

    private mutating func rateMargin(_ node: PolicyNode, _ path: String, saysStable: Bool) -> Guard.Limit? {
        if saysStable {
            report(
                node.place,
                .badValue,
                "\(path) is a part of stable's, and here that would not say of what",
                "write percentage points, such as 2%"
            )
            return nil
        }
        guard let margin = rate(node, path) else { return nil }
        guard margin < 1_000_000_000 else {
            report(node.place, .badValue, "\(path) lets everything pass", "write less than 100%")
            return nil
        }
        return .againstStable(margin: fraction(margin))
    }

    /// Reads `20%` or `20% of stable`, in parts per billion.
    private mutating func relative(
        _ node: PolicyNode,
        _ path: String,
        _ range: ClosedRange<Int>
    ) -> Int? {
        guard case .scalar(let scalar) = node.value, scalar.kind != .null else {
            reportType(node, path, "a percentage", "write one such as 20%")
            return nil
        }
        let text =
            scalar.text.hasSuffix(Self.ofStable)
            ? String(scalar.text.dropLast(Self.ofStable.count)) : scalar.text
        guard let parts = PolicyQuantity.partsPerBillion(percentage: text), range.contains(parts) else {
            let ends = [range.lowerBound, range.upperBound].map(PolicyQuantity.percentage(partsPerBillion:))
            report(
                node.place,
                .badValue,
                "\(path) is \"\(shown(scalar.text))\"",
                "write a part of stable's from \(ends[0]) to \(ends[1]), such as 20%"
            )
            return nil
        }
        return parts
    }
}

// MARK: - Numbers

extension PolicyDecoder {
    /// In microseconds.
    private static let longestAnswer = 600_000_000
    /// Beyond this a number of a policy is a mistake.
    private static let greatest = 1e12

    private func fraction(_ partsPerBillion: Int) -> Double { Double(partsPerBillion) / 1_000_000_000 }

    /// To nine decimals, so that what is subtracted comes back as it was written.
    private func rounded(_ number: Double) -> Double { (number * 1e9).rounded() / 1e9 }

    private mutating func duration(_ node: PolicyNode, _ path: String, _ range: PartialRangeFrom<Int>) -> Int?
    {
        guard case .scalar(let scalar) = node.value, scalar.kind != .null else {
            reportType(node, path, "a time", "write one such as 250ms")
            return nil
        }
        let time = scalar.kind == .text ? PolicyQuantity.microseconds(scalar.text) : nil
        guard let time, range.contains(time), time <= Self.longestAnswer else {
            let isBare = scalar.kind == .number && PolicyQuantity.count(scalar.text) != nil
            report(
                node.place,
                .badValue,
                "\(path) is \"\(shown(scalar.text))\"",
                isBare
                    ? "name the unit, such as \(scalar.text)ms"
                    : "write a time up to 600s, such as 80us, 1.5ms, 250ms or 2s"
            )
            return nil
        }
        return time
    }

    private mutating func positive(_ node: PolicyNode, _ path: String) -> Double? {
        guard let number = number(node, path) else { return nil }
        guard number > 0 else {
            report(node.place, .badValue, "\(path) must exceed 0", "allow a little")
            return nil
        }
        return number
    }

    private mutating func nonNegative(_ node: PolicyNode, _ path: String) -> Double? {
        guard let number = number(node, path) else { return nil }
        guard number >= 0 else {
            report(node.place, .badValue, "\(path) is negative", "write 0 or more")
            return nil
        }
        return number
    }

    mutating func number(_ node: PolicyNode, _ path: String) -> Double? {
        guard case .scalar(let scalar) = node.value, scalar.kind != .null else {
            reportType(node, path, "a number", "write one such as 0.2")
            return nil
        }
        let number = scalar.kind == .number ? Double(scalar.text) : nil
        guard let number, number.isFinite, abs(number) <= Self.greatest else {
            report(
                node.place,
                .badValue,
                "\(path) is \"\(shown(scalar.text))\"",
                "write a plain number, such as 0.2"
            )
            return nil
        }
        // -0 and 0 are one number.
        return number == 0 ? 0 : number
    }
}
