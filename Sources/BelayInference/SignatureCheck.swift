package import BelayCore

extension Signature {
    /// Whether a request is what the model takes: every input once, known, of its type and shape.
    ///
    /// - Throws: ``InferenceError/requestMismatch(_:)`` with one sentence that names the input, what was
    ///   expected and what came.
    package func check(_ inputs: [NamedTensor], outputs wanted: [String]) throws(InferenceError) {
        if isInOrder(inputs) {
            for index in inputs.indices { try self.inputs[index].check(inputs[index].tensor) }
        } else {
            try checkEach(of: inputs)
        }
        if !wanted.isEmpty { try check(outputs: wanted) }
    }

    /// Whether the names are the signature's, one for one.
    ///
    /// Nearly always they are; then none is missing or there twice.
    private func isInOrder(_ given: [NamedTensor]) -> Bool {
        guard given.count == inputs.count else { return false }
        for index in inputs.indices where inputs[index].name != given[index].name { return false }
        return true
    }

    private func checkEach(of inputs: [NamedTensor]) throws(InferenceError) {
        var missing = Set(self.inputs.map(\.name))
        for given in inputs {
            guard let expected = input(given.name) else {
                throw .requestMismatch(
                    "There is no input '\(given.name)'; the model takes \(names(of: self.inputs))."
                )
            }
            guard missing.remove(given.name) != nil else {
                throw .requestMismatch("Input '\(given.name)' was given twice.")
            }
            try expected.check(given.tensor)
        }
        if let absent = self.inputs.first(where: { missing.contains($0.name) }) {
            throw .requestMismatch("Input '\(absent.name)' (\(absent.form)) is missing.")
        }
    }

    private func check(outputs wanted: [String]) throws(InferenceError) {
        var seen: Set<String> = []
        for name in wanted {
            guard output(name) != nil else {
                throw .requestMismatch(
                    "There is no output '\(name)'; the model gives \(names(of: self.outputs))."
                )
            }
            guard seen.insert(name).inserted else {
                throw .requestMismatch("Output '\(name)' was asked for twice.")
            }
        }
    }

    private func names(of specs: [TensorSpec]) -> String {
        specs.isEmpty ? "none" : specs.map { "'\($0.name)'" }.joined(separator: ", ")
    }
}

extension TensorSpec {
    /// `FP32 [-1, 30]`, as model metadata writes it.
    fileprivate var form: String { "\(type.rawValue) \(shape.map { $0 ?? -1 })" }

    fileprivate func check(_ given: Tensor) throws(InferenceError) {
        guard given.type == type else {
            throw .requestMismatch(
                "Input '\(name)' must be \(form), but its datatype is \(given.type.rawValue)."
            )
        }
        guard accepts(shape: given.shape) else {
            throw .requestMismatch("Input '\(name)' must be \(form), but its shape is \(given.shape).")
        }
    }
}
