/// What a scoring body holds: a table, or one value without the name of the input it is for.
enum ScoringContent {
    case table(ScoringTable)
    case value(Range<Int>)
}

/// Reads the four forms of a scoring body: `dataframe_split`, `dataframe_records`, `instances`, `inputs`.
struct ScoringReader {
    private static let keys = ["dataframe_split", "dataframe_records", "instances", "inputs"]

    private var scanner: JSONScanner
    private let limits: OIPLimits

    init(_ body: [UInt8], limits: OIPLimits) {
        self.scanner = JSONScanner(body, mostDepth: limits.mostDepth)
        self.limits = limits
    }

    /// - Throws: ``InferenceError/malformedJSON(offset:expected:)`` when it is not JSON,
    ///   ``InferenceError/requestMismatch(_:)`` when it is no table, or
    ///   ``InferenceError/tooLarge(what:limit:)``.
    mutating func content() throws(InferenceError) -> ScoringContent {
        var found: [(key: String, start: Int)] = []
        try scanner.object(expecting: "a JSON object, the request") { (scanner, key) throws(InferenceError) in
            let next = scanner.peek()
            if Self.keys.contains(key) { found.append((key, scanner.position)) }
            guard key != "params" || next == UInt8(ascii: "{") else {
                throw scanner.failure(expected: "an object, the params")
            }
            try scanner.skipValue()
        }
        try scanner.expectEnd()
        guard let (key, start) = found.first, found.count == 1 else {
            throw .requestMismatch(
                "The request must be a JSON object with exactly one of 'instances', 'inputs', "
                    + "'dataframe_split' and 'dataframe_records'; it has \(found.count) of them."
            )
        }
        scanner.position = start
        switch (key, scanner.peek()) {
        case ("dataframe_split", _): return .table(try split())
        case ("dataframe_records", _): return .table(try records(key))
        case ("inputs", UInt8(ascii: "{")): return .table(try columns())
        case (_, UInt8(ascii: "[")):
            return try listsObjects(at: start) ? .table(try records(key)) : .value(try skip())
        default: throw scanner.failure(expected: "an array, the \(key)")
        }
    }

    /// Passes over one value and says where it stood.
    private mutating func skip() throws(InferenceError) -> Range<Int> {
        _ = scanner.peek()
        let start = scanner.position
        try scanner.skipValue()
        return start..<scanner.position
    }

    private mutating func listsObjects(at start: Int) throws(InferenceError) -> Bool {
        var probe = scanner
        try probe.open("[", expecting: "an array")
        return probe.peek() == UInt8(ascii: "{")
    }

    private mutating func split() throws(InferenceError) -> ScoringTable {
        var names: [String]?
        var data: Int?
        try scanner.object(expecting: "an object, the dataframe_split") {
            (scanner, key) throws(InferenceError) in
            _ = scanner.peek()
            switch key {
            case "columns":
                var columns: [String] = []
                try scanner.array(expecting: "an array, the columns") { (scanner) throws(InferenceError) in
                    columns.append(try scanner.columnName())
                }
                names = columns
            case "data":
                data = scanner.position
                try scanner.skipValue()
            default: try scanner.skipValue()
            }
        }
        guard let data else { throw .requestMismatch("The 'dataframe_split' has no 'data'.") }
        scanner.position = data
        var table: ScoringTable?
        var rows = 0
        try array("an array, the rows") { (reader) throws(InferenceError) in
            var row: [Range<Int>] = []
            try reader.array("an array, one row") { (reader) throws(InferenceError) in
                row.append(try reader.skip())
            }
            // Without names the columns are numbered, as in Python.
            if table == nil { table = try reader.table(names ?? row.indices.map(String.init)) }
            let width = table?.columns.count ?? 0
            guard row.count == width else {
                throw .requestMismatch(
                    "Row \(rows) has \(row.count) cells, but there are \(width) columns."
                )
            }
            try table?.append(row)
            rows += 1
        }
        guard let table else { return try self.table(names ?? []) }
        return table
    }

    private mutating func records(_ key: String) throws(InferenceError) -> ScoringTable {
        var table: ScoringTable?
        var places: [String: Int] = [:]
        var rows = 0
        try array("an array, the \(key)") { (reader) throws(InferenceError) in
            var names: [String] = []
            var cells: [Range<Int>] = []
            try reader.object { (reader, name) throws(InferenceError) in
                names.append(name)
                cells.append(try reader.skip())
            }
            if table == nil {
                table = try reader.table(names)
                for (place, name) in names.enumerated() { places[name] = place }
            }
            var row = cells
            for (name, cell) in zip(names, cells) {
                guard let place = places[name], names.count == places.count else {
                    throw .requestMismatch("Record \(rows) has other columns than the first.")
                }
                row[place] = cell
            }
            guard row.count == places.count else {
                throw .requestMismatch("Record \(rows) has other columns than the first.")
            }
            try table?.append(row)
            rows += 1
        }
        guard let table else { return try self.table([]) }
        return table
    }

    /// `{"a": [1, 2], "b": [3, 4]}`; a scalar is a column of one cell.
    private mutating func columns() throws(InferenceError) -> ScoringTable {
        var names: [String] = []
        var columns: [[Range<Int>]] = []
        try object { (reader, name) throws(InferenceError) in
            names.append(name)
            var column: [Range<Int>] = []
            if reader.scanner.peek() == UInt8(ascii: "[") {
                try reader.array("an array, one column") { (reader) throws(InferenceError) in
                    column.append(try reader.skip())
                }
            } else {
                column.append(try reader.skip())
            }
            guard column.count == columns.first?.count ?? column.count else {
                throw .requestMismatch("The column '\(name.prefix(40))' is not as long as the first.")
            }
            columns.append(column)
        }
        var table = ScoringTable(
            source: scanner.bytes,
            notation: .json,
            columns: names,
            isColumnMajor: true,
            limits: limits
        )
        for column in columns { try table.append(column) }
        return table
    }

    private func table(_ columns: [String]) throws(InferenceError) -> ScoringTable {
        guard Set(columns).count == columns.count else {
            throw .requestMismatch("A column stands twice.")
        }
        return ScoringTable(source: scanner.bytes, notation: .json, columns: columns, limits: limits)
    }

    private mutating func array(
        _ what: String,
        _ element: (inout ScoringReader) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        try scanner.open("[", expecting: what)
        var isFirst = true
        while try scanner.nextElement(isFirst: isFirst) {
            isFirst = false
            try element(&self)
        }
    }

    /// Keys that stand twice were refused when the whole body was read.
    private mutating func object(
        _ member: (inout ScoringReader, String) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        try scanner.open("{", expecting: "an object by column")
        var isFirst = true
        while let key = try scanner.nextKey(isFirst: isFirst) {
            isFirst = false
            try member(&self, key)
        }
    }
}

extension JSONScanner {
    /// A column's name; pandas numbers those that have none.
    fileprivate mutating func columnName() throws(InferenceError) -> String {
        guard peek() != UInt8(ascii: "\"") else { return try string() }
        return String(try count("a column's name, or its number"))
    }
}
