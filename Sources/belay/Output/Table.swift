/// Rows under titles, aligned: text to the left, numbers to the right.
struct Table {
    enum Alignment {
        case text, number
    }

    struct Column {
        let title: String
        let alignment: Alignment

        init(_ title: String, _ alignment: Alignment = .text) {
            self.title = title
            self.alignment = alignment
        }
    }

    private static let gap = "  "

    private let columns: [Column]
    private var rows: [[String]] = []

    init(_ columns: [Column]) { self.columns = columns }

    mutating func add(_ cells: [String]) {
        precondition(cells.count == columns.count, "a row has a cell for each column")
        // What others wrote must not draw on the reader's terminal.
        rows.append(cells.map { $0.isEmpty ? "-" : printable($0) })
    }

    /// The table as lines; they are cut to `width`, the columns of a terminal, unless that is nil.
    func text(width: Int?, look: Look) -> String {
        let titles = columns.map(\.title)
        let widths = columns.indices.map { index in
            ([titles] + rows).map { $0[index].count }.max() ?? 0
        }
        let header = look.faint(line(titles, widths, width, look))
        return ([header] + rows.map { line($0, widths, width, look) }).joined(separator: "\n") + "\n"
    }

    private func line(_ cells: [String], _ widths: [Int], _ limit: Int?, _ look: Look) -> String {
        let padded = cells.indices.map { index in
            let space = String(repeating: " ", count: widths[index] - cells[index].count)
            switch columns[index].alignment {
            case .text: return index == cells.count - 1 ? cells[index] : cells[index] + space
            case .number: return space + cells[index]
            }
        }
        let line = padded.joined(separator: Self.gap)
        guard let limit, line.count > limit, limit > 1 else { return line }
        return line.prefix(limit - 1) + look.symbols.cut
    }
}

/// Text from a server or a file without line breaks and control characters.
func printable(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
}

private func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || (0x202a...0x202e).contains(scalar.value)
}
