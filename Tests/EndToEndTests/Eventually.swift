/// What was waited for did not come.
struct NeverHappened: Error, CustomStringConvertible {
    let what: String

    var description: String { "it never happened that \(what)" }
}

/// Asks again until there is an answer.
///
/// The number of questions is bounded, so that a test can fail but not hang.
/// The only place in these tests that lets time pass: the program under test is a foreign process, and one
/// cannot await that another process exits, opens its ports or takes its next step; one can only look again.
///
/// - Throws: ``NeverHappened``, or whatever asking throws.
func eventually<Value>(
    _ what: String,
    attempts: Int = 4000,
    clock: some Clock<Duration> = ContinuousClock(),
    _ ask: () async throws -> Value?
) async throws -> Value {
    for _ in 0..<attempts {
        if let value = try await ask() { return value }
        try await clock.sleep(for: .milliseconds(5))
    }
    throw NeverHappened(what: what)
}
