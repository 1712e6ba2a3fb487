import BelayCore
import BelayInference

/// Asks a freshly loaded instance one question, so that its memory is allocated before a user waits for it.
///
/// Without an example request the question is made up: zeros and empty strings in the shape of the signature.
/// A model may well refuse such an input, and that says nothing about real ones: only a signature that no
/// tensor can satisfy is an error.
func ask(_ instance: any Instance, cancellation: Cancellation) throws(InferenceError) {
    var inputs: [NamedTensor] = []
    for input in instance.signature.inputs {
        let shape = input.shape.map { $0 ?? 1 }
        let count = try Tensor.elementCount(shape: shape)
        let storage: Tensor.Storage =
            if let width = input.type.width {
                .packed([UInt8](repeating: 0, count: count * width))
            } else {
                .strings([[UInt8]](repeating: [], count: count))
            }
        inputs.append(
            NamedTensor(
                name: input.name,
                tensor: try Tensor(type: input.type, shape: shape, storage: storage)
            )
        )
    }
    do throws(InferenceError) {
        _ = try instance.infer(inputs, outputs: [], cancellation: cancellation)
    } catch {
        // The made-up input was refused; see above why that is no verdict.
    }
}
