/// The way back through the log: answers that match, the newest first, one block in memory at a time.
///
/// Answers recorded after it began are not met.
package struct NewestCursor: Sendable {
    private let segments: [Segment]
    private let folder: SegmentFolder
    private let filter: AnswerFilter
    private var index = 0
    private var position = Int.max

    init(folder: SegmentFolder, filter: AnswerFilter) {
        self.folder = folder
        self.filter = filter
        segments = folder.segments.reversed()
    }

    /// The next answers, newest first, at least one; nil at the end.
    ///
    /// - Throws: Whatever keeps a block or a segment from being read; the next call goes on behind it.
    package mutating func next() async throws(InferenceLogError) -> [StoredAnswer]? {
        while index < segments.count {
            let segment = segments[index]
            let found: (start: Int, answers: Result<[StoredAnswer], InferenceLogError>)?
            do {
                found = try await segment.page(filter, before: position)
            } catch {
                index += 1
                // Removed to save space: not having it is no failure.
                guard folder.segments.contains(where: { $0 === segment }) else { continue }
                throw error
            }
            guard let page = found else {
                index += 1
                continue
            }
            position = page.start
            let answers = try page.answers.get()
            if !answers.isEmpty { return answers.reversed() }
        }
        return nil
    }
}
