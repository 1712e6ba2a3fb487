import Foundation
import Synchronization

/// Disk space that is kept free: a file full of nothing, given back in pieces when something cannot be
/// written otherwise.
package final class Reserve: Sendable {
    private static let cadence = Duration.seconds(10)

    private let path: String
    package let piece: Int
    private let pieces: Int
    private let plenty: Int
    private let tried = Mutex<ContinuousClock.Instant?>(nil)

    /// - Parameters:
    ///   - path: Of the file; it need not exist yet.
    ///   - piece: What is given back at a time, in bytes.
    ///   - pieces: How many of them.
    ///   - plenty: So many times of what is missing must be free before it is made up again.
    package init(path: String, piece: Int, pieces: Int, plenty: Int) {
        self.path = path
        self.piece = piece
        self.pieces = pieces
        self.plenty = plenty
    }

    /// Whether it is time to look whether it is whole.
    package var isDue: Bool {
        tried.withLock { tried in
            let now = ContinuousClock.now
            if let tried, now - tried < Self.cadence { return false }
            tried = now
            return true
        }
    }

    /// Whether the disk is as good as full.
    package var isNeeded: Bool { Self.free(beside: path).map { $0 < Int64(piece) } ?? false }

    /// How many bytes of it are there.
    package var bytes: Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(clamping: status.st_size) : 0
    }

    /// All of it, in bytes.
    package var whole: Int { piece * pieces }

    /// Gives a piece back to the disk; false when nothing is left.
    package func spend() -> Bool {
        let left = bytes
        guard left > 0 else { return false }
        return truncate(path, off_t(max(0, left - piece))) == 0
    }

    /// Opens something; on a disk that is as good as full, again after each piece that is given back.
    ///
    /// On a full disk SQLite cannot even make the files that it needs for reading, and does not always say
    /// that this is why.
    package func lend<Value, Failure: Error>(
        to open: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        while true {
            do throws(Failure) { return try await open() } catch {
                guard isNeeded, spend() else { throw error }
            }
        }
    }

    /// Makes it whole again, if there is plenty of space.
    ///
    /// - Returns: Whether it is whole.
    @discardableResult
    package func fill() -> Bool {
        let found = bytes
        guard found < whole else { return true }
        let free = Self.free(beside: path) ?? 0
        guard free / Int64(plenty) >= Int64(whole - found) else { return false }
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return false }
        defer { close(file) }
        // What it got before the disk was full after all is a reserve, too.
        return posix_fallocate(file, off_t(found), off_t(whole - found)) == 0
    }

    /// Bytes that this process may still write beside a file; nil when the system does not tell.
    package static func free(beside path: String) -> Int64? {
        var disk = statvfs()
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard statvfs(folder, &disk) == 0 else { return nil }
        let (bytes, overflow) = UInt64(disk.f_bavail).multipliedReportingOverflow(by: UInt64(disk.f_frsize))
        return overflow ? .max : Int64(clamping: bytes)
    }
}
