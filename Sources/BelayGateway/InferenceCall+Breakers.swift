import BelayCore
import NIOCore

extension Exchange.Role {
    /// Whether an open breaker keeps requests from the version that is asked in this role.
    ///
    /// The last of a chain is asked whatever its breaker says.
    func heedsBreaker(hasMore: Bool) -> Bool {
        switch self {
        case .standby: false
        case .stable: hasMore
        case .candidate, .pinned: true
        }
    }
}

extension InferenceCall {
    /// Puts the question into the version's queue; returns why it is refused, nil when it is not.
    func submit(
        _ job: Job,
        to lane: Lane,
        for attempt: Exchange.Attempt,
        _ routed: RoutedModel
    ) -> Exchange.Failure? {
        // The endpoint's patience, not the caller's: a hurried one must not make a version look overloaded.
        let milliseconds = Int64(max(1, routed.route.serving.timeoutMilliseconds))
        let isCandidate = attempt.role == .candidate
        return lane.submit(
            job,
            patience: .milliseconds(isCandidate ? milliseconds / 4 : milliseconds / 2),
            heedsBreaker: heedsBreaker(attempt, routed),
            besides: isCandidate ? routed.stableLane : nil,
            waking: cell.wakeSoon
        )
    }

    /// What serves may be asked as the first standby of a predecessor, and is not the last then.
    private func heedsBreaker(_ attempt: Exchange.Attempt, _ routed: RoutedModel) -> Bool {
        let isPromoted = attempt.role == .standby && attempt.version == routed.route.candidate?.version
        if isPromoted { return routed.hasStandby(besides: attempt.version) }
        return attempt.role.heedsBreaker(hasMore: routed.hasMore(than: attempt.version))
    }

    /// A version that erred, or answered what is no answer: that may be its fault, or the request's.
    struct Doubt {
        let lane: Lane
        let attempt: Exchange.Attempt
        let begun: NIODeadline
    }

    /// Lets the version's circuit breaker know, as far as it is known what the outcome says of the version.
    ///
    /// A request that every version fails on is to blame for that itself: one caller with five of them must
    /// not keep a version from everybody, nor have a release taken back.
    func tell(_ lane: Lane?, of outcome: Exchange.Outcome, _ attempt: Exchange.Attempt) {
        guard let lane else { return }
        switch outcome {
        case .answered: _ = lane.note(.good, at: moment, begun: askedAt)
        case .objected: _ = lane.note(.neither, at: moment, begun: askedAt)
        case .failed(let failure) where failure.isCallers:
            _ = lane.note(.neither, at: moment, begun: askedAt)
        case .failed(.erred), .failed(.invalidOutput):
            // Who names a version is compared with nobody.
            guard attempt.role != .pinned else {
                return _ = lane.note(.neither, at: moment, begun: askedAt)
            }
            doubts.append(Doubt(lane: lane, attempt: attempt, begun: askedAt))
        case .failed(let failure) where failure.wasRun:
            blame(Doubt(lane: lane, attempt: attempt, begun: askedAt))
        case .failed: break
        }
    }

    /// Decides whose fault failures were, once somebody has answered or nobody will.
    func settleDoubts(after outcome: Exchange.Outcome, _ action: Exchange.Action) {
        guard let first = doubts.first else { return }
        let hasOthers = current?.hasStandby(besides: first.attempt.version) ?? false
        switch Fault(of: doubts.count, after: outcome, action, hasOthers: hasOthers) {
        case nil: break
        case .versions: blameDoubted()
        case .requestsOrUnknown: acquitDoubted()
        }
    }

    /// Whose fault it is that versions failed on a request.
    enum Fault: Equatable {
        case versions
        case requestsOrUnknown

        /// Nil while another version is being asked.
        ///
        /// - Parameters:
        ///   - failures: How many versions failed, at least one.
        ///   - outcome: Of the last one that was asked.
        ///   - action: What follows from that.
        ///   - hasOthers: Whether a version could have been asked besides the first that failed: that it was
        ///     not, for want of second tries, proves nothing.
        init?(
            of failures: Int,
            after outcome: Exchange.Outcome,
            _ action: Exchange.Action,
            hasOthers: Bool
        ) {
            switch (action, outcome) {
            case (.wait, _), (.run, _): return nil
            case (.answer, _): self = .versions
            case (.answerFixed, .objected), (.reject, .objected): self = .requestsOrUnknown
            case (.answerFixed, _), (.reject, _):
                self = failures == 1 && !hasOthers ? .versions : .requestsOrUnknown
            }
        }
    }

    func blameDoubted() {
        let doubts = doubts
        self.doubts = []
        for doubt in doubts { blame(doubt) }
    }

    private func acquitDoubted() {
        for doubt in doubts { _ = doubt.lane.note(.badLikeOthers, at: moment, begun: doubt.begun) }
        doubts = []
    }

    private func blame(_ doubt: Doubt) {
        let attempt = doubt.attempt
        guard doubt.lane.note(.bad, at: moment, begun: doubt.begun) == .openedAgain,
            attempt.role == .candidate || attempt.role == .stable,
            let assignment = exchange?.assignment, let counting,
            attempt.role == .stable || !isStableTroubled
        else { return }
        cell.tally.countRelapse(on: attempt.arm, of: assignment, by: counting)
    }

    /// Whether the version that answers in the candidate's place fails as well.
    var isStableTroubled: Bool { current?.stableLane?.breaker.isTroubled(at: moment) ?? false }
}

extension RoutedModel {
    fileprivate var stableLane: Lane? { route.stable.flatMap { lanes[$0] } }
}

extension Lane {
    /// Puts a question into the queue although the breaker is open, if the `other` version fails as well.
    ///
    /// An open breaker fails every request of its version: were the candidate's heeded while stable, with
    /// nobody behind it, is asked all the same, an incident of both would be evidence against one. The other
    /// is looked at only once the breaker has refused, because it is behind another lock.
    func submit(
        _ job: Job,
        patience: TimeAmount,
        heedsBreaker: Bool,
        besides other: Lane?,
        waking: ((Lane) -> Void)? = nil
    ) -> Exchange.Failure? {
        let refusal = submit(job, patience: patience, heedsBreaker: heedsBreaker, waking: waking)
        guard refusal == .tripped, let other, other.breaker.isTroubled(at: job.submitted) else {
            return refusal
        }
        return submit(job, patience: patience, heedsBreaker: false, waking: waking)
    }
}
