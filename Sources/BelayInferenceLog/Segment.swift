import BelayCore
import BelayDisk
import Foundation
import GRDB
import Synchronization

/// A part of the inference log: `2026-11-23T14-25-03Z-0001.sqlite`, and `-answers` behind that name for the
/// bytes of the answers.
///
/// While it is written it has a write-ahead log beside it; sealed, it is two files that can be copied away.
/// One connection reads and writes it, because SQLite before 3.51.3 can damage a write-ahead log that two
/// connections reset. The header's `user_version` says whether it was sealed.
final class Segment: Sendable {
    let path: String
    /// The order among segments, the last part of the name; the time in it is for people.
    let number: Int
    private let connection = Mutex(Connection.unopened)
    private let file = Mutex<AnswerFile?>(nil)
    /// What is known of the ids in a segment that is written; a sealed one has them in a table.
    let openIndex = Mutex<OpenIndex?>(nil)

    private enum Connection {
        case unopened
        case open(DatabaseQueue)
        case removed
    }

    /// Names the segment in a folder; nothing is opened before it is used.
    init(path: String, number: Int) {
        self.path = path
        self.number = number
    }

    /// Reads the number from a file name; nil for any other file.
    convenience init?(folder: String, name: String) {
        let form = /[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}Z-([0-9]{4,9})\.sqlite/
        guard let match = name.wholeMatch(of: form), let number = Int(match.1) else { return nil }
        self.init(path: "\(folder)/\(name)", number: number)
    }

    static func name(_ number: Int, since time: Timestamp) -> String {
        let moment = time.description.prefix(19).map { $0 == ":" ? "-" : String($0) }.joined()
        let digits = String(number)
        return "\(moment)Z-\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits).sqlite"
    }

    /// In bytes on disk, without a write-ahead log; zero when the files are gone.
    var size: Int64 { AnswerFile.size(path) + AnswerFile.size(answersPath) }

    private var answersPath: String { path + Self.answersSuffix }

    /// What the file of the answers is called behind the segment's own name.
    static let answersSuffix = "-answers"

    /// Removes the file; readers that are in it finish undisturbed.
    func remove() throws(InferenceLogError) {
        connection.withLock { $0 = .removed }
        try unlinkFiles()
    }

    /// Removes the files of a segment that nobody has opened.
    func removeLeftovers() throws(InferenceLogError) { try unlinkFiles() }

    /// Takes the place of another, sealed segment in one step; neither can be used afterwards.
    func move(over other: Segment) throws(InferenceLogError) {
        connection.withLock { $0 = .removed }
        other.connection.withLock { $0 = .removed }
        guard rename(path, other.path) == 0 else {
            throw .unavailable(path: other.path, reason: String(cString: strerror(errno)))
        }
    }

    private func unlinkFiles() throws(InferenceLogError) {
        for suffix in ["", "-wal", "-shm", "-journal", Self.answersSuffix] {
            guard unlink(path + suffix) == 0 || errno == ENOENT else {
                throw .unavailable(path: path, reason: String(cString: strerror(errno)))
            }
        }
    }

    func database() throws -> DatabaseQueue {
        if case .open(let database) = connection.withLock({ $0 }) { return database }
        let opened = try DatabaseQueue(path: path)
        let kept: DatabaseQueue? = connection.withLock { connection in
            switch connection {
            case .unopened:
                connection = .open(opened)
                return opened
            case .open(let database): return database
            case .removed: return nil
            }
        }
        guard let kept else {
            // Opening has just made a new, empty file where the removed one was.
            try unlinkFiles()
            throw InferenceLogError.unavailable(path: path, reason: "it was removed to save space")
        }
        return kept
    }

    /// Runs `body` alone on the connection, on the caller's thread.
    func sync<Value>(_ body: (Database) throws -> Value) throws(InferenceLogError) -> Value {
        do { return try database().inDatabase(body) } catch { throw InferenceLogError(error, path: path) }
    }

    /// The file of the answers; the writer makes it with the first of them.
    func answerFile(isMade: Bool = false) throws(InferenceLogError) -> AnswerFile {
        let path = answersPath
        return try file.withLock { (file) throws(InferenceLogError) in
            if let file { return file }
            let opened = try AnswerFile(path: path, isMade: isMade)
            file = opened
            return opened
        }
    }

    func fault(_ fault: BlockFault, at position: Int) -> InferenceLogError {
        .damaged(path: path, reason: "the block at \(position) is damaged: \(fault.reason)")
    }
}

// MARK: - The writer's side

extension Segment {
    /// How full a segment is.
    struct Fill: Equatable {
        var rows: Int
        var bytes: Int64
    }

    /// Makes the segment ready for answers, creating the tables in a new file that begins at `tail`.
    func open(at tail: LogTail) throws(InferenceLogError) -> Fill {
        // Before the ids leave their table, so that a search in between finds them.
        searchUnsealed()
        return try sync { database in
            let isNew = try !database.tableExists("block")
            if isNew { try database.execute(sql: "PRAGMA page_size = \(SegmentSchema.pageBytes)") }
            try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
            try database.inTransaction {
                if isNew {
                    try database.execute(sql: SegmentSchema.tables)
                    try database.execute(
                        sql: "INSERT INTO start (position, held, shadow) VALUES ($1, $2, $3)",
                        arguments: [tail.position, tail.held, tail.shadow]
                    )
                }
                try database.execute(sql: "DELETE FROM id_index")
                try SegmentSchema.mark(.open, database)
                return .commit
            }
            let end = try self.cutAnswers(database)
            return try Self.fill(database, answers: end)
        }
    }

    /// Where the bytes of the last row end; 0 when none lie in the file.
    private static func endOfAnswers(_ database: Database) throws -> Int64 {
        try Int64.fetchOne(database, sql: "SELECT max(answers_start + answers_count) FROM block") ?? 0
    }

    /// Ends the file of the answers where the last row's do, and says where that is.
    private func cutAnswers(_ database: Database) throws -> Int64 {
        let end = try Self.endOfAnswers(database)
        if end > 0 || FileManager.default.fileExists(atPath: answersPath) { try answerFile().cut(to: end) }
        return end
    }

    /// From now on ids are looked up in the blocks themselves.
    func searchUnsealed() { openIndex.withLock { $0 = $0 ?? OpenIndex() } }

    /// Writes the blocks, which are sealed, in one transaction, all of them or none, so that the log ends at
    /// `tail`.
    ///
    /// Synced means: to return only once the disk has them, and the rows of everything before.
    func append(_ blocks: [Block], ending tail: LogTail, isSynced: Bool) throws(InferenceLogError) {
        try sync { database in
            let mode = isSynced ? "FULL" : "NORMAL"
            try database.cachedStatement(sql: "PRAGMA synchronous = \(mode)").execute()
            // In the row it takes one synchronisation, and somebody waits for it.
            let file = isSynced ? nil : try self.answerFile(isMade: true)
            var end = file?.end ?? 0
            try database.inTransaction(.immediate) {
                var position = tail.position - blocks.reduce(0) { $0 + $1.count }
                for block in blocks {
                    let place = try file?.write(block.answers, at: end)
                    try Self.insert(block, position, place, tail, database)
                    position += block.count
                    end += Int64(place?.count ?? 0)
                }
                return .commit
            }
            file?.extend(to: end)
        }
    }

    private static func insert(
        _ block: Block,
        _ position: Int,
        _ place: AnswerFile.Place?,
        _ tail: LogTail,
        _ database: Database
    ) throws {
        let statement = try database.cachedStatement(sql: SegmentSchema.insertion)
        try withData(block.keys) { keys in
            try withData(block.answers) { answers in
                try statement.execute(arguments: [
                    position, block.count, block.model.text, block.firstAt.milliseconds,
                    block.lastAt.milliseconds, tail.held, tail.shadow, block.bytes, keys,
                    place == nil ? answers : nil, place?.start, place?.count,
                ])
            }
        }
        guard !block.releases.isEmpty else { return }
        let releases = try database.cachedStatement(sql: SegmentSchema.releaseInsertion)
        for (part, count) in block.releases {
            try releases.execute(arguments: [
                part.release.value, position, part.version.value, part.arm.rawValue, count,
            ])
        }
    }

    /// Lends the bytes to a statement, which copies them; `data` must not be kept.
    static func withData<Value>(_ bytes: [UInt8], _ body: (_ data: Data) throws -> Value) rethrows -> Value {
        try bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress else { return try body(Data()) }
            let lent = UnsafeMutableRawPointer(mutating: start)
            return try body(Data(bytesNoCopy: lent, count: buffer.count, deallocator: .none))
        }
    }

    /// Finds out whether there is space again, by using some.
    func probe() throws(InferenceLogError) {
        try sync { database in
            try database.execute(sql: "INSERT INTO probe (bytes) VALUES (zeroblob(1048576))")
            try database.execute(sql: "DELETE FROM probe")
        }
    }

    /// Sorts the ids for searching, ends both files and marks them complete.
    func seal() throws(InferenceLogError) {
        try sync { try self.seal($0) }
        openIndex.withLock { $0 = nil }
    }

    /// The same for one that a full disk kept from it, once there is space for that and `rest` bytes more:
    /// what lies beside the file moves into it first, and half of that would help nobody.
    func sealLate(leaving rest: Int) async throws(InferenceLogError) {
        let need = AnswerFile.size(path + "-wal") + AnswerFile.size(path) / 8 + Int64(rest)
        guard Reserve.free(beside: path) ?? 0 >= need else { throw .storageFull(path: path) }
        do {
            try await database().writeWithoutTransaction { database in
                _ = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
                try self.seal(database)
            }
        } catch { throw InferenceLogError(error, path: path) }
        openIndex.withLock { $0 = nil }
    }

    private func seal(_ database: Database) throws {
        if try cutAnswers(database) > 0 { try answerFile().sync() }
        try database.inTransaction {
            try IDIndex.write(database)
            return .commit
        }
        try database.execute(sql: "PRAGMA journal_mode = DELETE")
        try shrink(database)
        try SegmentSchema.mark(.sealed, database)
    }

    /// Whether a write-ahead log lies beside it; beside a sealed one, when a full disk kept it from being
    /// written again.
    var hasLog: Bool { AnswerFile.length(path + "-wal") > 0 }

    /// Whether it is not sealed, because answers still come or because that failed.
    var isUnsealed: Bool { openIndex.withLock { $0 != nil } }

    /// Gives back the space of answers that retention removed while the file was written, if that is most of
    /// it; new answers do not need it any more.
    ///
    /// What is left is written again, so less stays where it is; a full disk leaves all. Short rows share
    /// pages with empty ones, which are then not free: the lengths of what there is tell more.
    private func shrink(_ database: Database) throws {
        guard try Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM block WHERE bytes = 0)") == true
        else { return }
        let pages = try Int64.fetchOne(database, sql: "PRAGMA page_count") ?? 0
        let size = try Int64.fetchOne(database, sql: "PRAGMA page_size") ?? 0
        let left = try Int64.fetchOne(database, sql: SegmentSchema.contentBytes) ?? 0
        if left < pages * size / 2 { try? database.execute(sql: "VACUUM") }
    }

    /// What the file says of itself.
    func mark() throws(InferenceLogError) -> SegmentSchema.Mark {
        guard let mark = try sync({ try SegmentSchema.mark($0) }) else {
            throw .damaged(path: path, reason: "a newer Belay wrote it, or something else did")
        }
        return mark
    }

    func rows() throws(InferenceLogError) -> Int {
        try sync { try Int.fetchOne($0, sql: "SELECT sum(count) FROM block") ?? 0 }
    }

    /// Where the log stood after this segment's last block.
    func tail() throws(InferenceLogError) -> LogTail? {
        try sync { database in
            try Row.fetchOne(database, sql: SegmentSchema.tail).map { row in
                let numbers = try ["position", "held", "shadow"].map { name in
                    guard let number = Int.fromDatabaseValue(row[name]), 0..<Int.max / 4 ~= number else {
                        throw self.fault(BlockFault(reason: "its row is malformed"), at: 0)
                    }
                    return number
                }
                return LogTail(position: numbers[0], held: numbers[1], shadow: numbers[2])
            }
        }
    }

    /// Lets go of the last blocks whose bytes a power cut has taken: rows may reach the disk before the file.
    ///
    /// - Returns: How many answers they were.
    func forgetUnwritten() throws(InferenceLogError) -> Int {
        try sync { database in
            let end = try Self.endOfAnswers(database)
            let rows = try Row.fetchAll(
                database,
                sql:
                    """
                    SELECT position, count, answers_start, answers_count FROM block WHERE answers_start >= $1
                    """,
                arguments: [end - 2 * AnswerFile.mostUnsynced]
            )
            var lost = 0
            for row in rows {
                let (position, start, count): (Int, Int64, Int) = (row[0], row[2], row[3])
                let bytes = try self.answerFile().read(AnswerFile.Place(start: start, count: count))
                guard bytes.map({ !BlockReader.isWhole($0, position) }) ?? true else { continue }
                lost += row[1] as Int
                try database.execute(
                    sql: """
                        UPDATE block SET keys = NULL, answers = NULL, bytes = 0, answers_start = NULL,
                            answers_count = NULL WHERE position = $1
                        """,
                    arguments: [position]
                )
            }
            return lost
        }
    }

    /// Brings a segment without a file beside it to today's form; it keeps its answers in their rows.
    func upgrade() throws(InferenceLogError) {
        try sync { database in
            try database.inTransaction {
                let isSealed = try SegmentSchema.mark(database) == .sealedBlocks
                try database.execute(sql: SegmentSchema.upgrade)
                try SegmentSchema.mark(isSealed ? .sealed : .open, database)
                return .commit
            }
        }
    }

    private static func fill(_ database: Database, answers: Int64) throws -> Fill {
        let rows = try Int.fetchOne(database, sql: "SELECT sum(count) FROM block") ?? 0
        let pages = try Int64.fetchOne(database, sql: "PRAGMA page_count") ?? 0
        let bytes = try pages * (Int64.fetchOne(database, sql: "PRAGMA page_size") ?? 4096)
        return Fill(rows: rows, bytes: bytes + answers)
    }
}
