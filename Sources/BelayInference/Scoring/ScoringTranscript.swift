import BelayCore

/// A scoring body, rewritten as the JSON of the Open Inference Protocol.
struct ScoringTranscript {
    private var json = Array("{\"inputs\":[".utf8)
    private var isFirst = true
    private let limits: OIPLimits

    init(limits: OIPLimits) { self.limits = limits }

    var finished: [UInt8] { json + "]}".utf8 }

    /// Writes the inputs that a table's columns are.
    mutating func write(_ table: ScoringTable, for signature: Signature) throws(InferenceError) {
        let places = signature.inputs.map { input in table.columns.firstIndex(of: input.name) }
        if let only = signature.inputs.first, signature.inputs.count == 1, places == [nil] {
            let columns = table.columns.count
            let inner = columns == 1 ? try table.innerShape(of: 0, limits: limits) : [columns]
            let shape = [table.rows] + inner
            return try write(only, shape: only.fitted(shape)) { (transcript) throws(InferenceError) in
                for row in 0..<table.rows {
                    for column in table.columns.indices {
                        try transcript.element(table, row: row, column: column, of: only)
                    }
                }
            }
        }
        for (input, place) in zip(signature.inputs, places) {
            guard let place else {
                throw .requestMismatch(
                    "Column '\(input.name)' is missing; the model takes "
                        + signature.inputs.map { "'\($0.name)'" }.joined(separator: ", ") + "."
                )
            }
            let inner = try table.innerShape(of: place, limits: limits)
            let shape = input.fitted([table.rows] + inner)
            try write(input, shape: shape) { (transcript) throws(InferenceError) in
                for row in 0..<table.rows {
                    try transcript.element(table, row: row, column: place, of: input)
                }
            }
        }
    }

    /// Writes one nested list as the only input.
    mutating func write(_ value: ArraySlice<UInt8>, for signature: Signature) throws(InferenceError) {
        guard let only = signature.inputs.first, signature.inputs.count == 1 else {
            throw .requestMismatch(
                "The model takes \(signature.inputs.count) inputs; name them: "
                    + signature.inputs.map { "'\($0.name)'" }.joined(separator: ", ") + "."
            )
        }
        let value = Array(value)
        let shape = only.fitted(try nestedShape(of: value, mostDepth: limits.mostDepth))
        try write(only, shape: shape) { (transcript) throws(InferenceError) in transcript.json += value }
    }

    private mutating func write(
        _ input: TensorSpec,
        shape: [Int],
        _ elements: (inout ScoringTranscript) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        var writer = JSONWriter()
        isFirst ? writer.raw("{\"name\":") : writer.raw(",{\"name\":")
        writer.string(input.name)
        writer.raw(",\"datatype\":")
        writer.string(input.type.rawValue)
        json += writer.bytes
        json += ",\"shape\":\(shape),\"data\":[".utf8
        isFirst = true
        try elements(&self)
        isFirst = false
        json += "]}".utf8
    }

    private mutating func element(
        _ table: ScoringTable,
        row: Int,
        column: Int,
        of input: TensorSpec
    ) throws(InferenceError) {
        if !isFirst { json.append(UInt8(ascii: ",")) }
        isFirst = false
        let cell = table.source[table.cell(row: row, column: column)]
        switch table.notation {
        case .json: json += cell
        case .csv:
            guard let element = input.type.json(csv: csvText(cell)) else {
                throw .requestMismatch(
                    "Row \(row), column '\(table.columns[column].prefix(40))' of the CSV is "
                        + "'\(String(decoding: cell.prefix(40), as: UTF8.self))', no \(input.type.rawValue)."
                )
            }
            json += element
        }
    }
}

extension TensorSpec {
    /// A table's shape, with the dimension of 1 that tables do not have and models often do.
    fileprivate func fitted(_ shape: [Int]) -> [Int] {
        if accepts(shape: shape + [1]) { return shape + [1] }
        if shape.last == 1, accepts(shape: shape.dropLast()) { return shape.dropLast() }
        return shape
    }
}

extension TensorType {
    /// A field of CSV as JSON; nil when it is none of this type.
    fileprivate func json(csv field: [UInt8]) -> [UInt8]? {
        switch self {
        case .bytes:
            var writer = JSONWriter()
            writer.string(String(decoding: field, as: UTF8.self))
            return writer.bytes
        case .bool:
            switch String(decoding: field, as: UTF8.self).lowercased() {
            case "true", "1": return Array("true".utf8)
            case "false", "0": return Array("false".utf8)
            default: return nil
            }
        default:
            let blank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
            let number = field.drop(while: blank).reversed().drop(while: blank).reversed() as [UInt8]
            var scanner = JSONScanner(number, mostDepth: 1)
            guard let next = scanner.peek(), next == UInt8(ascii: "-") || 0x30...0x39 ~= next,
                (try? scanner.number()) != nil, scanner.position == number.count
            else { return nil }
            return number
        }
    }
}

extension ScoringTable {
    /// The dimensions of each cell of a column, none for scalars; all cells must be alike.
    fileprivate func innerShape(of column: Int, limits: OIPLimits) throws(InferenceError) -> [Int] {
        guard notation == .json else { return [] }
        var shape: [Int]?
        for row in 0..<rows {
            let cell = source[cell(row: row, column: column)]
            let next =
                cell.first == UInt8(ascii: "[")
                ? try nestedShape(of: Array(cell), mostDepth: limits.mostDepth) : []
            guard next == shape ?? next else {
                throw .requestMismatch("The cells of column '\(columns[column].prefix(40))' differ in shape.")
            }
            shape = next
        }
        return shape ?? []
    }
}

/// The dimensions of nested arrays of JSON.
///
/// - Throws: ``InferenceError/requestMismatch(_:)`` when lists of one level are not equally long.
private func nestedShape(of value: [UInt8], mostDepth: Int) throws(InferenceError) -> [Int] {
    var scanner = JSONScanner(value, mostDepth: mostDepth)
    return try scanner.nestedShape()
}

extension JSONScanner {
    fileprivate mutating func nestedShape() throws(InferenceError) -> [Int] {
        guard peek() == UInt8(ascii: "[") else {
            try skipValue()
            return []
        }
        try open("[", expecting: "an array")
        var inner: [Int]?
        var count = 0
        while try nextElement(isFirst: count == 0) {
            let next = try nestedShape()
            guard next == inner ?? next else {
                throw .requestMismatch("The nested lists are not all of one length.")
            }
            inner = next
            count += 1
        }
        return [count] + (inner ?? [])
    }
}
