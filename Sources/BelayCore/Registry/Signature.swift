/// The element types of tensors, named as the Open Inference Protocol names them.
package enum TensorType: String, Codable, CaseIterable, Sendable {
    case bool = "BOOL"
    case int8 = "INT8"
    case int16 = "INT16"
    case int32 = "INT32"
    case int64 = "INT64"
    case uint8 = "UINT8"
    case uint16 = "UINT16"
    case uint32 = "UINT32"
    case uint64 = "UINT64"
    case fp16 = "FP16"
    case fp32 = "FP32"
    case fp64 = "FP64"
    case bytes = "BYTES"

    /// Bytes of one element; nil for ``bytes``, whose elements have their own lengths.
    package var width: Int? {
        switch self {
        case .bool, .int8, .uint8: 1
        case .int16, .uint16, .fp16: 2
        case .int32, .uint32, .fp32: 4
        case .int64, .uint64, .fp64: 8
        case .bytes: nil
        }
    }
}

/// One named input or output of a model.
package struct TensorSpec: Hashable, Codable, Sendable {
    package let name: String
    package let type: TensorType
    /// Row-major dimensions, none negative; nil stands for one that each request chooses (`-1` on the wire).
    package let shape: [Int?]

    /// A negative dimension is one that each request chooses, as runtimes write it.
    package init(name: String, type: TensorType, shape: [Int?]) {
        self.name = name
        self.type = type
        self.shape = shape.map { dimension in dimension.flatMap { $0 < 0 ? nil : $0 } }
    }

    /// Whether a tensor of exactly these dimensions fits.
    package func accepts(shape actual: [Int]) -> Bool {
        actual.count == shape.count && zip(shape, actual).allSatisfy { $0 == nil || $0 == $1 }
    }

    /// Whether every tensor that fits `other` also fits this.
    func accepts(everyShapeOf other: TensorSpec) -> Bool {
        shape.count == other.shape.count && zip(shape, other.shape).allSatisfy { $0 == nil || $0 == $1 }
    }
}

/// What a version takes and gives, in the order the model declares.
package struct Signature: Hashable, Codable, Sendable {
    package let inputs: [TensorSpec]
    package let outputs: [TensorSpec]

    /// Returns nil when there is no output, or a name stands twice on one side.
    package init?(inputs: [TensorSpec], outputs: [TensorSpec]) {
        guard !outputs.isEmpty, Set(inputs.map(\.name)).count == inputs.count,
            Set(outputs.map(\.name)).count == outputs.count
        else { return nil }
        self.inputs = inputs
        self.outputs = outputs
    }

    package func input(_ name: String) -> TensorSpec? { inputs.first { $0.name == name } }
    package func output(_ name: String) -> TensorSpec? { outputs.first { $0.name == name } }

    /// The output that is compared with labels: `chosen`, else `label` or `output_label`, else the only one.
    package func prediction(chosen: String?) -> TensorSpec? {
        if let chosen { return output(chosen) }
        return output("label") ?? output("output_label") ?? (outputs.count == 1 ? outputs.first : nil)
    }
}

extension TensorSpec {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let shape = try container.decode([Int?].self, forKey: .shape)
        guard shape.allSatisfy({ ($0 ?? 0) >= 0 }) else {
            throw DecodingError.dataCorruptedError(
                forKey: .shape,
                in: container,
                debugDescription: "a dimension is negative"
            )
        }
        self.init(
            name: try container.decode(String.self, forKey: .name),
            type: try container.decode(TensorType.self, forKey: .type),
            shape: shape
        )
    }
}

extension Signature {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let inputs = try container.decode([TensorSpec].self, forKey: .inputs)
        let outputs = try container.decode([TensorSpec].self, forKey: .outputs)
        guard let signature = Signature(inputs: inputs, outputs: outputs) else {
            throw DecodingError.dataCorruptedError(
                forKey: .outputs,
                in: container,
                debugDescription: "no output, or a name that stands twice"
            )
        }
        self = signature
    }
}

extension Signature {
    /// One reason why callers of one signature would notice the other.
    package enum Mismatch: Hashable, Codable, Sendable {
        case inputMissing(String)
        case inputAdded(String)
        case inputChanged(String)
        case outputMissing(String)
        case outputChanged(String)

        /// Whether it keeps requests from being taken at all.
        package var isOfInputs: Bool {
            switch self {
            case .inputMissing, .inputAdded, .inputChanged: true
            case .outputMissing, .outputChanged: false
            }
        }
    }

    /// Why requests written for `stable` would not be answered the same way by this; empty when they would.
    ///
    /// Every input that callers send must be accepted with every shape they may send, nothing more may be
    /// asked of them, and every output they read must be there with its type. Additional outputs are fine.
    package func mismatches(replacing stable: Signature) -> [Mismatch] {
        var found: [Mismatch] = []
        for old in stable.inputs {
            guard let new = input(old.name) else {
                found.append(.inputMissing(old.name))
                continue
            }
            if new.type != old.type || !new.accepts(everyShapeOf: old) {
                found.append(.inputChanged(old.name))
            }
        }
        found += inputs.filter { stable.input($0.name) == nil }.map { .inputAdded($0.name) }
        for old in stable.outputs {
            guard let new = output(old.name) else {
                found.append(.outputMissing(old.name))
                continue
            }
            if new.type != old.type || !old.accepts(everyShapeOf: new) {
                found.append(.outputChanged(old.name))
            }
        }
        return found
    }

    /// The first reason why a version that has this does not take the requests of one that has the other; nil
    /// when it does.
    package func inputMismatch(replacing stable: Signature) -> Mismatch? {
        // As nearly always, and it spares comparing each with each.
        self == stable ? nil : mismatches(replacing: stable).first(where: \.isOfInputs)
    }
}
