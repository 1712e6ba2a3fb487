/// A file's place inside a version: relative, forward slashes, never upwards.
///
/// At most 512 bytes and 16 components of at most 255 bytes; no component is empty, `.`, `..`, starts with a
/// combining mark or holds a control character, a backslash or a colon. Nothing a client sends can therefore
/// name a place outside a version's folder.
package struct RelativePath: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let text: String

    /// Returns nil when `text` is not a legal path.
    package init?(_ text: String) {
        // The system looks for the byte `/`, Swift for a character: where a combining mark follows the slash,
        // only the system sees it. A path is legal where both see the same components.
        let slashes = text.utf8.count { $0 == UInt8(ascii: "/") }
        guard text.utf8.count <= 512, slashes < 16 else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == slashes + 1,
            parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 255 }),
            text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "\\") && $0 != 0x3a })
        else { return nil }
        self.text = text
    }

    package var description: String { text }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.text < rhs.text }
}

extension RelativePath: TextCoded {}

/// The files of one version, sorted by path; its canonical bytes are what the version's digest covers.
package struct Manifest: Hashable, Sendable {
    package struct File: Hashable, Codable, Sendable {
        package let path: RelativePath
        /// In bytes.
        package let size: Int64
        package let digest: Digest

        package init(path: RelativePath, size: Int64, digest: Digest) {
            self.path = path
            self.size = size
            self.digest = digest
        }
    }

    package static let mostFiles = 10_000

    package let files: [File]

    /// Returns nil when there is no file or more than ``mostFiles``, a size is negative, a path stands twice,
    /// or a path is also the folder of another.
    package init?(files: [File]) {
        guard (1...Self.mostFiles).contains(files.count), files.allSatisfy({ $0.size >= 0 }) else {
            return nil
        }
        let paths = Set(files.map(\.path.text))
        guard paths.count == files.count else { return nil }
        for path in paths {
            var parts = path.split(separator: "/").dropLast()
            while !parts.isEmpty {
                guard !paths.contains(parts.joined(separator: "/")) else { return nil }
                parts.removeLast()
            }
        }
        self.files = files.sorted { $0.path < $1.path }
    }

    /// One line a file: `<64 hex digits> <size> <path>\n`.
    ///
    /// Paths cannot hold a line break, so the form is
    /// unambiguous, and `sha256sum` can repeat it.
    package var canonicalBytes: [UInt8] {
        Array(files.map { "\($0.digest.hex) \($0.size) \($0.path)\n" }.joined().utf8)
    }

    package var totalSize: Int64 {
        files.reduce(0) { sum, file in
            let (total, overflow) = sum.addingReportingOverflow(file.size)
            return overflow ? .max : total
        }
    }
}

extension Manifest: Codable {
    package init(from decoder: any Decoder) throws {
        let files = try [File](from: decoder)
        guard let manifest = Manifest(files: files) else {
            let context = DecodingError.Context(
                codingPath: decoder.codingPath,
                debugDescription: "the files do not form a manifest"
            )
            throw DecodingError.dataCorrupted(context)
        }
        self = manifest
    }

    package func encode(to encoder: any Encoder) throws { try files.encode(to: encoder) }
}
