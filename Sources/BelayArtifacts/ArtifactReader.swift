package import BelayCore

/// One verified pass over the bytes of an artifact, from first to last.
///
/// The verdict comes with the end: only after ``next()`` has returned nil is it certain that every chunk was
/// genuine. Whoever acts on a part earlier must be able to take that back.
package final class ArtifactReader {
    package let digest: Digest
    /// In bytes, as stored when the pass began.
    package let size: Int64

    private let source: () throws(ArtifactError) -> [UInt8]
    private let foundCorrupt: () -> Void
    private var hasher = StreamHasher()
    private var isDone = false

    /// - Parameters:
    ///   - digest: What the bytes must hash to.
    ///   - size: How many bytes are stored.
    ///   - source: Yields the next bytes at every call; empty at the end.
    ///   - foundCorrupt: Called when the bytes turn out to be others.
    init(
        digest: Digest,
        size: Int64,
        source: @escaping () throws(ArtifactError) -> [UInt8],
        foundCorrupt: @escaping () -> Void
    ) {
        self.digest = digest
        self.size = size
        self.source = source
        self.foundCorrupt = foundCorrupt
    }

    /// The next bytes; nil once all were read and found genuine.
    ///
    /// - Throws: ``ArtifactError/corrupt(_:)`` at the end, when the bytes hash to something else.
    package func next() throws(ArtifactError) -> [UInt8]? {
        guard !isDone else { return nil }
        let chunk = try source()
        guard chunk.isEmpty else {
            hasher.update(chunk)
            return chunk
        }
        isDone = true
        guard hasher.finish() == digest else {
            foundCorrupt()
            throw .corrupt(digest)
        }
        return nil
    }
}
