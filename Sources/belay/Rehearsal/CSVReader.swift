import Foundation

/// Reads a table of comma-separated values row by row (RFC 4180), holding one row at a time.
///
/// The first row names the columns, each once. Lines end with LF, CRLF or CR; a line break, a comma or a
/// quote may stand inside quotes, a quote doubled. A byte-order mark and empty lines are passed over, save
/// that an empty line is an empty field where there is only one column. What is no such table is refused, at
/// its line: guessing would shift values into other columns.
struct CSVReader {
    /// In bytes.
    static let largestField = 1 << 20
    static let mostColumns = 4_096

    /// The next bytes; nil or none at the end, and so again if asked again.
    typealias Source = () throws -> Data?

    /// For messages.
    let name: String
    private(set) var header: [String] = []
    /// The number of the current row, from 1; the header is none.
    private(set) var row = 0
    /// Where the current row begins, from 1.
    private(set) var line = 1

    private let source: Source
    private var chunk: [UInt8] = []
    private var position = 0
    private var isAtEnd = false
    /// Lines that have ended before `position`.
    private var linesRead = 0
    /// The fields of the current row, one after another, without their quotes.
    private var bytes: [UInt8] = []
    /// Where each field ends in `bytes`.
    private var ends: [Int] = []

    /// - Throws: ``TableProblem`` for a table without a header, or what the source throws.
    init(name: String, source: @escaping Source) throws {
        self.name = name
        self.source = source
        try skipByteOrderMark()
        repeat {
            guard try readRecord() else { throw problem(.empty) }
        } while ends.count == 1 && bytes.isEmpty
        header = ends.indices.map { text($0).trimmingCharacters(in: .whitespaces) }
        for (index, column) in header.enumerated() where header[..<index].contains(column) {
            throw problem(.repeatedColumn(column))
        }
    }

    /// Opens a file; `-` is standard input.
    static func open(_ file: String) throws -> CSVReader {
        let handle: FileHandle
        do {
            handle =
                file == "-" ? .standardInput : try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
        } catch {
            throw CommandFailure.unreadableFile(file, reason: "there is no such file, or not yours to read")
        }
        return try CSVReader(name: file == "-" ? "standard input" : file) {
            do {
                return try handle.read(upToCount: 1 << 16)
            } catch {
                throw CommandFailure.unreadableFile(file, reason: "it is a folder, or reading it failed")
            }
        }
    }

    /// Moves to the next row; false after the last.
    ///
    /// - Throws: ``TableProblem`` at the first byte that belongs to no table, or what the source throws.
    mutating func next() throws -> Bool {
        repeat {
            guard try readRecord() else { return false }
        } while ends.count == 1 && bytes.isEmpty && header.count > 1
        row += 1
        guard ends.count == header.count else {
            throw problem(.ragged(fields: ends.count, columns: header.count))
        }
        return true
    }

    /// The place of a column, which must be there.
    func column(_ name: String) throws(TableProblem) -> Int {
        guard let index = header.firstIndex(of: name) else { throw problem(.noColumn(name, header)) }
        return index
    }

    /// A field of the current row.
    subscript(column: Int) -> ArraySlice<UInt8> {
        bytes[(column == 0 ? 0 : ends[column - 1])..<ends[column]]
    }

    func text(_ column: Int) -> String { String(decoding: self[column], as: UTF8.self) }

    /// The number that a field of the current row holds, or nil; NaN and infinities are none.
    func number(_ column: Int) -> Double? { finiteNumber(self[column]) }

    func problem(_ reason: TableProblem.Reason) -> TableProblem {
        TableProblem(table: name, line: line, reason: reason)
    }
}

extension CSVReader {
    private mutating func skipByteOrderMark() throws {
        var start: [UInt8] = []
        while start.count < 3, let byte = try nextByte() {
            start.append(byte)
            guard [0xEF, 0xBB, 0xBF].starts(with: start) else { break }
        }
        guard start != [0xEF, 0xBB, 0xBF] else { return }
        chunk = start + chunk.dropFirst(position)
        position = 0
        isAtEnd = false
    }

    /// Where in a field the reader is.
    private enum Place {
        case start
        case plain
        case quoted
        /// After a quote within quotes: the field's end, or half of a quote.
        case quote
    }

    /// False if there is nothing more.
    private mutating func readRecord() throws -> Bool {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        line = linesRead + 1
        var place = Place.start
        var isEmpty = true
        while let byte = try nextByte() {
            isEmpty = false
            switch (place, byte) {
            case (.start, UInt8(ascii: "\"")): place = .quoted
            case (.quoted, UInt8(ascii: "\"")): place = .quote
            case (.quote, UInt8(ascii: "\"")):
                bytes.append(byte)
                place = .quoted
            case (.quoted, _):
                if byte == UInt8(ascii: "\n") { linesRead += 1 }
                bytes.append(byte)
            case (_, UInt8(ascii: ",")):
                try endField()
                place = .start
            case (_, UInt8(ascii: "\n")), (_, UInt8(ascii: "\r")):
                try endLine(byte)
                return true
            case (.quote, _), (.plain, UInt8(ascii: "\"")): throw problem(.quotes)
            case (.start, _), (.plain, _):
                bytes.append(byte)
                place = .plain
            }
            guard bytes.count - (ends.last ?? 0) <= Self.largestField else { throw problem(.longField) }
        }
        guard !isEmpty else { return false }
        guard place != .quoted else { throw problem(.openQuotes) }
        try endField()
        return true
    }

    private mutating func endField() throws {
        ends.append(bytes.count)
        guard ends.count <= Self.mostColumns else { throw problem(.manyColumns) }
    }

    private mutating func endLine(_ byte: UInt8) throws {
        try endField()
        linesRead += 1
        guard byte == UInt8(ascii: "\r"), let following = try nextByte() else { return }
        if following != UInt8(ascii: "\n") { position -= 1 }
    }

    /// The next byte; the one before it can be given back by stepping `position` back.
    private mutating func nextByte() throws -> UInt8? {
        while position == chunk.count {
            guard !isAtEnd else { return nil }
            guard let more = try source(), !more.isEmpty else {
                isAtEnd = true
                return nil
            }
            chunk = Array(more)
            position = 0
        }
        defer { position += 1 }
        return chunk[position]
    }
}

/// The number that a text holds in decimal, with spaces around it or not; NaN and infinities are none.
func finiteNumber(_ bytes: ArraySlice<UInt8>) -> Double? {
    var bytes = bytes
    while let first = bytes.first, first == UInt8(ascii: " ") || first == UInt8(ascii: "\t") {
        bytes.removeFirst()
    }
    while let last = bytes.last, last == UInt8(ascii: " ") || last == UInt8(ascii: "\t") {
        bytes.removeLast()
    }
    let isDecimal = bytes.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }
    guard isDecimal, let number = Double(String(decoding: bytes, as: UTF8.self)), number.isFinite else {
        return nil
    }
    return number
}
