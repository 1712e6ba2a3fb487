/// Cuts a stream of CSV into its rows, as RFC 4180 has them.
///
/// Looks only at quotes and line ends; what a row says is for the server to judge.
struct RowSplitter {
    struct Row: Equatable {
        /// Where it begins, from 1.
        let line: Int
        /// Without its line end.
        let bytes: [UInt8]
    }

    /// A row too long, or a quoted field that does not end.
    struct Endless: Error, Equatable {
        let line: Int
    }

    /// In bytes; a label is an id and a value.
    static let longestRow = 1 << 16

    private var line = 1
    private var start = 1
    private var isQuoted = false
    private var bytes: [UInt8] = []

    init() {}

    /// - Returns: The rows that `chunk` completes, without the empty ones.
    mutating func take(_ chunk: some Sequence<UInt8>) throws(Endless) -> [Row] {
        var complete: [Row] = []
        for byte in chunk {
            let isEnd = byte == UInt8(ascii: "\n")
            if isEnd { line += 1 }
            if isEnd, !isQuoted {
                if let row = finishRow() { complete.append(row) }
                start = line
            } else {
                // A doubled quote ends the quoted part and begins it again.
                if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
                guard bytes.count < Self.longestRow else { throw Endless(line: start) }
                bytes.append(byte)
            }
        }
        return complete
    }

    /// - Returns: The last row, when no line end follows it.
    mutating func finish() throws(Endless) -> Row? {
        guard !isQuoted else { throw Endless(line: start) }
        return finishRow()
    }

    private mutating func finishRow() -> Row? {
        defer { bytes = [] }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        return bytes.isEmpty ? nil : Row(line: start, bytes: bytes)
    }
}
