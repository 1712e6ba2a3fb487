/// What was found when the log was opened.
package struct LogOpening: Equatable, Sendable {
    /// A segment whose writer did not end in order: at most its last batch is missing.
    package struct Interrupted: Equatable, Sendable {
        package let path: String
        /// How many rows are in it.
        package let rows: Int
    }

    package internal(set) var segments = 0
    package internal(set) var interrupted: [Interrupted] = []
    /// Segments that cannot be read.
    package internal(set) var damaged: [String] = []
    /// Segments of Belay 0.1 that were rewritten in today's form.
    package internal(set) var migrated: [String] = []
    /// Answers in the log whose bytes a power cut has taken.
    package internal(set) var unwritten = 0
    /// What the run before could not put into the log; nil when it ended in order.
    package internal(set) var gap: LogGap?
    /// Answers are counted in a file on the disk, so that a disk that hangs can keep them waiting.
    package internal(set) var countsOnDisk = false
}

/// Answers that the log cannot show after a process was killed.
package struct LogGap: Equatable, Sendable {
    /// Answers that left, waited to be logged, and are gone.
    package let lost: Int
    /// Answers that waited for the disk and therefore never left.
    package let withheld: Int
    /// Answers of shadows that are gone; nobody was given them.
    package let shadows: Int
    /// False when the machine itself went down, or what it counted in: at least so many are missing then.
    ///
    /// The counts may be older than the last answers. Answers that waited for the disk are never among them.
    package let isExact: Bool

    package var isEmpty: Bool { lost == 0 && withheld == 0 && shadows == 0 }

    /// How many answers cannot be accounted for: from, and to when that is known.
    package var interval: (atLeast: Int, atMost: Int?) { (lost, isExact ? lost : nil) }
}

/// What became of every answer since the log began, over all runs:
/// `answered = logged + waiting + dropped + sampledOut + failed + lost`.
package struct LogTotals: Equatable, Sendable {
    package let answered: Int
    package let logged: Int
    package let dropped: Int
    package let sampledOut: Int
    package let failed: Int
    /// Answers that left and were lost when a process was killed.
    package let lost: Int
    /// Answers that wait for the writer now.
    package let waiting: Int
}
