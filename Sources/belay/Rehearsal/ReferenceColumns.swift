import BelayStats

/// What the columns of a reference table hold, and the bins that follow.
///
/// A column is numeric if every field that is not missing is a finite number in decimal, otherwise
/// categorical. Missing are empty fields and the usual words for it. A categorical column with more than a
/// thousand texts holds names, not categories, and has no bins.
struct ReferenceColumns {
    /// Of all numeric columns together; they are sorted in memory.
    static let mostNumbers = 50_000_000

    private(set) var columns: [Column]
    private(set) var rows = 0
    private var numbersHeld = 0

    /// - Parameters:
    ///   - reader: At its first line.
    ///   - places: The columns to look at.
    init(_ reader: CSVReader, places: [Int]) {
        columns = places.map { Column(name: reader.header[$0], place: $0) }
    }

    /// Takes in the current row.
    mutating func take(_ reader: CSVReader) throws {
        rows += 1
        numbersHeld = 0
        for index in columns.indices {
            columns[index].take(reader[columns[index].place])
            numbersHeld += columns[index].numbersHeld
        }
        guard numbersHeld <= Self.mostNumbers else {
            throw reader.problem(.tooLarge("more than \(Self.mostNumbers) numbers in the reference"))
        }
    }

    /// One column as it is read.
    struct Column {
        let name: String
        let place: Int
        private(set) var missing = 0
        /// Nil once a field was no number.
        private var numbers: [Double]? = []
        /// Nil once there were too many.
        private var texts: [String: Int]? = [:]

        init(name: String, place: Int) {
            self.name = name
            self.place = place
        }

        var numbersHeld: Int { numbers?.count ?? 0 }

        /// Texts seen once, as a part of all: as likely is a text that nobody has seen (Good 1953).
        var unseenRate: Double {
            guard kind == .categorical, let texts else { return 0 }
            let seen = texts.values.reduce(0, +)
            return seen > 0 ? Double(texts.values.count { $0 == 1 }) / Double(seen) : 0
        }

        /// Nil while nothing but missing fields was seen.
        var kind: ReferenceBins.Kind? {
            if let numbers { return numbers.isEmpty ? nil : .numeric }
            return .categorical
        }

        /// Nil for a column of names, or without a single value.
        var bins: ReferenceBins? {
            if let numbers { return ReferenceBins(numbers: numbers, missing: missing) }
            return texts.flatMap { ReferenceBins(texts: $0, missing: missing) }
        }

        mutating func take(_ field: ArraySlice<UInt8>) {
            guard !isMissing(field) else { return missing += 1 }
            if numbers != nil {
                if let number = finiteNumber(field) { numbers?.append(number) } else { numbers = nil }
            }
            guard texts != nil else { return }
            texts?[String(decoding: field, as: UTF8.self), default: 0] += 1
            if (texts?.count ?? 0) > ReferenceBins.mostCategories { texts = nil }
        }
    }
}

/// Whether a field holds nothing: it is empty, or one of the words that pandas writes or reads for it.
func isMissing(_ field: ArraySlice<UInt8>) -> Bool {
    guard field.count <= 6 else { return false }
    let text = String(decoding: field, as: UTF8.self).lowercased()
    return ["", "na", "n/a", "nan", "null", "none", "<na>", "-nan", "nil"].contains(text)
}
