import BelayCore
import Dispatch
import Foundation
import Synchronization
import Testing

@testable import BelayArtifacts

@Suite("Directory of artifacts")
struct DirectoryArtifactsTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func filesAreNamedByTheirContentAndReadOnly() async throws {
        let store = try DirectoryArtifacts(root: folder.path)
        let bytes = Array("abc".utf8)
        try await store.put(sha256(bytes), limit: 3, chunks: chunks(bytes))
        let name = "sha256/ba/78/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(folder.files() == [name])
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder.path)/\(name)")
        #expect(attributes[.posixPermissions] as? Int == 0o444)
    }

    @Test func whereverTheProcessDiesNothingOrTheWholeFileIsVisible() async throws {
        let images = try DiskImages<DirectoryArtifacts.WriteStep>(of: folder.path)
        let store = try DirectoryArtifacts(root: folder.path) { images.take($0) }
        let bytes = sample(5000)
        try await store.put(sha256(bytes), limit: 5000, chunks: chunks(bytes))

        let steps = images.all.map(\.step)
        let written = Array(repeating: DirectoryArtifacts.WriteStep.written, count: 5)
        #expect(steps == [.created] + written + [.protected, .synced, .folderMade, .renamed, .folderSynced])
        for image in images.all {
            let reopened = try DirectoryArtifacts(root: image.path)
            #expect(try FileSystem.names(in: "\(image.path)/incoming").isEmpty)
            let isVisible = image.step == .renamed || image.step == .folderSynced
            #expect(try reopened.contains(sha256(bytes)) == (isVisible ? 5000 : nil), "\(image.step)")
            try await reopened.put(sha256(bytes), limit: 5000, chunks: chunks(bytes))
            #expect(try reopened.bytes(of: sha256(bytes), limit: 5000) == bytes)
        }
    }

    @Test(arguments: 0...5)
    func aSourceThatBreaksAfterAnyChunkLeavesNoFile(count: Int) async throws {
        let store = try DirectoryArtifacts(root: folder.path)
        let bytes = sample(5000)
        await #expect(throws: SourceBroke()) {
            let part = Array(bytes.prefix(count * 1000))
            try await store.put(sha256(bytes), limit: 5000, chunks: chunks(part, breaking: true))
        }
        #expect(folder.files().isEmpty)
    }

    /// Who put them there may have died before their name was durable.
    @Test func theSameBytesAgainAreNotWrittenAgainButTheirNameIsMadeDurable() async throws {
        let images = try DiskImages<DirectoryArtifacts.WriteStep>(of: folder.path)
        let bytes = sample(100)
        let first = try DirectoryArtifacts(root: folder.path)
        try await first.put(sha256(bytes), limit: 100, chunks: chunks(bytes))
        let second = try DirectoryArtifacts(root: folder.path) { images.take($0) }
        try await second.put(sha256(bytes), limit: 100, chunks: chunks(bytes))
        #expect(images.all.map(\.step) == [.folderSynced])
    }

    @Test(arguments: ["", "x", "abcdef", "abcdefghijkl", "abcdefxhijk", "abcdefghij", "xbcdefghijk"])
    func aDamagedCopyIsReplacedWhereverItDiffers(copy: String) async throws {
        let store = try DirectoryArtifacts(root: folder.path)
        let bytes = Array("abcdefghijk".utf8)
        try await store.put(sha256(bytes), limit: 11, chunks: chunks(bytes, of: 4))
        let name = try #require(folder.files().first)
        try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)")
        try folder.write(Array(copy.utf8), to: name)
        await #expect(throws: ArtifactError.self) {
            try await store.put(sha256(bytes), limit: 11, chunks: chunks(Array("abcdefghijx".utf8), of: 4))
        }
        #expect(try folder.bytes(of: name) == Array(copy.utf8), "bytes that are wrong change nothing")
        try await store.put(sha256(bytes), limit: 11, chunks: chunks(bytes, of: 4))
        #expect(try store.bytes(of: sha256(bytes), limit: 11) == bytes)
        #expect(folder.files() == [name])
    }

    private final class Asked: Sendable {
        private let names = Mutex<[String]>([])
        var all: [String] { names.withLock { $0 } }

        func note(_ name: String) { names.withLock { $0.append(name) } }
    }

    /// Chunks that are there at once, and who asked for them.
    private struct Ready: AsyncSequence, Sendable {
        let name: String
        let bytes: [UInt8]
        let asked: Asked

        struct Iterator: AsyncIteratorProtocol {
            let source: Ready
            var rest: ArraySlice<UInt8>

            mutating func next() async throws -> [UInt8]? {
                source.asked.note(source.name)
                defer { rest = rest.dropFirst() }
                return rest.first.map { [$0] }
            }
        }

        func makeAsyncIterator() -> Iterator { Iterator(source: self, rest: bytes[...]) }
    }

    /// One thread, which begins when it is told to.
    private final class OneThread: TaskExecutor {
        private let queue = DispatchQueue(label: "one", attributes: .initiallyInactive)

        func begin() { queue.activate() }

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }

    @Test func uploadsWhoseBytesAreThereTakeTurns() async throws {
        let store = try DirectoryArtifacts(root: folder.path)
        let (asked, thread) = (Asked(), OneThread())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (name, bytes) in [("a", sample(50)), ("b", sample(51))] {
                group.addTask(executorPreference: thread) {
                    let chunks = Ready(name: name, bytes: bytes, asked: asked)
                    try await store.put(sha256(bytes), limit: 51, chunks: chunks)
                }
            }
            thread.begin()
            try await group.waitForAll()
        }
        let order = asked.all
        #expect(order.count == 51 + 52)
        #expect(try #require(order.firstIndex(of: "b")) < #require(order.lastIndex(of: "a")))
        #expect(try #require(order.firstIndex(of: "a")) < #require(order.lastIndex(of: "b")))
    }

    @Test func aFileIsPutAsItIsRead() async throws {
        let bytes = sample(600_000)
        try folder.write(bytes, to: "model.onnx")
        let store = try DirectoryArtifacts(root: "\(folder.path)/deep/er/artifacts")
        let file = FileChunks(path: "\(folder.path)/model.onnx")
        try await store.put(sha256(bytes), limit: 600_000, chunks: file)
        #expect(try store.bytes(of: sha256(bytes), limit: 600_000) == bytes)
    }

    @Test func aFolderThatCannotBeMadeSaysSo() throws {
        try folder.write([1], to: "file")
        let path = "\(folder.path)/file/artifacts"
        let error = #expect(throws: ArtifactError.self) { try DirectoryArtifacts(root: path) }
        #expect(error?.explanation.code == "artifact.unavailable")
    }

    @Test(arguments: [ENOSPC, EDQUOT])
    func aFullDiskIsToldFromOtherFailures(code: Int32) {
        #expect(FileSystem.failure("write", "/x", code) == .storageFull(path: "/x"))
        #expect(FileSystem.failure("write", "/x", EIO).explanation.code == "artifact.unavailable")
    }

    /// `/dev/full` refuses every byte the way a full disk does.
    @Test func writingToAFullDiskIsStorageFull() throws {
        let file = OpenFile(path: "/dev/full", descriptor: open("/dev/full", O_WRONLY))
        #expect(throws: ArtifactError.storageFull(path: "/dev/full")) { try file.write([1]) }
    }
}
