/// What became of every answer, exactly: `answered = logged + queued + dropped + failed` at any moment.
package struct LogCounters: Equatable, Sendable {
    /// Answers handed to the log.
    package internal(set) var answered = 0
    /// Answers in a committed transaction.
    package internal(set) var logged = 0
    /// Answers that wait for the writer, or that it is writing.
    package internal(set) var queued = 0
    /// Answers turned away because the queue was full, or because the log was closed.
    package internal(set) var dropped = 0
    /// Answers lost because the disk refused them.
    package internal(set) var failed = 0
    /// Segments removed to stay below the total size.
    package internal(set) var segmentsRemoved = 0
    /// Why the newest batch could not be written; nil again after one that could.
    package internal(set) var trouble: InferenceLogError?

    package init() {}
}
