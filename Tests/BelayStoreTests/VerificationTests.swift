import BelayCore
@testable import BelayStore
import BelayTesting
import Foundation
import GRDB
import Testing

@Suite("Verification")
struct VerificationTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func write(_ drafts: [EntryDraft]) async throws -> Head {
        let store = try await SQLiteStore.open(path: scratch.path)
        let head = try await store.append(drafts, after: .genesis).head
        try await store.appendTicks([tick(1, at: 1, bad: 0)])
        try store.close()
        return head
    }

    @Test func aGoodLedgerIsReportedWithItsHeadAndItsTimes() async throws {
        let world = try story()
        let head = try await write(world.drafts)
        let report = try Verification.verify(path: scratch.path)
        #expect(
            report
                == VerificationReport(
                    entries: world.entries.count,
                    head: head,
                    first: world.entries.first?.at,
                    last: world.entries.last?.at,
                    problem: nil
                )
        )
    }

    @Test func anEmptyLedgerIsGood() async throws {
        _ = try await write([])
        let report = try Verification.verify(path: scratch.path)
        #expect(report == VerificationReport(entries: 0, head: .genesis, first: nil, last: nil, problem: nil))
    }

    @Test func aRunningServerIsNotDisturbed() async throws {
        let store = try await SQLiteStore.open(path: scratch.path)
        var head = try await store.append(try story().drafts, after: .genesis).head
        #expect(try Verification.verify(path: scratch.path).head == head)
        head = try await store.append([start(1, at: 99_000)], after: head).head
        #expect(try Verification.verify(path: scratch.path).head == head)
    }

    @Test func aCopyWithItsLogAndWithoutSharedMemoryIsVerified() async throws {
        let store = try await SQLiteStore.open(path: scratch.path)
        let head = try await store.append(try story().drafts, after: .genesis).head
        let report = try Verification.verify(path: scratch.copy(as: "copy"))
        #expect(report.head == head)
        #expect(report.problem == nil)
    }

    @Test func aCopyWithoutALogIsVerifiedAndNothingIsLeftBesideIt() async throws {
        _ = try await write(try story().drafts)
        let folder = "\(scratch.folder)/with space, 100% & #1?"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: scratch.path, toPath: "\(folder)/copy.sqlite")
        let report = try Verification.verify(path: "\(folder)/copy.sqlite")
        #expect(report.problem == nil && report.entries > 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["copy.sqlite"])
    }

    @Test func aMissingFileAndAForeignFileAreErrors() throws {
        let missing = #expect(throws: StoreError.self) { try Verification.verify(path: scratch.path) }
        #expect(missing?.explanation.code == "ledger.unavailable")
        #expect(!FileManager.default.fileExists(atPath: scratch.path))
        try "This is not a database, but a long enough text to be taken for one.".write(
            toFile: scratch.path,
            atomically: true,
            encoding: .utf8
        )
        let foreign = #expect(throws: StoreError.self) { try Verification.verify(path: scratch.path) }
        #expect(foreign?.explanation.code == "ledger.broken")
    }

    @Test func aNewerSchemaIsAnError() async throws {
        _ = try await write([])
        try scratch.tamper("PRAGMA user_version = 3")
        #expect(throws: StoreError.newerSchema(path: scratch.path, found: 3, known: 2)) {
            try Verification.verify(path: scratch.path)
        }
    }

    /// For every row and every column, a bit of it changes, at its beginning, its end and between.
    @Test func everyChangedByteIsNamedByItsEntry() async throws {
        let count = try story().entries.count
        _ = try await write(try story().drafts)
        try scratch.tamper("SELECT 1")
        let queue = try DatabaseQueue()
        try DatabaseQueue(path: scratch.path).backup(to: queue)
        var mutations = 0
        for sequence in 1...count {
            for column in ["seq", "at", "actor", "kind", "subject", "reason", "body", "prev", "hash"] {
                for literal in try literals(near: column, at: sequence, queue) {
                    let change = "UPDATE ledger SET \(column) = \(literal) WHERE seq = \(sequence)"
                    let found = try examine(queue, change)
                    #expect(found?.sequence == sequence, "\(column) := \(literal): \(found as Any)")
                    mutations += 1
                }
            }
        }
        #expect(mutations > 800)
        #expect(try examine(queue, "SELECT 1")?.what == .schema(object: "trigger ledger_is_immutable"))
    }

    /// What is found while a change is there; it is undone afterwards.
    private func examine(_ queue: DatabaseQueue, _ change: String) throws -> LedgerProblem? {
        try queue.writeWithoutTransaction { database in
            var problem: LedgerProblem?
            try database.inTransaction {
                try database.execute(sql: change)
                problem = try Verification.examine(database, "").problem
                return .rollback
            }
            return problem
        }
    }

    /// SQL literals, each one bit away from what stands there.
    private func literals(near column: String, at sequence: Int, _ queue: DatabaseQueue) throws -> [String] {
        let found = try queue.read { database in
            try Row.fetchOne(
                database,
                sql: """
                    SELECT CAST(\(column) AS BLOB) AS v, typeof(\(column)) AS t FROM ledger WHERE seq = ?
                    """,
                arguments: [sequence]
            )
        }
        let row = try #require(found)
        let type: String = row["t"]
        guard type == "text" || type == "blob" else {
            if type == "null" { return ["''"] }
            let number = try #require(Int(String(decoding: row["v"] as Data, as: UTF8.self)))
            return column == "seq" ? ["\(number + 1_000)"] : ["\(number + 1)", "\(number ^ 1 << 40)"]
        }
        let bytes = Array(row["v"] as Data)
        let step = max(1, (bytes.count - 1) / 2)
        let literals = stride(from: 0, to: bytes.count, by: step).map { index in
            var changed = bytes
            changed[index] ^= 1 << (index % 8)
            let hex = changed.map { String(format: "%02x", $0) }.joined()
            return type == "text" ? "CAST(x'\(hex)' AS TEXT)" : "x'\(hex)'"
        }
        let hex = bytes.map { String(format: "%02x", $0) }.joined()
        let longer = type == "text" ? ["CAST(x'\(hex)00' AS TEXT)", "CAST(x'\(hex)20' AS TEXT)"] : []
        return literals + longer + (column == "reason" ? ["NULL"] : [])
    }

    /// Whatever bit of the file flips: it is found, or it changed nothing that anyone can read.
    @Test func aFlippedBitInTheFileIsFoundOrHarmless() async throws {
        _ = try await write(try story().drafts)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: scratch.path)))
        let original = try content(of: scratch.path)
        var found = 0
        for number in 0..<24 {
            let (index, bit) = (number * bytes.count / 24 + number * 37 % 499, number % 8)
            var changed = bytes
            changed[index] ^= 1 << bit
            let path = "\(scratch.folder)/flipped-\(number).sqlite"
            try Data(changed).write(to: URL(fileURLWithPath: path))
            let report = try? Verification.verify(path: path)
            if let report, report.problem == nil {
                #expect(try content(of: path) == original, "bit \(bit) of byte \(index)")
            } else {
                found += 1
            }
        }
        #expect(found > 4)
    }

    private func content(of path: String) throws -> [[SQLValue]] {
        try DatabaseQueue(path: path).read { database in
            let tables = ["ledger", "head", "version", "endpoint", "release"]
            return try tables.flatMap {
                try database.rows(of: BelayStore.Statement("SELECT * FROM \($0)", []))
            }
        }
    }

    @Test func aDeletedEntryIsNamed() async throws {
        let count = try story().entries.count
        _ = try await write(try story().drafts)
        try scratch.tamper("DELETE FROM ledger WHERE seq = 7")
        #expect(
            try Verification.verify(path: scratch.path).problem
                == LedgerProblem(sequence: 7, what: .missing(next: 8))
        )
        try scratch.tamper("DELETE FROM ledger WHERE seq = 1")
        #expect(try Verification.verify(path: scratch.path).problem?.sequence == 1)
        #expect(count > 8)
    }

    @Test func aTruncatedTailIsNamed() async throws {
        let count = try story().entries.count
        _ = try await write(try story().drafts)
        try scratch.tamper("DELETE FROM ledger WHERE seq > \(count - 2)")
        let report = try Verification.verify(path: scratch.path)
        #expect(report.problem == LedgerProblem(sequence: count - 1, what: .truncated(head: count)))
        #expect(report.entries == count - 2)
        let error = await #expect(throws: StoreError.self) { try await SQLiteStore.open(path: scratch.path) }
        #expect(error == .broken(LedgerProblem(sequence: count - 1, what: .truncated(head: count))))
    }

    @Test func swappedEntriesAreNamed() async throws {
        _ = try await write(try story().drafts)
        try scratch.tamper(
            """
            UPDATE ledger SET seq = 1000 WHERE seq = 4;
            UPDATE ledger SET seq = 4 WHERE seq = 5;
            UPDATE ledger SET seq = 5 WHERE seq = 1000;
            """
        )
        let found = try Verification.verify(path: scratch.path).problem
        #expect(found == LedgerProblem(sequence: 4, what: .unlinked))
    }

    @Test func anEntryThatWasRewrittenWithItsHashIsGivenAwayByTheNext() async throws {
        let head = try await write(try story().drafts)
        let store = try await SQLiteStore.open(path: scratch.path)
        let victim = try #require(try await store.entries(after: 3, limit: 1).first).stored
        try store.close()
        let forged = StoredEntry(
            sequence: 4,
            at: victim.at,
            actor: "eve",
            kind: victim.kind,
            subject: victim.subject,
            reason: victim.reason,
            body: victim.body,
            previous: victim.previous,
            hash: .zero
        ).sealed
        try scratch.tamper(
            "UPDATE ledger SET actor = 'eve', hash = ? WHERE seq = 4",
            [Data(forged.hash.bytes)]
        )
        let found = try Verification.verify(path: scratch.path).problem
        #expect(found == LedgerProblem(sequence: 5, what: .unlinked))
        #expect(head.sequence > 5)
    }

    @Test func aForgedLastEntryIsGivenAwayByTheHead() async throws {
        let head = try await write([start(1, at: 1)])
        let stored = StoredEntry(
            sequence: 1,
            at: 2,
            actor: "belay",
            kind: "operation.server_started",
            subject: "server",
            reason: nil,
            body: #"{"belay":"0.1.0","process":1}"#,
            previous: .zero,
            hash: .zero
        ).sealed
        try scratch.tamper("UPDATE ledger SET at = 2, hash = ?", [Data(stored.hash.bytes)])
        let found = try Verification.verify(path: scratch.path).problem
        #expect(found == LedgerProblem(sequence: 1, what: .headDiffers(head: 1)))
        #expect(head.sequence == 1)
    }

    @Test(arguments: [
        ("UPDATE version SET label = '9.9.9' WHERE number = 2", "version", "fraud/2"),
        ("DELETE FROM version WHERE model = 'churn'", "version", "churn/1"),
        ("UPDATE endpoint SET stable = 2 WHERE model = 'fraud'", "endpoint", "fraud/prod"),
        ("UPDATE release SET share = share + 1 WHERE id = 3", "release", "3"),
        ("UPDATE release SET reason = coalesce(reason, '') || x'00' WHERE id = 1", "release", "1"),
        (
            """
            INSERT INTO release SELECT 77, model, environment, candidate, stable, phase, step, share, since,
                cause, held_by, held_why, held_since, proposed_by, proposed_at, reason
            FROM release WHERE id = 1
            """,
            "release", "77"
        ),
    ])
    func aDerivedRowThatDiffersIsNamedAndMendedAtTheNextStart(sql: String, table: String, key: String)
        async throws
    {
        _ = try await write(try story().drafts)
        try scratch.tamper(sql, dropTriggers: false)
        let found = try Verification.verify(path: scratch.path).problem
        #expect(found == LedgerProblem(sequence: nil, what: .projection(table: table, key: key)))
        try await SQLiteStore.open(path: scratch.path).close()
        #expect(try Verification.verify(path: scratch.path).problem == nil)
    }

    @Test(arguments: [
        ("DROP TRIGGER ledger_is_permanent", "trigger ledger_is_permanent"),
        ("DROP INDEX evidence_by_release", "index evidence_by_release"),
        ("CREATE TRIGGER spy AFTER INSERT ON ledger BEGIN DELETE FROM evidence; END", "trigger spy"),
        ("CREATE TABLE more (x)", "table more"),
        ("DROP TABLE ledger", "table ledger"),
    ])
    func aChangedSchemaIsNamed(sql: String, object: String) async throws {
        _ = try await write(try story().drafts)
        try scratch.tamper(sql, dropTriggers: false)
        #expect(try Verification.verify(path: scratch.path).problem?.what == .schema(object: object))
    }

    @Test func anEntryOfAnUnknownKindIsNamed() async throws {
        _ = try await write([start(1, at: 1)])
        let stored = StoredEntry(
            sequence: 1,
            at: 1,
            actor: "belay",
            kind: "operation.server_danced",
            subject: "server",
            reason: nil,
            body: "{}",
            previous: .zero,
            hash: .zero
        ).sealed
        try scratch.tamper(
            "UPDATE ledger SET kind = ?, body = '{}', hash = ?",
            [stored.kind, Data(stored.hash.bytes)]
        )
        let found = try #require(try Verification.verify(path: scratch.path).problem)
        #expect(found.sequence == 1)
        #expect(found.explanation.contains("server_danced"))
    }
}
