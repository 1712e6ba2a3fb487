import BelayCore
import Foundation
import Testing

@Suite("Manifest")
struct ManifestTests {
    private func file(_ path: String, size: Int64 = 1, seed: Int = 1) -> Manifest.File {
        Manifest.File(path: legal(RelativePath(path)), size: size, digest: digest(seed))
    }

    @Test(arguments: [
        "a", "model.onnx", "a/b/c", "a b/ü.bin", "..a", "a..", "...", ".hidden",
        "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16",
        String(repeating: "x", count: 255), String(repeating: "x/", count: 15) + "y",
    ])
    func ordinaryPathsAreLegal(text: String) {
        #expect(RelativePath(text)?.text == text)
    }

    @Test(arguments: [
        String(repeating: "x", count: 256), "", "/", "/a", "a/", "a//b", ".", "..", "./a", "a/.", "../a",
        "a/..", "a/../b", "a\\b", "..\\a",
        "C:a", "a:b",
        "a\0b", "a\nb", "a\u{7f}", "\u{1b}[2J", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17",
        String(repeating: "x", count: 513),
    ])
    func pathsThatCouldLeadElsewhereAreRefused(text: String) {
        #expect(RelativePath(text) == nil)
    }

    @Test func aPathOfHostileLengthIsRefused() {
        let isRefused = RelativePath(String(repeating: "a/", count: 300_000) + "a") == nil
        #expect(isRefused)
    }

    /// A combining mark makes one character of itself and the slash before it, yet the system sees the slash.
    @Test(arguments: ["../\u{301}x", "a/../\u{301}b", "..\u{200d}/\u{301}x", "a/\u{301}", "/\u{301}etc"])
    func aSlashUnderACombiningMarkIsStillASlash(text: String) {
        #expect(RelativePath(text) == nil)
    }

    @Test func filesThatCannotLieInOneFolderAreRefused() {
        #expect(Manifest(files: []) == nil)
        #expect(Manifest(files: [file("a"), file("a", seed: 2)]) == nil)
        #expect(Manifest(files: [file("a"), file("a/b")]) == nil)
        #expect(Manifest(files: [file("a/b/c"), file("a/b")]) == nil)
        #expect(Manifest(files: [file("a", size: -1)]) == nil)
        #expect(Manifest(files: [file("a"), file("ab"), file("b/a")]) != nil)
        #expect(Manifest(files: [file("e\u{301}"), file("\u{e9}")]) == nil)
    }

    @Test func holdsAtMostTenThousandFiles() {
        let files = (0...10_000).map { file("f\($0)") }
        #expect(Manifest(files: files) == nil)
        #expect(Manifest(files: Array(files.dropLast()))?.files.count == 10_000)
    }

    @Test func canonicalBytesAreThoseThatWereAgreed() throws {
        let files = [file("weights/b.bin", size: 12, seed: 3), file("a model.onnx", size: 0, seed: 2)]
        let manifest = try #require(Manifest(files: files))
        let golden = """
            3e454c535a61686f767d848b9299a0a7aeb5bcc3cad1d8dfe6edf4fb02091017 0 a model.onnx
            5d646b727980878e959ca3aab1b8bfc6cdd4dbe2e9f0f7fe050c131a21282f36 12 weights/b.bin

            """
        #expect(String(decoding: manifest.canonicalBytes, as: UTF8.self) == golden)
        #expect(Manifest(files: files.reversed())?.canonicalBytes == manifest.canonicalBytes)
    }

    @Test func theTotalSizeSaturates() {
        let manifest = legal(Manifest(files: [file("a", size: .max), file("b", size: 7)]))
        #expect(manifest.totalSize == .max)
        #expect(legal(Manifest(files: [file("a", size: 5), file("b", size: 7)])).totalSize == 12)
    }

    @Test func readsBackAsWrittenAndRefusesWhatCannotBe() throws {
        let manifest = legal(Manifest(files: [file("a"), file("b/c", size: 3)]))
        let bytes = try JSONEncoder().encode(manifest)
        #expect(try JSONDecoder().decode(Manifest.self, from: bytes) == manifest)
        let one = "{\"path\":\"a\",\"size\":1,\"digest\":\"\(digest(1))\"}"
        for json in ["[]", "[\(one),\(one)]", "[{\"path\":\"..\",\"size\":1,\"digest\":\"\(digest(1))\"}]"] {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode(Manifest.self, from: Data(json.utf8))
            }
        }
    }
}
