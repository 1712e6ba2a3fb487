package import BelayCore
import Synchronization

/// An instance whose answers are a function: the twin of a loaded model, for the tests of other modules.
///
/// It checks requests exactly as a real one does; what it answers is not checked, so that a test can let it
/// answer nonsense.
package final class ScriptedInstance: Instance {
    package typealias Answer = @Sendable ([NamedTensor]) throws(InferenceError) -> [NamedTensor]

    package let signature: Signature
    private let answer: Answer

    package init(signature: Signature, answer: @escaping Answer) {
        self.signature = signature
        self.answer = answer
    }

    package func infer(
        _ inputs: [NamedTensor],
        outputs: [String],
        cancellation: Cancellation
    ) throws(InferenceError) -> [NamedTensor] {
        try signature.check(inputs, outputs: outputs)
        guard !cancellation.isCancelled else { throw .cancelled }
        let answered = try answer(inputs)
        guard !outputs.isEmpty else { return answered }
        return outputs.compactMap { name in answered.first { $0.name == name } }
    }
}

/// A runtime whose models are functions, each found by a name that stands in the model's file.
///
/// The file at the entry holds the name as text (`echo "steady" > model.onnx`), so versions of equal layout
/// differ by content as real ones do. Without a file, the entry's own path is the name.
package final class InMemoryRuntime: Runtime {
    private struct Script: Sendable {
        let signature: Signature
        let answer: ScriptedInstance.Answer
    }

    private let scripts = Mutex<[String: Script]>([:])

    package init() {}

    package func register(
        _ name: String,
        signature: Signature,
        answer: @escaping ScriptedInstance.Answer
    ) {
        scripts.withLock { $0[name] = Script(signature: signature, answer: answer) }
    }

    package func inspect(
        folder: String,
        entry: RelativePath,
        manifest: Manifest
    ) throws(InferenceError) -> Signature {
        guard manifest.files.contains(where: { $0.path == entry }) else {
            throw .modelUnreadable(path: entry.text, reason: "it is not a file of this version")
        }
        return try script(folder: folder, entry: entry).signature
    }

    package func load(folder: String, entry: RelativePath) throws(InferenceError) -> any Instance {
        let script = try script(folder: folder, entry: entry)
        return ScriptedInstance(signature: script.signature, answer: script.answer)
    }

    private func script(folder: String, entry: RelativePath) throws(InferenceError) -> Script {
        let name = firstLine(ofFile: "\(folder)/\(entry)") ?? entry.text
        guard let script = scripts.withLock({ $0[name] }) else {
            throw .modelUnreadable(path: entry.text, reason: "no script is registered as '\(name)'")
        }
        return script
    }
}
