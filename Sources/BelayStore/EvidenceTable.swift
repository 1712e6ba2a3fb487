import BelayCore

/// The SQL of the table `evidence`.
enum EvidenceTable {
    static func insertion(_ tick: EvidenceTick) -> Statement {
        guard let body = try? CompactJSON.text(of: tick) else {
            preconditionFailure("counts, names and times can always be written as JSON")
        }
        return Statement(
            "INSERT INTO evidence (release, at, step, body) VALUES ($1, $2, $3, $4)",
            [SQLValue(tick.release.value), .integer(tick.at.milliseconds), SQLValue(tick.step), .text(body)]
        )
    }

    static func of(_ release: ReleaseID) -> Statement {
        Statement("SELECT id, body FROM evidence WHERE release = $1 ORDER BY id", [SQLValue(release.value)])
    }

    static func repeated(limit: Int) -> Statement {
        Statement(
            """
            SELECT DISTINCT release FROM evidence GROUP BY release, step HAVING count(*) > 1
            ORDER BY release LIMIT $1
            """,
            [SQLValue(limit)]
        )
    }

    static func deletion(of release: ReleaseID) -> Statement {
        Statement("DELETE FROM evidence WHERE release = $1", [SQLValue(release.value)])
    }

    static func tick(_ row: [SQLValue]) throws(LedgerProblem) -> EvidenceTick {
        guard let tick = try? CompactJSON.decode(EvidenceTick.self, from: row[1].text ?? "") else {
            let place = row[0].integer.map(String.init) ?? "?"
            throw LedgerProblem(sequence: nil, what: .unreadable(reason: "tick \(place) of the evidence"))
        }
        return tick
    }
}
