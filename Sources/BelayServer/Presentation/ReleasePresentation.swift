import BelayCore

extension Snapshot {
    func release(_ release: Release) -> ReleaseView {
        let reports = release.phase.finalReports ?? reports[release.id] ?? []
        return ReleaseView(
            id: release.id.description,
            model: release.proposal.endpoint.model.text,
            candidate: release.proposal.candidate.value,
            stable: release.proposal.stable?.value,
            phase: release.phase.word,
            step: release.phase.step.map { $0 + 1 },
            steps: release.plan.steps.count,
            share: max(release.share, release.shadowShare).percent,
            held: release.hold.map {
                HoldView(
                    by: $0.by.description,
                    why: $0.why,
                    since: $0.since.description,
                    cause: $0.cause?.description
                )
            },
            gates: release.phase.refusedGates.map(GateView.init),
            guards: reports.map { GuardView($0, under: release.proposal.policy) },
            cause: release.phase.cause?.label,
            proposedBy: release.proposedBy.description,
            proposedAt: release.proposedAt.description,
            endedAt: release.phase.endedAt?.description,
            reason: release.reason
        )
    }
}

extension GateView {
    init(_ report: GateReport) {
        self.init(gate: report.gate.rawValue, outcome: report.outcome.rawValue, detail: report.detail)
    }
}

extension Release.Phase {
    /// The phase's name on the wire.
    var word: String {
        switch self {
        case .gating: "gating"
        case .refused: "refused"
        case .shadow: "shadow"
        case .canary: "canary"
        case .watching: "watching"
        case .settled: "settled"
        case .rolledBack: "rolled_back"
        }
    }

    var refusedGates: [GateReport] {
        if case .refused(_, let gates) = self { gates } else { [] }
    }

    var cause: RollbackCause? {
        if case .rolledBack(_, let cause) = self { cause } else { nil }
    }

    /// The reports that ended the release, when a guard did.
    var finalReports: [GuardReport]? {
        if case .breach(_, let reports) = cause { reports } else { nil }
    }

    var endedAt: Timestamp? {
        switch self {
        case .gating, .shadow, .canary, .watching: nil
        case .refused(let at, _), .settled(let at), .rolledBack(let at, _): at
        }
    }
}
