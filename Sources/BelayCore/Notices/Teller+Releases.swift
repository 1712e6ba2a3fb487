/// What is told of releases that go on.
extension Teller {
    func started(_ proposal: Proposal) -> Notice {
        let from = proposal.stable.map { "\($0) → " } ?? ""
        return notice(
            .releaseStarted,
            at: proposal.endpoint,
            release: proposal.release,
            from: proposal.stable,
            to: proposal.candidate,
            "\(place(proposal.endpoint)): release \(proposal.release) of \(from)\(proposal.candidate) "
                + "started by \(entry.actor)",
            "belay status -w \(proposal.endpoint.model)",
            effect: .init(clears: acknowledged)
        )
    }

    func refused(_ release: Release, _ result: GateResult) -> Notice {
        let failed = result.gates.first { $0.outcome == .fail || $0.outcome == .error }
        let why = failed.map { "gate \($0.gate.rawValue): \($0.detail)" } ?? "a gate"
        return notice(
            .releaseRefused,
            of: release,
            severity: .warning,
            "refused by \(why)",
            effect: .init(raises: Notice.Condition.refused, clears: [.topic(topic(release))])
        )
    }

    func entered(_ release: Release, _ step: StepEntry) -> Notice {
        let what = step.kind == .shadow ? "copies of \(step.share)" : "\(step.share)"
        return notice(
            .releaseStepEntered,
            of: release,
            "gets \(what) of requests (step \(step.step + 1) of \(release.plan.steps.count))"
        )
    }

    func held(_ release: Release, _ hold: HoldEntry) -> Notice {
        let by = entry.actor == .belay ? "" : " by \(entry.actor)"
        var report: GuardReport?
        if case .breach(let name) = hold.cause { report = hold.guards.first { $0.name == name } }
        let why = report.map { ": \($0.line)" } ?? hold.cause.map { ": \($0.sentence)" } ?? because
        return notice(
            .releaseHeld,
            of: release,
            severity: .warning,
            figures: report,
            "held\(by)\(why)",
            effect: .init(raises: Notice.Condition.held)
        )
    }

    func waived(_ release: Release, _ waiver: Waiver) -> Notice {
        let causes = waiver.causes.map(\.description).joined(separator: ", ")
        return notice(
            .releaseWaived,
            of: release,
            severity: .warning,
            "goes on in spite of \(causes), says \(entry.actor)\(because)"
        )
    }

    func rejudged(_ release: Release, _ rejudgement: Rejudgement) -> Notice {
        let report = rejudgement.guards.first { $0.name == rejudgement.breached }
        return notice(
            .releaseRejudged,
            of: release,
            severity: .error,
            figures: report,
            "was worse, as late labels prove: \(report?.line ?? "guard \(rejudgement.breached)")"
        )
    }

    func waiting(_ release: Release) -> Notice {
        notice(
            .releaseWaiting,
            of: release,
            severity: .warning,
            "has done its steps and waits for a person",
            command: "belay promote \(release.id)",
            effect: .init(raises: Notice.Condition.waiting)
        )
    }

    func resumed(_ release: Release) -> Notice {
        let topic = topic(release)
        return notice(
            .releaseResumed,
            of: release,
            "resumed by \(entry.actor)\(because)",
            effect: .init(clears: ended(topic))
        )
    }

    func promoted(_ release: Release, _ promotion: Promotion) -> Notice {
        let skipped = promotion.skippedSteps > 0 ? ", leaving out \(promotion.skippedSteps) steps" : ""
        return notice(
            .releasePromoted,
            of: release,
            "serves all requests\(skipped)",
            effect: .init(clears: ended(topic(release)))
        )
    }

    func settled(_ release: Release) -> Notice {
        notice(
            .releaseSettled,
            of: release,
            "settled",
            effect: .init(clears: [.topic(topic(release))])
        )
    }

    func topic(_ release: Release) -> String {
        Notice.topic(of: release.proposal.endpoint, release.id)
    }

    /// Whatever kept the release waiting is over.
    func ended(_ topic: String) -> [Notice.Clearing] {
        [
            .condition(Notice.Condition.held, topic: topic),
            .condition(Notice.Condition.waiting, topic: topic),
        ]
    }

    var because: String { entry.reason.map { ": \($0)" } ?? "" }
}
