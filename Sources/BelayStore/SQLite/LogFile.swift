import Foundation

/// The file of SQLite's write-ahead log.
enum LogFile {
    /// About what it holds between two checkpoints, in bytes.
    static let usual = 4 << 20

    /// Makes it as long as it usually gets.
    ///
    /// A transaction that makes a file grow waits for the file system to note its length and its blocks, too.
    /// What comes behind the last transaction is nothing to SQLite, and where this fails nothing is lost.
    static func lengthen(_ path: String) {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        let zeros = [UInt8](repeating: 0, count: 1 << 16)
        var length = Int(lseek(file, 0, SEEK_END))
        while (0..<usual).contains(length) {
            let written = pwrite(file, zeros, zeros.count, off_t(length))
            guard written > 0 else { return }
            length += written
        }
        fdatasync(file)
    }
}
