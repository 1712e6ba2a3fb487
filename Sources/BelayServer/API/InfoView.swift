/// Who answers, for `doctor` and for people who wonder which server they reached.
package struct InfoView: Codable, Equatable, Sendable {
    package let version: String
    package let data: String
    package let inference: String
    package let runtime: String
    package let startedAt: String
    package let entries: Int
    package let head: String
    /// Since the log began, over all runs.
    package let answersLogged: Int
    /// By this process.
    package let answersDropped: Int
    /// Answers that were given and that killed processes took with them, over all runs.
    package let answersLost: Int
    /// Disk space kept free for rollbacks, in bytes: what is there, and what should be.
    package let reserve: Int
    package let wholeReserve: Int

    enum CodingKeys: String, CodingKey {
        case version, data, inference, runtime, entries, head
        case reserve = "reserve_bytes"
        case wholeReserve = "reserve_whole_bytes"
        case startedAt = "started_at"
        case answersLogged = "answers_logged"
        case answersDropped = "answers_dropped"
        case answersLost = "answers_lost"
    }

    package init(
        version: String,
        data: String,
        inference: String,
        runtime: String,
        startedAt: String,
        entries: Int,
        head: String,
        answersLogged: Int,
        answersDropped: Int,
        answersLost: Int,
        reserve: Int,
        wholeReserve: Int
    ) {
        self.version = version
        self.data = data
        self.inference = inference
        self.runtime = runtime
        self.startedAt = startedAt
        self.entries = entries
        self.head = head
        self.answersLogged = answersLogged
        self.answersDropped = answersDropped
        self.answersLost = answersLost
        self.reserve = reserve
        self.wholeReserve = wholeReserve
    }
}
