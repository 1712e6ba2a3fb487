import GRDB

/// Compares the tables, indexes and triggers of a file with those Belay makes.
enum SchemaCheck {
    /// The first object of Belay's that is missing or changed.
    static func missing(in database: GRDB.Database) throws -> String? {
        let found = try objects(in: database)
        let version = try version(of: database)
        return try expected(version).first { found[$0.key] != $0.value }?.key
    }

    /// The first object, of Belay's or not, that is not as Belay makes it.
    static func difference(in database: GRDB.Database) throws -> String? {
        let expected = Dictionary(uniqueKeysWithValues: try expected(version(of: database)))
        return try missing(in: database)
            ?? objects(in: database).keys.filter { expected[$0] == nil }.min()
    }

    /// A file that an older Belay wrote is whole as that one made it.
    private static func version(of database: GRDB.Database) throws -> Int {
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? Schema.version
        return min(max(1, found), Schema.version)
    }

    private static func expected(_ version: Int) throws -> [(key: String, value: String)] {
        try DatabaseQueue().inDatabase { database in
            try database.execute(sql: Schema.sql(version: version))
            return try objects(in: database).sorted { $0.key < $1.key }
        }
    }

    /// The SQL of each object by type and name, as in `trigger ledger_is_permanent`; none of SQLite's own.
    private static func objects(in database: GRDB.Database) throws -> [String: String] {
        let rows = try database.rows(
            of: Statement(
                "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite^_%' ESCAPE '^'",
                []
            )
        )
        let pairs = rows.map { ("\($0[0].text ?? "?") \($0[1].text ?? "?")", $0[2].text ?? "") }
        return Dictionary(pairs) { first, second in first + second }
    }
}
