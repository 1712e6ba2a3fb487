/// What somebody has seen of an endpoint before they act on it: when that has changed meanwhile, they do not
/// mean it any more.
package struct Expectation: Hashable, Sendable {
    package let endpoint: EndpointID
    /// The newest changes that will do; see ``Endpoint/lastChange``.
    package let lastChanges: Set<Int>

    package init(_ endpoint: EndpointID, lastChanges: Set<Int>) {
        self.endpoint = endpoint
        self.lastChanges = lastChanges
    }

    /// - Throws: ``Refusal/changedMeanwhile(_:by:)``.
    package func check(in state: State) throws(Refusal) {
        let change = state.lastChange(of: endpoint)
        guard lastChanges.contains(change) else { throw .changedMeanwhile(endpoint, by: change) }
    }
}

extension State {
    /// The sequence of the newest entry that changed what an endpoint serves, tries, or would do next; 0
    /// before the first.
    package func lastChange(of endpoint: EndpointID) -> Int { endpoints[endpoint]?.lastChange ?? 0 }

    /// The endpoint whose plans differ after the event.
    ///
    /// What only completes something, or is of interest to the judge alone, changes nobody's mind.
    func replanned(by event: Event) -> [EndpointID] {
        switch event {
        case .release(let event): replanned(by: event).map { [$0] } ?? []
        case .safety(.quarantined(let quarantine)):
            endpoints.keys.filter { $0.model == quarantine.version.model }
        case .safety(.cleared(let version)): endpoints.keys.filter { $0.model == version.model }
        case .safety(.automaticAllowed(let id)), .safety(.policyChanged(let id, _)): [id]
        case .registry, .operation: []
        }
    }

    private func replanned(by event: ReleaseEvent) -> EndpointID? {
        switch event {
        case .proposed(let proposal): proposal.endpoint
        case .rolledBack(let rollback): rollback.endpoint
        case .shadowChanged(let change): change.endpoint
        case .gatesPassed(let result), .refused(let result): endpoint(of: result.release)
        case .stepEntered(let step): endpoint(of: step.release)
        case .held(let hold): endpoint(of: hold.release)
        case .waived(let waiver): endpoint(of: waiver.release)
        case .stepsDone(let done): endpoint(of: done.release)
        case .promoted(let promotion): endpoint(of: promotion.release)
        case .resumed(let id), .settled(let id): endpoint(of: id)
        case .epochBegun, .rejudged, .fenceCompleted: nil
        }
    }

    private func endpoint(of release: ReleaseID) -> EndpointID? { releases[release]?.proposal.endpoint }
}
