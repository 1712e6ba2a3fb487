import BelayCore
import Foundation
import Testing

@testable import BelayArtifacts

@Suite("What a person registers")
struct ModelFolderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func aFileStandsForItselfUnderItsName() throws {
        try folder.write([1, 2, 3], to: "model.onnx")
        let files = try ModelFolder.scan(path: "\(folder.path)/model.onnx")
        #expect(files.map(\.path.text) == ["model.onnx"])
        #expect(files.map(\.size) == [3])
        #expect(try ModelFolder.manifest(of: files).files.first?.digest == sha256([1, 2, 3]))
    }

    @Test func aNamedLinkToAFileIsFollowed() throws {
        try folder.write([1, 2, 3], to: "model.onnx")
        let link = "\(folder.path)/latest.onnx"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "model.onnx")
        let files = try ModelFolder.scan(path: link)
        #expect(files.map(\.path.text) == ["latest.onnx"])
        #expect(try ModelFolder.manifest(of: files).files.first?.digest == sha256([1, 2, 3]))
    }

    @Test func aFolderIsReadWholeAndSortedExceptWhatToolsLeaveThere() throws {
        for name in ["b/z.bin", "b/a.bin", "a.onnx", ".hidden", ".git/config", "b/.DS_Store"] {
            try folder.write(Array(name.utf8), to: name)
        }
        let files = try ModelFolder.scan(path: folder.path)
        #expect(files.map(\.path.text) == [".hidden", "a.onnx", "b/a.bin", "b/z.bin"])
        let manifest = try ModelFolder.manifest(of: files)
        #expect(manifest.files.map(\.path) == files.map(\.path))
        #expect(manifestDigest(manifest) == sha256(manifest.canonicalBytes))
    }

    @Test func linksOfBothKindsAreRefused() throws {
        try folder.write([1], to: "outside")
        try folder.write([1], to: "symbolic/a")
        try folder.write([1], to: "hard/a")
        let files = FileManager.default
        let (symbolic, hard) = ("\(folder.path)/symbolic/link", "\(folder.path)/hard/link")
        try files.createSymbolicLink(atPath: symbolic, withDestinationPath: "../outside")
        try files.linkItem(atPath: "\(folder.path)/outside", toPath: hard)
        #expect(throws: ArtifactError.linkedFile(path: symbolic)) {
            try ModelFolder.scan(path: "\(folder.path)/symbolic")
        }
        #expect(throws: ArtifactError.linkedFile(path: hard)) {
            try ModelFolder.scan(path: "\(folder.path)/hard")
        }
        #expect(ArtifactError.linkedFile(path: hard).explanation.code == "artifact.linked-file")
    }

    @Test func pipesBadNamesEmptyFoldersAndNothingAreRefused() throws {
        let root = folder.path
        try FileManager.default.createDirectory(
            atPath: "\(root)/empty/inner",
            withIntermediateDirectories: true
        )
        try FileManager.default.createDirectory(atPath: "\(root)/pipe", withIntermediateDirectories: true)
        try #require(mkfifo("\(root)/pipe/p", 0o600) == 0)
        try folder.write([1], to: "named/a:b")
        let expectations: [(String, String, ArtifactError.Objection)] = [
            ("empty", "", .holdsNoFile), ("none", "", .notFound), ("pipe", "/p", .notRegular),
            ("pipe/p", "", .notRegular), ("named", "/a:b", .nameNotPortable),
        ]
        for (name, place, why) in expectations {
            #expect(throws: ArtifactError.unacceptable(path: "\(root)/\(name)\(place)", why: why)) {
                try ModelFolder.scan(path: "\(root)/\(name)")
            }
        }
    }

    @Test func aFileThatGrowsBetweenTheLooksIsRefused() throws {
        try folder.write([1], to: "a")
        let files = try ModelFolder.scan(path: folder.path)
        try folder.write([1, 2], to: "a")
        #expect(throws: ArtifactError.unacceptable(path: "\(folder.path)/a", why: .changedWhileRead)) {
            try ModelFolder.manifest(of: files)
        }
    }

    @Test func moreFilesThanAVersionMayHoldAreRefused() throws {
        for number in 0..<6 { try folder.write([1], to: "\(number % 2)/\(number)") }
        #expect(try ModelFolder.walk(folder.path, skipping: [], atMost: 6).count == 6)
        #expect(throws: ArtifactError.unacceptable(path: folder.path, why: .tooManyFiles(limit: 5))) {
            try ModelFolder.walk(folder.path, skipping: [], atMost: 5)
        }
    }

    @Test func twoSpellingsOfOneNameAreRefused() throws {
        let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
        try folder.write([1], to: composed)
        try folder.write([2], to: decomposed)
        let files = try ModelFolder.scan(path: folder.path)
        try #require(files.count == 2)
        let error = #expect(throws: ArtifactError.self) { try ModelFolder.manifest(of: files) }
        #expect(error?.explanation.code == "artifact.unacceptable-file")
    }
}
