/// Reads an ONNX file just far enough to know which other files it would make a runtime read.
///
/// Visits every tensor there is (initializers, sparse ones, attributes of nodes in graphs, branches,
/// functions and training graphs), because runtimes have forgotten one kind or another in the past. It is
/// stricter than the protobuf parsers it stands before: what is unusual to write is refused, not guessed.
struct ONNXFile: ~Copyable {
    static let mostBytes = 2_147_483_647
    static let mostDepth = 64
    static let mostLocationBytes = 4_096

    private var reader: FileReader
    private var locations: Set<String> = []

    /// The locations of all external data in the model at `path`, as written there.
    ///
    /// - Throws: ``InferenceError/modelUnreadable(path:reason:)`` when it is not well-formed,
    ///   ``InferenceError/tooLarge(what:limit:)`` above ``mostBytes``.
    /// - Complexity: Proportional to the number of fields; the bytes of weights are passed over unread.
    static func externalLocations(path: String) throws(InferenceError) -> Set<String> {
        var file = ONNXFile(reader: try FileReader(path: path))
        guard file.reader.size <= mostBytes else {
            throw .tooLarge(what: "bytes in one model file", limit: mostBytes)
        }
        try file.visit(.model, in: 0..<file.reader.size, depth: 1)
        return file.locations
    }

    private init(reader: consuming FileReader) { self.reader = reader }

    private mutating func visit(_ message: Message, in range: Range<Int>, depth: Int) throws(InferenceError) {
        guard depth <= Self.mostDepth else { throw malformed("is nested too deeply", at: range.lowerBound) }
        var offset = range.lowerBound
        var entry = StringEntry()
        while offset < range.upperBound {
            let field = try field(at: offset, before: range.upperBound)
            if case .bytes(let content) = field.payload {
                if message == .entry {
                    try note(field.number, content, in: &entry)
                } else if let part = message.part(field.number) {
                    try visit(part, in: content, depth: depth + 1)
                }
            }
            offset = field.end
        }
        if entry.isLocation { locations.formUnion(entry.values) }
    }

    /// A key and a value; a parser takes the last of each, and we take them all.
    private struct StringEntry {
        var isLocation = false
        var values: [String] = []
    }

    private mutating func note(
        _ number: UInt64,
        _ content: Range<Int>,
        in entry: inout StringEntry
    ) throws(InferenceError) {
        guard number == 1 || number == 2 else { return }
        guard content.count <= Self.mostLocationBytes,
            let text = String(validating: try reader.bytes(in: content), as: UTF8.self)
        else { throw malformed("describes external data that is not short text", at: content.lowerBound) }
        if number == 1 { entry.isLocation = entry.isLocation || text == "location" }
        if number == 2 { entry.values.append(text) }
    }

    private func malformed(_ what: String, at offset: Int) -> InferenceError {
        .modelUnreadable(path: reader.path, reason: "it is not an ONNX model: it \(what) at byte \(offset)")
    }
}

extension ONNXFile {
    /// The messages of ONNX that can hold a tensor, at any remove.
    private enum Message {
        case model, training, graph, node, attribute, function, sparseTensor, tensor, entry

        /// What the field of that number holds, when tensors may be in it.
        func part(_ number: UInt64) -> Message? {
            switch (self, number) {
            case (.model, 7), (.training, 1), (.training, 2), (.attribute, 6), (.attribute, 11): .graph
            case (.model, 20): .training
            case (.model, 25): .function
            case (.graph, 1), (.function, 7): .node
            case (.node, 5), (.function, 11): .attribute
            case (.graph, 5), (.attribute, 5), (.attribute, 10), (.sparseTensor, 1), (.sparseTensor, 2):
                .tensor
            case (.graph, 15), (.attribute, 22), (.attribute, 23): .sparseTensor
            case (.tensor, 13): .entry
            default: nil
            }
        }
    }

    private struct Field {
        enum Payload {
            case bytes(Range<Int>)
            /// A number, which holds no tensor.
            case number
        }

        let number: UInt64
        let payload: Payload
        let end: Int
    }

    private mutating func field(at start: Int, before end: Int) throws(InferenceError) -> Field {
        var offset = start
        // Parsers differ in what they make of a tag beyond 32 bits; none is ever written.
        let tag = try varint(at: &offset, before: end, longest: 5)
        guard tag <= UInt64(UInt32.max), tag >> 3 != 0 else {
            throw malformed("has an illegal field", at: start)
        }
        var payload = Field.Payload.number
        switch tag & 7 {
        case 0: _ = try varint(at: &offset, before: end, longest: 10)
        case 1: offset += 8
        case 2:
            let length = try varint(at: &offset, before: end, longest: 5)
            guard length <= UInt64(end - offset) else { throw malformed("is cut off", at: start) }
            payload = .bytes(offset..<offset + Int(length))
            offset += Int(length)
        case 5: offset += 4
        default: throw malformed("has a group or an unknown kind of field", at: start)
        }
        guard offset <= end else { throw malformed("is cut off", at: start) }
        return Field(number: tag >> 3, payload: payload, end: offset)
    }

    private mutating func varint(
        at offset: inout Int,
        before end: Int,
        longest: Int
    ) throws(InferenceError) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<longest {
            guard offset < end, let byte = try reader.byte(at: offset) else { break }
            offset += 1
            value |= UInt64(byte & 0x7f) << UInt64(7 * index)
            if byte < 0x80 { return value }
        }
        throw malformed("has an unfinished number", at: offset)
    }
}
