package import BelayCore
import GRDB

/// Why answers or labels could not be kept or found.
package enum InferenceLogError: Error, Equatable, Sendable {
    case unavailable(path: String, reason: String)
    case storageFull(path: String)
    /// A file is not, or no longer, what the log wrote.
    case damaged(path: String, reason: String)

    /// Sorts an error of SQLite by what an operator must do about it.
    init(_ error: any Error, path: String) {
        guard let error = error as? DatabaseError else {
            self = error as? InferenceLogError ?? .unavailable(path: path, reason: "\(error)")
            return
        }
        let reason = error.message ?? "SQLite error \(error.resultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_FULL: self = .storageFull(path: path)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(path: path, reason: reason)
        default: self = .unavailable(path: path, reason: reason)
        }
    }
}

extension InferenceLogError: Explainable {
    package var explanation: Explanation {
        switch self {
        case .unavailable(let path, let reason):
            Explanation(
                code: "inference-log.unavailable",
                summary: "The inference log could not use \(path): \(reason).",
                remedy: "Check that the data directory is mounted and writable, and that one server uses it."
            )
        case .storageFull(let path):
            Explanation(
                code: "inference-log.storage-full",
                summary: "No space was left to write \(path).",
                remedy:
                    "Free disk space; answers are served and counted meanwhile, and logged again afterwards."
            )
        case .damaged(let path, let reason):
            Explanation(
                code: "inference-log.damaged",
                summary: "The segment \(path) could not be read: \(reason).",
                remedy: "Move the file out of the folder or restore it from a backup, and check the disk."
            )
        }
    }

    package var category: FailureCategory {
        switch self {
        case .unavailable, .storageFull: .unavailable
        case .damaged: .failed
        }
    }
}
