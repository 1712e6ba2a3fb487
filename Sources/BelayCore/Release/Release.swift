/// One candidate's try to become stable.
///
/// A fold over its recorded events: it reads no clock and starts nothing. Each phase carries exactly what
/// that phase knows; the share is computed from it and never stored.
package struct Release: Equatable, Sendable {
    package enum Phase: Equatable, Sendable {
        /// The gates are running; no request reaches the candidate.
        case gating
        case refused(at: Timestamp, gates: [GateReport])
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
        case .gating, .canary, .watching: false
        case .refused, .settled, .rolledBack: true
        }
    }

    /// The part of requests the candidate is entitled to; a held release keeps its share.
    package var share: Share {
        switch phase {
        case .canary(let step, _): plan.steps[step].share
        case .watching, .settled: .all
        case .gating, .refused, .rolledBack: .none
        }
    }

    /// Moves to the phase that `move` leads to.
    ///
    /// - Throws: ``IllegalMove`` when the move cannot follow; the release is then unchanged. During replay
    ///   this means that the ledger was written by other rules.
    package mutating func apply(_ move: Move, at time: Timestamp) throws(IllegalMove) {
        switch (phase, move) {
        case (.gating, .refused(let gates)):
            phase = .refused(at: time, gates: gates)
        case (.gating, .entered(step: 0)) where !plan.steps.isEmpty:
            phase = .canary(step: 0, since: time)
        case (.canary(let step, _), .entered(let next)) where next == step + 1 && next < plan.steps.count:
            phase = .canary(step: next, since: time)
        case (.gating, .promoted), (.canary, .promoted):
            phase = .watching(since: time)
        case (.watching, .settled):
            phase = .settled(at: time)
        case (.gating, .held(let new)), (.canary, .held(let new)), (.watching, .held(let new)):
            guard hold == nil else { throw IllegalMove(phase: phase, move: move) }
            hold = new
            return
        case (.gating, .resumed), (.canary, .resumed), (.watching, .resumed):
            guard let ended = hold else { throw IllegalMove(phase: phase, move: move) }
            if ended.by == .belay { holdWaived = true }
            hold = nil
            return
        case (.gating, .rolledBack(let cause)), (.canary, .rolledBack(let cause)),
            (.watching, .rolledBack(let cause)):
            phase = .rolledBack(at: time, cause: cause)
        default:
            throw IllegalMove(phase: phase, move: move)
        }
        if hasEnded || move == .promoted { hold = nil }
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

    package init(
        release: ReleaseID,
        endpoint: EndpointID,
        candidate: VersionNumber,
        stable: VersionNumber?,
        policy: Policy,
        salt: Salt
    ) {
        self.release = release
        self.endpoint = endpoint
        self.candidate = candidate
        self.stable = stable
        self.policy = policy
        self.salt = salt
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
