import BelayCore

extension InferenceCall {
    /// What would become of the request under `next`, if that takes it from the version that it asks.
    func fate(under next: Snapshot) -> Rerouting {
        let route = next.model(model.text)?.route
        guard let attempt = exchange?.attempt, !attempt.isDraining,
            !(route?.answers(with: attempt.version) ?? false),
            // A copy, for nothing has happened yet.
            var machine = exchange
        else { return .undisturbed }
        let step = machine.apply(.rerouted, route: route, mayRetry: { false })
        return Rerouting(step.action) ?? .undisturbed
    }

    enum Rerouting {
        case undisturbed
        /// Another version answers, or the policy does.
        case replayed
        /// It is refused.
        case cutOff
        /// Its version is withdrawn and may finish.
        case draining

        /// Nil when the machine waits on.
        init?(_ action: Exchange.Action) {
            switch action {
            case .wait: return nil
            case .run, .answer, .answerFixed: self = .replayed
            case .reject: self = .cutOff
            }
        }
    }
}
