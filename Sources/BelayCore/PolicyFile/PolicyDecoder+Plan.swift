/// How a release raises its share.
extension PolicyDecoder {
    /// A step without `for` waits for its samples alone.
    static let standardDwellMilliseconds: Int64 = 0
    /// A step without `min_samples` is as careful as the named plans.
    static let standardMinSamples = 500

    /// A watched release keeps this part of the requests with the former stable, so that it stays compared.
    static let standardHoldback = Share(partsPerMillion: 10_000) ?? .none

    mutating func plan(_ node: PolicyNode) -> Plan? {
        guard let fields = fields(of: node, PolicyKeys.plan, "rollout") else { return nil }
        let ending = fields["end"].map { self.ending($0) }
        let watch = fields["watch"].map { self.watch($0) } ?? Watch()
        let longest = PolicyQuantity.longestMilliseconds
        let deadline = fields["deadline"].map { time($0, "rollout.deadline", 1000...longest) }
        let exposure = fields["exposure"].map { self.exposure($0) }
        guard let plan = plan(fields, node), ending != .some(nil), let watch, deadline != .some(nil),
            exposure != .some(nil), checkDeadline(deadline ?? nil, plan, fields),
            checkHoldback(watch, plan, fields)
        else { return nil }
        return Plan(
            steps: plan.steps,
            ending: ending.flatMap { $0 } ?? plan.ending,
            watchMilliseconds: watch.milliseconds,
            holdback: watch.holdback,
            deadlineMilliseconds: deadline ?? nil,
            exposure: exposure ?? nil
        )
    }

    private mutating func ending(_ node: PolicyNode) -> Plan.Ending? {
        let known = PolicyWords.endings
        let word = word(node, "rollout.end", known: known, later: [], meant: PolicyWords.meantEndings)
        return word.flatMap(Plan.Ending.init(rawValue:))
    }

    private mutating func plan(_ fields: Fields, _ node: PolicyNode) -> Plan? {
        switch (fields["use"], fields["steps"]) {
        case (let use?, nil): return namedPlan(use)
        case (nil, let steps?): return plan(ofSteps: steps)
        case (let use?, .some):
            report(
                use.place,
                .contradiction,
                "rollout has both \"use\" and \"steps\"",
                "keep steps to write your own plan, or use to take a named one"
            )
            return nil
        case (nil, nil):
            report(
                node.place,
                .missingKey,
                "rollout needs \"use\" or \"steps\"",
                "write use: canary, or leave rollout out, which means the same"
            )
            return nil
        }
    }

    private mutating func namedPlan(_ node: PolicyNode) -> Plan? {
        let known = PolicyWords.plans
        guard
            let name = word(node, "rollout.use", known: known, later: [], meant: [:])
        else { return nil }
        return Plan.named[name]
    }

    private mutating func plan(ofSteps node: PolicyNode) -> Plan? {
        guard let nodes = list(node, "rollout.steps", atMost: Plan.mostSteps) else { return nil }
        guard !nodes.isEmpty else {
            report(
                node.place,
                .badValue,
                "rollout.steps is empty",
                "write a step, or use: instant to promote as soon as the gates have passed"
            )
            return nil
        }
        var steps: [Plan.Step] = []
        var isWhole = true
        var highest: Share?
        for (index, node) in nodes.enumerated() {
            let isLast = index == nodes.count - 1
            guard let step = step(node, "rollout.steps[\(index)]", after: highest, isLast: isLast) else {
                isWhole = false
                continue
            }
            if step.kind == .canary { highest = max(highest ?? .none, step.share) }
            if step.kind == .shadow || step.share < .all { steps.append(step) }
        }
        return isWhole ? Plan(steps: steps, watchMilliseconds: 0) : nil
    }

    /// `highest` is the greatest share of the canary steps before; nil when there is none.
    private mutating func step(
        _ node: PolicyNode,
        _ path: String,
        after highest: Share?,
        isLast: Bool
    ) -> Plan.Step? {
        guard let fields = fields(of: node, PolicyKeys.step, path) else { return nil }
        let drawn = kindAndShare(fields, node, after: highest)
        let longest = PolicyQuantity.longestMilliseconds
        let dwell =
            fields["for"].map { time($0, "\(path).for", 0...longest) } ?? Self.standardDwellMilliseconds
        let samples =
            fields["min_samples"].map { count($0, "\(path).min_samples", 0...PolicyQuantity.greatestCount) }
            ?? Self.standardMinSamples
        let advance =
            fields["advance"].map { self.advance($0, "\(path).advance", fields) } ?? Plan.Advance.noHarm
        guard let (kind, share) = drawn, let dwell, let samples, let advance else { return nil }
        if kind == .canary, share == .all, !checkPromotion(fields, isLast: isLast) { return nil }
        return Plan.Step(
            kind: kind,
            share: share,
            dwellMilliseconds: dwell,
            minSamples: samples,
            advance: advance
        )
    }

    private mutating func kindAndShare(
        _ fields: Fields,
        _ node: PolicyNode,
        after highest: Share?
    ) -> (Plan.Step.Kind, Share)? {
        let path = fields.path
        switch (fields["shadow"], fields["canary"]) {
        case (nil, let canary?):
            return share(canary, "\(path).canary", above: highest ?? .none).map { (.canary, $0) }
        case (let shadow?, nil):
            guard highest == nil else {
                report(
                    shadow.place,
                    .contradiction,
                    "\(path) is a shadow step after a canary step",
                    "move shadow steps to the beginning"
                )
                return nil
            }
            return share(shadow, "\(path).shadow", above: .none).map { (.shadow, $0) }
        case (let shadow?, .some):
            report(
                shadow.place,
                .contradiction,
                "\(path) has both \"shadow\" and \"canary\"",
                "make two steps of it, the shadow first"
            )
            return nil
        case (nil, nil):
            // A key that was misread has been reported, with what was meant by it.
            if fields.isExcused { return nil }
            report(
                node.place,
                .missingKey,
                "\(path) needs \"canary\" or \"shadow\"",
                "write the share, such as canary: 10%"
            )
            return nil
        }
    }

    mutating func share(_ node: PolicyNode, _ path: String, above highest: Share) -> Share? {
        guard case .scalar(let scalar) = node.value else {
            reportType(node, path, "a percentage", "write one such as 10%")
            return nil
        }
        let parts = PolicyQuantity.partsPerMillion(percentage: scalar.text)
        guard let parts, parts > 0, let share = Share(partsPerMillion: parts) else {
            let hint = PolicyQuantity.partsPerBillion(fraction: scalar.text).flatMap { value -> String? in
                guard value > 0, value <= 100_000_000_000 else { return nil }
                let percent = PolicyQuantity.percentage(partsPerBillion: value)
                let asFraction = value < 1_000_000_000 ? "\(percent) for that fraction of requests, or " : ""
                return "write \(asFraction)\(scalar.text)% if that is meant"
            }
            report(
                node.place,
                .badValue,
                "\(path) is \"\(shown(scalar.text))\"",
                hint ?? "write a percentage above 0% and up to 100%, in steps of 0.0001%, such as 10%"
            )
            return nil
        }
        guard share > highest else {
            report(
                node.place,
                .badValue,
                "\(path) is \(share), which does not exceed the \(highest) before it",
                "let the shares rise from step to step"
            )
            return nil
        }
        return share
    }

    /// 100 % stands for the promotion that follows the last step anyway.
    private mutating func checkPromotion(_ fields: Fields, isLast: Bool) -> Bool {
        guard isLast else {
            report(
                fields.place,
                .badValue,
                "\(fields.path) promotes the candidate and is not the last step",
                "move canary: 100% to the end, or leave it out"
            )
            return false
        }
        var isFine = true
        for key in ["for", "min_samples", "advance"] {
            guard let node = fields[key] else { continue }
            report(
                node.place,
                .badValue,
                "\(fields.path).\(key) asks something of a promotion",
                "take it out, and write watch: {for: 1h} in rollout to watch after it"
            )
            isFine = false
        }
        return isFine
    }
}
