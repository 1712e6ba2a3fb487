package import BelayCore

/// Why the store could not do what it was asked.
package enum StoreError: Error, Equatable, Sendable {
    /// Another writer extended the ledger since `expected` was read; read, decide and append again.
    case headMoved(expected: Head, found: Head)
    /// The event does not follow from the state, or cannot be written down and read back.
    case illegalEntry(sequence: Int, kind: Event.Kind, reason: String)
    /// Sizes in bytes.
    case entryTooLarge(kind: Event.Kind, size: Int, limit: Int)
    /// The ledger is not what was once written.
    case broken(LedgerProblem)
    case newerSchema(path: String, found: Int, known: Int)
    case storageFull(path: String)
    /// Another process holds the store; its number, where the lock tells.
    case busy(path: String, holder: Int?)
    case unavailable(path: String, reason: String)
}

extension StoreError: Explainable {
    package var explanation: Explanation {
        switch self {
        case .headMoved(let expected, let found):
            Explanation(
                code: "ledger.head-moved",
                summary: "Another writer extended the ledger from entry \(expected) to \(found).",
                remedy: "Repeat the command; it will be decided again on the current state."
            )
        case .illegalEntry(let sequence, let kind, let reason):
            Explanation(
                code: "ledger.illegal-entry",
                summary: "Entry \(sequence) (\(kind.rawValue)) was not recorded: \(reason).",
                remedy:
                    "Repeat the command; if it fails again, report it with what `belay audit verify` says."
            )
        case .entryTooLarge(let kind, let size, let limit):
            Explanation(
                code: "ledger.entry-too-large",
                summary: "An entry (\(kind.rawValue)) of \(size) bytes exceeded the limit of \(limit).",
                remedy:
                    "Shorten what it carries: fewer files in the version, fewer params, or a shorter reason."
            )
        case .broken(let problem):
            Explanation(
                code: "ledger.broken",
                summary: problem.explanation,
                remedy:
                    "Keep the file, run `belay audit verify` on a copy, and restore the newest good backup."
            )
        case .newerSchema(let path, let found, let known):
            Explanation(
                code: "ledger.newer-schema",
                summary: "\(path) was written by a newer Belay (schema \(found); this one knows \(known)).",
                remedy: "Start the version of Belay that wrote it, or a newer one."
            )
        case .storageFull(let path):
            Explanation(
                code: "ledger.storage-full",
                summary: "No space was left to write \(path).",
                remedy: "Free disk space and repeat the command; nothing was half-written."
            )
        case .busy(let path, let holder):
            Explanation(
                code: "ledger.busy",
                summary: "\(holder.map { "Process \($0)" } ?? "Another process") was using \(path).",
                remedy:
                    "Stop the other server on this data directory, or give this one another with `--data`."
            )
        case .unavailable(let path, let reason):
            Explanation(
                code: "ledger.unavailable",
                summary: "The store \(path) could not be used: \(reason).",
                remedy: "Check that the data directory is mounted and writable and belongs to Belay."
            )
        }
    }

    package var category: FailureCategory {
        switch self {
        case .headMoved: .conflict
        case .entryTooLarge: .tooLarge
        case .broken: .unsafe
        case .storageFull, .busy, .unavailable: .unavailable
        case .illegalEntry, .newerSchema: .failed
        }
    }
}
