import BelayCore

/// A body in the two parts that the binary tensor extension gives it: JSON, then the bytes of the tensors
/// that have a `binary_data_size`, one after the other.
struct BinarySection {
    /// The JSON.
    let header: [UInt8]
    private let body: [UInt8]
    private var position: Int
    private let isAnnounced: Bool

    /// The first `headerLength` bytes are JSON; all, when it is nil.
    ///
    /// - Throws: ``InferenceError/requestMismatch(_:)`` when the body is shorter.
    init(of body: [UInt8], headerLength: Int?) throws(InferenceError) {
        let end = headerLength ?? body.count
        guard 0...body.count ~= end else {
            throw .requestMismatch(
                "Inference-Header-Content-Length is \(end), but the body has \(body.count) bytes."
            )
        }
        self.header = end == body.count ? body : Array(body[..<end])
        self.body = body
        self.position = end
        self.isAnnounced = headerLength != nil
    }

    /// Gives each tensor its bytes; none may be missing and none may be left over.
    ///
    /// Outputs that were redacted are left out, so that an answer that was kept can still be read; no request
    /// may say so of an input.
    mutating func complete(
        _ tensors: [WireTensor],
        limits: OIPLimits
    ) throws(InferenceError) -> [NamedTensor] {
        var complete: [NamedTensor] = []
        complete.reserveCapacity(tensors.count)
        for tensor in tensors {
            switch tensor.content {
            case .elements(let storage): complete.append(try tensor.tensor(of: storage))
            case .binary(let size): complete.append(try read(tensor, size: size, limits: limits))
            case .redacted(let size):
                guard tensor.role == "output" else {
                    throw .requestMismatch("The \(tensor.role) '\(tensor.name)' is redacted.")
                }
                _ = try bytes(size, of: tensor)
            }
        }
        guard position == body.count else {
            throw .requestMismatch(
                "\(body.count - position) bytes follow the last tensor of the body; "
                    + "the values of 'binary_data_size' do not add up."
            )
        }
        return complete
    }

    private mutating func read(
        _ tensor: WireTensor,
        size: Int,
        limits: OIPLimits
    ) throws(InferenceError) -> NamedTensor {
        guard isAnnounced else {
            throw .requestMismatch(
                "The \(tensor.role) '\(tensor.name)' has 'binary_data_size', "
                    + "but there is no header Inference-Header-Content-Length."
            )
        }
        let count = try Tensor.elementCount(shape: tensor.shape)
        let most = tensor.type.width == nil ? limits.mostStrings : limits.mostElements
        guard count <= most else {
            throw .tooLarge(what: "elements in \(tensor.role) '\(tensor.name)'", limit: most)
        }
        if let width = tensor.type.width, size != count * width {
            throw .requestMismatch(
                "'\(tensor.name)': 'binary_data_size' is \(size), but \(tensor.type.rawValue) "
                    + "\(tensor.shape) takes \(count * width) bytes."
            )
        }
        let bytes = try bytes(size, of: tensor)
        guard tensor.type == .bytes else {
            let read = try tensor.tensor(of: .packed(Array(bytes)))
            try read.tensor.checkValues(of: tensor.name)
            return read
        }
        let strings = try strings(in: bytes, of: tensor.name, count: count, limits: limits)
        return try tensor.tensor(of: .strings(strings))
    }

    private mutating func bytes(
        _ size: Int,
        of tensor: WireTensor
    ) throws(InferenceError) -> ArraySlice<UInt8> {
        let left = body.count - position
        guard size <= left else {
            throw .requestMismatch(
                "'\(tensor.name)': \(size - left) of its \(size) bytes are missing at the end of the body."
            )
        }
        defer { position += size }
        return body[position..<position + size]
    }

    /// Splits BYTES elements, each four bytes of length, little-endian, and as many of content.
    private func strings(
        in bytes: ArraySlice<UInt8>,
        of name: String,
        count: Int,
        limits: OIPLimits
    ) throws(InferenceError) -> [[UInt8]] {
        var strings: [[UInt8]] = []
        var rest = bytes
        while !rest.isEmpty {
            guard strings.count < count else {
                throw .requestMismatch("'\(name)': its bytes hold more than \(count) strings.")
            }
            let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            guard rest.count >= 4, length <= rest.count - 4 else {
                throw .requestMismatch("'\(name)': its string \(strings.count) is cut off.")
            }
            guard length <= limits.mostStringBytes else {
                throw .tooLarge(what: "bytes in one string of '\(name)'", limit: limits.mostStringBytes)
            }
            strings.append(Array(rest.dropFirst(4).prefix(length)))
            rest = rest.dropFirst(4 + length)
        }
        return strings
    }
}

extension Tensor {
    /// Looks at bytes that came as they are, for what a number read from JSON cannot be.
    ///
    /// - Throws: ``InferenceError/requestMismatch(_:)`` for booleans other than 0 and 1, NaN and
    ///   infinities.
    func checkValues(of name: String) throws(InferenceError) {
        if type == .bool, case .packed(let bytes) = storage,
            let index = bytes.firstIndex(where: { $0 > 1 })
        {
            throw .requestMismatch("'\(name)': element \(index) is \(bytes[index]); a BOOL is 0 or 1.")
        }
        if let index = firstNonFinite {
            throw .requestMismatch(
                "'\(name)': element \(index) is NaN or infinite, and no model is asked about those."
            )
        }
    }

    /// The bytes of the binary extension: packed elements, or strings with their lengths.
    ///
    /// - Throws: ``InferenceError/invalidOutput(name:reason:)`` for a string longer than 32 bits can say.
    func binary(of name: String) throws(InferenceError) -> [UInt8] {
        switch storage {
        case .packed(let bytes): return bytes
        case .strings(let strings):
            var bytes: [UInt8] = []
            bytes.reserveCapacity(strings.reduce(0) { $0 + 4 + $1.count })
            for string in strings {
                guard let length = UInt32(exactly: string.count) else {
                    throw .invalidOutput(name: name, reason: "a string has \(string.count) bytes")
                }
                bytes.appendLittleEndian(length)
                bytes += string
            }
            return bytes
        }
    }
}
