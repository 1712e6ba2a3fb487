import BelayCore
import Synchronization

/// A version in the hands of ONNX Runtime, answering on the threads of its callers.
///
/// Any number of calls may run at once; each has a run of its own, and the session shares only what never
/// changes. Runs that ended well wait for the next request, as many as ``mostSpare``.
final class ONNXInstance: Instance {
    /// More than a version has threads; each keeps at most 256 KiB.
    private static let mostSpare = 16

    let signature: Signature
    private let session: ONNXSession
    private let everyOutput: [Int]
    private let spare = Mutex<[ONNXRun]>([])

    init(session: ONNXSession, signature: Signature) {
        self.session = session
        self.signature = signature
        everyOutput = Array(signature.outputs.indices)
    }

    func infer(
        _ inputs: [NamedTensor],
        outputs: [String],
        cancellation: Cancellation
    ) throws(InferenceError) -> [NamedTensor] {
        try signature.check(inputs, outputs: outputs)
        let run = try takeRun()
        let answers = try cancellation.stopping(with: run.stop) { () throws(InferenceError) in
            do throws(InferenceError) {
                return try answer(inputs, wanted: indices(of: outputs), with: run)
            } catch {
                throw cancellation.isCancelled ? .cancelled : error
            }
        }
        // One that failed or was stopped, perhaps too late, is not used again.
        if !cancellation.isCancelled { keep(run) }
        return answers
    }

    private func takeRun() throws(InferenceError) -> ONNXRun {
        if let run = spare.withLock({ $0.popLast() }) { return run }
        return try ONNXRun(session: session)
    }

    private func keep(_ run: ONNXRun) {
        run.clear()
        spare.withLock { if $0.count < Self.mostSpare { $0.append(run) } }
    }

    private func answer(
        _ inputs: [NamedTensor],
        wanted: [Int],
        with run: ONNXRun
    ) throws(InferenceError) -> [NamedTensor] {
        for index in signature.inputs.indices {
            let name = signature.inputs[index].name
            guard let given = inputs.first(where: { $0.name == name }) else { continue }
            try run.set(given.tensor, at: index)
        }
        try run.execute(wanted)
        var answers: [NamedTensor] = []
        answers.reserveCapacity(wanted.count)
        for (position, index) in wanted.enumerated() {
            let name = signature.outputs[index].name
            answers.append(NamedTensor(name: name, tensor: try run.output(at: position, name: name)))
        }
        return answers
    }

    private func indices(of names: [String]) -> [Int] {
        guard !names.isEmpty else { return everyOutput }
        return names.compactMap { name in signature.outputs.firstIndex { $0.name == name } }
    }
}
