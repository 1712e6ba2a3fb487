import BelayCore

/// The SQL of the table `golden`.
enum GoldenTable {
    static func insertion(_ golden: GoldenAnswer) -> Statement {
        Statement(
            """
            INSERT INTO golden (model, version, at, body) VALUES ($1, $2, $3, $4)
            ON CONFLICT (model, version) DO NOTHING
            """,
            [
                .text(golden.version.model.text), SQLValue(golden.version.number.value),
                .integer(golden.at.milliseconds), .text(golden.body),
            ]
        )
    }

    static func of(_ version: VersionID) -> Statement {
        Statement(
            "SELECT at, body FROM golden WHERE model = $1 AND version = $2",
            [.text(version.model.text), SQLValue(version.number.value)]
        )
    }
}
