extension ScoringTable {
    /// Reads comma-separated values as RFC 4180 has them, the first line naming the columns.
    ///
    /// Lines end in LF or CRLF, empty ones are passed over, and every other has as many fields as the first.
    /// Fields in quotes may hold commas, line ends and doubled quotes.
    ///
    /// - Throws: ``InferenceError/requestMismatch(_:)`` or ``InferenceError/tooLarge(what:limit:)``.
    init(csv body: [UInt8], limits: OIPLimits) throws(InferenceError) {
        guard String(validating: body, as: UTF8.self) != nil else {
            throw .requestMismatch("The CSV is not UTF-8.")
        }
        var lines = CSVLines(body)
        guard let head = try lines.next() else {
            throw .requestMismatch("The CSV has no line of column names.")
        }
        let names = head.map { String(decoding: csvText(body[$0]), as: UTF8.self) }
        guard Set(names).count == names.count else {
            throw .requestMismatch("A column of the CSV stands twice.")
        }
        self.init(source: body, notation: .csv, columns: names, limits: limits)
        while let line = try lines.next() {
            guard line.count == names.count else {
                throw .requestMismatch(
                    "Row \(rows) of the CSV has \(line.count) fields, but there are \(names.count) columns."
                )
            }
            try append(line)
        }
    }
}

/// The content of a field: without its quotes, doubled ones inside made single.
package func csvText(_ field: ArraySlice<UInt8>) -> [UInt8] {
    let quote = UInt8(ascii: "\"")
    guard field.first == quote, field.count >= 2 else { return Array(field) }
    var text: [UInt8] = []
    var isSecond = false
    for byte in field.dropFirst().dropLast() {
        isSecond = byte == quote && !isSecond
        if !isSecond { text.append(byte) }
    }
    return text
}

/// Splits CSV into lines of fields, as RFC 4180 has them.
package struct CSVLines {
    private let bytes: [UInt8]
    private var position: Int
    private let mostFields: Int

    /// A line of more than `mostFields` fields is refused when it is met.
    package init(_ bytes: [UInt8], mostFields: Int = .max) {
        self.bytes = bytes
        self.mostFields = mostFields
        // The mark with which some programs begin UTF-8.
        self.position = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    }

    /// The fields of the next line that is not empty, quotes included; nil at the end.
    package mutating func next() throws(InferenceError) -> [Range<Int>]? {
        while position < bytes.count, bytes[position] == 0x0a || bytes[position] == 0x0d { position += 1 }
        guard position < bytes.count else { return nil }
        var fields: [Range<Int>] = []
        while true {
            let start = position
            try passField()
            guard fields.count < mostFields else {
                throw .tooLarge(what: "fields in one line of the CSV", limit: mostFields)
            }
            fields.append(start..<position)
            guard position < bytes.count, bytes[position] == UInt8(ascii: ",") else { return fields }
            position += 1
        }
    }

    /// Stops before the comma or the line's end.
    private mutating func passField() throws(InferenceError) {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            while position < bytes.count, !isEnd(bytes[position]) { position += 1 }
            return
        }
        let start = position
        position += 1
        while true {
            guard let quote = bytes[position...].firstIndex(of: UInt8(ascii: "\"")) else {
                throw .requestMismatch("The quoted field at byte \(start) of the CSV does not end.")
            }
            position = quote + 1
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { break }
            position += 1
        }
        guard position == bytes.count || isEnd(bytes[position]) else {
            throw .requestMismatch("Text follows the quoted field at byte \(start) of the CSV.")
        }
    }

    private func isEnd(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == 0x0a || byte == 0x0d
    }
}
