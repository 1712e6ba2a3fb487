import BelayCore
import Foundation

/// Keeps a second server from writing the same store.
///
/// SQLite alone would let two processes take turns, but before 3.51.3 it can damage a write-ahead log that
/// two connections reset. The lock is on a file of its own, because closing any descriptor of the database
/// file would drop SQLite's locks on it; the system releases it when the process dies, however it dies.
final class FileLock: Sendable {
    private let descriptor: Int32

    init(path: String, for store: String) throws(StoreError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .unavailable(path: store, reason: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .busy(path: store)
        }
    }

    /// Lets the next one in; the object itself may live on.
    func release() { flock(descriptor, LOCK_UN) }

    deinit { close(descriptor) }
}
