import BelayCore
import CONNXRuntime

/// One request on its way through a session: inputs copied in, run, outputs copied out.
///
/// Used by one request after another; what a run needs besides the tensors is made once.
final class ONNXRun: Sendable {
    private let session: ONNXSession
    private let handle: Handle
    /// Ends the run, and makes it useless for another; for any thread, while somebody holds the run.
    let stop: @Sendable () -> Void

    init(session: ONNXSession) throws(InferenceError) {
        let handle = try session.run()
        self.session = session
        self.handle = handle
        stop = { unsafe belay_run_stop(handle.pointer) }
    }

    deinit { unsafe belay_run_release(handle.pointer) }

    /// Forgets the request.
    func clear() { unsafe belay_run_clear(handle.pointer) }

    func set(_ tensor: Tensor, at index: Int) throws(InferenceError) {
        switch tensor.storage {
        case .packed(let bytes): try set(bytes, of: tensor, at: index)
        case .strings(let strings): try set(strings, of: tensor, at: index)
        }
    }

    private func set(_ bytes: [UInt8], of tensor: Tensor, at index: Int) throws(InferenceError) {
        let shape = tensor.shape.map(Int64.init)
        try check({ .runFailed(reason: $0) }) { reason in
            unsafe belay_run_input(
                handle.pointer,
                index,
                tensor.type.element,
                shape,
                shape.count,
                bytes,
                bytes.count,
                reason.text,
                reason.capacity
            )
        }
    }

    private func set(_ strings: [[UInt8]], of tensor: Tensor, at index: Int) throws(InferenceError) {
        let shape = tensor.shape.map(Int64.init)
        let text = Array(strings.joined()).map(CChar.init(bitPattern:))
        let lengths = strings.map(\.count)
        try check({ .runFailed(reason: $0) }) { reason in
            unsafe belay_run_input_strings(
                handle.pointer,
                index,
                shape,
                shape.count,
                text,
                lengths,
                lengths.count,
                reason.text,
                reason.capacity
            )
        }
    }

    /// Runs the model for the outputs at the indices `wanted` of the session's.
    func execute(_ wanted: [Int]) throws(InferenceError) {
        try check({ .runFailed(reason: $0) }) { reason in
            unsafe belay_run_execute(
                handle.pointer,
                wanted,
                wanted.count,
                reason.text,
                reason.capacity
            )
        }
    }

    /// What came out at `position` of the outputs wanted.
    func output(at position: Int, name: String) throws(InferenceError) -> Tensor {
        let failure = { (reason: String) in InferenceError.invalidOutput(name: name, reason: reason) }
        var (type, shape, bytes): (TensorType?, [Int], [UInt8]) = (nil, [], [])
        try check(failure) { reason in
            var (element, rank): (Int32, Int) = (0, 0)
            var (dimensions, data): (UnsafePointer<Int64>?, UnsafeRawPointer?)
            let code = unsafe belay_run_output(
                handle.pointer,
                position,
                &element,
                &dimensions,
                &rank,
                &data,
                reason.text,
                reason.capacity
            )
            guard code == 0 else { return code }
            type = TensorType(element: element)
            shape = unsafe UnsafeBufferPointer(start: dimensions, count: rank).map(Int.init)
            if let width = type?.width, unsafe data != nil,
                let count = try? Tensor.elementCount(shape: shape)
            {
                bytes = unsafe Array(UnsafeRawBufferPointer(start: data, count: count * width))
            }
            return 0
        }
        guard let type else { throw failure("it is not a tensor of a known type") }
        do throws(InferenceError) {
            let count = try Tensor.elementCount(shape: shape)
            let storage: Tensor.Storage =
                type.width == nil
                ? .strings(try strings(at: position, count: count, failure)) : .packed(bytes)
            return try Tensor(type: type, shape: shape, storage: storage)
        } catch {
            // Of an answer, a limit is the model's fault and not the caller's.
            guard case .tooLarge = error else { throw error }
            throw failure(error.explanation.summary)
        }
    }

    private func strings(
        at position: Int,
        count: Int,
        _ failure: (String) -> InferenceError
    ) throws(InferenceError) -> [[UInt8]] {
        guard count > 0 else { return [] }
        var size = 0
        try check(failure) { reason in
            unsafe belay_run_output_text_size(handle.pointer, position, &size, reason.text, reason.capacity)
        }
        var text = [CChar](repeating: 0, count: size + 1)
        var offsets = [Int](repeating: 0, count: count)
        try check(failure) { reason in
            unsafe belay_run_output_text(
                handle.pointer,
                position,
                &text,
                size,
                &offsets,
                count,
                reason.text,
                reason.capacity
            )
        }
        let ends = offsets.dropFirst() + [size]
        return zip(offsets, ends).map { start, end in text[start..<end].map(UInt8.init(bitPattern:)) }
    }
}
