/// A way through the log: answers that match, oldest first, one block in memory at a time.
///
/// Answers recorded while it goes on are met too, as long as they are written before it ends.
package struct AnswerCursor: Sendable {
    private let folder: SegmentFolder
    private let filter: AnswerFilter
    /// The next place to look at: where another cursor may go on.
    package private(set) var position: Int
    private var segment = 0

    init(folder: SegmentFolder, filter: AnswerFilter, position: Int) {
        self.folder = folder
        self.filter = filter
        self.position = position
    }

    /// The next answers, at least one; nil at the end.
    ///
    /// - Throws: Whatever keeps a block or a segment from being read; the next call goes on behind it.
    package mutating func next() async throws(InferenceLogError) -> [StoredAnswer]? {
        for segment in folder.segments where segment.number >= self.segment {
            // Behind it, should it be unreadable as a whole.
            self.segment = segment.number + 1
            do {
                while let page = try await segment.page(filter, from: position) {
                    self.segment = segment.number
                    position = page.block.upperBound
                    let answers = try page.answers.get()
                    if !answers.isEmpty { return answers }
                }
            } catch {
                // Removed to save space: not having it is no failure.
                guard folder.segments.contains(where: { $0 === segment }) else { continue }
                throw error
            }
        }
        return nil
    }
}
