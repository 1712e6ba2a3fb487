/// What a walk along the ledger's chain found.
package struct VerificationView: Codable, Equatable, Sendable {
    /// The first bad entry.
    package struct Problem: Codable, Equatable, Sendable {
        package let seq: Int?
        /// One word or two: `hash`, `previous hash`, `gap`.
        package let what: String
        package let detail: String

        package init(seq: Int?, what: String, detail: String) {
            self.seq = seq
            self.what = what
            self.detail = detail
        }
    }

    /// How many entries were walked.
    package let entries: Int
    /// The hash of the newest entry, in hexadecimal digits.
    package let head: String
    package let firstAt: String?
    package let lastAt: String?
    package let ok: Bool
    package let problem: Problem?

    enum CodingKeys: String, CodingKey {
        case entries, head, ok, problem
        case firstAt = "first_at"
        case lastAt = "last_at"
    }

    package init(entries: Int, head: String, firstAt: String?, lastAt: String?, ok: Bool, problem: Problem?) {
        self.entries = entries
        self.head = head
        self.firstAt = firstAt
        self.lastAt = lastAt
        self.ok = ok
        self.problem = problem
    }
}
