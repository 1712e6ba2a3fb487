import BelayCore
import Foundation
import Synchronization

/// The segments of one log, oldest first.
///
/// Only the writer adds and removes; readers take a copy of the list and work on that.
final class SegmentFolder: Sendable {
    let path: String
    private let list: Mutex<[Segment]>

    /// Lists the folder, makes it when it is missing, rewrites what Belay 0.1 left and seals what an
    /// interrupted writer left open.
    static func open(
        _ path: String,
        _ limits: LogLimits
    ) throws(InferenceLogError) -> (SegmentFolder, LogOpening) {
        let names: [String]
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch { throw .unavailable(path: path, reason: "\(error)") }
        let found = names.compactMap { Segment(folder: path, name: $0) }.sorted { $0.number < $1.number }
        let known = Set(found.map { $0.path + Segment.answersSuffix })
        // A removal was interrupted: of that segment nothing else is left.
        for name in names where name.hasSuffix(".sqlite\(Segment.answersSuffix)") {
            if !known.contains("\(path)/\(name)") { unlink("\(path)/\(name)") }
        }
        var opening = LogOpening()
        var segments: [Segment] = []
        for segment in found {
            do {
                guard let segment = try bringUpToDate(segment, segments.last, limits, &opening) else {
                    continue
                }
                segments.append(segment)
            } catch .damaged {
                // The others are still worth reading; searching this one says what is wrong with it.
                if (try? segment.mark()) == .open { segment.searchUnsealed() }
                opening.damaged.append(segment.path)
                segments.append(segment)
            }
        }
        opening.segments = segments.count
        return (SegmentFolder(path: path, segments: segments), opening)
    }

    /// Nil for a file that was made and not yet written when the process ended; it is removed.
    private static func bringUpToDate(
        _ segment: Segment,
        _ previous: Segment?,
        _ limits: LogLimits,
        _ opening: inout LogOpening
    ) throws(InferenceLogError) -> Segment? {
        switch try segment.mark() {
        case .openBlocks, .sealedBlocks:
            do throws(InferenceLogError) {
                try segment.upgrade()
            } catch InferenceLogError.storageFull {
                // Until there is space, at a later start, it cannot be read; what serves does not wait for
                // that.
                opening.damaged.append(segment.path)
                return segment
            }
            return try bringUpToDate(segment, previous, limits, &opening)
        case .sealed:
            do throws(InferenceLogError) {
                try segment.finishWiping()
            } catch InferenceLogError.storageFull {
                // The next start tries again.
            }
            return segment
        case .open:
            opening.interrupted.append(.init(path: segment.path, rows: try segment.rows()))
            do throws(InferenceLogError) {
                try segment.finishWiping()
                opening.unwritten += try segment.forgetUnwritten()
                try segment.seal()
            } catch InferenceLogError.storageFull {
                // A full disk is no reason not to serve; the next start tries again.
                segment.searchUnsealed()
            }
            return segment
        case .openRows, .sealedRows:
            let tail = try previous?.tail() ?? LogTail()
            _ = try OldSegment.migrate(segment, at: tail, limits)
            opening.migrated.append(segment.path)
            return Segment(path: segment.path, number: segment.number)
        case .unwritten:
            try segment.remove()
            return nil
        }
    }

    private init(path: String, segments: [Segment]) {
        self.path = path
        self.list = Mutex(segments)
    }

    var segments: [Segment] { list.withLock { $0 } }

    /// Where the next answer goes.
    ///
    /// The newest segment says so, unless it cannot be read or, after an ending in order, is gone: then the
    /// page does, which has counted everything, and no place is used twice.
    func tail(after page: RunPage, _ opening: LogOpening) throws(InferenceLogError) -> LogTail {
        let newest = segments.last
        let isReadable = newest.map { !opening.damaged.contains($0.path) } ?? true
        let found = isReadable ? try newest?.tail() ?? LogTail() : LogTail()
        guard page.ending == .closed || !isReadable else { return found }
        let assumed = page.assumedTail
        return found.position > assumed.position ? found : assumed
    }

    /// Adds an empty segment after the last, ready for answers; on an error there is none.
    func add(
        since time: Timestamp,
        at tail: LogTail
    ) throws(InferenceLogError) -> (Segment, Segment.Fill) {
        let number = (segments.last?.number ?? 0) + 1
        let segment = Segment(path: "\(path)/\(Segment.name(number, since: time))", number: number)
        do throws(InferenceLogError) {
            let fill = try segment.open(at: tail)
            list.withLock { $0.append(segment) }
            return (segment, fill)
        } catch {
            // On a full disk each batch would leave one more empty file; the first error is what matters.
            try? segment.remove()
            throw error
        }
    }

    /// Finds out whether a segment could be added.
    func probe() throws(InferenceLogError) {
        let segment = Segment(path: "\(path)/probe", number: 0)
        do throws(InferenceLogError) {
            _ = try segment.open(at: LogTail())
            try segment.probe()
            try segment.remove()
        } catch {
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
