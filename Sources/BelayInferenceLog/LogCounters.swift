package import BelayCore

/// What became of answers, exactly: `answered = logged + queued + dropped + sampledOut + failed`.
package struct AnswerCounts: Equatable, Sendable {
    /// Answers handed to the log, or left out of it on purpose.
    package internal(set) var answered = 0
    /// Answers in a committed transaction.
    package internal(set) var logged = 0
    /// Answers that wait for the writer, or that it is writing.
    package internal(set) var queued = 0
    /// Answers turned away because the queue was full, or because the log was closed.
    package internal(set) var dropped = 0
    /// Answers that the policy did not want kept.
    package internal(set) var sampledOut = 0
    /// Answers lost because the disk refused them.
    package internal(set) var failed = 0

    package init() {}

    package var isBalanced: Bool { answered == logged + queued + dropped + sampledOut + failed }
}

/// What became of every answer of this process.
package struct LogCounters: Equatable, Sendable {
    /// Answers that callers were given, of all models.
    package internal(set) var served = AnswerCounts()
    /// Answers that were computed for comparison only.
    package internal(set) var shadow = AnswerCounts()
    /// The same as ``served``, by model.
    package internal(set) var models: [ModelName: AnswerCounts] = [:]
    /// Segments removed to stay below the total size.
    package internal(set) var segmentsRemoved = 0
    /// Why the newest batch could not be written; nil again after one that could.
    package internal(set) var trouble: InferenceLogError?

    package init() {}

    package var answered: Int { served.answered }
    package var logged: Int { served.logged }
    package var queued: Int { served.queued }
    package var dropped: Int { served.dropped }
    package var sampledOut: Int { served.sampledOut }
    package var failed: Int { served.failed }

    /// Counts for one answer, in its kind and in its model.
    mutating func add(_ model: ModelName, _ kind: AnswerKind, _ change: (inout AnswerCounts) -> Void) {
        switch kind {
        case .served:
            change(&served)
            change(&models[model, default: AnswerCounts()])
        case .shadow: change(&shadow)
        }
    }
}
