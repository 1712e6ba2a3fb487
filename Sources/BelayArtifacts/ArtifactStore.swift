package import BelayCore

/// Files by the SHA-256 of their bytes: immutable, complete or absent, verified whenever they are read.
///
/// An implementation must satisfy `ArtifactStoreContract` (in the tests); prose here is only its summary.
package protocol ArtifactStore: Sendable {
    /// Stores what `chunks` yields under the name `digest`.
    ///
    /// Nothing is visible before everything is: on any error the store is as it was. Bytes that are already
    /// stored intact are not written again, only checked; a damaged copy is replaced by the good bytes.
    ///
    /// - Parameters:
    ///   - digest: What the bytes must hash to.
    ///   - limit: The most bytes to accept.
    ///   - chunks: The bytes in order; read to its end unless an error comes first.
    /// - Returns: The size in bytes.
    /// - Throws: An ``ArtifactError``, or whatever `chunks` threw, unchanged.
    @discardableResult
    func put(
        _ digest: Digest,
        limit: Int64,
        chunks: some AsyncSequence<[UInt8], any Error> & Sendable
    ) async throws -> Int64

    /// The size in bytes of what is stored under `digest`; nil when nothing is.
    ///
    /// Does not read the bytes. What was read and found damaged counts as nothing, so that it is sent again;
    /// ``read(_:)`` still opens it.
    func contains(_ digest: Digest) throws(ArtifactError) -> Int64?

    /// Opens the stored bytes for one verified pass.
    ///
    /// - Throws: ``ArtifactError/missing(_:)`` when nothing is stored under `digest`.
    func read(_ digest: Digest) throws(ArtifactError) -> ArtifactReader
}

extension ArtifactStore {
    /// All bytes of one artifact, verified; for small files such as manifests and example requests.
    ///
    /// - Throws: ``ArtifactError/tooLarge(limit:)`` above `limit` bytes.
    package func bytes(of digest: Digest, limit: Int64) throws(ArtifactError) -> [UInt8] {
        let reader = try read(digest)
        guard reader.size <= limit else { throw .tooLarge(limit: limit) }
        var all: [UInt8] = []
        while let chunk = try reader.next() { all += chunk }
        return all
    }
}
