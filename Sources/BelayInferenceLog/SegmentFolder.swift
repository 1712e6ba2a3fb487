import BelayCore
import Foundation
import Synchronization

/// The segments of one log, oldest first.
///
/// Only the writer adds and removes; readers take a copy of the list and work on that.
final class SegmentFolder: Sendable {
    private let path: String
    private let list: Mutex<[Segment]>

    /// Lists the folder, makes it when it is missing, and seals what an interrupted writer left open.
    static func open(_ path: String) throws(InferenceLogError) -> (SegmentFolder, LogOpening) {
        let names: [String]
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch { throw .unavailable(path: path, reason: "\(error)") }
        let segments = names.compactMap { Segment(folder: path, name: $0) }.sorted { $0.number < $1.number }
        var opening = LogOpening(segments: segments.count)
        for segment in segments {
            do {
                guard try !segment.isSealed() else { continue }
                let fill = try segment.open()
                try segment.seal()
                opening.interrupted.append(LogOpening.Interrupted(path: segment.path, rows: fill.rows))
            } catch .damaged {
                // The others are still worth reading; searching this one says what is wrong with it.
                opening.damaged.append(segment.path)
            }
        }
        return (SegmentFolder(path: path, segments: segments), opening)
    }

    private init(path: String, segments: [Segment]) {
        self.path = path
        self.list = Mutex(segments)
    }

    var segments: [Segment] { list.withLock { $0 } }

    /// Adds an empty segment after the last, ready for rows; on an error there is none.
    func add(since time: Timestamp) throws(InferenceLogError) -> (Segment, Segment.Fill) {
        let number = (segments.last?.number ?? 0) + 1
        let segment = Segment(path: "\(path)/\(Segment.name(number, since: time))", number: number)
        do throws(InferenceLogError) {
            let fill = try segment.open()
            list.withLock { $0.append(segment) }
            return (segment, fill)
        } catch {
            // On a full disk each batch would leave one more empty file; the first error is what matters.
            try? segment.remove()
            throw error
        }
    }

    /// Removes the oldest segments while all together are larger than `limit`, never the newest.
    ///
    /// - Returns: How many were removed.
    func trim(to limit: Int64) throws(InferenceLogError) -> Int {
        let segments = self.segments
        var total = segments.reduce(0) { $0 + $1.size }
        var removed = 0
        for segment in segments.dropLast() where total > limit {
            total -= segment.size
            list.withLock { list in list.removeAll { $0 === segment } }
            try segment.remove()
            removed += 1
        }
        return removed
    }
}
