import BelayCore

/// A served answer beside the one that a shadow gave to the same request.
package struct AnswerComparison: Equatable, Sendable {
    /// Whether a caller would have been told something else.
    package let differs: Bool
    /// The greatest difference of two elements over the float outputs; infinite where only one is a number,
    /// nil when no float output of one can be laid beside the other's.
    package let distance: Double?

    /// - Parameters:
    ///   - served: What the caller got.
    ///   - shadow: What the shadow said; outputs that were not served do not count.
    ///   - prediction: The name of the output that is the decision, from
    ///     ``BelayCore/Signature/prediction(chosen:)``: when both answers have it, it alone says whether they
    ///     differ. Integers, booleans and strings must be equal, floats nearly so: versions of one model
    ///     differ in the last digits because their sums run in another order.
    package init(_ served: [NamedTensor], _ shadow: [NamedTensor], prediction: String?) {
        let decisive = served.contains { $0.name == prediction } ? prediction : nil
        var (differs, distance): (Bool, Double?) = (false, nil)
        for output in served {
            let other = shadow.first { $0.name == output.name }?.tensor
            let apart = other.flatMap { output.tensor.difference(from: $0) }
            if let apart, output.tensor.type.isFloat { distance = max(distance ?? 0, apart.distance) }
            if decisive == nil || decisive == output.name { differs = differs || apart?.isNotable ?? true }
        }
        self.differs = differs
        self.distance = distance
    }
}

/// How far two tensors of one type and shape are apart.
private struct Difference {
    var distance = 0.0
    var isNotable = false

    /// The tolerance is what is let pass: relative to the greater of the two, absolute below 1.
    mutating func add(_ left: Double, _ right: Double, tolerance: Double) {
        guard left != right, !(left.isNaN && right.isNaN) else { return }
        let apart = abs(left - right)
        distance = max(distance, apart.isFinite ? apart : .infinity)
        if !(apart <= tolerance * max(1, abs(left), abs(right))) { isNotable = true }
    }
}

extension TensorType {
    fileprivate var isFloat: Bool { self == .fp16 || self == .fp32 || self == .fp64 }
}

extension Tensor {
    /// Nil when type or shape are others, so that no element has its counterpart.
    fileprivate func difference(from other: Tensor) -> Difference? {
        guard type == other.type, shape == other.shape else { return nil }
        var difference = Difference()
        guard type.isFloat, case .packed(let left) = storage, case .packed(let right) = other.storage else {
            difference.isNotable = storage != other.storage
            return difference
        }
        guard left != right else { return difference }
        for index in 0..<count {
            switch type {
            case .fp16:
                let (one, two): (UInt16, UInt16) = (
                    left.littleEndian(at: index * 2), right.littleEndian(at: index * 2)
                )
                let values = (Double(Float16(bitPattern: one)), Double(Float16(bitPattern: two)))
                difference.add(values.0, values.1, tolerance: 1e-3)
            case .fp32:
                let (one, two): (UInt32, UInt32) = (
                    left.littleEndian(at: index * 4), right.littleEndian(at: index * 4)
                )
                let values = (Double(Float(bitPattern: one)), Double(Float(bitPattern: two)))
                difference.add(values.0, values.1, tolerance: 1e-5)
            default:
                let (one, two): (UInt64, UInt64) = (
                    left.littleEndian(at: index * 8), right.littleEndian(at: index * 8)
                )
                difference.add(Double(bitPattern: one), Double(bitPattern: two), tolerance: 1e-5)
            }
        }
        return difference
    }
}
