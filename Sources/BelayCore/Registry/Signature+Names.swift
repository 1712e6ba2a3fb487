extension TensorSpec {
    /// Values in one row; nil when requests choose it, or a row is no row of values.
    package var columns: Int? {
        switch shape.count {
        case 0, 1: 1
        case 2: shape[1]
        default: nil
        }
    }
}

extension [TensorSpec] {
    /// Where a feature of requests with these inputs stands; nil when they have no such feature.
    ///
    /// A feature is an input with one value a row, by its name, or one column of an input of rows: `x[3]`,
    /// counted from 0.
    package func place(of feature: String) -> (input: Int, column: Int)? {
        if let index = firstIndex(where: { $0.name == feature }) {
            return self[index].columns == 1 ? (index, 0) : nil
        }
        guard feature.last == "]", let open = feature.lastIndex(of: "["),
            let column = Int(feature[feature.index(after: open)...].dropLast()), column >= 0,
            let index = firstIndex(where: { $0.name == feature[..<open] }),
            let columns = self[index].columns, column < columns
        else { return nil }
        return (index, column)
    }
}

extension Signature {
    /// A name in a policy that nothing of a version answers to.
    struct Stray: Equatable {
        /// Where it stands: `labels.output`, `guards[missing_rate].feature`.
        let key: String
        let name: String
        /// What there is instead.
        let known: [String]
    }

    /// The first name of an input or output in `policy` that this has not, if any.
    ///
    /// A guard on it would be blind for ever.
    func stray(in policy: Policy) -> Stray? {
        for (key, name) in [
            ("labels.output", policy.labels.output), ("labels.probability", policy.labels.probability),
        ] {
            guard let name, output(name) == nil else { continue }
            return Stray(key: key, name: name, known: outputs.map(\.name))
        }
        for guarded in policy.guards {
            let names = [("feature", guarded.focus.feature)] + guarded.focus.sliceBy.map { ("slice_by", $0) }
            for (key, name) in names {
                guard let name, inputs.place(of: name) == nil else { continue }
                return Stray(key: "guards[\(guarded.name)].\(key)", name: name, known: inputs.map(\.features))
            }
        }
        return nil
    }

    /// The first guard of `policy` on a missing input that this cannot be sent without, if any.
    ///
    /// A null among whole numbers or truth values does not fit the signature: the request is refused, and
    /// counted by `schema_errors`. Among numbers with a fraction, binary tensors may hold NaN.
    func neverMissing(in policy: Policy) -> (guarded: Guard, type: TensorType)? {
        for guarded in policy.guards where guarded.metric == .missingRate {
            guard let place = guarded.focus.feature.flatMap(inputs.place(of:)) else { continue }
            let type = inputs[place.input].type
            switch type {
            case .fp16, .fp32, .fp64, .bytes: continue
            case .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64:
                return (guarded, type)
            }
        }
        return nil
    }
}

extension TensorSpec {
    /// `age`, or `x[0] to x[29]`.
    fileprivate var features: String {
        guard let columns, columns > 1 else { return name }
        return "\(name)[0] to \(name)[\(columns - 1)]"
    }
}
