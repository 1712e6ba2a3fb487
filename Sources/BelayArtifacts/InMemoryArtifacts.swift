package import BelayCore
import Synchronization

/// Artifacts for tests: the full contract, none of the durability.
package final class InMemoryArtifacts: ArtifactStore {
    private let files = Mutex<[Digest: [UInt8]]>([:])
    private let damaged = Mutex<Set<Digest>>([])

    package init() {}

    @discardableResult
    package func put(
        _ digest: Digest,
        limit: Int64,
        chunks: some AsyncSequence<[UInt8], any Error> & Sendable
    ) async throws -> Int64 {
        var bytes: [UInt8] = []
        for try await chunk in chunks {
            guard Int64(bytes.count) + Int64(chunk.count) <= limit else {
                throw ArtifactError.tooLarge(limit: limit)
            }
            bytes += chunk
        }
        let found = sha256(bytes)
        guard found == digest else { throw ArtifactError.digestMismatch(expected: digest, found: found) }
        files.withLock { $0[digest] = bytes }
        _ = damaged.withLock { $0.remove(digest) }
        return Int64(bytes.count)
    }

    package func contains(_ digest: Digest) -> Int64? {
        guard !damaged.withLock({ $0.contains(digest) }) else { return nil }
        return files.withLock { $0[digest].map { Int64($0.count) } }
    }

    package func read(_ digest: Digest) throws(ArtifactError) -> ArtifactReader {
        guard let bytes = files.withLock({ $0[digest] }) else { throw .missing(digest) }
        var rest = bytes[...]
        return ArtifactReader(
            digest: digest,
            size: Int64(bytes.count),
            source: {
                let chunk = Array(rest.prefix(OpenFile.chunkSize))
                rest = rest.dropFirst(chunk.count)
                return chunk
            },
            foundCorrupt: { self.damaged.withLock { _ = $0.insert(digest) } }
        )
    }

    /// Changes one stored byte, as a failing disk would.
    package func damage(_ digest: Digest) {
        files.withLock { files in
            guard files[digest]?.isEmpty == false else { return }
            files[digest]?[0] ^= 1
        }
    }
}
