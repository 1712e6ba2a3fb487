import GRDB

/// The tables of a segment.
enum SegmentSchema {
    /// What `user_version` says of a file.
    ///
    /// Those with rows are Belay 0.1's, one row an answer; those with blocks had no file beside them.
    enum Mark: Int { case unwritten, openRows, sealedRows, openBlocks, sealedBlocks, open, sealed }

    /// Larger pages than SQLite's own cost less for the long rows, smaller ones less for a lonely answer.
    static let pageBytes = 16_384

    /// One row a block.
    ///
    /// `position` counts answers, so that `position + count` is the next row's and a hole is a lost block.
    /// `held` and `shadow` are the log's totals after the block's transaction; the rest is what callers were
    /// given at once. A block that retention removed keeps its row, with `bytes` 0 and nothing in it.
    /// The answers are in the row when they had to be on the disk at once, or were written again after an
    /// erasure; otherwise the row says where they lie in the ``AnswerFile``. Both are set, or `bytes` is 0,
    /// while bytes there are still to be wiped.
    /// The index holds all that a search asks before it reads a block.
    static let tables = """
        CREATE TABLE start (
            position INTEGER NOT NULL,
            held     INTEGER NOT NULL,
            shadow   INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE block (
            position INTEGER PRIMARY KEY,
            count    INTEGER NOT NULL,
            model    TEXT    NOT NULL,
            first_at INTEGER NOT NULL,
            last_at  INTEGER NOT NULL,
            held     INTEGER NOT NULL,
            shadow   INTEGER NOT NULL,
            bytes    INTEGER NOT NULL,
            keys     BLOB,
            answers  BLOB,
            answers_start INTEGER,
            answers_count INTEGER
        ) STRICT;
        CREATE INDEX block_by_model ON block (model, position, last_at, count, bytes);
        CREATE TABLE block_release (
            release  INTEGER NOT NULL,
            position INTEGER NOT NULL,
            version  INTEGER NOT NULL,
            arm      TEXT    NOT NULL,
            count    INTEGER NOT NULL,
            PRIMARY KEY (release, position, version, arm)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE id_index (
            first   INTEGER PRIMARY KEY,
            entries BLOB NOT NULL
        ) STRICT;
        CREATE TABLE probe (bytes BLOB NOT NULL) STRICT;
        \(unwipedIndex)
        """

    /// Blocks whose bytes in the file beside are nothing any more.
    static let unwiped = "answers_start IS NOT NULL AND (answers IS NOT NULL OR bytes = 0)"
    private static let unwipedIndex = "CREATE INDEX block_unwiped ON block (position) WHERE \(unwiped);"

    /// Brings tables without a file beside them to today's form.
    static let upgrade = """
        ALTER TABLE block ADD COLUMN answers_start INTEGER;
        ALTER TABLE block ADD COLUMN answers_count INTEGER;
        \(unwipedIndex)
        """

    static let insertion = """
        INSERT INTO block (
            position, count, model, first_at, last_at, held, shadow, bytes, keys, answers, answers_start,
            answers_count
        ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """

    static let releaseInsertion = """
        INSERT INTO block_release (release, position, version, arm, count) VALUES ($1, $2, $3, $4, $5)
        """

    static let tail = """
        SELECT position, held, shadow FROM (
            SELECT position + count AS position, held, shadow FROM block
            UNION ALL SELECT position, held, shadow FROM start
        ) ORDER BY position DESC LIMIT 1
        """

    /// How long everything long in the tables is together.
    static let contentBytes = """
        SELECT CAST(
            total(length(keys)) + total(length(answers)) + (SELECT total(length(entries)) FROM id_index)
        AS INTEGER)
        FROM block
        """

    static func mark(_ mark: Mark, _ database: Database) throws {
        try database.execute(sql: "PRAGMA user_version = \(mark.rawValue)")
    }

    static func mark(_ database: Database) throws -> Mark? {
        try Int.fetchOne(database, sql: "PRAGMA user_version").flatMap(Mark.init)
    }
}

/// How many answers the log has taken since it began: where the next one goes.
struct LogTail: Equatable {
    var position = 0
    /// Of these, how many left only once they were on disk.
    var held = 0
    /// Of these, how many nobody was given.
    var shadow = 0

    /// Of these, how many left at once.
    var served: Int { position - held - shadow }
}
