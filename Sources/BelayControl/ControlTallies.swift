package import BelayCore

/// What control has done since the process started, for those who plot it.
package struct ControlTallies: Equatable, Sendable {
    /// What a rollback was for.
    package struct Trigger: Hashable, Sendable {
        package let endpoint: EndpointID
        /// `request`, or `guard:` and its name.
        package let cause: String

        package init(endpoint: EndpointID, cause: String) {
            self.endpoint = endpoint
            self.cause = cause
        }
    }

    package private(set) var rollbacks: [Trigger: Int] = [:]
    /// How long rollbacks that someone asked for took, from the request to the receipt.
    package private(set) var took: [EndpointID: LatencyHistogram] = [:]

    package init() {}

    mutating func count(_ event: Event) {
        guard case .release(.rolledBack(let rollback)) = event else { return }
        rollbacks[Trigger(endpoint: rollback.endpoint, cause: rollback.cause.label), default: 0] += 1
    }

    mutating func rollbackTook(_ duration: Duration, at endpoint: EndpointID) {
        took[endpoint, default: LatencyHistogram()].add(microseconds: Int(clamping: duration.microseconds))
    }
}

extension Duration {
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        return overflow ? .max : product + attoseconds / 1_000_000_000_000
    }
}
