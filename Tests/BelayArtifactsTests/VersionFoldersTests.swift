import BelayCore
import Foundation
import Testing

@testable import BelayArtifacts

@Suite("Folders of versions")
struct VersionFoldersTests {
    private let folder: TemporaryFolder
    private let artifacts = InMemoryArtifacts()
    private let contents: [String: [UInt8]] = [
        "model.onnx": sample(300_000), "data/weights.bin": sample(1000), ".hidden": [], ".git/kept": [7],
    ]

    init() throws { folder = try TemporaryFolder() }

    private func manifest() async throws -> Manifest {
        var files: [Manifest.File] = []
        for (path, bytes) in contents {
            try await artifacts.put(sha256(bytes), limit: 1 << 20, chunks: chunks(bytes))
            let path = try #require(RelativePath(path))
            files.append(Manifest.File(path: path, size: Int64(bytes.count), digest: sha256(bytes)))
        }
        return try #require(Manifest(files: files))
    }

    private func expectWhole(_ path: String) throws {
        for (name, bytes) in contents {
            #expect(FileManager.default.contents(atPath: "\(path)/\(name)") == Data(bytes), "\(name)")
        }
    }

    @Test func holdsExactlyTheFilesOfTheManifestReadOnlyAndWithOneName() async throws {
        let manifest = try await manifest()
        let versions = try VersionFolders(root: folder.path, artifacts: artifacts)
        let digest = manifestDigest(manifest)
        let path = try versions.materialise(manifest, digest: digest)
        #expect(path == "\(folder.path)/\(digest.hex)")
        try expectWhole(path)
        #expect(folder.files().count == contents.count)
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/model.onnx")
        #expect(attributes[.posixPermissions] as? Int == 0o444)
        #expect(attributes[.referenceCount] as? Int == 1)
    }

    @Test func aDigestThatIsNotTheManifestsIsRefused() async throws {
        let manifest = try await manifest()
        let versions = try VersionFolders(root: folder.path, artifacts: artifacts)
        let other = sha256([1])
        #expect(throws: ArtifactError.digestMismatch(expected: other, found: manifestDigest(manifest))) {
            try versions.materialise(manifest, digest: other)
        }
    }

    @Test func anIntactFolderIsLeftAlone() async throws {
        let manifest = try await manifest()
        let images = try DiskImages<VersionFolders.WriteStep>(of: folder.path)
        let first = try VersionFolders(root: folder.path, artifacts: artifacts)
        _ = try first.materialise(manifest, digest: manifestDigest(manifest))
        let second = try VersionFolders(root: folder.path, artifacts: artifacts) { images.take($0) }
        _ = try second.materialise(manifest, digest: manifestDigest(manifest), checking: .contents)
        #expect(images.all.isEmpty)
    }

    enum Damage: CaseIterable {
        case longer, missing, added, hardLinked, symbolicLink
    }

    @Test(arguments: Damage.allCases)
    func aFolderOfAnotherShapeIsRebuilt(damage: Damage) async throws {
        let manifest = try await manifest()
        let versions = try VersionFolders(root: folder.path, artifacts: artifacts)
        let path = try versions.materialise(manifest, digest: manifestDigest(manifest))
        let (files, model) = (FileManager.default, "\(path)/model.onnx")
        switch damage {
        case .longer:
            try files.removeItem(atPath: model)
            try Data([1]).write(to: URL(fileURLWithPath: model))
        case .missing: try files.removeItem(atPath: model)
        case .added: try Data([1]).write(to: URL(fileURLWithPath: "\(path)/extra"))
        case .hardLinked: try files.linkItem(atPath: model, toPath: "\(folder.path)/second-name")
        case .symbolicLink:
            try files.moveItem(atPath: model, toPath: "\(folder.path)/elsewhere")
            try files.createSymbolicLink(atPath: model, withDestinationPath: "\(folder.path)/elsewhere")
        }
        #expect(try versions.materialise(manifest, digest: manifestDigest(manifest)) == path)
        try expectWhole(path)
        #expect(!files.fileExists(atPath: "\(path)/extra"))
        #expect(try FileSystem.status(model)?.links == 1)
    }

    @Test func changedBytesOfTheSameLengthAreFoundWhenAskedFor() async throws {
        let manifest = try await manifest()
        let versions = try VersionFolders(root: folder.path, artifacts: artifacts)
        let path = try versions.materialise(manifest, digest: manifestDigest(manifest))
        var bytes = sample(1000)
        bytes[999] ^= 1
        try FileManager.default.removeItem(atPath: "\(path)/data/weights.bin")
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/data/weights.bin"))
        _ = try versions.materialise(manifest, digest: manifestDigest(manifest))
        #expect(FileManager.default.contents(atPath: "\(path)/data/weights.bin") == Data(bytes))
        _ = try versions.materialise(manifest, digest: manifestDigest(manifest), checking: .contents)
        try expectWhole(path)
    }

    @Test func whereverTheProcessDiesTheFolderIsWholeOrRebuilt() async throws {
        let manifest = try await manifest()
        let digest = manifestDigest(manifest)
        let images = try DiskImages<VersionFolders.WriteStep>(of: folder.path)
        try folder.write([1], to: "\(digest.hex)/stray")
        let versions = try VersionFolders(root: folder.path, artifacts: artifacts) { images.take($0) }
        _ = try versions.materialise(manifest, digest: digest)
        let copied = Array(repeating: VersionFolders.WriteStep.fileCopied, count: contents.count)
        #expect(images.all.map(\.step) == copied + [.filesSynced, .oldMoved, .renamed, .folderSynced])
        for image in images.all {
            let reopened = try VersionFolders(root: image.path, artifacts: artifacts)
            let path = try reopened.materialise(manifest, digest: digest, checking: .contents)
            try expectWhole(path)
            #expect(try FileSystem.names(in: image.path) == [digest.hex], "\(image.step)")
        }
    }

    @Test func anArtifactThatWasCutShortIsAskedForAgain() async throws {
        let store = try DirectoryArtifacts(root: "\(folder.path)/artifacts")
        let bytes = sample(1000)
        let digest = sha256(bytes)
        try await store.put(digest, limit: 1000, chunks: chunks(bytes))
        let name = try #require(folder.files().first)
        try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)")
        try folder.write(Array(bytes.dropLast()), to: name)
        let file = Manifest.File(
            path: try #require(RelativePath("model.onnx")),
            size: 1000,
            digest: digest
        )
        let manifest = try #require(Manifest(files: [file]))
        let versions = try VersionFolders(root: "\(folder.path)/versions", artifacts: store)
        #expect(throws: ArtifactError.corrupt(digest)) {
            try versions.materialise(manifest, digest: manifestDigest(manifest))
        }
        #expect(try store.contains(digest) == nil)
    }

    @Test func aDamagedArtifactIsNeverLaidOut() async throws {
        let manifest = try await manifest()
        let damaged = sha256(sample(1000))
        artifacts.damage(damaged)
        let versions = try VersionFolders(root: folder.path, artifacts: artifacts)
        #expect(throws: ArtifactError.corrupt(damaged)) {
            try versions.materialise(manifest, digest: manifestDigest(manifest))
        }
        #expect(folder.files().isEmpty)
    }
}
