/// One candidate's try to become stable.
///
/// A fold over its recorded events: it reads no clock and starts nothing. Each phase carries exactly what
/// that phase knows; the share is computed from it and never stored.
package struct Release: Equatable, Sendable {
    package enum Phase: Equatable, Sendable {
        /// The gates are running; no request reaches the candidate.
        case gating
        case refused(at: Timestamp, gates: [GateReport])
        /// The candidate gets copies of requests; nobody sees its answers.
        case shadow(step: Int, since: Timestamp)
        case canary(step: Int, since: Timestamp)
        /// The candidate is stable; the guards still judge it.
        case watching(since: Timestamp)
        case settled(at: Timestamp)
        case rolledBack(at: Timestamp, cause: RollbackCause)
    }

    /// What moves a release.
    package enum Move: Equatable, Sendable {
        case refused([GateReport])
        case entered(step: Int)
        case held(Hold)
        /// A person has overridden what would hold it, or guards that say nothing.
        case waived(Set<HoldCause>)
        /// Units are tossed anew, for the evidence of this epoch.
        case epochBegun(Int)
        /// Labels that came late have changed what the judge says.
        case rejudged
        /// The last step has done its time, and the plan leaves what follows to a person.
        case stepsDone(Hold)
        case resumed
        case promoted
        case settled
        case rolledBack(RollbackCause)
    }

    /// Why a release stands still at its share.
    package struct Hold: Hashable, Codable, Sendable {
        package let by: Actor
        package let why: String?
        package let since: Timestamp
        /// What made the judge hold it; nil for a person, and in ledgers of 0.1.
        package let cause: HoldCause?
        /// What would have made it, too, at that moment.
        package let others: [HoldCause]

        package init(
            by: Actor,
            why: String?,
            since: Timestamp,
            cause: HoldCause? = nil,
            others: [HoldCause] = []
        ) {
            self.by = by
            self.why = why
            self.since = since
            self.cause = cause
            self.others = others
        }

        /// What is overridden by resuming the release.
        var waives: [HoldCause] { cause.map { [$0] + others } ?? [] }
    }

    package let id: ReleaseID
    package let proposal: Proposal
    package let proposedBy: Actor
    package let proposedAt: Timestamp
    package let reason: String?
    package private(set) var phase: Phase = .gating
    /// Overlays any phase that has not ended.
    package private(set) var hold: Hold?
    /// A person resumed it after a guard had held it, when ledgers did not say which: none holds it again.
    package private(set) var holdWaived = false
    /// What a person has overridden: it neither holds the release nor keeps it from going on.
    package private(set) var waived: Set<HoldCause> = []
    /// When its first step began; nil while its gates run, and without steps.
    package private(set) var startedAt: Timestamp?
    /// Counts the times that units have been tossed anew.
    package private(set) var evidenceEpoch = 0
    /// When the units were tossed last.
    package private(set) var epochBegan: Timestamp?
    /// Its end has been judged again by labels that came late.
    package private(set) var isRejudged = false
    /// Held since its last step has done its time: to resume it is to promote it.
    package private(set) var awaitsPerson = false

    package init(proposal: Proposal, by actor: Actor, at time: Timestamp, reason: String?) {
        self.id = proposal.release
        self.proposal = proposal
        self.proposedBy = actor
        self.proposedAt = time
        self.reason = reason
    }

    package var plan: Plan { proposal.policy.plan }

    package var hasEnded: Bool {
        switch phase {
        case .gating, .shadow, .canary, .watching: false
        case .refused, .settled, .rolledBack: true
        }
    }

    /// Whether the promoted candidate is watched beside its predecessor, which keeps some of the requests.
    package var holdsBack: Bool { phase.isWatching && plan.holdback > .none && proposal.stable != nil }

    /// Whether units are to be tossed anew.
    ///
    /// Sticky units give evidence once, so without new coins a long release would run dry. A held release
    /// keeps its units where they are, and where each request is tossed there is nothing to renew.
    package func isEpochOver(at now: Timestamp) -> Bool {
        guard hold == nil, proposal.policy.serving.unit != .request, let epochBegan else { return false }
        guard share > .none, share < .all else { return false }
        return now.since(epochBegan) >= .milliseconds(Plan.evidenceEpochMilliseconds)
    }

    /// The salt that tosses units now.
    package var salt: Salt { proposal.salt.inEvidenceEpoch(evidenceEpoch) }

    /// The part of requests that the candidate answers.
    ///
    /// A held release keeps its share, but one that has spent its exposure gets nothing until a person goes
    /// on.
    package var share: Share {
        switch phase {
        case .canary where hold?.cause == .exposure: .none
        case .canary(let step, _): plan.steps[step].share
        case .watching: holdsBack ? plan.holdback.rest : .all
        case .settled: .all
        case .gating, .refused, .shadow, .rolledBack: .none
        }
    }

    /// The part of requests of which the candidate gets a copy.
    package var shadowShare: Share {
        if case .shadow(let step, _) = phase { plan.steps[step].share } else { .none }
    }

    /// Moves to the phase that `move` leads to.
    ///
    /// - Throws: ``IllegalMove`` when the move cannot follow; the release is then unchanged. During replay
    ///   this means that the ledger was written by other rules.
    package mutating func apply(_ move: Move, at time: Timestamp) throws(IllegalMove) {
        switch move {
        case .refused(let gates) where phase == .gating: phase = .refused(at: time, gates: gates)
        case .entered(let step) where step == nextStep && plan.steps.indices.contains(step):
            phase =
                switch plan.steps[step].kind {
                case .shadow: .shadow(step: step, since: time)
                case .canary: .canary(step: step, since: time)
                }
            startedAt = startedAt ?? time
            epochBegan = epochBegan ?? time
        case .epochBegun(let epoch) where epoch == evidenceEpoch + 1 && !hasEnded && phase != .gating:
            evidenceEpoch = epoch
            epochBegan = time
        case .waived(let causes) where !hasEnded: waived.formUnion(causes)
        case .rejudged where hasEnded && !isRejudged: isRejudged = true
        case .promoted where nextStep != nil: phase = .watching(since: time)
        case .settled where phase.isWatching: phase = .settled(at: time)
        case .rolledBack(let cause) where !hasEnded: phase = .rolledBack(at: time, cause: cause)
        case .held(let new) where !hasEnded && hold == nil: hold = new
        // Whoever held it, what is spent is spent.
        case .held(let new) where !hasEnded && new.cause == .exposure && hold?.cause != .exposure: hold = new
        case .stepsDone(let new) where !plan.steps.isEmpty && nextStep == plan.steps.count && hold == nil:
            hold = new
            awaitsPerson = true
        case .resumed where hold != nil:
            if hold?.by == .belay, hold?.cause == nil { holdWaived = true }
            // It got no requests, so its step begins now, and so does the patience with what is not seen.
            if hold?.cause == .exposure, case .canary(let step, _) = phase {
                phase = .canary(step: step, since: time)
            }
            hold = nil
            awaitsPerson = false
        default: throw IllegalMove(phase: phase, move: move)
        }
        if hasEnded || move == .promoted {
            hold = nil
            awaitsPerson = false
        }
    }

    /// The index of the step that may follow, one past the last included; nil when no step may.
    private var nextStep: Int? { phase == .gating ? 0 : phase.step.map { $0 + 1 } }
}

extension Release.Phase {
    /// The index of the step that it is in.
    package var step: Int? {
        switch self {
        case .shadow(let step, _), .canary(let step, _): step
        case .gating, .refused, .watching, .settled, .rolledBack: nil
        }
    }

    package var isWatching: Bool {
        if case .watching = self { true } else { false }
    }
}

/// A move that the phase does not allow.
package struct IllegalMove: Error, Equatable, Sendable {
    package let phase: Release.Phase
    package let move: Release.Move
}
