package import BelayCore
import Glibc
import Synchronization

/// Artifacts in a folder: `sha256/ab/cd/<64 hex digits>`, each file read-only and named by its content.
///
/// A file is written under `incoming/`, made durable, and only then renamed to its name; the folders above it
/// are made durable before ``put(_:limit:chunks:)`` returns. Whenever the process dies, either nothing or
/// the whole file is visible; what it left under `incoming/` is removed when the folder is opened next. One
/// process at a time may have the folder open, which the data directory's lock ensures.
///
/// Its calls block their thread for as long as the disk takes, ``put(_:limit:chunks:)`` between its chunks.
package final class DirectoryArtifacts: ArtifactStore {
    /// What has just happened to a file on its way in; a test takes an image of the disk at each.
    enum WriteStep: Equatable, Sendable {
        case created, written, protected, synced, folderMade, renamed, folderSynced
    }

    private let root: String
    private let observe: @Sendable (WriteStep) -> Void
    private let incoming = Atomic<Int>(0)
    /// What was found damaged when it was read, until good bytes have come.
    private let damaged = Mutex<Set<Digest>>([])

    /// Opens the folder, makes it when it is missing, and clears what an interrupted write left behind.
    package convenience init(root: String) throws(ArtifactError) {
        try self.init(root: root, observe: { _ in })
    }

    init(root: String, observe: @escaping @Sendable (WriteStep) -> Void) throws(ArtifactError) {
        self.root = root
        self.observe = observe
        try FileSystem.makeFolder("\(root)/sha256")
        try FileSystem.remove("\(root)/incoming")
        try FileSystem.makeFolder("\(root)/incoming")
    }

    @discardableResult
    package func put(
        _ digest: Digest,
        limit: Int64,
        chunks: some AsyncSequence<[UInt8], any Error> & Sendable
    ) async throws -> Int64 {
        let number = incoming.add(1, ordering: .relaxed).newValue
        let temporary = "\(root)/incoming/\(number)-\(digest.hex)"
        do {
            var stored = StoredCopy(path: path(of: digest))
            var file = stored == nil ? try create(temporary) : nil
            var hasher = StreamHasher()
            for try await chunk in chunks {
                // Where bytes come faster than they are taken, nothing else would let others have the thread.
                await Task.yield()
                hasher.update(chunk)
                guard hasher.size <= limit else { throw ArtifactError.tooLarge(limit: limit) }
                if stored?.continues(with: chunk) == true { continue }
                if let copy = stored.take() { file = try await rewrite(copy, as: temporary) }
                try file?.write(chunk)
                observe(.written)
            }
            let found = hasher.finish()
            guard found == digest else {
                throw ArtifactError.digestMismatch(expected: digest, found: found)
            }
            if let copy = stored.take(), !copy.isWhole { file = try await rewrite(copy, as: temporary) }
            try publish(file, as: digest)
            _ = damaged.withLock { $0.remove(digest) }
            return hasher.size
        } catch {
            // The first error is the one that matters; what cannot be removed now goes at the next start.
            try? FileSystem.remove(temporary)
            throw error
        }
    }

    package func contains(_ digest: Digest) throws(ArtifactError) -> Int64? {
        damaged.withLock { $0.contains(digest) } ? nil : try size(of: digest)
    }

    package func read(_ digest: Digest) throws(ArtifactError) -> ArtifactReader {
        guard try size(of: digest) != nil else { throw .missing(digest) }
        let file = try OpenFile(reading: path(of: digest), followingLinks: false)
        return ArtifactReader(
            digest: digest,
            size: try file.status().size,
            source: { () throws(ArtifactError) in try file.read() },
            foundCorrupt: { self.damaged.withLock { _ = $0.insert(digest) } }
        )
    }

    private func size(of digest: Digest) throws(ArtifactError) -> Int64? {
        guard let status = try FileSystem.status(path(of: digest)) else { return nil }
        return status.kind == .file ? status.size : nil
    }

    private func create(_ path: String) throws(ArtifactError) -> OpenFile {
        let file = try OpenFile(creating: path)
        observe(.created)
        return file
    }

    /// A new file with those bytes of a damaged one that have proved good.
    private func rewrite(_ copy: StoredCopy, as path: String) async throws -> OpenFile {
        let file = try create(path)
        let good = try OpenFile(reading: copy.path, followingLinks: false)
        var rest = copy.agreed
        while rest > 0 {
            let chunk = try good.read(atMost: Int(clamping: rest))
            guard !chunk.isEmpty else { throw FileSystem.failure("read", copy.path, EIO) }
            try file.write(chunk)
            observe(.written)
            rest -= Int64(chunk.count)
            // Others wait for this thread.
            await Task.yield()
        }
        return file
    }

    /// The order is the promise: content durable, then visible, then its name durable.
    ///
    /// Without a file the bytes are there already. Whether their name is durable is not known: who put them
    /// there may have died before it was, or not be there yet.
    private func publish(_ file: OpenFile?, as digest: Digest) throws(ArtifactError) {
        let target = path(of: digest)
        let folder = FileSystem.parent(of: target)
        if let file {
            try file.makeReadOnly()
            observe(.protected)
            try file.sync()
            observe(.synced)
            try FileSystem.makeFolder(folder)
            observe(.folderMade)
            try FileSystem.rename(file.path, to: target)
            observe(.renamed)
        }
        // Also the folders above, each time: an earlier process may have died between making and syncing one.
        try FileSystem.syncFolder(folder)
        try FileSystem.syncFolder(FileSystem.parent(of: folder))
        try FileSystem.syncFolder("\(root)/sha256")
        observe(.folderSynced)
    }

    private func path(of digest: Digest) -> String {
        let hex = digest.hex
        return "\(root)/sha256/\(hex.prefix(2))/\(hex.dropFirst(2).prefix(2))/\(hex)"
    }
}
