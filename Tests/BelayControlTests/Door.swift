import Foundation
import Synchronization

/// A door that a test closes, so that whoever comes waits before it, and opens again.
///
/// It stands where a real world is slow: in a load, in a publication, in a collection.
final class Door: Sendable {
    private struct Content {
        var isClosed = false
        var waiting: [@Sendable () -> Void] = []
        var watchers: [@Sendable () -> Void] = []
    }

    private let content = Mutex(Content())

    func close() { content.withLock { $0.isClosed = true } }

    func open() {
        content.withLock { $0.isClosed = false }
        letThrough()
    }

    /// Lets those through who wait, and nobody who comes later.
    func letThrough() {
        let released = content.withLock { content in
            defer { content.waiting = [] }
            return content.waiting
        }
        for release in released { release() }
    }

    /// Waits while the door is closed.
    func pass() async {
        await withCheckedContinuation { continuation in wait { continuation.resume() } }
    }

    /// Waits while the door is closed, and blocks the thread meanwhile.
    func block() {
        let semaphore = DispatchSemaphore(value: 0)
        wait { semaphore.signal() }
        semaphore.wait()
    }

    /// Returns once somebody waits.
    func arrival() async {
        await withCheckedContinuation { continuation in
            let isSomebodyThere = content.withLock { content in
                if content.waiting.isEmpty { content.watchers.append { continuation.resume() } }
                return !content.waiting.isEmpty
            }
            if isSomebodyThere { continuation.resume() }
        }
    }

    private func wait(_ resume: @escaping @Sendable () -> Void) {
        let due = content.withLock { content -> [@Sendable () -> Void] in
            guard content.isClosed else { return [resume] }
            content.waiting.append(resume)
            defer { content.watchers = [] }
            return content.watchers
        }
        for action in due { action() }
    }
}
