import BelayCore
import CONNXRuntime

/// One request on its way through a session: inputs copied in, run, outputs copied out.
struct ONNXRun: ~Copyable {
    private let handle: Handle

    init(handle: Handle) { self.handle = handle }

    deinit { unsafe belay_run_release(handle.pointer) }

    func set(_ tensor: Tensor, at index: Int) throws(InferenceError) {
        switch tensor.storage {
        case .packed(let bytes): try set(bytes, of: tensor, at: index)
        case .strings(let strings): try set(strings, of: tensor, at: index)
        }
    }

    private func set(_ bytes: [UInt8], of tensor: Tensor, at index: Int) throws(InferenceError) {
        let shape = tensor.shape.map(Int64.init)
        try check({ .runFailed(reason: $0) }) { reason in
            var memory: UnsafeMutableRawPointer?
            let code = unsafe belay_run_input(
                handle.pointer,
                index,
                tensor.type.element,
                shape,
                shape.count,
                &memory,
                reason.text,
                reason.capacity
            )
            if code == 0, let memory = unsafe memory {
                unsafe bytes.withUnsafeBytes { source in
                    let target = unsafe UnsafeMutableRawBufferPointer(start: memory, count: source.count)
                    unsafe target.copyBytes(from: source)
                }
            }
            return code
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
    func execute(_ wanted: [Int], stop: ONNXStop) throws(InferenceError) {
        try check({ .runFailed(reason: $0) }) { reason in
            unsafe belay_run_execute(
                handle.pointer,
                stop.handle.pointer,
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
        var (element, rank): (Int32, Int) = (0, 0)
        try check(failure) { reason in
            unsafe belay_run_output(handle.pointer, position, &element, &rank, reason.text, reason.capacity)
        }
        guard let type = TensorType(element: element) else {
            throw failure("it is not a tensor of a known type")
        }
        var dimensions = [Int64](repeating: 0, count: rank)
        try check(failure) { reason in
            unsafe belay_run_output_shape(
                handle.pointer,
                position,
                &dimensions,
                rank,
                reason.text,
                reason.capacity
            )
        }
        let shape = dimensions.map(Int.init)
        do throws(InferenceError) {
            let count = try Tensor.elementCount(shape: shape)
            let storage = try storage(at: position, type: type, count: count, failure)
            return try Tensor(type: type, shape: shape, storage: storage)
        } catch {
            // Of an answer, a limit is the model's fault and not the caller's.
            guard case .tooLarge = error else { throw error }
            throw failure(error.explanation.summary)
        }
    }

    private func storage(
        at position: Int,
        type: TensorType,
        count: Int,
        _ failure: (String) -> InferenceError
    ) throws(InferenceError) -> Tensor.Storage {
        guard let width = type.width else {
            return .strings(try strings(at: position, count: count, failure))
        }
        guard count > 0 else { return .packed([]) }
        var bytes: [UInt8] = []
        try check(failure) { reason in
            var data: UnsafeRawPointer?
            let code = unsafe belay_run_output_data(
                handle.pointer,
                position,
                &data,
                reason.text,
                reason.capacity
            )
            if code == 0 { bytes = unsafe Array(UnsafeRawBufferPointer(start: data, count: count * width)) }
            return code
        }
        return .packed(bytes)
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
