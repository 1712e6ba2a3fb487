import GRDB

/// The tables of the label database, and the way to them from Belay 0.1's.
///
/// `label` is what was said, and only `erase` and the end of waiting change it. The other tables are sums of
/// it, kept in the same transaction: `answer` what is known of each labelled answer, `unit` which coins are
/// spent, `evidence` all counts ever handed to control, `slice` the values told apart, `source` who has said
/// how much, `coverage` what people are shown.
enum LabelSchema {
    private static let version = 2

    static func prepare(_ database: Database) throws {
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard found < version else { return }
        try database.inTransaction(.immediate) {
            if try database.tableExists("label") {
                try database.execute(sql: widening)
                try database.execute(sql: sums)
                try database.execute(sql: migration)
            } else {
                try database.execute(sql: label)
                try database.execute(sql: sums)
            }
            try database.execute(sql: "PRAGMA user_version = \(version)")
            return .commit
        }
    }

    private static let label = """
        CREATE TABLE label (
            position    INTEGER PRIMARY KEY,
            id          TEXT    NOT NULL,
            model       TEXT    NOT NULL,
            kind        TEXT    NOT NULL,
            value       TEXT    NOT NULL,
            at          INTEGER,
            received_at INTEGER NOT NULL,
            version     INTEGER,
            release     INTEGER,
            arm         TEXT,
            share       INTEGER,
            unit        INTEGER,
            wrong       INTEGER,
            acceptance  TEXT    NOT NULL,
            answered_at INTEGER,
            source      TEXT,
            name        TEXT,
            note        TEXT,
            final       INTEGER NOT NULL DEFAULT 1,
            weight      REAL,
            tabular     INTEGER NOT NULL DEFAULT 0,
            score       INTEGER NOT NULL DEFAULT 0,
            line        INTEGER NOT NULL DEFAULT 1,
            next_try    INTEGER,
            tries       INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE INDEX label_by_id ON label (model, id, kind);
        """

    /// Columns that 0.1 did not have; its indices served what the sums do now.
    private static let widening = """
        ALTER TABLE label ADD COLUMN answered_at INTEGER;
        ALTER TABLE label ADD COLUMN source TEXT;
        ALTER TABLE label ADD COLUMN name TEXT;
        ALTER TABLE label ADD COLUMN note TEXT;
        ALTER TABLE label ADD COLUMN final INTEGER NOT NULL DEFAULT 1;
        ALTER TABLE label ADD COLUMN weight REAL;
        ALTER TABLE label ADD COLUMN tabular INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE label ADD COLUMN score INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE label ADD COLUMN line INTEGER NOT NULL DEFAULT 1;
        ALTER TABLE label ADD COLUMN next_try INTEGER;
        ALTER TABLE label ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
        DROP INDEX IF EXISTS label_one_per_unit;
        DROP INDEX IF EXISTS label_by_release;
        DROP INDEX IF EXISTS label_by_version;
        """

    private static let sums = """
        CREATE INDEX label_waiting ON label (next_try) WHERE acceptance = 'waiting';
        CREATE TABLE answer (
            model     TEXT    NOT NULL,
            id        TEXT    NOT NULL,
            version   INTEGER NOT NULL,
            arm       TEXT    NOT NULL,
            day       INTEGER NOT NULL,
            counted   INTEGER NOT NULL,
            wrong     INTEGER,
            corrected INTEGER NOT NULL,
            PRIMARY KEY (model, id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE unit (
            release INTEGER NOT NULL,
            unit    INTEGER NOT NULL,
            line    INTEGER NOT NULL,
            epoch   INTEGER NOT NULL,
            PRIMARY KEY (release, unit, line, epoch)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE source (
            release INTEGER NOT NULL,
            source  TEXT    NOT NULL,
            number  INTEGER NOT NULL,
            PRIMARY KEY (release, source)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE slice (
            release INTEGER NOT NULL,
            feature TEXT    NOT NULL,
            value   TEXT    NOT NULL,
            PRIMARY KEY (release, feature, value)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE evidence (
            release INTEGER NOT NULL,
            series  TEXT    NOT NULL,
            feature TEXT    NOT NULL,
            value   TEXT    NOT NULL,
            arm     TEXT    NOT NULL,
            share   INTEGER NOT NULL,
            code    INTEGER NOT NULL,
            number  INTEGER NOT NULL,
            PRIMARY KEY (release, series, feature, value, arm, share, code)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE coverage (
            model    TEXT    NOT NULL,
            version  INTEGER NOT NULL,
            arm      TEXT    NOT NULL,
            day      INTEGER NOT NULL,
            labelled INTEGER NOT NULL,
            judged   INTEGER NOT NULL,
            wrong    INTEGER NOT NULL,
            revised  INTEGER NOT NULL,
            PRIMARY KEY (model, version, arm, day)
        ) STRICT, WITHOUT ROWID;
        """

    /// 0.1 kept right and wrong only: the two cells of a table without named classes.
    ///
    /// The day of an answer is taken from its first label, because 0.1 did not keep when it was given.
    private static let migration = """
        INSERT INTO unit SELECT DISTINCT release, unit, 1, 0 FROM label
            WHERE acceptance = 'evidence' AND release IS NOT NULL AND unit IS NOT NULL;
        INSERT INTO evidence
            SELECT release, 'labels', '', '', arm,
                CASE WHEN acceptance = 'evidence' THEN share WHEN arm = 'candidate' THEN 1000000 ELSE 0 END
                    AS certain,
                wrong, count(*)
            FROM label
            WHERE acceptance IN ('evidence', 'unit_counted') AND release IS NOT NULL AND arm IS NOT NULL
                AND share IS NOT NULL AND wrong IS NOT NULL
            GROUP BY release, arm, certain, wrong;
        INSERT INTO answer
            SELECT model, id, max(version), max(arm), min(received_at) / 86400000,
                CASE WHEN max(acceptance IN ('evidence', 'unit_counted')) THEN 9 ELSE 8 END,
                (SELECT wrong FROM label AS newest WHERE newest.model = label.model
                    AND newest.id = label.id AND newest.wrong IS NOT NULL
                    ORDER BY newest.kind = 'corrected' DESC, position DESC LIMIT 1),
                max(kind = 'corrected' AND wrong IS NOT NULL)
            FROM label WHERE version IS NOT NULL AND arm IS NOT NULL GROUP BY model, id;
        INSERT INTO coverage
            SELECT model, version, arm, day, count(*), count(wrong), coalesce(sum(wrong), 0), 0
            FROM answer GROUP BY model, version, arm, day;
        UPDATE coverage SET revised = (
            SELECT count(*) FROM label JOIN answer ON answer.model = label.model AND answer.id = label.id
            WHERE label.acceptance = 'revised' AND answer.model = coverage.model
                AND answer.version = coverage.version AND answer.arm = coverage.arm
                AND answer.day = coverage.day
        );
        UPDATE label SET acceptance = 'kept' WHERE acceptance = 'unjoined';
        UPDATE label SET line = 2 WHERE kind = 'feedback';
        """
}
