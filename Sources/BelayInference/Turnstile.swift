import Synchronization

/// Lets one at a time through, in the order of arrival.
///
/// An actor does not do this by itself: it lets others in at every `await`. Control must not decide between
/// another's deciding and recording, and a gateway publishes one table after the other.
package final class Turnstile: Sendable {
    private struct Queue {
        var isTaken = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let queue = Mutex(Queue())

    package init() {}

    /// Whether somebody is inside, or was a moment ago.
    package var isTaken: Bool { queue.withLock { $0.isTaken } }

    /// How many wait for their turn.
    package var waiting: Int { queue.withLock { $0.waiting.count } }

    package func pass<Value: Sendable>(
        isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> Value
    ) async rethrows -> Value {
        await enter()
        defer { leave() }
        return try await work()
    }

    private func enter() async {
        await withCheckedContinuation { continuation in
            let isFree = queue.withLock { queue in
                if queue.isTaken {
                    queue.waiting.append(continuation)
                    return false
                }
                queue.isTaken = true
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    private func leave() {
        let next = queue.withLock { queue -> CheckedContinuation<Void, Never>? in
            guard !queue.waiting.isEmpty else {
                queue.isTaken = false
                return nil
            }
            return queue.waiting.removeFirst()
        }
        next?.resume()
    }
}
