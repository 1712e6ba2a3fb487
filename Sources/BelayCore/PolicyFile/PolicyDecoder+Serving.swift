/// How requests are answered and recorded.
extension PolicyDecoder {
    /// Laws ask for more years of answers than anybody waits for a step.
    static let longestKeepMilliseconds: Int64 = 36_600 * 86_400_000

    mutating func servingSettings(_ node: PolicyNode) -> ServingSettings? {
        guard let fields = fields(of: node, PolicyKeys.serving, "serving") else { return nil }
        let unit = fields["unit"].map { servingUnit($0) } ?? ServingSettings.standard.unit
        let standard = Int64(ServingSettings.standard.timeoutMilliseconds)
        let timeout = fields["timeout"].map { time($0, "serving.timeout", 1...600_000) } ?? standard
        let record = recordSettings(fields)
        guard let unit, let timeout, let record else { return nil }
        return ServingSettings(unit: unit, timeoutMilliseconds: Int(timeout), record: record)
    }

    private mutating func servingUnit(_ node: PolicyNode) -> ServingSettings.Unit? {
        guard let text = text(node, "serving.unit") else { return nil }
        guard let unit = ServingSettings.Unit(text) else {
            report(
                node.place,
                .badValue,
                "serving.unit is \"\(shown(text))\"",
                "write request, header:X-User, or a JSON pointer such as /parameters/user_id"
            )
            return nil
        }
        return unit
    }

    private mutating func recordSettings(_ fields: Fields) -> RecordSettings? {
        let standard = RecordSettings.standard
        let extent = fields["record"].map { self.extent($0) } ?? standard.extent
        let durability =
            fields["durability"].map {
                choice($0, "serving.durability", of: RecordSettings.Durability.self)
            } ?? standard.durability
        let onFull =
            fields["on_full"].map { choice($0, "serving.on_full", of: RecordSettings.Overflow.self) }
            ?? standard.onFull
        let redact = fields["redact"].map { redactions($0) } ?? standard.redact
        let subject = fields["subject"].map { self.subject($0) } ?? .some(standard.subject)
        let keep = fields["keep"].map { self.keep($0) } ?? Keep()
        guard let extent, let durability, let onFull, let redact, let subject, let keep else { return nil }
        guard extent != .none || (durability == .buffered && onFull == .drop) else {
            report(
                fields.place,
                .contradiction,
                "serving records nothing, and yet its answers wait for the record",
                "take out durability and on_full, or write record: every"
            )
            return nil
        }
        return RecordSettings(
            extent: extent,
            durability: durability,
            onFull: onFull,
            redact: redact,
            subject: subject,
            keepMilliseconds: keep.milliseconds,
            keepBytes: keep.bytes
        )
    }

    private mutating func extent(_ node: PolicyNode) -> RecordSettings.Extent? {
        guard case .mapping = node.value else {
            let known = PolicyWords.extents
            let word = word(node, "serving.record", known: known, later: [], meant: PolicyWords.meantExtents)
            return word.flatMap(RecordSettings.Extent.init)
        }
        guard let fields = fields(of: node, PolicyKeys.sampling, "serving.record"),
            let sample = fields["sample"]
        else { return nil }
        return share(sample, "serving.record.sample", above: .none).map { .sample($0) }
    }

    private mutating func redactions(_ node: PolicyNode) -> [String]? {
        let most = RecordSettings.mostRedactions
        guard let nodes = list(node, "serving.redact", atMost: most) else { return nil }
        var pointers: [String] = []
        for (index, node) in nodes.enumerated() {
            let path = "serving.redact[\(index)]"
            guard let text = text(node, path) else { continue }
            if !text.hasPrefix("/") || text.utf8.count > 256 {
                let isHeader = text.hasPrefix("header:")
                report(
                    node.place,
                    .badValue,
                    "\(path) is \"\(shown(text))\"",
                    isHeader
                        ? "take it out; headers are not recorded"
                        : "write a JSON pointer such as /inputs/name or /parameters/user"
                )
            } else if pointers.contains(text) {
                report(node.place, .duplicate, "\(path) stands there already", "keep one of them")
            } else {
                pointers.append(text)
            }
        }
        return pointers.count == nodes.count ? pointers : nil
    }

    private mutating func subject(_ node: PolicyNode) -> ServingSettings.Unit?? {
        guard let text = text(node, "serving.subject") else { return nil }
        guard let unit = ServingSettings.Unit(text), unit != .request else {
            report(
                node.place,
                .badValue,
                "serving.subject is \"\(shown(text))\"",
                "write header:X-User, or a JSON pointer such as /parameters/user_id"
            )
            return nil
        }
        return .some(unit)
    }

    private struct Keep {
        var milliseconds: Int64?
        var bytes: Int64?
    }

    private mutating func keep(_ node: PolicyNode) -> Keep? {
        guard let fields = fields(of: node, PolicyKeys.keep, "serving.keep") else { return nil }
        let time = fields["for"].map {
            self.time($0, "serving.keep.for", 60_000...Self.longestKeepMilliseconds)
        }
        let bytes = fields["size"].map { size($0, "serving.keep.size") }
        guard time != .some(nil), bytes != .some(nil) else { return nil }
        return Keep(milliseconds: time ?? nil, bytes: bytes ?? nil)
    }

    private mutating func size(_ node: PolicyNode, _ path: String) -> Int64? {
        guard case .scalar(let scalar) = node.value, scalar.kind != .null else {
            reportType(node, path, "a size", "write one such as 10GB")
            return nil
        }
        let bytes = scalar.kind == .text ? PolicyQuantity.bytes(scalar.text) : nil
        guard let bytes, (1_000_000...1_000_000_000_000_000).contains(bytes) else {
            report(
                node.place,
                .badValue,
                "\(path) is \"\(shown(scalar.text))\"",
                "write a size from 1MB to 1000TB, such as 500MB or 10GB"
            )
            return nil
        }
        return bytes
    }
}

// MARK: - When a version cannot answer

extension PolicyDecoder {
    mutating func rollback(_ node: PolicyNode) -> Policy.Rollback? {
        guard let fields = fields(of: node, PolicyKeys.rollback, "rollback") else { return nil }
        let standard = Policy.Rollback.standard
        let goodAfter =
            fields["good_after"].map {
                time($0, "rollback.good_after", 0...PolicyQuantity.longestMilliseconds)
            }
            ?? standard.goodAfterMilliseconds
        let keepWarm =
            fields["keep_warm"].map { count($0, "rollback.keep_warm", 1...20) } ?? standard.keepWarm
        let inflight =
            fields["inflight"].map { choice($0, "rollback.inflight", of: FailureSettings.Inflight.self) }
            ?? standard.failing.inflight
        let standby =
            fields["standby"].map { choice($0, "rollback.standby", of: Policy.StandbyRule.self) }
            ?? standard.standby
        let answer = fields["fallback"].map { fallback($0) }
        guard let goodAfter, let keepWarm, let inflight, let standby, answer != .some(nil) else { return nil }
        return Policy.Rollback(
            goodAfterMilliseconds: goodAfter,
            keepWarm: keepWarm,
            failing: FailureSettings(inflight: inflight, answer: answer ?? nil),
            standby: standby
        )
    }

    private mutating func fallback(_ node: PolicyNode) -> StaticAnswer? {
        guard let fields = fields(of: node, PolicyKeys.fallback, "rollback.fallback"),
            let answer = fields["answer"]
        else { return nil }
        return staticAnswer(answer, "rollback.fallback.answer")
    }

    /// Its keys are the names of outputs, which are free.
    private mutating func staticAnswer(_ node: PolicyNode, _ path: String) -> StaticAnswer? {
        guard case .mapping(let members) = node.value else {
            reportType(node, path, "the outputs of an answer", "write such as {label: 0}")
            return nil
        }
        let most = StaticAnswer.mostOutputs
        guard (1...most).contains(members.count) else {
            report(node.place, .badValue, "\(path) has \(members.count) outputs", "write 1 to \(most)")
            return nil
        }
        var outputs: [String: [StaticAnswer.Value]] = [:]
        var isWhole = true
        for member in members {
            let name = shown(member.key)
            guard (1...256).contains(member.key.utf8.count), outputs[member.key] == nil else {
                report(
                    member.keyPlace,
                    outputs[member.key] == nil ? .badValue : .duplicate,
                    "\(path) cannot name an output \"\(name)\" here",
                    "name each output once, in 1 to 256 bytes"
                )
                isWhole = false
                continue
            }
            let values = row(member.value, "\(path).\(name)")
            isWhole = isWhole && values != nil
            outputs[member.key] = values ?? []
        }
        return isWhole ? StaticAnswer(outputs: outputs) : nil
    }

    /// One row of an output: an element, or a list of them.
    private mutating func row(_ node: PolicyNode, _ path: String) -> [StaticAnswer.Value]? {
        switch node.value {
        case .scalar: return element(node, path).map { [$0] }
        case .mapping:
            reportType(node, path, "a value or a list of values", "write such as 0 or [0.5, 0.5]")
            return nil
        case .sequence(let nodes):
            let most = StaticAnswer.mostValues
            guard (1...most).contains(nodes.count) else {
                report(node.place, .badValue, "\(path) has \(nodes.count) values", "write 1 to \(most)")
                return nil
            }
            let values = nodes.enumerated().map { element($1, "\(path)[\($0)]") }
            return values.contains(nil) ? nil : values.compactMap { $0 }
        }
    }

    private mutating func element(_ node: PolicyNode, _ path: String) -> StaticAnswer.Value? {
        guard case .scalar(let scalar) = node.value, scalar.kind != .null else {
            reportType(node, path, "a number, a text, true or false", "write one such as 0")
            return nil
        }
        switch scalar.kind {
        case .text where scalar.text.utf8.count <= 4096: return .text(scalar.text)
        case .boolean: return .boolean(scalar.text == "true")
        case .number:
            if let number = Double(scalar.text), number.isFinite { return .number(number) }
        case .text, .null: break
        }
        report(node.place, .badValue, "\(path) is too great or too long", "write a shorter value")
        return nil
    }
}
