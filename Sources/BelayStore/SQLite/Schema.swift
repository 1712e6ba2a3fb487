/// The tables as SQLite holds them.
///
/// The ledger's rules are in its triggers too, so that no other program can break them by accident.
enum Schema {
    /// What `PRAGMA user_version` says of a store of this shape.
    static let version = 2

    /// Everything that a store of this version holds.
    static func sql(version: Int = version) -> String { (1...version).map(added).joined() }

    /// What a version added to the one before it.
    static func added(in version: Int) -> String {
        switch version {
        case 1: ledger + evidence + projections
        case 2: golden
        default: ""
        }
    }

    private static let ledger = """
        CREATE TABLE ledger (
            seq     INTEGER PRIMARY KEY CHECK (seq > 0),
            at      INTEGER NOT NULL,
            actor   TEXT    NOT NULL,
            kind    TEXT    NOT NULL,
            subject TEXT    NOT NULL,
            reason  TEXT,
            body    TEXT    NOT NULL,
            prev    BLOB    NOT NULL UNIQUE CHECK (length(prev) = 32),
            hash    BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32)
        ) STRICT;
        CREATE TRIGGER ledger_only_grows BEFORE INSERT ON ledger
        WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM ledger)
            OR NEW.prev <> coalesce((SELECT hash FROM ledger WHERE seq = NEW.seq - 1), zeroblob(32))
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
        CREATE TRIGGER ledger_is_immutable BEFORE UPDATE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
        CREATE TRIGGER ledger_is_permanent BEFORE DELETE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
        CREATE TABLE head (
            id   INTEGER PRIMARY KEY CHECK (id = 1),
            seq  INTEGER NOT NULL,
            hash BLOB    NOT NULL CHECK (length(hash) = 32)
        ) STRICT;
        INSERT INTO head (id, seq, hash) VALUES (1, 0, zeroblob(32));

        """

    private static let evidence = """
        CREATE TABLE evidence (
            id      INTEGER PRIMARY KEY,
            release INTEGER NOT NULL,
            at      INTEGER NOT NULL,
            step    INTEGER NOT NULL,
            body    TEXT    NOT NULL
        ) STRICT;
        CREATE INDEX evidence_by_release ON evidence (release, id);

        """

    private static let golden = """
        CREATE TABLE golden (
            model   TEXT    NOT NULL,
            version INTEGER NOT NULL,
            at      INTEGER NOT NULL,
            body    TEXT    NOT NULL,
            PRIMARY KEY (model, version)
        ) STRICT;

        """

    private static let projections = """
        CREATE TABLE version (
            model         TEXT    NOT NULL,
            number        INTEGER NOT NULL,
            label         TEXT,
            digest        TEXT    NOT NULL,
            entry         TEXT    NOT NULL,
            size          INTEGER NOT NULL,
            note          TEXT,
            registered_at INTEGER NOT NULL,
            withdrawn     INTEGER NOT NULL,
            PRIMARY KEY (model, number)
        ) STRICT;
        CREATE TABLE endpoint (
            model          TEXT    NOT NULL,
            environment    TEXT    NOT NULL,
            stable         INTEGER,
            stable_since   INTEGER,
            stable_release INTEGER,
            release        INTEGER,
            formers        TEXT    NOT NULL,
            automatic      TEXT    NOT NULL,
            unfenced       INTEGER,
            PRIMARY KEY (model, environment)
        ) STRICT;
        CREATE TABLE release (
            id          INTEGER PRIMARY KEY,
            model       TEXT    NOT NULL,
            environment TEXT    NOT NULL,
            candidate   INTEGER NOT NULL,
            stable      INTEGER,
            phase       TEXT    NOT NULL,
            step        INTEGER,
            share       INTEGER NOT NULL,
            since       INTEGER NOT NULL,
            cause       TEXT,
            held_by     TEXT,
            held_why    TEXT,
            held_since  INTEGER,
            proposed_by TEXT    NOT NULL,
            proposed_at INTEGER NOT NULL,
            reason      TEXT
        ) STRICT;

        """
}
