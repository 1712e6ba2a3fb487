import Foundation
import Glibc

/// A page of memory that is a file: what is stored in it belongs to the kernel, and outlives the process.
///
/// On a disk a store may wait as long as the disk does: the kernel writes the page out now and then, and the
/// next store has to ask the file system for it again. In a file system that is memory it never waits.
struct MappedPage: ~Copyable {
    static let bytes = 4096

    let path: String
    let words: UnsafeMutablePointer<UInt64>
    /// Kept open for its lock.
    private let file: Int32

    enum Opening {
        /// Makes the file when it is missing.
        case any
        /// Fails when it is there.
        case new
        /// Fails when it is missing, somebody else's, or some living process's.
        case left
        /// Fails when it is missing or somebody else's; only to look at it.
        case seen
    }

    init(path: String, _ opening: Opening) throws(InferenceLogError) {
        let flags: Int32
        switch opening {
        case .any: flags = O_CREAT
        case .new: flags = O_CREAT | O_EXCL | O_NOFOLLOW
        case .left, .seen: flags = O_NOFOLLOW | O_NONBLOCK
        }
        let file = Glibc.open(path, O_RDWR | O_CLOEXEC | flags, opening == .any ? 0o644 : 0o600)
        guard file >= 0 else { throw .unavailable(path: path, reason: String(cString: strerror(errno))) }
        var isKept = false
        defer { if !isKept { close(file) } }
        if opening == .new || opening == .left, flock(file, LOCK_EX | LOCK_NB) != 0 {
            throw .unavailable(path: path, reason: "another process counts in it")
        }
        if opening == .left || opening == .seen, !Self.isOwn(file) {
            throw .unavailable(path: path, reason: "it is not this user's page")
        }
        // Space is taken now, because a store into a page for which there is none would end the process.
        guard posix_fallocate(file, 0, off_t(Self.bytes)) == 0 else { throw .storageFull(path: path) }
        guard let memory = mmap(nil, Self.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
            memory != MAP_FAILED
        else { throw .unavailable(path: path, reason: String(cString: strerror(errno))) }
        isKept = true
        self.path = path
        self.file = file
        words = memory.assumingMemoryBound(to: UInt64.self)
    }

    deinit {
        munmap(words, Self.bytes)
        close(file)
    }

    /// A folder for everybody's files may hold what somebody else put there.
    private static func isOwn(_ file: Int32) -> Bool {
        var status = stat()
        return fstat(file, &status) == 0 && status.st_uid == geteuid() && status.st_nlink == 1
            && status.st_mode & S_IFMT == S_IFREG && status.st_size == bytes
    }

    /// Returns once the page is on the disk.
    borrowing func synchronise() { msync(words, Self.bytes, MS_SYNC) }
}
