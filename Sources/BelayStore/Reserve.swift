import Foundation
import Synchronization

/// Disk space that is kept free for rollbacks: a file full of nothing, beside the store.
///
/// When the disk is full, a piece of it is given back each time that a rollback cannot be recorded otherwise.
/// What else is short of space may take what is left of the piece; so there are many.
package final class Reserve: Sendable {
    /// Enough for a few rollbacks, in bytes.
    package static let piece = 1 << 20
    package static let pieces = 16
    /// All of it, in bytes.
    package static let whole = piece * pieces
    /// It is made up again only while so many times of what is missing are free.
    private static let plenty = 2

    private static let cadence = Duration.seconds(10)

    private let path: String
    private let tried = Mutex<ContinuousClock.Instant?>(nil)

    /// - Parameter path: Of the file; it need not exist yet.
    package init(path: String) { self.path = path }

    /// Whether it is time to look whether it is whole.
    var isDue: Bool {
        tried.withLock { tried in
            let now = ContinuousClock.now
            if let tried, now - tried < Self.cadence { return false }
            tried = now
            return true
        }
    }

    /// Whether the disk is as good as full.
    var isNeeded: Bool { Self.free(at: folder).map { $0 < Self.piece } ?? false }

    private var folder: String { URL(fileURLWithPath: path).deletingLastPathComponent().path }

    /// How many bytes of it are there.
    package var bytes: Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(clamping: status.st_size) : 0
    }

    /// Gives a piece back to the disk; false when nothing is left.
    package func spend() -> Bool {
        let left = bytes
        guard left > 0 else { return false }
        return truncate(path, off_t(max(0, left - Self.piece))) == 0
    }

    /// Gives a piece back if the disk is as good as full; false when it is not, or nothing is left.
    ///
    /// On a full disk SQLite cannot even make the files that it needs for reading, and does not always say
    /// that this is why.
    func yields() -> Bool { isNeeded && spend() }

    /// Makes it whole again, if there is plenty of space.
    ///
    /// - Returns: Whether it is whole.
    @discardableResult
    package func fill() -> Bool {
        let found = bytes
        guard found < Self.whole else { return true }
        guard let free = Self.free(at: folder), free / Self.plenty >= Self.whole - found else { return false }
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return false }
        defer { close(file) }
        return posix_fallocate(file, off_t(found), off_t(Self.whole - found)) == 0
    }

    /// Bytes that this process may still write; nil when the system does not tell.
    private static func free(at folder: String) -> Int? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        let blocks = UInt64(status.f_bavail)
        let (bytes, overflow) = blocks.multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? Int.max : Int(clamping: bytes)
    }
}
