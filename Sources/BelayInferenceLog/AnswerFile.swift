import CFiles
import Foundation
import Glibc
import Synchronization

/// The bytes of a segment's answers, in a file beside its tables.
///
/// A block is written once, at the end, and its row says where it lies; bytes that no row names are nothing.
/// In SQLite each byte of a long answer was moved four times and summed once more: into a page, into the
/// write-ahead log, back, and into the file.
final class AnswerFile: Sendable {
    /// Where a block's bytes lie.
    struct Place: Equatable {
        let start: Int64
        let count: Int

        /// Held at the maximum: a row may say anything.
        var end: Int64 {
            let (end, overflow) = start.addingReportingOverflow(Int64(count))
            return overflow ? .max : end
        }
    }

    private static let zeros = [UInt8](repeating: 0, count: 1 << 16)
    /// So many bytes may be lost to a power cut, about as many as a write-ahead log holds.
    static let mostUnsynced: Int64 = 16 << 20

    private let path: String
    private let descriptor: Int32
    /// How far the file is written and synced; only who has the segment's connection changes it.
    private let reach = Mutex((end: Int64(0), synced: Int64(0)))

    /// Opens the file; a missing one is damage, unless it `isMade`.
    init(path: String, isMade: Bool) throws(InferenceLogError) {
        self.path = path
        self.descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC | (isMade ? O_CREAT : 0), 0o644)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw Self.fault(path) }
            throw .damaged(path: path, reason: "it is missing")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.fault(path) }
        reach.withLock { $0.end = Int64(status.st_size) }
    }

    deinit { Glibc.close(descriptor) }

    /// In bytes on disk; what was freed does not count.
    static func size(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_blocks) * 512 : 0
    }

    /// In bytes, whether the disk has them yet or not; zero when there is no such file.
    static func length(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Where the next block goes.
    var end: Int64 { reach.withLock { $0.end } }

    /// Writes the bytes at `start`, and syncs the file when much is not yet on the disk.
    ///
    /// They count once ``extend(to:)`` says so, after their row is committed.
    ///
    /// - Throws: ``InferenceLogError/storageFull(path:)`` or ``InferenceLogError/unavailable(path:reason:)``;
    ///   a part may have been written.
    func write(_ bytes: [UInt8], at start: Int64) throws(InferenceLogError) -> Place {
        try put(bytes[...], at: start)
        let place = Place(start: start, count: bytes.count)
        if place.end - reach.withLock({ $0.synced }) >= Self.mostUnsynced { try sync(to: place.end) }
        return place
    }

    /// From now on the file ends here.
    func extend(to end: Int64) { reach.withLock { $0.end = end } }

    /// Ends the file where the last row's bytes do: a killed writer may have left bytes without a row.
    func cut(to end: Int64) throws(InferenceLogError) {
        guard ftruncate(descriptor, off_t(end)) == 0 else { throw Self.fault(path) }
        reach.withLock { $0 = (end, min($0.synced, end)) }
    }

    func sync() throws(InferenceLogError) { try sync(to: end) }

    private func sync(to end: Int64) throws(InferenceLogError) {
        guard fdatasync(descriptor) == 0 else { throw Self.fault(path) }
        reach.withLock { $0.synced = max($0.synced, end) }
    }

    /// Nil when the file does not reach so far.
    func read(_ place: Place) throws(InferenceLogError) -> [UInt8]? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.fault(path) }
        guard place.start >= 0, place.count >= 0, place.start <= Int64(status.st_size),
            Int64(place.count) <= Int64(status.st_size) - place.start
        else { return nil }
        let bytes = [UInt8](unsafeUninitializedCapacity: place.count) { buffer, count in
            while count < place.count {
                let rest = UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[count...]
                )
                let read = pread(descriptor, rest.baseAddress, rest.count, off_t(place.start) + off_t(count))
                if read < 0, errno == EINTR { continue }
                guard read > 0 else { return }
                count += read
            }
        }
        return bytes.count == place.count ? bytes : nil
    }

    /// Overwrites the bytes on the disk.
    func wipe(_ places: [Place]) throws(InferenceLogError) {
        for place in places {
            var start = place.start
            let end = min(place.end, end)
            while start < end {
                let part = Self.zeros.prefix(Int(min(end - start, Int64(Self.zeros.count))))
                try put(part, at: start)
                start += Int64(part.count)
            }
        }
        try sync()
    }

    /// Gives the space of these places back, where the file system can; what it does not give back stays.
    ///
    /// Only whole pages of the file system are given back: places that touch are best one place.
    func free(_ places: [Place]) {
        for place in places where place.count > 0 {
            _ = belay_file_free(descriptor, place.start, Int64(place.count))
        }
    }

    private func put(_ bytes: ArraySlice<UInt8>, at start: Int64) throws(InferenceLogError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                pwrite(
                    descriptor,
                    bytes.baseAddress.map { $0 + written },
                    bytes.count - written,
                    off_t(start) + off_t(written)
                )
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.fault(path) }
            written += count
        }
    }

    /// What `errno` says of the call before.
    private static func fault(_ path: String) -> InferenceLogError {
        let number = errno
        guard number != ENOSPC, number != EDQUOT else { return .storageFull(path: path) }
        return .unavailable(path: path, reason: String(cString: strerror(number)))
    }
}
