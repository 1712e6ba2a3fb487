import NIOCore

/// Bounds the second tries of one event loop, so that a version that fails does not double everybody's load.
///
/// Pure: every moment comes in. One request in five may be tried again, and ten a second whatever the
/// traffic; what is not used is kept, up to ``most``.
struct RetryBudget: Equatable {
    static let perRequest = 0.2
    static let perSecond = 10.0
    static let most = 100.0

    private var tokens = RetryBudget.perSecond
    private var filled: NIODeadline?

    mutating func noteRequest() { tokens = min(Self.most, tokens + Self.perRequest) }

    /// Takes one if there is one.
    mutating func take(at now: NIODeadline) -> Bool {
        if let filled {
            let seconds = Double((now - filled).nanoseconds) / 1e9
            tokens = min(Self.most, tokens + max(0, seconds) * Self.perSecond)
        }
        filled = now
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
