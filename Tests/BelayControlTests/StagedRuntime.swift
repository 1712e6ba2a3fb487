import BelayCore
import BelayInference
import Foundation
import Synchronization

/// A runtime whose models are lines of text, and whose loads a test can forbid, block and count.
final class StagedRuntime: Runtime {
    private struct Content {
        var unloadable: Set<String> = []
        var slow: Set<String> = []
        var loads: [String: Int] = [:]
    }

    /// Where loads of slow models wait.
    let door = Door()
    private let inner = InMemoryRuntime()
    private let content = Mutex(Content())

    func know(_ name: String, signature: Signature) { inner.register(name, signature: signature) { _ in [] } }

    func refuseToLoad(_ name: String) { content.withLock { _ = $0.unloadable.insert(name) } }
    func loadAgain(_ name: String) { content.withLock { _ = $0.unloadable.remove(name) } }
    func slowDown(_ name: String) { content.withLock { _ = $0.slow.insert(name) } }

    /// How often a load of the model was begun.
    func loads(of name: String) -> Int { content.withLock { $0.loads[name] ?? 0 } }

    func inspect(folder: String, entry: RelativePath, manifest: Manifest) throws(InferenceError) -> Signature
    {
        try inner.inspect(folder: folder, entry: entry, manifest: manifest)
    }

    func load(folder: String, entry: RelativePath) throws(InferenceError) -> any Instance {
        let path = "\(folder)/\(entry)"
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
        let name = text ?? ""
        let (isSlow, isUnloadable) = content.withLock { content in
            content.loads[name, default: 0] += 1
            return (content.slow.contains(name), content.unloadable.contains(name))
        }
        if isSlow { door.block() }
        guard !isUnloadable else { throw .modelUnreadable(path: entry.text, reason: "the file is cut short") }
        return try inner.load(folder: folder, entry: entry)
    }
}
