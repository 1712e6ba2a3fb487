import Synchronization

/// A clock that stands still until it is moved: whoever sleeps wakes when its time has come.
final class StepClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration

        func advanced(by duration: Duration) -> Self { Self(offset: offset + duration) }
        func duration(to other: Self) -> Duration { other.offset - offset }
        static func < (lhs: Self, rhs: Self) -> Bool { lhs.offset < rhs.offset }
    }

    private struct Sleeper {
        let deadline: Instant
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct Content {
        var now = Instant(offset: .zero)
        var sleepers: [Int: Sleeper] = [:]
        var tickets = 0
    }

    private let content = Mutex(Content())

    var now: Instant { content.withLock { $0.now } }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let ticket = content.withLock { content in
            content.tickets += 1
            return content.tickets
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<Void, any Error>) in
                content.withLock { content in
                    if Task.isCancelled {
                        continuation.resume(throwing: CancellationError())
                    } else if deadline <= content.now {
                        continuation.resume()
                    } else {
                        content.sleepers[ticket] = Sleeper(deadline: deadline, continuation: continuation)
                    }
                }
            }
        } onCancel: {
            content.withLock { $0.sleepers.removeValue(forKey: ticket) }?.continuation
                .resume(throwing: CancellationError())
        }
    }

    /// Moves time on once somebody sleeps, as many times as `sleepers`.
    func advance(by duration: Duration, pastSleepers sleepers: Int = 1) async {
        while content.withLock({ $0.sleepers.count < sleepers }) { await Task.yield() }
        let due = content.withLock { content in
            content.now = content.now.advanced(by: duration)
            let due = content.sleepers.filter { $0.value.deadline <= content.now }
            for ticket in due.keys { content.sleepers[ticket] = nil }
            return due.values
        }
        for sleeper in due { sleeper.continuation.resume() }
    }
}
