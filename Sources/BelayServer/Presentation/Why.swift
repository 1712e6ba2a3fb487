import BelayCore
import BelayStore

/// Tells why a release is where it is, from the ledger's entries about it.
///
/// Pure: the same state and entries tell the same story a year later.
struct Why: Sendable {
    let snapshot: Snapshot
    let release: Release
    /// Every entry of the ledger that concerns the release, oldest first.
    let entries: [Entry]
    /// What judging the recorded ticks again has shown; nil where that was not done.
    let hindsight: Hindsight?
    /// Labels of the model that came and do not count.
    let labels: LabelTrouble

    var view: WhyView {
        let findings = hindsight?.findings(decisive: decisiveName)
        let policy = release.proposal.policy
        let reports = release.phase.finalReports ?? snapshot.reports[release.id] ?? newestReports
        let decisive = decay ?? reports.first { $0.name == decisiveName }
        return WhyView(
            verdict: verdict,
            release: snapshot.release(release),
            decisive: decisive.map { GuardView($0, under: policy) },
            notTheCause: reports.filter { $0.name != decisive?.name }.map { GuardView($0, under: policy) },
            crossed: findings?.crossing,
            changed: changed,
            otherwise: findings?.otherwise ?? [],
            selection: rollback?.selection.map {
                "\(release.proposal.endpoint.model)@\($0.version) \($0.why)"
            } ?? [],
            remarks: remarks(decisive, reports),
            fence: fence,
            story: entries.map(line)
        )
    }

    private var model: ModelName { release.proposal.endpoint.model }
    private var candidate: String { "\(model)@\(release.proposal.candidate)" }

    private var decisiveName: String? {
        if case .breach(let name, _) = release.phase.cause { return name }
        if case .breach(let name) = release.hold?.cause { return name }
        return nil
    }

    /// What took the version out after its release had settled.
    private var decay: GuardReport? {
        guard case .settled = release.phase, case .breach(let name, let reports) = rollback?.cause else {
            return nil
        }
        return reports.first { $0.name == name }
    }

    private var changed: [ChangeView] {
        guard let stable = release.proposal.stable,
            let first = snapshot.state.version(VersionID(model, stable)),
            let second = snapshot.state.version(VersionID(model, release.proposal.candidate))
        else { return [] }
        return VersionDifference(first: first, second: second).changes
    }

    private var newestReports: [GuardReport] {
        for entry in entries.reversed() {
            switch entry.event {
            case .release(.promoted(let promotion)) where !promotion.guards.isEmpty: return promotion.guards
            case .release(.stepEntered(let step)) where !step.guards.isEmpty: return step.guards
            case .release(.stepsDone(let done)) where !done.guards.isEmpty: return done.guards
            default: continue
            }
        }
        return []
    }

    /// The rollback that ended the release, or that took its version out after it had settled.
    private var rollback: Rollback? {
        for case .release(.rolledBack(let rollback)) in entries.map(\.event) { return rollback }
        return nil
    }

    private var fence: RollbackView? {
        for case .release(.fenceCompleted(let record)) in entries.map(\.event) {
            return rollback.map { RollbackView($0, receipt: record.receipt) }
        }
        return nil
    }

    private var verdict: String {
        switch release.phase {
        case .gating: return "\(candidate) is at its gates; no request has reached it."
        case .refused(let at, let gates):
            let failed = gates.first { $0.outcome == .fail || $0.outcome == .error }
            let why = failed.map { "gate \($0.gate.rawValue): \($0.detail)" } ?? "a gate"
            return "\(candidate) was refused at \(at) by \(why)."
        case .shadow(let step, _):
            return "\(candidate) gets copies of \(release.shadowShare) of requests and answers nobody "
                + "\(place(step))."
        case .canary(let step, _): return "\(candidate) answers \(release.share) of requests \(place(step))."
        case .watching(let since):
            return "\(candidate) serves all requests since \(since) and is still watched."
        case .settled(let at):
            guard let rollback, let entry = entries.first(where: { $0.event.isRollback }) else {
                return "\(candidate) was promoted and settled at \(at)."
            }
            return
                "\(candidate) settled at \(at) and was taken out at \(entry.at) by \(entry.actor); "
                + "\(place(takenBy: rollback.to))."
        case .rolledBack(let at, let cause):
            let target = place(takenBy: rollback?.to)
            switch cause {
            case .request(let actor): return "\(candidate) was taken out at \(at) by \(actor); \(target)."
            case .breach(let name, _):
                return "\(candidate) was rolled back at \(at) by guard \(name); \(target)."
            }
        }
    }

    /// What serves in the candidate's place, or did then.
    private func place(takenBy version: VersionNumber?) -> String {
        let serving = snapshot.state.endpoints[release.proposal.endpoint]?.stable?.version
        guard version != serving else { return version.map { "\(model)@\($0) serves" } ?? "nothing serves" }
        return version.map { "\(model)@\($0) took its place then" } ?? "nothing served then"
    }

    /// `(step 2 of 3, held by ann)`.
    private func place(_ step: Int) -> String {
        let held =
            release.awaitsPerson ? ", waiting for a person" : release.hold.map { ", held by \($0.by)" } ?? ""
        return "(step \(step + 1) of \(release.plan.steps.count)\(held))"
    }

    private func remarks(_ decisive: GuardReport?, _ reports: [GuardReport]) -> [String] {
        guard !release.hasEnded else { return [] }
        let needsLabels = reports.contains { report in
            report.metric.isOfLabels && (report.verdict == .blind || report.verdict == .undecided)
        }
        let told: [String] = reports.filter { $0.name != decisive?.name }.compactMap { report in
            let view = GuardView(report, under: release.proposal.policy)
            let detail = view.detail.map { ": \($0)" } ?? ": \(view.figures)"
            return switch report.verdict {
            case .pass, .unjudged: nil
            case .blind: "\(report.name) is blind\(detail)."
            case .undecided: "\(report.name) is undecided\(detail)."
            case .breach: "\(report.name) is breached: \(view.figures)."
            }
        }
        return told + (needsLabels ? labels.remarks(at: snapshot.now) : [])
    }

    private func line(_ entry: Entry) -> StoryLine {
        StoryLine(
            seq: entry.sequence,
            at: entry.at.description,
            actor: entry.actor.description,
            kind: entry.event.kind.rawValue,
            text: entry.event.sentence,
            reason: entry.reason
        )
    }
}

extension Receipt {
    fileprivate var milliseconds: String { decimals(Double(elapsedMicroseconds) / 1000, 2) }
}

extension RollbackView {
    init(_ rollback: Rollback, receipt: Receipt?, doneAt: Timestamp? = nil) {
        self.init(
            model: rollback.endpoint.model.text,
            from: rollback.from.value,
            to: rollback.to?.value,
            cause: rollback.cause.label,
            epoch: receipt?.epoch.value ?? 0,
            acknowledgedInMilliseconds: Double(receipt?.elapsedMicroseconds ?? 0) / 1000,
            replayed: receipt?.replayed ?? 0,
            cutOff: receipt?.cutOff ?? 0,
            drained: receipt?.drained ?? 0,
            fence: receipt == nil ? "pending" : "complete",
            doneAt: doneAt?.description
        )
    }
}

extension Event {
    fileprivate var isRollback: Bool {
        if case .release(.rolledBack) = self { true } else { false }
    }

    /// What happened, in a few words.
    var sentence: String {
        switch self {
        case .registry(.modelCreated(let model)): "model \(model) created"
        case .registry(.versionRegistered(let version)): "\(version.id) registered"
        case .registry(.aliasMoved(let move)):
            move.to.map { "alias \(move.alias) names \(move.model)@\($0)" } ?? "alias \(move.alias) removed"
        case .release(.proposed(let proposal)):
            "release of \(proposal.endpoint.model)@\(proposal.candidate) started"
        case .release(.gatesPassed(let result)): "\(result.gates.count) gates passed"
        case .release(.refused): "refused by a gate"
        case .release(.stepEntered(let entry)):
            "step \(entry.step + 1): \(entry.kind == .shadow ? "copies of " : "")\(entry.share) of requests"
        case .release(.held): "held"
        case .release(.stepsDone): "all steps done; waiting for a person"
        case .release(.resumed): "resumed"
        case .release(.promoted(let promotion)):
            promotion.skippedSteps > 0
                ? "promoted to 100%, leaving out \(promotion.skippedSteps) steps" : "promoted to 100%"
        case .release(.settled): "settled"
        case .release(.rolledBack(let rollback)):
            "rolled back from \(rollback.from) to \(rollback.to.map(\.description) ?? "nothing")"
        case .release(.fenceCompleted(let fence)):
            "every loop left the old table in \(fence.receipt.milliseconds) ms"
                + (fence.receipt.cutOff > 0 ? "; \(fence.receipt.cutOff) in-flight cut off" : "")
                + (fence.receipt.drained > 0 ? "; \(fence.receipt.drained) in-flight drained" : "")
        case .release(.shadowChanged(let change)):
            change.shadow.map { "\(change.endpoint.model)@\($0.version) shadows \($0.share) of requests" }
                ?? "\(change.endpoint.model) has no standing shadow any more"
        case .safety(.quarantined(let quarantine)): "\(quarantine.version) quarantined"
        case .safety(.cleared(let version)): "\(version) cleared from quarantine"
        case .safety(.automaticAllowed): "automatic releases allowed again"
        case .safety(.policyChanged(let endpoint, _)): "policy of \(endpoint) changed"
        case .release(.waived(let waiver)):
            "waived: \(waiver.causes.map(\.description).joined(separator: ", "))"
        case .release(.epochBegun(let start)): "units are tossed anew (epoch \(start.epoch))"
        case .release(.rejudged(let rejudgement)):
            "judged again by late labels: \(rejudgement.breached) proves harm"
        case .operation(.serverStarted(let start)): "Belay \(start.belay) started"
        case .operation(.incidentOpened(let incident)):
            "incident \(incident.id): \(incident.kind.rawValue) of \(incident.endpoint.model)@"
                + "\(incident.version)"
        case .operation(.incidentClosed(let closure)): "incident \(closure.id) closed"
        case .operation(.subjectErased(let erasure)):
            "\(erasure.answers) answers and \(erasure.labels) labels about somebody erased"
        }
    }
}
