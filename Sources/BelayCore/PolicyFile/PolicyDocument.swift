extension PolicyNode {
    /// The document that decodes to `policy`, with every default spelled out.
    ///
    /// Its places are JSON pointers. A description is not part of a policy and does not come back.
    package init(describing policy: Policy) {
        var members: [(String, PolicyNode)] = [
            ("belay", .number(1)),
            ("model", .text(policy.model.text)),
            ("serving", .serving(policy.serving)),
            ("rollout", .plan(policy.plan)),
            ("guards", PolicyNode(.sequence(policy.guards.map(PolicyNode.guarded)))),
        ]
        if let output = policy.labels.output {
            members.append(("labels", .mapping([("output", .text(output))])))
        }
        members.append(("rollback", .rollback(policy.rollback)))
        self = PolicyNode.mapping(members).placed(at: "")
    }

    private static func serving(_ serving: ServingSettings) -> PolicyNode {
        let record = serving.record
        var members = [
            ("unit", text(serving.unit.description)), ("timeout", time(Int64(serving.timeoutMilliseconds))),
            ("record", extent(record.extent)), ("durability", text(record.durability.rawValue)),
            ("on_full", text(record.onFull.rawValue)),
        ]
        if !record.redact.isEmpty {
            members.append(("redact", PolicyNode(.sequence(record.redact.map { text($0) }))))
        }
        if let subject = record.subject { members.append(("subject", text(subject.description))) }
        let keep = [
            record.keepMilliseconds.map { ("for", time($0)) },
            record.keepBytes.map { ("size", text(PolicyQuantity.text(bytes: $0))) },
        ].compactMap { $0 }
        if !keep.isEmpty { members.append(("keep", mapping(keep))) }
        return mapping(members)
    }

    private static func extent(_ extent: RecordSettings.Extent) -> PolicyNode {
        switch extent {
        case .every, .none: text(extent.description)
        case .sample(let share):
            mapping([
                ("sample", text(PolicyQuantity.percentage(partsPerMillion: share.partsPerMillion)))
            ])
        }
    }

    private static func rollback(_ rollback: Policy.Rollback) -> PolicyNode {
        var members = [
            ("good_after", time(rollback.goodAfterMilliseconds)), ("keep_warm", number(rollback.keepWarm)),
            ("inflight", text(rollback.failing.inflight.rawValue)),
            ("standby", text(rollback.standby.rawValue)),
        ]
        if let answer = rollback.failing.answer {
            let outputs = answer.outputs.sorted { $0.key < $1.key }.map { ($0.key, row($0.value)) }
            members.append(("fallback", mapping([("answer", mapping(outputs))])))
        }
        return mapping(members)
    }

    private static func row(_ values: [StaticAnswer.Value]) -> PolicyNode {
        let elements = values.map { value in
            switch value {
            case .number(let number): PolicyNode(.scalar(Scalar(plain: shortDecimal(number))))
            case .text(let string): text(string)
            case .boolean(let flag): PolicyNode(.scalar(Scalar(plain: String(flag))))
            }
        }
        return elements.count == 1 ? elements[0] : PolicyNode(.sequence(elements))
    }

    private static func plan(_ plan: Plan) -> PolicyNode {
        let end = plan.ending == .promote ? [] : [("end", text(plan.ending.rawValue))]
        guard !plan.steps.isEmpty else { return mapping([("use", text("instant"))] + end) }
        let steps = plan.steps.map { step in
            mapping([
                (
                    step.kind.rawValue,
                    text(PolicyQuantity.percentage(partsPerMillion: step.share.partsPerMillion))
                ),
                ("for", time(step.dwellMilliseconds)),
                ("min_samples", number(step.minSamples)),
            ])
        }
        return mapping([("steps", PolicyNode(.sequence(steps)))] + end)
    }

    private static func guarded(_ each: Guard) -> PolicyNode {
        var members: [(String, PolicyNode)] = [
            ("metric", text(each.metric.rawValue)), ("name", text(each.name)),
        ]
        let falls = each.metric == .accuracy
        switch each.limit {
        case .againstStable(let margin): members.append((falls ? "max_drop" : "max_rise", rate(margin)))
        case .absolute(let max): members.append(falls ? ("min", rate(1 - max)) : ("max", rate(max)))
        case .never, .relativeToStable, .atLeast, .withinOfStable: break
        }
        if let samples = each.minSamples { members.append(("min_samples", number(samples))) }
        members.append(("then", text(each.reaction.rawValue)))
        return mapping(members)
    }

    private static func mapping(_ members: [(String, PolicyNode)]) -> PolicyNode {
        PolicyNode(.mapping(members.map { Member(key: $0.0, keyPlace: .pointer(""), value: $0.1) }))
    }

    private static func text(_ text: String) -> PolicyNode { PolicyNode(.scalar(Scalar(text: text))) }
    private static func number(_ value: Int) -> PolicyNode {
        PolicyNode(.scalar(Scalar(plain: String(value))))
    }

    private static func time(_ milliseconds: Int64) -> PolicyNode {
        text(PolicyQuantity.text(milliseconds: milliseconds))
    }

    /// Rates come from whole parts per billion and go back to them.
    private static func rate(_ fraction: Double) -> PolicyNode {
        text(PolicyQuantity.percentage(partsPerBillion: Int((fraction * 1_000_000_000).rounded())))
    }

    private init(_ value: Value) { self.init(value, at: .pointer("")) }

    private func placed(at pointer: String) -> PolicyNode {
        switch value {
        case .scalar: PolicyNode(value, at: .pointer(pointer))
        case .sequence(let nodes):
            PolicyNode(
                .sequence(nodes.enumerated().map { $1.placed(at: "\(pointer)/\($0)") }),
                at: .pointer(pointer)
            )
        case .mapping(let members):
            PolicyNode(
                .mapping(
                    members.map { member in
                        let place = "\(pointer)/\(escaped(member.key))"
                        return Member(
                            key: member.key,
                            keyPlace: .pointer(place),
                            value: member.value.placed(at: place)
                        )
                    }
                ),
                at: .pointer(pointer)
            )
        }
    }
}
