package import BelayCore

/// An n-dimensional array of one element type, whole and in memory.
///
/// The elements lie packed as the wire and the runtime want them, so that a number is converted once, when it
/// is parsed, and never again. That shape, type and storage agree is checked here and nowhere else.
package struct Tensor: Equatable, Sendable {
    package enum Storage: Equatable, Sendable {
        /// Row-major, little-endian, no gaps; BOOL is one byte of 0 or 1.
        case packed([UInt8])
        /// The elements of a ``BelayCore/TensorType/bytes`` tensor; usually, but not always, UTF-8.
        case strings([[UInt8]])
    }

    /// No dimension, and no product of dimensions, is greater: 16 Mi.
    package static let mostElements = 16_777_216
    package static let mostDimensions = 16

    package let type: TensorType
    /// Row-major; empty for a scalar.
    package let shape: [Int]
    package let storage: Storage
    /// Elements in all.
    package let count: Int

    /// - Throws: ``InferenceError/requestMismatch(_:)`` when the shape is illegal or the storage does not fit
    ///   it, ``InferenceError/tooLarge(what:limit:)`` above ``mostElements`` or ``mostDimensions``.
    package init(type: TensorType, shape: [Int], storage: Storage) throws(InferenceError) {
        let count = try Self.elementCount(shape: shape)
        let found: Int
        switch (storage, type.width) {
        case (.packed(let bytes), .some(let width)):
            guard bytes.count.isMultiple(of: width) else {
                throw .requestMismatch(
                    "\(bytes.count) bytes are not a whole number of \(type.rawValue) elements."
                )
            }
            found = bytes.count / width
        case (.strings(let elements), .none): found = elements.count
        default: throw .requestMismatch("The storage is not that of a \(type.rawValue) tensor.")
        }
        guard found == count else {
            throw .requestMismatch("Shape \(shape) has \(count) elements, but there are \(found).")
        }
        self.type = type
        self.shape = shape
        self.storage = storage
        self.count = count
    }

    /// The product of the dimensions, which are checked one by one: hostile shapes must not overflow.
    package static func elementCount(shape: [Int]) throws(InferenceError) -> Int {
        guard shape.count <= mostDimensions else {
            throw .tooLarge(what: "dimensions in one tensor", limit: mostDimensions)
        }
        var count = 1
        for dimension in shape {
            guard dimension >= 0 else {
                throw .requestMismatch("Shape \(shape) has a negative dimension.")
            }
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow, dimension <= mostElements, product <= mostElements else {
                throw .tooLarge(what: "elements in one tensor", limit: mostElements)
            }
            count = product
        }
        return count
    }

    /// The index of the first NaN or infinity; nil when all is finite or the type has no such values.
    ///
    /// Looks only at the exponent's bits, all ones in both.
    package var firstNonFinite: Int? {
        guard case .packed(let bytes) = storage, let width = type.width else { return nil }
        let (high, low): (UInt8, UInt8)
        switch type {
        case .fp16: (high, low) = (0x7c, 0)
        case .fp32: (high, low) = (0x7f, 0x80)
        case .fp64: (high, low) = (0x7f, 0xf0)
        default: return nil
        }
        var last = width - 1
        while last < bytes.count {
            if bytes[last] & high == high, bytes[last - 1] & low == low { return last / width }
            last += width
        }
        return nil
    }
}

/// A tensor and the name of the input or output it is.
package struct NamedTensor: Equatable, Sendable {
    package let name: String
    package let tensor: Tensor

    package init(name: String, tensor: Tensor) {
        self.name = name
        self.tensor = tensor
    }
}
