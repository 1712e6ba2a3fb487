import BelayCore

/// A version in the hands of ONNX Runtime, answering on the threads of its callers.
///
/// Any number of calls may run at once; each has its own buffers, and the session shares only what never
/// changes.
final class ONNXInstance: Instance {
    let signature: Signature
    private let session: ONNXSession
    private let library: Handle

    init(library: Handle, session: ONNXSession, signature: Signature) {
        self.library = library
        self.session = session
        self.signature = signature
    }

    func infer(
        _ inputs: [NamedTensor],
        outputs: [String],
        cancellation: Cancellation
    ) throws(InferenceError) -> [NamedTensor] {
        try signature.check(inputs, outputs: outputs)
        let stop = try ONNXStop(library: library)
        return try cancellation.stopping(with: { stop.set() }) { () throws(InferenceError) in
            do throws(InferenceError) {
                return try run(inputs, wanted: indices(of: outputs), stop: stop)
            } catch {
                throw cancellation.isCancelled ? .cancelled : error
            }
        }
    }

    private func run(
        _ inputs: [NamedTensor],
        wanted: [Int],
        stop: ONNXStop
    ) throws(InferenceError) -> [NamedTensor] {
        let run = try session.run()
        for (index, spec) in signature.inputs.enumerated() {
            guard let given = inputs.first(where: { $0.name == spec.name }) else { continue }
            try run.set(given.tensor, at: index)
        }
        try run.execute(wanted, stop: stop)
        var answers: [NamedTensor] = []
        for (position, index) in wanted.enumerated() {
            let name = signature.outputs[index].name
            answers.append(NamedTensor(name: name, tensor: try run.output(at: position, name: name)))
        }
        return answers
    }

    private func indices(of names: [String]) -> [Int] {
        guard !names.isEmpty else { return Array(signature.outputs.indices) }
        return names.compactMap { name in signature.outputs.firstIndex { $0.name == name } }
    }
}
