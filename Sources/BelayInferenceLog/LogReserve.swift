import Foundation
import Glibc

/// Disk space that is kept free for removing answers: a file full of nothing, beside the segments.
///
/// What is removed is written down first, which takes a few pages; a log that has filled the disk could never
/// be made shorter otherwise.
struct LogReserve {
    static let bytes = 4 << 20
    /// It is made up again only while so many times of it are free.
    private static let plenty: UInt64 = 4

    /// Of the file; it need not exist.
    let path: String

    /// Gives the space back to the disk; false when there was none.
    func spend() -> Bool { unlink(path) == 0 }

    /// Takes the space again, if there is plenty.
    func fill() {
        var status = stat()
        var disk = statvfs()
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard stat(path, &status) != 0 || status.st_size < Self.bytes, statvfs(folder, &disk) == 0,
            UInt64(disk.f_bavail) >= Self.plenty * UInt64(Self.bytes) / max(1, UInt64(disk.f_frsize))
        else { return }
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        // Less than that is a reserve, too.
        _ = posix_fallocate(file, 0, off_t(Self.bytes))
    }
}
