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

        package init(by: Actor, why: String?, since: Timestamp) {
            self.by = by
            self.why = why
            self.since = since
        }
    }

    package let id: ReleaseID
    package let proposal: Proposal
    package let proposedBy: Actor
    package let proposedAt: Timestamp
    package let reason: String?
    package private(set) var phase: Phase = .gating
    /// Overlays any phase that has not ended.
    package private(set) var hold: Hold?
    /// A person resumed it after a guard had held it: guards that hold do not hold it again.
    package private(set) var holdWaived = false
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

    /// The part of requests that the candidate answers; a held release keeps its share.
    package var share: Share {
        switch phase {
        case .canary(let step, _): plan.steps[step].share
        case .watching, .settled: .all
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
        case .promoted where nextStep != nil: phase = .watching(since: time)
        case .settled where phase.isWatching: phase = .settled(at: time)
        case .rolledBack(let cause) where !hasEnded: phase = .rolledBack(at: time, cause: cause)
        case .held(let new) where !hasEnded && hold == nil: hold = new
        case .stepsDone(let new) where !plan.steps.isEmpty && nextStep == plan.steps.count && hold == nil:
            hold = new
            awaitsPerson = true
        case .resumed where hold != nil:
            if hold?.by == .belay { holdWaived = true }
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

    fileprivate var isWatching: Bool {
        if case .watching = self { true } else { false }
    }
}

/// A move that the phase does not allow.
package struct IllegalMove: Error, Equatable, Sendable {
    package let phase: Release.Phase
    package let move: Release.Move
}

/// What a release sets out to do, fixed when it is proposed.
package struct Proposal: Hashable, Codable, Sendable {
    package let release: ReleaseID
    package let endpoint: EndpointID
    package let candidate: VersionNumber
    /// The version that served when the release was proposed; nil for a first release.
    package let stable: VersionNumber?
    package let policy: Policy
    /// Decides which units meet the candidate.
    package let salt: Salt
    /// Nil in ledgers of 0.1, and for a first release.
    package let profile: StableProfile?

    package init(
        release: ReleaseID,
        endpoint: EndpointID,
        candidate: VersionNumber,
        stable: VersionNumber?,
        policy: Policy,
        salt: Salt,
        profile: StableProfile? = nil
    ) {
        self.release = release
        self.endpoint = endpoint
        self.candidate = candidate
        self.stable = stable
        self.policy = policy
        self.salt = salt
        self.profile = profile
    }
}

/// Why a version was taken out.
package enum RollbackCause: Hashable, Codable, Sendable {
    /// Someone asked for it.
    case request(by: Actor)
    /// A guard proved harm; `guards` holds every report of that moment, the culprit's among them.
    case breach(of: String, guards: [GuardReport])

    /// `request` or `guard:error_rate`, for tables and machine output.
    package var label: String {
        switch self {
        case .request: "request"
        case .breach(let name, _): "guard:\(name)"
        }
    }
}
