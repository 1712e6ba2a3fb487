package import BelayCore
import Synchronization

/// The files of versions laid out as runtimes want them: `<64 hex digits of the version's digest>/<path>`.
///
/// Copies, never links: a runtime follows links, and a second name would let bytes change behind a version's
/// back. A folder appears whole or not at all, and can be rebuilt from the artifacts at any time.
package final class VersionFolders: Sendable {
    /// How closely a folder that is already there is looked at.
    package enum Check: Sendable {
        /// Names, sizes, and that each file is regular and has one name. Cheap: one look per file.
        case shape
        /// The shape, and every byte by its hash.
        case contents
    }

    /// What has just happened to a folder on its way; a test takes an image of the disk at each.
    enum WriteStep: Equatable, Sendable {
        case fileCopied, filesSynced, oldMoved, renamed, folderSynced
    }

    private let root: String
    private let artifacts: any ArtifactStore
    private let observe: @Sendable (WriteStep) -> Void
    private let attempts = Atomic<Int>(0)

    /// Opens the folder, makes it when it is missing, and clears what an interrupted copy left behind.
    package convenience init(root: String, artifacts: any ArtifactStore) throws(ArtifactError) {
        try self.init(root: root, artifacts: artifacts, observe: { _ in })
    }

    init(
        root: String,
        artifacts: any ArtifactStore,
        observe: @escaping @Sendable (WriteStep) -> Void
    ) throws(ArtifactError) {
        self.root = root
        self.artifacts = artifacts
        self.observe = observe
        try FileSystem.makeFolder(root)
        for name in try FileSystem.names(in: root) where name.hasPrefix(Self.unfinished) {
            try FileSystem.remove("\(root)/\(name)")
        }
    }

    /// The folder that holds exactly the files of `manifest`, copied from the artifacts unless it is there.
    ///
    /// Repeating it is cheap and safe. A folder that fails `check` is replaced as a whole.
    ///
    /// - Parameters:
    ///   - manifest: The files of the version.
    ///   - digest: The version's digest, which names the folder.
    ///   - check: How closely a folder that is already there is looked at.
    /// - Returns: The folder's path.
    /// - Throws: ``ArtifactError/digestMismatch(expected:found:)`` when `digest` is not the manifest's, and
    ///   what reading the artifacts throws: ``ArtifactError/missing(_:)``, ``ArtifactError/corrupt(_:)``.
    package func materialise(
        _ manifest: Manifest,
        digest: Digest,
        checking check: Check = .shape
    ) throws(ArtifactError) -> String {
        let found = manifestDigest(manifest)
        guard found == digest else { throw .digestMismatch(expected: digest, found: found) }
        let target = "\(root)/\(digest.hex)"
        if try holds(target, manifest, check) { return target }
        let attempt = attempts.add(1, ordering: .relaxed).newValue
        let temporary = "\(root)/\(Self.unfinished)\(attempt)-\(digest.hex)"
        do {
            try copy(manifest, into: temporary)
            try replace(target, by: temporary, discarding: "\(temporary).old")
        } catch {
            // The first error is the one that matters; what cannot be removed now goes at the next start.
            try? FileSystem.remove(temporary)
            // Another task may have put the same folder there first, which is as good.
            if try holds(target, manifest, check) { return target }
            throw error
        }
        return target
    }

    private static let unfinished = ".unfinished-"
}

extension VersionFolders {
    private func copy(_ manifest: Manifest, into folder: String) throws(ArtifactError) {
        try FileSystem.makeFolder(folder)
        var folders: Set<String> = [folder]
        for entry in manifest.files {
            let path = "\(folder)/\(entry.path)"
            var parent = FileSystem.parent(of: path)
            try FileSystem.makeFolder(parent)
            while folders.insert(parent).inserted { parent = FileSystem.parent(of: parent) }
            try copy(entry, to: path)
            observe(.fileCopied)
        }
        for folder in folders { try FileSystem.syncFolder(folder) }
        observe(.filesSynced)
    }

    private func copy(_ entry: Manifest.File, to path: String) throws(ArtifactError) {
        let reader = try artifacts.read(entry.digest)
        guard reader.size == entry.size else {
            // Read to its end, so that the store knows of the damage.
            while try reader.next() != nil {}
            throw .corrupt(entry.digest)
        }
        let file = try OpenFile(creating: path)
        while let chunk = try reader.next() { try file.write(chunk) }
        try file.makeReadOnly()
        try file.sync()
    }

    /// A rename cannot replace a folder that is not empty, so a damaged one first steps aside.
    private func replace(
        _ target: String,
        by temporary: String,
        discarding old: String
    ) throws(ArtifactError) {
        if try FileSystem.status(target) != nil {
            try FileSystem.rename(target, to: old)
            observe(.oldMoved)
        }
        try FileSystem.rename(temporary, to: target)
        observe(.renamed)
        try FileSystem.syncFolder(root)
        observe(.folderSynced)
        try FileSystem.remove(old)
    }

    /// Whether `folder` holds exactly the files of `manifest`, and nothing that is or may become another.
    private func holds(
        _ folder: String,
        _ manifest: Manifest,
        _ check: Check
    ) throws(ArtifactError) -> Bool {
        guard try FileSystem.status(folder)?.kind == .folder else { return false }
        do {
            let found = try ModelFolder.walk(folder, skipping: [], atMost: manifest.files.count)
            guard found.map(\.path) == manifest.files.map(\.path),
                found.map(\.size) == manifest.files.map(\.size)
            else { return false }
            guard check == .contents else { return true }
            for (file, entry) in zip(found, manifest.files) where try file.digest() != entry.digest {
                return false
            }
            return true
        } catch .linkedFile, .unacceptable {
            return false
        }
    }
}
