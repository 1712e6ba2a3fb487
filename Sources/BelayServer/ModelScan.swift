import BelayArtifacts
package import BelayCore

/// A file on this machine that would become part of a version.
package struct ScannedFile: Equatable, Sendable {
    package let path: RelativePath
    /// Where its bytes are on this machine.
    package let file: String
    package let size: Int64
    package let digest: Digest
}

/// The files that registering `path`, a file or a folder, would take; each is read once for its digest.
///
/// - Throws: An error with an explanation when something in the folder is a link or not a regular file.
package func scanModelFolder(_ path: String) throws -> [ScannedFile] {
    try ModelFolder.scan(path: path).map { file in
        ScannedFile(path: file.path, file: file.location, size: file.size, digest: try file.digest())
    }
}
