import Foundation
import Glibc

/// Disk space that is kept free for removing answers: a file full of nothing, beside the segments.
///
/// What is removed is written down first, which takes a few pages; a log that has filled the disk could never
/// be made shorter otherwise.
struct LogReserve {
    static let bytes = 4 << 20
    /// It is made up again only while so many times of it are free.
    private static let plenty: Int64 = 4

    /// Of the file; it need not exist.
    let path: String

    /// Gives the space back to the disk; false when there was none.
    func spend() -> Bool { unlink(path) == 0 }

    /// Bytes that this process may still write beside a file; none when the system does not tell.
    static func free(beside path: String) -> Int64 {
        var disk = statvfs()
        guard statvfs(URL(fileURLWithPath: path).deletingLastPathComponent().path, &disk) == 0 else {
            return 0
        }
        let (bytes, overflow) = UInt64(disk.f_bavail).multipliedReportingOverflow(by: UInt64(disk.f_frsize))
        return overflow ? .max : Int64(clamping: bytes)
    }

    /// Takes the space again, if there is plenty.
    func fill() {
        var status = stat()
        guard stat(path, &status) != 0 || status.st_size < Self.bytes,
            Self.free(beside: path) >= Self.plenty * Int64(Self.bytes)
        else { return }
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        // Less than that is a reserve, too.
        _ = posix_fallocate(file, 0, off_t(Self.bytes))
    }
}
