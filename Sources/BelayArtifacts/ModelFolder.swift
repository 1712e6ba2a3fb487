package import BelayCore

/// Reads what a person wants to register: one file, or a folder with everything in it.
package enum ModelFolder {
    /// A regular file found under the place that was named.
    package struct File: Equatable, Sendable {
        /// Its place inside the version.
        package let path: RelativePath
        /// Where it is now.
        package let location: String
        /// In bytes.
        package let size: Int64
    }

    /// The files at `path`, sorted by their place in the version.
    ///
    /// A file stands for itself under its own name, and a link to one is followed because a person named it.
    /// In a folder everything counts, hidden files too, except `.git` and `.DS_Store`; nothing in it may be a
    /// link or have a second name, since such bytes could change from outside.
    ///
    /// - Parameter path: A file or a folder.
    /// - Returns: At least one file and at most ``Manifest/mostFiles``.
    /// - Throws: ``ArtifactError/linkedFile(path:)`` for links, and
    ///   ``ArtifactError/unacceptable(path:why:)`` with the reason for everything else.
    package static func scan(path: String) throws(ArtifactError) -> [File] {
        guard let status = try FileSystem.target(path) else {
            throw .unacceptable(path: path, why: .notFound)
        }
        switch status.kind {
        case .file:
            let name = path.split(separator: "/").last.map(String.init) ?? path
            let location = try FileSystem.resolved(path)
            return [File(path: try place(name, path), location: location, size: status.size)]
        case .folder:
            let files = try walk(path, skipping: [".git", ".DS_Store"], atMost: Manifest.mostFiles)
            guard !files.isEmpty else { throw .unacceptable(path: path, why: .holdsNoFile) }
            return files
        case .link, .other:
            throw .unacceptable(path: path, why: .notRegular)
        }
    }

    /// Hashes the files and says what a version of them would hold.
    ///
    /// - Throws: ``ArtifactError/unacceptable(path:why:)`` when a file changed since it was found.
    package static func manifest(of files: [File]) throws(ArtifactError) -> Manifest {
        var entries: [Manifest.File] = []
        for file in files {
            entries.append(Manifest.File(path: file.path, size: file.size, digest: try file.digest()))
        }
        guard let manifest = Manifest(files: entries) else {
            // Names that differ on this disk may be one name to Unicode, and so to the manifest.
            var seen: Set<RelativePath> = []
            let clash = files.first { !seen.insert($0.path).inserted } ?? files.last
            guard let clash else { throw .unacceptable(path: "", why: .holdsNoFile) }
            throw .unacceptable(path: clash.location, why: .nameNotPortable)
        }
        return manifest
    }

    /// Every file below `root`, sorted by path; refuses links, second names and what is not a file.
    static func walk(
        _ root: String,
        skipping skipped: Set<String>,
        atMost limit: Int
    ) throws(ArtifactError) -> [File] {
        var found: [File] = []
        var open = [""]
        while let folder = open.popLast() {
            for name in try FileSystem.names(in: "\(root)/\(folder)") where !skipped.contains(name) {
                let text = folder.isEmpty ? name : "\(folder)/\(name)"
                let location = "\(root)/\(text)"
                guard let status = try FileSystem.status(location) else {
                    throw .unacceptable(path: location, why: .changedWhileRead)
                }
                switch status.kind {
                case .folder: open.append(text)
                case .file where status.links == 1:
                    guard found.count < limit else {
                        throw .unacceptable(path: root, why: .tooManyFiles(limit: limit))
                    }
                    found.append(
                        File(path: try place(text, location), location: location, size: status.size)
                    )
                case .file, .link: throw .linkedFile(path: location)
                case .other: throw .unacceptable(path: location, why: .notRegular)
                }
            }
        }
        return found.sorted { $0.path < $1.path }
    }

    private static func place(_ text: String, _ location: String) throws(ArtifactError) -> RelativePath {
        guard let path = RelativePath(text) else {
            throw .unacceptable(path: location, why: .nameNotPortable)
        }
        return path
    }
}

extension ModelFolder.File {
    /// The SHA-256 of the file's bytes.
    ///
    /// - Throws: ``ArtifactError/unacceptable(path:why:)`` when it is not ``size`` bytes long any more.
    package func digest() throws(ArtifactError) -> Digest {
        let file = try OpenFile(reading: location, followingLinks: false)
        var hasher = StreamHasher()
        while true {
            let chunk = try file.read()
            guard !chunk.isEmpty else { break }
            hasher.update(chunk)
        }
        guard hasher.size == size else { throw .unacceptable(path: location, why: .changedWhileRead) }
        return hasher.finish()
    }
}
