import BelayCore

/// Why a table could not be read, or not be judged, and where.
struct TableProblem: Explainable {
    enum Reason {
        case empty
        case repeatedColumn(String)
        case noColumn(String, [String])
        case ragged(fields: Int, columns: Int)
        case quotes
        case openQuotes
        case longField
        case manyColumns
        /// A field that should hold something else, said in words.
        case badField(column: String, text: String, expected: String)
        case tooLarge(String)
        case noRows
        case notComparable(String)
    }

    let table: String
    /// From 1.
    let line: Int
    let reason: Reason

    var category: FailureCategory {
        switch reason {
        case .longField, .manyColumns, .tooLarge: .tooLarge
        default: .invalid
        }
    }

    var explanation: Explanation {
        switch reason {
        case .empty, .repeatedColumn, .noColumn: columnExplanation
        case .ragged, .quotes, .openQuotes, .longField, .manyColumns: shapeExplanation
        case .badField, .tooLarge, .noRows, .notComparable: contentExplanation
        }
    }

    private var place: String { "line \(line) of \(printable(table))" }

    private var columnExplanation: Explanation {
        switch reason {
        case .repeatedColumn(let column):
            Explanation(
                code: "table.repeated-column",
                summary: "In \(place) two columns are called '\(quoted(column))'.",
                remedy: "Give each column a name of its own."
            )
        case .noColumn(let column, let known):
            Explanation(
                code: "table.no-column",
                summary: "There is no column '\(quoted(column))' in \(printable(table)).",
                remedy: "The first line names the columns; here: "
                    + known.prefix(20).map(quoted).joined(separator: ", ") + (known.count > 20 ? ", …" : "")
                    + "."
            )
        default:
            Explanation(
                code: "table.empty",
                summary: "There is nothing in \(printable(table)).",
                remedy: "Its first line names the columns, separated by commas."
            )
        }
    }

    private var shapeExplanation: Explanation {
        switch reason {
        case .ragged(let fields, let columns):
            Explanation(
                code: "table.ragged",
                summary: "The row at \(place) has \(fields) fields; the header has \(columns).",
                remedy: "Put quotes around a field with commas or line breaks, and complete short rows."
            )
        case .openQuotes:
            Explanation(
                code: "table.open-quotes",
                summary: "The quotes opened in the row at \(place) never close.",
                remedy: "Close them; a quote inside quotes is doubled."
            )
        case .longField:
            Explanation(
                code: "table.long-field",
                summary: "A field of the row at \(place) has more than \(CSVReader.largestField) bytes.",
                remedy: "Look for quotes that never close; leave out columns of long text."
            )
        case .manyColumns:
            Explanation(
                code: "table.many-columns",
                summary: "The row at \(place) has more than \(CSVReader.mostColumns) fields.",
                remedy: "Leave out columns that are not needed."
            )
        default:
            Explanation(
                code: "table.quotes",
                summary: "A quote stands in the middle of a field in the row at \(place).",
                remedy: "Put quotes around the whole field and double the one inside: \"5\"\" pipe\"."
            )
        }
    }

    private var contentExplanation: Explanation {
        switch reason {
        case .badField(let column, let text, let expected):
            Explanation(
                code: "table.bad-field",
                summary: "In \(place) the column '\(quoted(column))' holds '\(quoted(text))'.",
                remedy: "Write \(expected)."
            )
        case .tooLarge(let what):
            Explanation(
                code: "table.too-large",
                summary: "At \(place): \(what).",
                remedy: "Take fewer rows or columns."
            )
        case .notComparable(let why):
            Explanation(
                code: "table.not-comparable",
                summary: "\(printable(table)) cannot be compared: \(why).",
                remedy: "Take a reference that shows what is usual."
            )
        default:
            Explanation(
                code: "table.no-rows",
                summary: "There is no row in \(printable(table)).",
                remedy: "It has only the line that names the columns."
            )
        }
    }

    /// Enough of a text to find it by.
    private func quoted(_ text: String) -> String {
        text.count > 60 ? printable(String(text.prefix(60))) + "…" : printable(text)
    }
}
