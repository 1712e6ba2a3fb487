import BelayCore

extension OIPRequest {
    /// The outputs, with the classification of those that the request wants classified.
    func classified(_ outputs: [NamedTensor]) throws(InferenceError) -> [NamedTensor] {
        guard self.outputs.contains(where: { $0.classes != nil }) else { return outputs }
        var classified: [NamedTensor] = []
        for output in outputs {
            let classes = self.outputs.first { $0.name == output.name }?.classes
            classified.append(
                try classes.map { (most) throws(InferenceError) in
                    NamedTensor(name: output.name, tensor: try output.classified(most: most))
                } ?? output
            )
        }
        return classified
    }
}

extension NamedTensor {
    /// The highest values of each row with their indices, `value:index`, highest first, equal ones by index.
    ///
    /// The first of several dimensions counts rows; all others together are the classes, and a tensor of one
    /// dimension or none is one row. Values are written so that they read back exactly.
    ///
    /// - Parameter most: Classes wanted; all when there are fewer.
    /// - Returns: A BYTES tensor of shape `[rows, classes]`, or `[classes]` for a tensor of one dimension.
    /// - Throws: ``InferenceError/requestMismatch(_:)`` for BOOL and BYTES.
    fileprivate func classified(most: Int) throws(InferenceError) -> Tensor {
        guard case .packed(let bytes) = tensor.storage else { throw unordered }
        let rows = tensor.shape.count > 1 ? tensor.shape[0] : 1
        // Also without any rows there are classes.
        let width =
            tensor.shape.count > 1
            ? try Tensor.elementCount(shape: Array(tensor.shape.dropFirst())) : tensor.count
        let strings: [[UInt8]]
        switch tensor.type {
        case .int8: strings = ranks(bytes, width, most) { Int8(bitPattern: $0 as UInt8) }
        case .int16: strings = ranks(bytes, width, most) { Int16(bitPattern: $0 as UInt16) }
        case .int32: strings = ranks(bytes, width, most) { Int32(bitPattern: $0 as UInt32) }
        case .int64: strings = ranks(bytes, width, most) { Int64(bitPattern: $0 as UInt64) }
        case .uint8: strings = ranks(bytes, width, most) { $0 as UInt8 }
        case .uint16: strings = ranks(bytes, width, most) { $0 as UInt16 }
        case .uint32: strings = ranks(bytes, width, most) { $0 as UInt32 }
        case .uint64: strings = ranks(bytes, width, most) { $0 as UInt64 }
        case .fp16: strings = ranks(bytes, width, most) { Float(Float16(bitPattern: $0 as UInt16)) }
        case .fp32: strings = ranks(bytes, width, most) { Float(bitPattern: $0 as UInt32) }
        case .fp64: strings = ranks(bytes, width, most) { Double(bitPattern: $0 as UInt64) }
        case .bool, .bytes: throw unordered
        }
        let classes = min(most, width)
        let shape = tensor.shape.count > 1 ? [rows, classes] : [classes]
        return try Tensor(type: .bytes, shape: shape, storage: .strings(strings))
    }

    private var unordered: InferenceError {
        .requestMismatch("Output '\(name)' is \(tensor.type.rawValue), which has no classification.")
    }
}

/// Orders each row of `width` elements and writes the `most` highest; `value` says what element the bits are.
private func ranks<
    Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable,
    Value: Comparable & CustomStringConvertible
>(
    _ bytes: [UInt8],
    _ width: Int,
    _ most: Int,
    value: (Bits) -> Value
) -> [[UInt8]] {
    guard width > 0, !bytes.isEmpty else { return [] }
    let size = Bits.bitWidth / 8
    var strings: [[UInt8]] = []
    for start in stride(from: 0, to: bytes.count, by: width * size) {
        let row = (0..<width).map { value(bytes.littleEndian(at: start + $0 * size)) }
        let order = row.indices.sorted { row[$0] == row[$1] ? $0 < $1 : row[$0] > row[$1] }
        strings += order.prefix(most).map { Array("\(row[$0]):\($0)".utf8) }
    }
    return strings
}
