import BelayCore

/// The rows that the derived tables hold, and what brings them to other ones.
struct Projections: Equatable, Sendable {
    private(set) var rows: [ProjectedRow.Key: [SQLValue]] = [:]

    init(of rows: [ProjectedRow]) {
        self.rows = Dictionary(rows.map { ($0.key, $0.values) }) { _, last in last }
    }

    /// The statements that turn tables with the rows of `old` into tables with these.
    func changes(from old: Projections) -> [Statement] {
        let gone = old.rows.keys.filter { rows[$0] == nil }.sorted { $0.description < $1.description }
        let new = rows.filter { old.rows[$0.key] != $0.value }.sorted {
            $0.key.description < $1.key.description
        }
        return gone.map(\.deletion) + new.map { $0.key.table.placement(of: $0.value) }
    }

    /// The first row, by table and key, in which the two differ.
    func firstDifference(from other: Projections) -> ProjectedRow.Key? {
        Set(rows.keys).union(other.rows.keys)
            .filter { rows[$0] != other.rows[$0] }
            .min { ($0.table.rawValue, $0.description) < ($1.table.rawValue, $1.description) }
    }
}

extension ProjectedTable {
    var selection: Statement {
        Statement("SELECT \(columns.joined(separator: ", ")) FROM \(rawValue)", [])
    }

    fileprivate func placement(of values: [SQLValue]) -> Statement {
        Statement(Self.placements[self] ?? placement, values)
    }

    /// Made once: a rollback waits for them.
    private static let placements = Dictionary(uniqueKeysWithValues: allCases.map { ($0, $0.placement) })

    private var placement: String {
        let updates = columns.dropFirst(keyWidth).map { "\($0) = excluded.\($0)" }
        return """
            INSERT INTO \(rawValue) (\(columns.joined(separator: ", ")))
            VALUES (\(columns.indices.map { "$\($0 + 1)" }.joined(separator: ", ")))
            ON CONFLICT (\(columns.prefix(keyWidth).joined(separator: ", ")))
            DO UPDATE SET \(updates.joined(separator: ", "))
            """
    }
}

extension ProjectedRow.Key {
    fileprivate var deletion: Statement {
        let conditions = zip(table.columns, 1...).prefix(table.keyWidth).map { "\($0) = $\($1)" }
        return Statement(
            "DELETE FROM \(table.rawValue) WHERE \(conditions.joined(separator: " AND "))",
            values
        )
    }
}
