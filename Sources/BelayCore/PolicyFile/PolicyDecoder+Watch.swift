/// What bounds a release in time and harm, and what follows its last step.
extension PolicyDecoder {
    struct Watch {
        var milliseconds: Int64 = 0
        var holdback = Share.none
    }

    mutating func watch(_ node: PolicyNode) -> Watch? {
        guard let fields = fields(of: node, PolicyKeys.watch, "rollout.watch") else { return nil }
        let longest = PolicyQuantity.longestMilliseconds
        let time = fields["for"].flatMap { self.time($0, "rollout.watch.for", 1000...longest) }
        let holdback = fields["holdback"].map { self.holdback($0) } ?? Self.standardHoldback
        guard let time, let holdback else { return nil }
        return Watch(milliseconds: time, holdback: holdback)
    }

    /// The only share that may be nothing: then nothing is compared after promotion.
    private mutating func holdback(_ node: PolicyNode) -> Share? {
        let path = "rollout.watch.holdback"
        if case .scalar(let scalar) = node.value, scalar.text == "0%" { return Share.none }
        guard let share = share(node, path, above: .none) else { return nil }
        guard share.partsPerMillion <= 500_000 else {
            report(
                node.place,
                .badValue,
                "\(path) is \(share), which is more than the promoted version gets",
                "write up to 50%; 1% is enough to compare with"
            )
            return nil
        }
        return share
    }

    mutating func exposure(_ node: PolicyNode) -> Plan.Exposure? {
        let path = "rollout.exposure"
        guard let fields = fields(of: node, PolicyKeys.exposure, path) else { return nil }
        let range = 1...PolicyQuantity.greatestCount
        switch (fields["bad_answers"], fields["units"]) {
        case (let bad?, nil): return count(bad, "\(path).bad_answers", range).map { .badAnswers($0) }
        case (nil, let units?): return count(units, "\(path).units", range).map { .units($0) }
        case (let bad?, .some):
            report(
                bad.place,
                .contradiction,
                "\(path) has both \"bad_answers\" and \"units\"",
                "keep the one that must not be exceeded"
            )
        case (nil, nil):
            if fields.isExcused { return nil }
            report(
                node.place,
                .missingKey,
                "\(path) needs \"bad_answers\" or \"units\"",
                "write the most that a release may cost, such as bad_answers: 50"
            )
        }
        return nil
    }

    mutating func advance(_ node: PolicyNode, _ path: String, _ fields: Fields) -> Plan.Advance? {
        guard fields["shadow"] == nil else {
            report(
                node.place,
                .badValue,
                "\(path) asks a shadow for proof, and its answers reach nobody",
                "take it out, or write it in a canary step"
            )
            return nil
        }
        let known = Plan.Advance.allCases.map(\.rawValue)
        return word(node, path, known: known, later: [], meant: PolicyWords.meantAdvances)
            .flatMap(Plan.Advance.init(rawValue:))
    }

    /// A release whose steps alone outlast its deadline could never be done.
    mutating func checkDeadline(_ deadline: Int64?, _ plan: Plan, _ fields: Fields) -> Bool {
        guard let deadline, let node = fields["deadline"] else { return true }
        // Fifty steps of a year each are far from overflowing.
        let needed = plan.steps.reduce(0) { $0 + $1.dwellMilliseconds }
        guard needed > deadline else { return true }
        report(
            node.place,
            .contradiction,
            "rollout.deadline is \(PolicyQuantity.text(milliseconds: deadline)), and the steps alone take "
                + PolicyQuantity.text(milliseconds: needed),
            "write more than that, or shorten the steps"
        )
        return false
    }

    mutating func checkHoldback(_ watch: Watch, _ plan: Plan, _ fields: Fields) -> Bool {
        let highest = plan.steps.last { $0.kind == .canary }?.share ?? .none
        guard let node = fields["watch"],
            highest.partsPerMillion + watch.holdback.partsPerMillion > Share.all.partsPerMillion
        else { return true }
        report(
            node.place,
            .contradiction,
            "rollout.watch keeps \(watch.holdback) back, and the last step has given \(highest) away",
            "write a smaller holdback, or a smaller last step"
        )
        return false
    }
}
