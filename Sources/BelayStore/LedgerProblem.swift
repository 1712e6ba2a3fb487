package import BelayCore

/// The first thing that is wrong with a ledger.
package struct LedgerProblem: Error, Equatable, Sendable {
    package enum What: Equatable, Sendable {
        /// The entry is missing; the next one there is `next`.
        case missing(next: Int)
        /// A column holds what Belay never writes there.
        case malformed(column: String)
        /// It does not name the hash of the entry before.
        case unlinked
        /// Its hash is not the hash of its columns.
        case altered
        /// It is older than the entry before.
        case outOfTime
        /// Its kind or body cannot be read.
        case undecodable(reason: String)
        /// It does not follow from the entries before.
        case illegal
        /// The ledger ends before its recorded head.
        case truncated(head: Int)
        /// The ledger goes on behind its recorded head, or ends in another hash.
        case headDiffers(head: Int)
        /// A derived table differs from what the ledger says; the row is `key`.
        case projection(table: String, key: String)
        /// A table, index or trigger is missing, changed or foreign.
        case schema(object: String)
        /// The file itself is damaged.
        case unreadable(reason: String)
    }

    /// The first bad entry; nil when the damage is not in one entry.
    package let sequence: Int?
    package let what: What

    package init(sequence: Int?, what: What) {
        self.sequence = sequence
        self.what = what
    }

    /// One sentence for a person.
    package var explanation: String {
        let entry = "Entry \(sequence ?? 0)"
        return switch what {
        case .missing(let next): "\(entry) is missing; entry \(next) comes in its place."
        case .malformed(let column): "\(entry) holds in its column '\(column)' what Belay never writes there."
        case .unlinked: "\(entry) does not name the hash of the entry before it."
        case .altered: "\(entry) was altered: its hash is not the hash of what it says."
        case .outOfTime: "\(entry) is dated before the entry it follows."
        case .undecodable(let reason): "\(entry) cannot be read: \(reason)."
        case .illegal: "\(entry) does not follow from the entries before it."
        case .truncated(let head):
            "\(entry) is missing: the ledger ends before its recorded head, entry \(head)."
        case .headDiffers(let head): "\(entry) is not the recorded head, entry \(head)."
        case .projection(let table, let key):
            "Row \(key) of table '\(table)' differs from what the ledger says."
        case .schema(let object): "The store's \(object) is missing, changed or not Belay's."
        case .unreadable(let reason):
            "The file is damaged\(sequence.map { " at entry \($0)" } ?? ""): \(reason)."
        }
    }
}

/// What a verification found.
package struct VerificationReport: Equatable, Sendable {
    /// How many entries are good, counted from the first.
    package let entries: Int
    /// The last good entry.
    package let head: Head
    package let first: Timestamp?
    package let last: Timestamp?
    /// Nil when all is well.
    package let problem: LedgerProblem?

    package init(entries: Int, head: Head, first: Timestamp?, last: Timestamp?, problem: LedgerProblem?) {
        self.entries = entries
        self.head = head
        self.first = first
        self.last = last
        self.problem = problem
    }
}
