import Foundation
import Synchronization

/// Blocking work on a thread of its own, for which one may wait and need not.
///
/// Reading, hashing and loading a model block for as long as they take. On the few threads that all tasks
/// share, one large model would hold up every rollback. And it may never end: so whoever waits can stop
/// waiting, while the work goes on alone. Its result stays for whoever asks next.
final class Errand<Value: Sendable>: Sendable {
    private struct Content {
        var result: Result<Value, any Error>?
        var waiting: [Int: CheckedContinuation<Value, any Error>] = [:]
        var tickets = 0
    }

    private let content = Mutex(Content())

    init(_ work: @escaping @Sendable () throws -> Value) {
        let thread = Thread { self.finish(Result(catching: work)) }
        thread.stackSize = 8 << 20
        thread.start()
    }

    var isOver: Bool { content.withLock { $0.result != nil } }

    /// Waits for the end of the work, or of the task.
    func value() async throws -> Value {
        let ticket = content.withLock { content in
            content.tickets += 1
            return content.tickets
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result = content.withLock { content -> Result<Value, any Error>? in
                    if let result = content.result { return result }
                    // Whoever cancelled before this found no continuation to resume.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    content.waiting[ticket] = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            content.withLock { $0.waiting.removeValue(forKey: ticket) }?
                .resume(throwing: CancellationError())
        }
    }

    /// Waits no longer than `limit`.
    ///
    /// - Throws: ``Overdue`` then; the work goes on.
    func value(within limit: Duration, by clock: any Clock<Duration>) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await self.value() }
            group.addTask {
                try await clock.sleep(for: limit)
                throw Overdue()
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }

    private func finish(_ result: Result<Value, any Error>) {
        let waiting = content.withLock { content in
            content.result = result
            defer { content.waiting = [:] }
            return content.waiting.values
        }
        for continuation in waiting { continuation.resume(with: result) }
    }
}

/// Runs `work` on a thread of its own and waits for it.
package func onOwnThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws
    -> Value
{
    try await Errand(work).value()
}

/// An errand was not over in time.
struct Overdue: Error {}
