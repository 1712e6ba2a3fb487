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
        var answers: [String: Result<Float, InferenceError>] = [:]
        var hanging: Set<String> = []
        var questions: [String: Int] = [:]
    }

    /// Where loads of slow models wait.
    let door = Door()
    private let inner = InMemoryRuntime()
    private let content = Mutex(Content())

    /// Where answers of models that hang wait.
    let answerDoor = Door()

    /// A model of one output, `label`, which is 1 until ``answer(_:of:)`` says otherwise.
    func know(_ name: String, signature: Signature) {
        inner.register(name, signature: signature) { [self] _ throws(InferenceError) in
            let (answer, hangs) = content.withLock { content in
                content.questions[name, default: 0] += 1
                return (content.answers[name] ?? .success(1), content.hanging.contains(name))
            }
            if hangs { answerDoor.block() }
            let value = try answer.get()
            let bytes = withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
            let tensor = try Tensor(type: .fp32, shape: [1], storage: .packed(bytes))
            return [NamedTensor(name: "label", tensor: tensor)]
        }
    }

    func answer(_ answer: Result<Float, InferenceError>, of name: String) {
        content.withLock { $0.answers[name] = answer }
    }

    /// From now on its answers wait before ``answerDoor``.
    func hang(_ name: String) { content.withLock { _ = $0.hanging.insert(name) } }

    /// How often the model was asked.
    func questions(of name: String) -> Int { content.withLock { $0.questions[name] ?? 0 } }

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
