import BelayCore
import BelayInference

/// Looks at what a version answered before anybody else does.
///
/// The signature is a promise to callers; a number that is not one, or a tensor of another shape, would reach
/// them as a wrong decision. Whether the dimensions agree with those of the inputs is not asked: a signature
/// does not say which of them do.
enum OutputGuard {
    /// Lets through what may be told to the caller.
    ///
    /// - Parameters:
    ///   - answered: What the version gave; more than was wanted is left out.
    ///   - wanted: Names of outputs, all of them in the signature; none wants all, in its order.
    ///   - signature: The version's.
    /// - Returns: The outputs in the order wanted, or one sentence on what is wrong with them.
    static func admit(
        _ answered: [NamedTensor],
        wanted: [String],
        signature: Signature
    ) -> Result<[NamedTensor], Fault> {
        if wanted.isEmpty, isWhole(answered, signature) {
            for (given, promised) in zip(answered, signature.outputs) {
                if let fault = fault(in: given, promised: promised) { return .failure(fault) }
            }
            return .success(answered)
        }
        let names = wanted.isEmpty ? signature.outputs.map(\.name) : wanted
        var admitted: [NamedTensor] = []
        admitted.reserveCapacity(names.count)
        for name in names {
            guard let promised = signature.output(name),
                let given = answered.first(where: { $0.name == name })
            else {
                return .failure(Fault(sentence: "Output '\(name)' is missing."))
            }
            if let fault = fault(in: given, promised: promised) { return .failure(fault) }
            admitted.append(given)
        }
        return .success(admitted)
    }

    /// Whether it is the signature's outputs, one for one, as nearly always.
    private static func isWhole(_ answered: [NamedTensor], _ signature: Signature) -> Bool {
        answered.count == signature.outputs.count
            && zip(answered, signature.outputs).allSatisfy { $0.name == $1.name }
    }

    private static func fault(in given: NamedTensor, promised: TensorSpec) -> Fault? {
        let tensor = given.tensor
        guard tensor.type == promised.type else {
            return Fault(
                sentence: "Output '\(given.name)' is \(tensor.type.rawValue), not \(promised.type.rawValue)."
            )
        }
        guard promised.accepts(shape: tensor.shape) else {
            return Fault(
                sentence:
                    "Output '\(given.name)' has shape \(tensor.shape), "
                    + "not \(promised.shape.map { $0 ?? -1 })."
            )
        }
        guard let index = tensor.firstNonFinite else { return nil }
        return Fault(sentence: "Output '\(given.name)' is NaN or infinite at element \(index).")
    }

    struct Fault: Error, Equatable {
        let sentence: String
    }
}
