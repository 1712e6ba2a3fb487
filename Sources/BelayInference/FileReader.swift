#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Reads a file by position through a small window.
///
/// Not a mapping: a mapped file that somebody shortens kills the process, a read of it is an error.
struct FileReader: ~Copyable {
    let path: String
    let size: Int
    private let descriptor: Int32
    private var window: [UInt8] = []
    private var windowStart = 0

    /// Opens without following a link at the last component.
    init(path: String) throws(InferenceError) {
        let descriptor = unsafe open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .modelUnreadable(path: path, reason: systemReason())
        }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .modelUnreadable(path: path, reason: "it is not a regular file")
        }
        self.path = path
        self.descriptor = descriptor
        self.size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// The byte at `offset`; nil at and after the end.
    mutating func byte(at offset: Int) throws(InferenceError) -> UInt8? {
        guard 0..<size ~= offset else { return nil }
        if offset < windowStart || offset >= windowStart + window.count {
            try fill(from: offset)
        }
        let index = offset - windowStart
        return index < window.count ? window[index] : nil
    }

    /// The bytes of a range; fewer when the file ends before.
    mutating func bytes(in range: Range<Int>) throws(InferenceError) -> [UInt8] {
        var bytes: [UInt8] = []
        for offset in range {
            guard let byte = try byte(at: offset) else { break }
            bytes.append(byte)
        }
        return bytes
    }

    private mutating func fill(from offset: Int) throws(InferenceError) {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
        }
        guard count >= 0 else { throw .modelUnreadable(path: path, reason: systemReason()) }
        bytes.removeSubrange(count...)
        window = bytes
        windowStart = offset
    }
}

/// What the system says about the call that just failed.
func systemReason() -> String {
    unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
}

/// The first line of a small text file; nil when there is no such file.
func firstLine(ofFile path: String) -> String? {
    guard var reader = try? FileReader(path: path), let bytes = try? reader.bytes(in: 0..<256) else {
        return nil
    }
    return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
}
