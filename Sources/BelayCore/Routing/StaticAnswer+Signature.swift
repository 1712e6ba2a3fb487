extension StaticAnswer {
    /// Why this cannot be given in the place of a version.
    package enum Fault: Hashable, Sendable {
        /// It names an output that there is not.
        case stranger(output: String)
        /// It leaves an output out.
        case missing(output: String)
        /// What it gives to an output is not one row of it.
        case misfit(output: String, reason: String)

        package var output: String {
            switch self {
            case .stranger(let output), .missing(let output), .misfit(let output, _): output
            }
        }

        /// What is wrong with it, as a part of a sentence.
        package var reason: String {
            switch self {
            case .stranger: "the fallback answer has it, the model has not"
            case .missing: "the fallback answer does not have it"
            case .misfit(_, let reason): reason
            }
        }
    }

    /// The first reason why a model of this signature would never give it; nil when it can.
    ///
    /// What ``BelayInference/OIPResponse/fixed(_:rows:signature:)`` makes of it goes by these rules, so what
    /// passes here is given when it is needed.
    package func fault(by signature: Signature) -> Fault? {
        if let stranger = outputs.keys.filter({ signature.output($0) == nil }).min() {
            return .stranger(output: stranger)
        }
        for spec in signature.outputs {
            guard let values = outputs[spec.name] else { return .missing(output: spec.name) }
            if let reason = spec.misfit(of: values) { return .misfit(output: spec.name, reason: reason) }
        }
        return nil
    }
}

extension TensorSpec {
    /// Elements of one row, with 1 in every other open dimension; of all when none is open.
    ///
    /// Nil when they are more than a number can say.
    private var rowCount: Int? {
        var count = 1
        for dimension in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension ?? 1)
            guard !overflow else { return nil }
            count = product
        }
        return count
    }

    /// Why these values are not one row.
    fileprivate func misfit(of values: [StaticAnswer.Value]) -> String? {
        guard values.count == rowCount else {
            return "the fallback answer gives it \(values.count) values a row, "
                + "but \(shape.map { $0 ?? -1 }) takes \(rowCount.map(String.init) ?? "too many")"
        }
        return values.first { !type.holds($0) }.map {
            "the fallback answer gives it \($0.phrase), which is no \(type.rawValue)"
        }
    }
}

extension TensorType {
    /// Whether an element can be this: floats may lose digits, but not become infinite; integers must be
    /// whole and in their range.
    fileprivate func holds(_ value: StaticAnswer.Value) -> Bool {
        switch value {
        case .text: self == .bytes
        case .boolean: self == .bool
        case .number(let number): holds(number)
        }
    }

    private func holds(_ number: Double) -> Bool {
        switch self {
        // Above that, the policy's own number may have been another one: doubles do not tell them apart.
        case .int64 where abs(number) > 0x1p53, .uint64 where number > 0x1p53: false
        case .int8: Int8(exactly: number) != nil
        case .int16: Int16(exactly: number) != nil
        case .int32: Int32(exactly: number) != nil
        case .int64: Int64(exactly: number) != nil
        case .uint8: UInt8(exactly: number) != nil
        case .uint16: UInt16(exactly: number) != nil
        case .uint32: UInt32(exactly: number) != nil
        case .uint64: UInt64(exactly: number) != nil
        case .fp16: Float16(number).isFinite
        case .fp32: Float(number).isFinite
        case .fp64: number.isFinite
        case .bool, .bytes: false
        }
    }
}

extension StaticAnswer.Value {
    fileprivate var phrase: String {
        switch self {
        case .number(let number): "\(number)"
        case .text(let text): "'\(text.prefix(40))'"
        case .boolean(let flag): "\(flag)"
        }
    }
}
