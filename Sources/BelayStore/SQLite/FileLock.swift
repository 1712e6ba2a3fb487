import BelayCore
import Foundation

/// Keeps a second server from writing the same data directory, and tells it who is there.
///
/// SQLite alone would let two processes take turns, but before 3.51.3 it can damage a write-ahead log that
/// two connections reset. The lock is on a file of its own, because closing any descriptor of the database
/// file would drop SQLite's locks on it; the system releases it when the process dies, however it dies.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// - Throws: ``StoreError/busy(path:holder:)`` with the holder's process number.
    init(path: String, for store: String) throws(StoreError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .unavailable(path: store, reason: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            // The descriptor is closed by deinit, which runs because every property is set.
            throw .busy(path: store, holder: Self.firstNumber(in: descriptor))
        }
        let line = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, line, line.count, 0)
    }

    private static func firstNumber(in descriptor: Int32) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return Int(String(decoding: bytes.prefix(max(0, count)).prefix { $0 > 0x20 }, as: UTF8.self))
    }

    /// Lets the next one in; the object itself may live on.
    func release() { flock(descriptor, LOCK_UN) }

    deinit { close(descriptor) }
}
