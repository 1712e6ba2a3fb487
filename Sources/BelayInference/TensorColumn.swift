package import BelayCore

/// Finds one value of a request, or of an answer, in its tensors.
///
/// What a feature is, `[TensorSpec].place(of:)` says. Only the first row is looked at: rows of one request
/// come from one caller and resemble each other, so they would count one coin several times.
package struct TensorColumn: Equatable, Sendable {
    /// What stands in a column.
    package enum Value: Equatable, Sendable {
        case number(Double)
        case flag(Bool)
        case text([UInt8])
        /// NaN, an empty text, or no row at all.
        case missing

        /// As people write it, a whole number without a point; nil when it is missing.
        package var description: String? {
            switch self {
            case .number(let number): shortDecimal(number)
            case .flag(let flag): flag ? "true" : "false"
            case .text(let bytes): String(decoding: bytes, as: UTF8.self)
            case .missing: nil
            }
        }

        /// What it counts as among numbers; nil for a text and for what is missing.
        package var number: Double? {
            switch self {
            case .number(let number): number
            case .flag(let flag): flag ? 1 : 0
            case .text, .missing: nil
            }
        }
    }

    private enum Place: Equatable, Sendable {
        case at(Int)
        /// The index of the greatest value in the row, which is the class that it says.
        case greatest
    }

    private let tensor: String
    /// Where the tensor nearly always is.
    private let usual: Int
    private let place: Place
    private let type: TensorType

    /// A feature of requests that fit `inputs`; nil when they have no such feature.
    package init?(feature: String, of inputs: [TensorSpec]) {
        guard let (index, column) = inputs.place(of: feature) else { return nil }
        let spec = inputs[index]
        self.init(tensor: spec.name, usual: index, place: .at(column), spec.type)
    }

    /// What an answer predicts: its value, or the class with the greatest of several values; nil for an
    /// output that has neither.
    package init?(prediction: String, of outputs: [TensorSpec]) {
        guard let index = outputs.firstIndex(where: { $0.name == prediction }) else { return nil }
        let spec = outputs[index]
        if spec.columns == 1 {
            self.init(tensor: prediction, usual: index, place: .at(0), spec.type)
        } else {
            guard spec.shape.count <= 2, spec.type.width != nil else { return nil }
            self.init(tensor: prediction, usual: index, place: .greatest, spec.type)
        }
    }

    private init(tensor: String, usual: Int, place: Place, _ type: TensorType) {
        self.tensor = tensor
        self.usual = usual
        self.place = place
        self.type = type
    }

    /// The tensor and the element that it is, when that is always a number; nil for a class and for texts.
    package var number: (tensor: String, index: Int)? {
        guard case .at(let index) = place, type.width != nil else { return nil }
        return (tensor, index)
    }

    /// The features of requests that fit `inputs`, in order, `most` at most.
    package static func features(of inputs: [TensorSpec], most: Int) -> [String] {
        var features: [String] = []
        for spec in inputs where features.count < most {
            guard let columns = spec.columns else { continue }
            guard columns > 1 else {
                features.append(spec.name)
                continue
            }
            features += (0..<min(columns, most - features.count)).map { "\(spec.name)[\($0)]" }
        }
        return features
    }

    /// The value in the first row of the tensor that has it; missing when there is none.
    package func value(in tensors: [NamedTensor]) -> Value {
        if usual < tensors.count, tensors[usual].name == tensor { return value(in: tensors[usual].tensor) }
        return tensors.first { $0.name == tensor }.map { value(in: $0.tensor) } ?? .missing
    }

    private func value(in tensor: Tensor) -> Value {
        switch place {
        case .at(let index):
            guard index < tensor.count else { return .missing }
            if case .strings(let texts) = tensor.storage {
                return texts[index].isEmpty ? .missing : .text(texts[index])
            }
            guard let number = tensor.number(at: index), !number.isNaN else { return .missing }
            return tensor.type == .bool ? .flag(number != 0) : .number(number)
        case .greatest:
            let columns = tensor.shape.count > 1 ? tensor.shape[1] : 1
            guard columns > 0, tensor.count >= columns else { return .missing }
            guard columns > 1 else { return tensor.number(at: 0).map(Value.number) ?? .missing }
            let row = (0..<columns).map { tensor.number(at: $0) ?? -.infinity }
            return row.indices.max { row[$0] < row[$1] }.map { .number(Double($0)) } ?? .missing
        }
    }
}
