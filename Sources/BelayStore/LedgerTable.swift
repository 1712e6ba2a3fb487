import BelayCore

/// The SQL of the tables `ledger`, `head` and `evidence`.
enum LedgerTable {
    static let columns = ["seq", "at", "actor", "kind", "subject", "reason", "body", "prev", "hash"]
    /// How many rows are read at once; with the largest bodies that is 256 MiB.
    static let page = 64

    static func insertion(_ entry: StoredEntry) -> Statement {
        Statement(
            """
            INSERT INTO ledger (seq, at, actor, kind, subject, reason, body, prev, hash)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            [
                SQLValue(entry.sequence), .integer(entry.at), .text(entry.actor), .text(entry.kind),
                .text(entry.subject), SQLValue(entry.reason), .text(entry.body), .bytes(entry.previous.bytes),
                .bytes(entry.hash.bytes),
            ]
        )
    }

    /// Gives one row if the head is still `old`, and none if another writer came first.
    static func advance(from old: Head, to new: Head) -> Statement {
        Statement(
            "UPDATE head SET seq = $1, hash = $2 WHERE seq = $3 AND hash = $4 RETURNING seq",
            [SQLValue(new.sequence), .bytes(new.hash.bytes), SQLValue(old.sequence), .bytes(old.hash.bytes)]
        )
    }

    static let head = Statement("SELECT seq, hash FROM head", [])

    static func after(_ sequence: Int, limit: Int) -> Statement {
        Statement(
            "SELECT \(columns.joined(separator: ", ")) FROM ledger WHERE seq > $1 ORDER BY seq LIMIT $2",
            [SQLValue(sequence), SQLValue(limit)]
        )
    }

    /// Reads a row; `expected` is the sequence to blame when its own is unreadable.
    static func entry(_ row: [SQLValue], expected: Int) throws(LedgerProblem) -> StoredEntry {
        func malformed(_ column: Int) -> LedgerProblem {
            LedgerProblem(sequence: expected, what: .malformed(column: columns[column]))
        }
        func text(_ column: Int) throws(LedgerProblem) -> String {
            guard let text = row[column].text else { throw malformed(column) }
            return text
        }
        func digest(_ column: Int) throws(LedgerProblem) -> Digest {
            guard let digest = row[column].bytes.flatMap({ Digest(bytes: $0) }) else {
                throw malformed(column)
            }
            return digest
        }
        guard let sequence = row[0].integer else { throw malformed(0) }
        guard let at = row[1].integer else { throw malformed(1) }
        return StoredEntry(
            sequence: Int(sequence),
            at: at,
            actor: try text(2),
            kind: try text(3),
            subject: try text(4),
            reason: row[5] == .null ? nil : try text(5),
            body: try text(6),
            previous: try digest(7),
            hash: try digest(8)
        )
    }

    static func head(_ rows: [[SQLValue]]) throws(LedgerProblem) -> Head {
        guard rows.count == 1, let sequence = rows[0][0].integer,
            let hash = rows[0][1].bytes.flatMap({ Digest(bytes: $0) })
        else { throw LedgerProblem(sequence: nil, what: .projection(table: "head", key: "1")) }
        return Head(sequence: Int(sequence), hash: hash)
    }
}

extension Chain {
    /// Checks that the ledger ends where its recorded head says.
    func checkEnd(recorded: Head) throws(LedgerProblem) {
        guard recorded.sequence <= head.sequence else {
            throw LedgerProblem(sequence: head.sequence + 1, what: .truncated(head: recorded.sequence))
        }
        guard recorded == head else {
            throw LedgerProblem(sequence: head.sequence, what: .headDiffers(head: recorded.sequence))
        }
    }
}
