/// The cells of a scoring request, before anybody asks what they mean.
///
/// Cells are ranges of the body, eight bytes each, however long their text.
struct ScoringTable {
    /// How one cell is turned into JSON.
    enum Notation {
        /// It is JSON: a scalar, or an array for an input of more dimensions.
        case json
        /// It is text, as a field of CSV.
        case csv
    }

    struct Cell {
        private let start: UInt32
        private let end: UInt32

        init?(_ range: Range<Int>) {
            guard let start = UInt32(exactly: range.lowerBound), let end = UInt32(exactly: range.upperBound)
            else { return nil }
            self.start = start
            self.end = end
        }

        var range: Range<Int> { Int(start)..<Int(end) }
    }

    let source: [UInt8]
    let notation: Notation
    let columns: [String]
    private(set) var rows = 0
    private var cells: [Cell] = []
    /// Whether ``cells`` go column by column.
    private let isColumnMajor: Bool
    private let mostCells: Int

    init(
        source: [UInt8],
        notation: Notation,
        columns: [String],
        isColumnMajor: Bool = false,
        limits: OIPLimits
    ) {
        self.source = source
        self.notation = notation
        self.columns = columns
        self.isColumnMajor = isColumnMajor
        self.mostCells = limits.mostElements
    }

    /// Appends a row, or a column when the cells go by columns, as long as every other.
    mutating func append(_ line: [Range<Int>]) throws(InferenceError) {
        guard line.count <= mostCells - cells.count else {
            throw .tooLarge(what: "cells in one request", limit: mostCells)
        }
        for range in line {
            guard let cell = Cell(range) else {
                throw .tooLarge(what: "bytes in one request", limit: Int(UInt32.max))
            }
            cells.append(cell)
        }
        rows = isColumnMajor ? line.count : rows + 1
    }

    func cell(row: Int, column: Int) -> Range<Int> {
        cells[isColumnMajor ? column * rows + row : row * columns.count + column].range
    }
}
