import Glibc

/// An open descriptor that closes itself.
///
/// Links are never followed at the last component, and what is read must be a regular file.
final class OpenFile {
    /// How many bytes one read asks for.
    static let chunkSize = 256 * 1024

    let path: String
    private let descriptor: Int32

    /// Opens a regular file for reading; with `followingLinks` the path itself may be a link to one.
    init(reading path: String, followingLinks: Bool) throws(ArtifactError) {
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followingLinks ? 0 : O_NOFOLLOW)
        self.path = path
        self.descriptor = open(path, flags)
        guard descriptor >= 0 else {
            switch errno {
            case ENOENT: throw .unacceptable(path: path, why: .notFound)
            case ELOOP: throw .linkedFile(path: path)
            default: throw FileSystem.failure("open", path, errno)
            }
        }
        guard try status().kind == .file else { throw .unacceptable(path: path, why: .notRegular) }
    }

    /// Creates a file that did not exist, for writing.
    init(creating path: String) throws(ArtifactError) {
        self.path = path
        self.descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileSystem.failure("create", path, errno) }
    }

    /// Opens a folder, in order to synchronise it.
    init(folder path: String) throws(ArtifactError) {
        self.path = path
        self.descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSystem.failure("open the folder", path, errno) }
    }

    /// Takes over a descriptor that is open already.
    init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func status() throws(ArtifactError) -> FileSystem.Status {
        var raw = stat()
        guard fstat(descriptor, &raw) == 0 else { throw FileSystem.failure("look at", path, errno) }
        return FileSystem.Status(raw)
    }

    /// The next bytes, at most ``chunkSize``; empty at the end.
    func read() throws(ArtifactError) -> [UInt8] { try read(atMost: Self.chunkSize) }

    /// The next bytes, at most `most` and ``chunkSize``; empty at the end.
    func read(atMost most: Int) throws(ArtifactError) -> [UInt8] {
        var code: Int32 = 0
        let capacity = min(most, Self.chunkSize)
        let chunk = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            // The array may have room for more than was asked for.
            var got = Glibc.read(descriptor, buffer.baseAddress, capacity)
            while got < 0, errno == EINTR { got = Glibc.read(descriptor, buffer.baseAddress, capacity) }
            if got < 0 { code = errno }
            count = max(0, got)
        }
        guard code == 0 else { throw FileSystem.failure("read", path, code) }
        return chunk
    }

    func write(_ bytes: [UInt8]) throws(ArtifactError) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { all in
                let rest = UnsafeRawBufferPointer(rebasing: all[offset...])
                return Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            guard count >= 0 || errno == EINTR else { throw FileSystem.failure("write", path, errno) }
            offset += max(0, count)
        }
    }

    /// Takes every write permission away, also the owner's.
    func makeReadOnly() throws(ArtifactError) {
        guard fchmod(descriptor, 0o444) == 0 else { throw FileSystem.failure("protect", path, errno) }
    }

    /// Makes the content durable.
    ///
    /// Never retried: after a failure the kernel may have dropped the pages, and a second call would succeed.
    func sync() throws(ArtifactError) {
        guard fsync(descriptor) == 0 else { throw FileSystem.failure("make durable", path, errno) }
    }
}
