package import BelayCore
import Synchronization

/// Artifacts in a folder: `sha256/ab/cd/<64 hex digits>`, each file read-only and named by its content.
///
/// A file is written under `incoming/`, made durable, and only then renamed to its name; the folders above it
/// are made durable before ``put(_:limit:chunks:)`` returns. Whenever the process dies, either nothing or
/// the whole file is visible; what it left under `incoming/` is removed when the folder is opened next. One
/// process at a time may have the folder open, which the data directory's lock ensures.
package final class DirectoryArtifacts: ArtifactStore {
    /// What has just happened to a file on its way in; a test takes an image of the disk at each.
    enum WriteStep: Equatable, Sendable {
        case created, written, protected, synced, folderMade, renamed, folderSynced
    }

    private let root: String
    private let observe: @Sendable (WriteStep) -> Void
    private let incoming = Atomic<Int>(0)

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
        if isIntact(digest) { return try await check(chunks, digest, limit, into: nil) }
        let number = incoming.add(1, ordering: .relaxed).newValue
        let temporary = "\(root)/incoming/\(number)-\(digest.hex)"
        do {
            let file = try OpenFile(creating: temporary)
            observe(.created)
            let size = try await check(chunks, digest, limit, into: file)
            try publish(file, as: digest)
            return size
        } catch {
            // The first error is the one that matters; what cannot be removed now goes at the next start.
            try? FileSystem.remove(temporary)
            throw error
        }
    }

    package func contains(_ digest: Digest) throws(ArtifactError) -> Int64? {
        guard let status = try FileSystem.status(path(of: digest)) else { return nil }
        return status.kind == .file ? status.size : nil
    }

    package func read(_ digest: Digest) throws(ArtifactError) -> ArtifactReader {
        guard try contains(digest) != nil else { throw .missing(digest) }
        let file = try OpenFile(reading: path(of: digest), followingLinks: false)
        return ArtifactReader(digest: digest, size: try file.status().size) { () throws(ArtifactError) in
            try file.read()
        }
    }

    private func check(
        _ chunks: some AsyncSequence<[UInt8], any Error> & Sendable,
        _ digest: Digest,
        _ limit: Int64,
        into file: OpenFile?
    ) async throws -> Int64 {
        var hasher = StreamHasher()
        for try await chunk in chunks {
            hasher.update(chunk)
            guard hasher.size <= limit else { throw ArtifactError.tooLarge(limit: limit) }
            guard let file else { continue }
            try file.write(chunk)
            observe(.written)
        }
        let found = hasher.finish()
        guard found == digest else { throw ArtifactError.digestMismatch(expected: digest, found: found) }
        return hasher.size
    }

    /// The order is the promise: content durable, then visible, then its name durable.
    private func publish(_ file: OpenFile, as digest: Digest) throws(ArtifactError) {
        try file.makeReadOnly()
        observe(.protected)
        try file.sync()
        observe(.synced)
        let target = path(of: digest)
        let folder = FileSystem.parent(of: target)
        try FileSystem.makeFolder(folder)
        observe(.folderMade)
        try FileSystem.rename(file.path, to: target)
        observe(.renamed)
        // Also the folders above, each time: an earlier process may have died between making and syncing one.
        try FileSystem.syncFolder(folder)
        try FileSystem.syncFolder(FileSystem.parent(of: folder))
        try FileSystem.syncFolder("\(root)/sha256")
        observe(.folderSynced)
    }

    private func isIntact(_ digest: Digest) -> Bool {
        do {
            let reader = try read(digest)
            while try reader.next() != nil {}
            return true
        } catch {
            // Missing, damaged or unreadable: writing the good bytes is the cure for each.
            return false
        }
    }

    private func path(of digest: Digest) -> String {
        let hex = digest.hex
        return "\(root)/sha256/\(hex.prefix(2))/\(hex.dropFirst(2).prefix(2))/\(hex)"
    }
}
