/// A file that is stored already, held against the bytes that arrive, as they arrive.
///
/// Reading it through beforehand would keep a client waiting with its body, and a thread busy, for as long as
/// a large file takes.
struct StoredCopy {
    let path: String
    private let file: OpenFile
    /// In bytes, when it was opened.
    private let size: Int64
    /// How many bytes from its beginning are those that arrived.
    private(set) var agreed: Int64 = 0

    /// Nil when there is none, or none that can be opened: writing the good bytes is the cure for that.
    init?(path: String) {
        guard let file = try? OpenFile(reading: path, followingLinks: false),
            let status = try? file.status()
        else { return nil }
        self.path = path
        self.file = file
        self.size = status.size
    }

    /// Whether it ends where the bytes that arrived end.
    var isWhole: Bool { agreed == size }

    /// Whether its next bytes are these; after a false it is of no use but for those before.
    mutating func continues(with chunk: [UInt8]) -> Bool {
        var rest = chunk[...]
        while !rest.isEmpty {
            // A file that ends or cannot be read is as damaged as one with other bytes.
            guard let read = try? file.read(atMost: rest.count), !read.isEmpty,
                rest.starts(with: read)
            else { return false }
            rest = rest.dropFirst(read.count)
        }
        agreed += Int64(chunk.count)
        return true
    }
}
