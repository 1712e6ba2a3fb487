import BelayCore

extension Exchange.Role {
    /// Whether an open breaker keeps requests from the version that is asked in this role.
    ///
    /// The last of a chain is asked whatever its breaker says; so is a candidate while stable fails as well.
    /// An open breaker fails every request of its version: were the candidate's heeded while stable, with
    /// nobody behind it, is asked all the same, an incident of both would be evidence against one.
    func heedsBreaker(hasMore: Bool, isStableTroubled: Bool) -> Bool {
        switch self {
        case .standby: false
        case .stable: hasMore
        case .candidate: !isStableTroubled
        case .pinned: true
        }
    }
}

extension InferenceCall {
    func heedsBreaker(of attempt: Exchange.Attempt, _ routed: RoutedModel) -> Bool {
        attempt.role.heedsBreaker(
            hasMore: routed.hasMore(than: attempt.version),
            isStableTroubled: attempt.role == .candidate && isStableTroubled(routed)
        )
    }

    func isStableTroubled(_ routed: RoutedModel?) -> Bool {
        guard let routed, let stable = routed.route.stable, let lane = routed.lanes[stable] else {
            return false
        }
        return lane.breaker.isTroubled(at: cell.now)
    }
}
