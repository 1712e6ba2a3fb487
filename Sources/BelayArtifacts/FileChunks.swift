/// The bytes of a file in order, as ``ArtifactStore/put(_:limit:chunks:)`` takes them.
///
/// The file is opened at the first chunk, without following a link; each pass opens it anew.
package struct FileChunks: AsyncSequence, Sendable {
    package typealias Element = [UInt8]
    package typealias Failure = any Error

    private let path: String

    package init(path: String) { self.path = path }

    package func makeAsyncIterator() -> Iterator { Iterator(path: path) }

    package struct Iterator: AsyncIteratorProtocol {
        private let path: String
        private var file: OpenFile?

        init(path: String) { self.path = path }

        package mutating func next() async throws -> [UInt8]? {
            let file = try file ?? OpenFile(reading: path, followingLinks: false)
            self.file = file
            let chunk = try file.read()
            return chunk.isEmpty ? nil : chunk
        }
    }
}
