/// Readers of single values, each of which reports what it refuses.
extension PolicyDecoder {
    /// Checks the keys of a mapping; nil when it is none.
    mutating func fields(of node: PolicyNode, _ table: PolicyKeys, _ path: String) -> Fields? {
        let subject = path.isEmpty ? "the policy" : path
        guard case .mapping(let members) = node.value else {
            reportType(node, subject, "a mapping", "write \(table.known.joined(separator: ", ")) below it")
            return nil
        }
        var values: [String: PolicyNode] = [:]
        var seen: Set<String> = []
        var excused: Set<String> = []
        var isExcused = false
        for member in members {
            guard seen.insert(member.key).inserted else {
                report(
                    member.keyPlace,
                    .duplicate,
                    "\(subject) has the key \"\(shown(member.key))\" twice",
                    "keep one of them"
                )
                continue
            }
            if table.known.contains(member.key) {
                values[member.key] = member.value
            } else {
                excused.formUnion(reportKey(member, table, subject))
                isExcused = true
            }
        }
        for key in table.required where values[key] == nil && !excused.contains(key) {
            report(node.place, .missingKey, "\(subject) needs \"\(key)\"", example(of: key))
        }
        return Fields(path: path, place: node.place, values: values, isExcused: isExcused)
    }

    /// Reports a key that is not taken; returns the keys that are no longer worth missing.
    private mutating func reportKey(
        _ member: PolicyNode.Member,
        _ table: PolicyKeys,
        _ subject: String
    ) -> [String] {
        // To look for what a key means costs more than to read it, and no more are told.
        guard !isFull else { return [] }
        let key = shown(member.key)
        if let remedy = table.later[member.key] {
            let message = "\"\(key)\" in \(subject) is not supported by this version of Belay"
            report(member.keyPlace, .unsupported, message, remedy)
            return table.required
        }
        let message = "unknown key \"\(key)\" in \(subject)"
        guard let meant = table.meaning(of: member.key) else {
            let known = table.known.joined(separator: ", ")
            report(member.keyPlace, .unknownKey, message, "it takes \(known)")
            return []
        }
        report(member.keyPlace, .unknownKey, message, "did you mean \"\(meant)\"?")
        return [meant]
    }

    mutating func list(_ node: PolicyNode, _ path: String, atMost limit: Int) -> [PolicyNode]? {
        guard case .sequence(let nodes) = node.value else {
            reportType(node, path, "a list", "begin each entry with a dash")
            return nil
        }
        guard nodes.count <= limit else {
            report(node.place, .badValue, "\(path) has \(nodes.count) entries", "keep to \(limit)")
            return nil
        }
        return nodes
    }

    mutating func text(_ node: PolicyNode, _ path: String) -> String? {
        guard case .scalar(let scalar) = node.value, scalar.kind == .text else {
            reportType(node, path, "a text", quotes(around: node) ?? "write one")
            return nil
        }
        return scalar.text
    }

    /// Reads one of a closed set of words.
    mutating func word(
        _ node: PolicyNode,
        _ path: String,
        known: [String],
        later: Set<String>,
        meant: [String: String]
    ) -> String? {
        guard let text = text(node, path) else { return nil }
        if known.contains(text) { return text }
        let choice = known.joined(separator: ", ")
        if later.contains(text) {
            report(
                node.place,
                .unsupported,
                "\(path) \"\(text)\" is not supported by this version of Belay",
                "it takes \(choice)"
            )
        } else {
            let near = meant[text] ?? nearest(text, among: known)
            report(
                node.place,
                .badValue,
                "\(path) does not know \"\(shown(text))\"",
                near.map { "did you mean \"\($0)\"?" } ?? "it takes \(choice)"
            )
        }
        return nil
    }

    /// Reads the raw value of an enumeration.
    mutating func choice<Choice>(_ node: PolicyNode, _ path: String, of type: Choice.Type) -> Choice?
    where Choice: RawRepresentable<String> & CaseIterable {
        let known = Choice.allCases.map(\.rawValue)
        return word(node, path, known: known, later: [], meant: [:]).flatMap(Choice.init(rawValue:))
    }

    /// Reads a time in milliseconds.
    mutating func time(_ node: PolicyNode, _ path: String, _ range: ClosedRange<Int64>) -> Int64? {
        guard case .scalar(let scalar) = node.value, scalar.kind != .null else {
            reportType(node, path, "a time", "write one such as \(examples(in: range)[0])")
            return nil
        }
        let time =
            scalar.kind == .text
            ? PolicyQuantity.milliseconds(scalar.text, atMost: range.upperBound) : nil
        guard let time, range.contains(time) else {
            let ends = [range.lowerBound, range.upperBound].map(PolicyQuantity.text(milliseconds:))
            let isBare = scalar.kind == .number && PolicyQuantity.count(scalar.text) != nil
            report(
                node.place,
                .badValue,
                "\(path) is \"\(shown(scalar.text))\"",
                isBare
                    ? "name the unit, such as \(withUnit(scalar.text, in: range))"
                    : "write a time from \(ends[0]) to \(ends[1]), such as "
                        + listed(examples(in: range))
            )
            return nil
        }
        return time
    }

    /// Times that are allowed, as people write them; never empty.
    private func examples(in range: ClosedRange<Int64>) -> [String] {
        let usual = ["30s", "15m", "1h30m", "7d"].filter {
            PolicyQuantity.milliseconds($0, atMost: range.upperBound).map(range.contains) ?? false
        }
        return usual.isEmpty
            ? [PolicyQuantity.text(milliseconds: range.lowerBound)] : Array(usual.prefix(3))
    }

    /// The number with the shortest unit that makes an allowed time of it, else an allowed time.
    private func withUnit(_ number: String, in range: ClosedRange<Int64>) -> String {
        let times = ["s", "m", "h", "d"].map { number + $0 }
        return times.first {
            PolicyQuantity.milliseconds($0, atMost: range.upperBound).map(range.contains) ?? false
        } ?? examples(in: range)[0]
    }

    /// `30s, 15m or 1h30m`.
    private func listed(_ words: [String]) -> String {
        let first = words.dropLast().joined(separator: ", ")
        return first.isEmpty ? words[0] : "\(first) or \(words[words.count - 1])"
    }

    mutating func count(_ node: PolicyNode, _ path: String, _ range: ClosedRange<Int>) -> Int? {
        guard case .scalar(let scalar) = node.value, scalar.kind != .null else {
            reportType(node, path, "a whole number", "write one such as \(max(range.lowerBound, 1))")
            return nil
        }
        let count = scalar.kind == .number ? PolicyQuantity.count(scalar.text) : nil
        guard let count, range.contains(count) else {
            report(
                node.place,
                .badValue,
                "\(path) is \"\(shown(scalar.text))\"",
                "write a whole number from \(range.lowerBound) to \(range.upperBound), without quotes"
            )
            return nil
        }
        return count
    }

    /// Reads a rate in parts per billion: `1%`, or the fraction `0.01`.
    mutating func rate(_ node: PolicyNode, _ path: String) -> Int? {
        guard case .scalar(let scalar) = node.value, scalar.kind != .null else {
            reportType(node, path, "a rate", "write one such as 1%")
            return nil
        }
        let isFraction = scalar.kind == .number
        let rate =
            isFraction
            ? PolicyQuantity.partsPerBillion(fraction: scalar.text)
            : PolicyQuantity.partsPerBillion(percentage: scalar.text)
        guard let rate, rate <= 1_000_000_000, !isFraction || rate < 1_000_000_000 else {
            let isPercent = isFraction && (rate.map { $0 <= 100_000_000_000 } ?? false)
            report(
                node.place,
                .badValue,
                "\(path) is \"\(shown(scalar.text))\"",
                isPercent ? "write \(scalar.text)%" : "write a rate from 0% to 100%, such as 1% or 0.01"
            )
            return nil
        }
        return rate
    }

    mutating func reportType(_ node: PolicyNode, _ path: String, _ wanted: String, _ suggestion: String) {
        report(node.place, .wrongType, "\(path) needs \(wanted), not \(kind(of: node))", suggestion)
    }

    /// Text from a document as a message may repeat it: short, and on one line.
    func shown(_ text: String) -> String {
        let plain = String(text.prefix(60).map { $0.isNewline || $0 < " " ? " " : $0 })
        return plain.count < text.count ? plain + "…" : plain
    }

    private func quotes(around node: PolicyNode) -> String? {
        guard case .scalar(let scalar) = node.value, scalar.kind == .number || scalar.kind == .boolean else {
            return nil
        }
        return "put quotes around it: \"\(shown(scalar.text))\""
    }

    private func kind(of node: PolicyNode) -> String {
        switch node.value {
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .scalar(let scalar):
            switch scalar.kind {
            case .text: "a text"
            case .number: "a number"
            case .boolean: "true or false"
            case .null: "nothing"
            }
        }
    }

    private func example(of key: String) -> String {
        switch key {
        case "belay": "begin with belay: 1"
        case "model": "write model: with the name of the model"
        case "sample": "write the share, such as sample: 10%"
        case "answer": "write the outputs of one row, such as answer: {label: 0}"
        case "metric": "write one of \(PolicyWords.metrics.joined(separator: ", "))"
        case "for": "write how long, such as for: 1h"
        case "via": "write via: slack, pagerduty, alertmanager or webhook"
        default: "add it"
        }
    }
}
