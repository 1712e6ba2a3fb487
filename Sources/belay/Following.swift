import BelayCore
import BelayServer

/// Asks for a release again and again until it is where the caller waits for.
struct Following {
    /// How long a server may be away, for instance restarting, before waiting is given up.
    static let patience = Duration.seconds(30)

    let client: Client
    let every: Duration
    /// Nil waits for ever; a person may be needed.
    let timeout: Duration?

    /// `news` is called with each answer, the first and the last included.
    ///
    /// - Throws: ``CommandFailure/timedOut(release:after:last:)``; the release goes on all the same.
    func follow(
        _ first: ReleaseView,
        clock: some Clock<Duration>,
        until isThere: (ReleaseView) -> Bool,
        news: (ReleaseView) throws -> Void
    ) async throws -> ReleaseView {
        let start = clock.now
        var lastAnswer = start
        var view = first
        try news(view)
        while !isThere(view) {
            if let timeout, start.duration(to: clock.now) >= timeout {
                throw CommandFailure.timedOut(release: view.id, after: timeout, last: view.place)
            }
            try await clock.sleep(for: every)
            guard let id = ReleaseID(view.id) else { return view }
            do {
                view = try await client.get(.release(id))
                lastAnswer = clock.now
                try news(view)
            } catch let failure as CommandFailure {
                // A server that was killed comes back and goes on, so its absence alone decides nothing.
                guard case .noAnswer = failure, lastAnswer.duration(to: clock.now) < Self.patience else {
                    throw failure
                }
            }
        }
        return view
    }
}
