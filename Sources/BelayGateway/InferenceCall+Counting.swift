import BelayCore
import NIOCore

// What a request teaches: whom it is charged to, and what is seen in it.
extension InferenceCall {
    func count(_ charge: Charge) {
        if case .bad(.invalidOutput) = charge.verdict { accused = charge.arm }
        guard let assignment = exchange?.assignment, let counting, let cohort else { return }
        let time = (ranUntil ?? moment) - routedAt
        cell.tally.count(
            RequestOutcome(charge: charge, microseconds: time.nanoseconds / 1000, observation: observation),
            of: assignment,
            by: counting,
            in: cohort,
            isHurried: isHurried,
            seen: ports.seen
        )
    }

    /// Counts the never-event when the request is over: what stable cannot answer either is the request's
    /// doing, and no reason to condemn the candidate that was asked first.
    func countInvalidOutput() {
        guard let arm = accused, let assignment = exchange?.assignment, let counting else { return }
        accused = nil
        let isShared = exchange?.hops.contains { $0.role == .stable && $0.isFault } ?? false
        if arm == .candidate, isShared { return }
        cell.tally.countInvalidOutput(on: arm, of: assignment, by: counting)
    }

    /// That a request does not fit is found out by the version of its coin; whoever is asked after another is
    /// asked the same.
    func count(_ rejection: Rejection) {
        guard rejection.isMisfit, exchange?.hops.isEmpty == true, let assignment = exchange?.assignment,
            let counting, let cohort
        else { return }
        cell.tally.countMisfit(
            of: assignment,
            by: counting,
            in: cohort,
            isHurried: isHurried,
            seen: ports.seen
        )
    }

    /// What the first standby says of a request that the version that serves could not answer: whether going
    /// back to it would help.
    func countRescue(_ attempt: Exchange.Attempt, _ outcome: Exchange.Outcome) {
        guard attempt.role == .standby, let counting, case .watch = counting.kind,
            let hops = exchange?.hops, hops.count == 1, hops[0].role == .stable, hops[0].isFault
        else { return }
        let release = counting.epoch.release
        switch outcome {
        case .answered: cell.tally.countRescue(by: attempt.version, hasFailed: false, in: release)
        case .failed(let failure) where failure.wasRun && !failure.isCallers:
            cell.tally.countRescue(by: attempt.version, hasFailed: true, in: release)
        case .failed, .objected: break
        }
    }
}
