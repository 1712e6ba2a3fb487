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
            heedsBreaker: attempt.role.heedsBreaker(hasMore: routed.hasMore(than: attempt.version)),
            besides: isCandidate ? routed.stableLane : nil,
            waking: cell.wakeSoon
        )
    }

    /// Whether the version that answers in the candidate's place fails as well.
    var isStableTroubled: Bool { current?.stableLane?.breaker.isTroubled(at: cell.now) ?? false }
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
