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
        if let labels = PolicyNode.labels(policy.labels) { members.append(("labels", labels)) }
        members.append(("rollback", .rollback(policy.rollback)))
        if !policy.notify.isEmpty {
            members.append(("notify", PolicyNode(.sequence(policy.notify.map(PolicyNode.target)))))
        }
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
        var members: [(String, PolicyNode)] = []
        if plan.steps.isEmpty {
            members.append(("use", text("instant")))
        } else {
            members.append(("steps", PolicyNode(.sequence(plan.steps.map(step)))))
        }
        if plan.ending != .promote { members.append(("end", text(plan.ending.rawValue))) }
        if let deadline = plan.deadlineMilliseconds { members.append(("deadline", time(deadline))) }
        if plan.watchMilliseconds > 0 {
            members.append(
                (
                    "watch",
                    mapping([("for", time(plan.watchMilliseconds)), ("holdback", part(plan.holdback))])
                )
            )
        }
        switch plan.exposure {
        case .badAnswers(let most): members.append(("exposure", mapping([("bad_answers", number(most))])))
        case .units(let most): members.append(("exposure", mapping([("units", number(most))])))
        case nil: break
        }
        return mapping(members)
    }

    private static func step(_ step: Plan.Step) -> PolicyNode {
        var members = [
            (step.kind.rawValue, part(step.share)), ("for", time(step.dwellMilliseconds)),
            ("min_samples", number(step.minSamples)),
        ]
        if step.kind == .canary { members.append(("advance", text(step.advance.rawValue))) }
        return mapping(members)
    }

    private static func part(_ share: Share) -> PolicyNode {
        text(PolicyQuantity.percentage(partsPerMillion: share.partsPerMillion))
    }

    static func mapping(_ members: [(String, PolicyNode)]) -> PolicyNode {
        PolicyNode(.mapping(members.map { Member(key: $0.0, keyPlace: .pointer(""), value: $0.1) }))
    }

    static func text(_ text: String) -> PolicyNode { PolicyNode(.scalar(Scalar(text: text))) }
    static func number(_ value: Int) -> PolicyNode {
        PolicyNode(.scalar(Scalar(plain: String(value))))
    }

    static func time(_ milliseconds: Int64) -> PolicyNode {
        text(PolicyQuantity.text(milliseconds: milliseconds))
    }

    /// Rates come from whole parts per billion and go back to them.
    static func rate(_ fraction: Double) -> PolicyNode {
        text(PolicyQuantity.percentage(partsPerBillion: Int((fraction * 1_000_000_000).rounded())))
    }

    init(_ value: Value) { self.init(value, at: .pointer("")) }

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
