import BelayArtifacts
import BelayCore
import Foundation
import Synchronization
import Testing

/// A folder that lives as long as the value that owns it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "belay-artifacts-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], to name: String) throws {
        let file = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(bytes).write(to: file)
    }

    func bytes(of name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
    }

    /// Every regular file below, by its path from here.
    func files() -> [String] {
        let all = FileManager.default.subpaths(atPath: path) ?? []
        return all.filter { name in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder)
                && !isFolder.boolValue
        }.sorted()
    }
}

/// Pictures of a folder as a process that dies at that moment would leave it.
final class DiskImages<Step: Sendable>: Sendable {
    private let folder: TemporaryFolder
    private let subject: String
    private let taken = Mutex<[(step: Step, path: String)]>([])

    init(of subject: String) throws {
        self.folder = try TemporaryFolder()
        self.subject = subject
    }

    var all: [(step: Step, path: String)] { taken.withLock { $0 } }

    func take(_ step: Step) {
        taken.withLock { taken in
            let path = "\(folder.path)/\(taken.count)"
            do {
                try FileManager.default.copyItem(atPath: subject, toPath: path)
                taken.append((step, path))
            } catch { Issue.record(error) }
        }
    }
}

struct SourceBroke: Error, Equatable {}

/// The bytes in pieces of `size`; with `breaking`, the source fails where its end would be.
func chunks(
    _ bytes: [UInt8],
    of size: Int = 1000,
    breaking: Bool = false
) -> AsyncThrowingStream<[UInt8], any Error> {
    AsyncThrowingStream { stream in
        for start in stride(from: 0, to: bytes.count, by: size) {
            stream.yield(Array(bytes[start..<min(start + size, bytes.count)]))
        }
        stream.finish(throwing: breaking ? SourceBroke() : nil)
    }
}

/// Repeatable bytes without a pattern that a lost chunk would hide in.
func sample(_ count: Int) -> [UInt8] {
    var state: UInt64 = 42
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
}
