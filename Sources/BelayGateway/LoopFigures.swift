import BelayCore
import BelayInference
import NIOCore

/// What one event loop has counted for people and machines to look at: never a ground for a verdict.
///
/// Confined to its loop, so counting takes no lock; loops are added up when somebody asks.
struct LoopFigures: Sendable {
    /// How often, and for how long altogether, in nanoseconds.
    struct Sum: Equatable, Sendable {
        var count = 0
        var nanoseconds: Int64 = 0

        mutating func add(_ nanoseconds: Int64) {
            count += 1
            self.nanoseconds &+= max(0, nanoseconds)
        }

        mutating func add(_ other: Sum) {
            count += other.count
            nanoseconds &+= other.nanoseconds
        }
    }

    /// Where the time of one version went, as Triton's statistics say it.
    struct Figures: Equatable, Sendable {
        var success = Sum()
        var failure = Sum()
        var queue = Sum()
        var input = Sum()
        var infer = Sum()
        var output = Sum()
        /// Rows answered.
        var rows = 0
        var last: Timestamp?

        mutating func add(_ other: Figures) {
            success.add(other.success)
            failure.add(other.failure)
            queue.add(other.queue)
            input.add(other.input)
            infer.add(other.infer)
            output.add(other.output)
            rows += other.rows
            last = [last, other.last].compactMap { $0 }.max()
        }
    }

    /// What `/metrics` shows; levels of the moment are filled in when somebody asks.
    var shown = GatewayFigures()
    private(set) var figures: [VersionID: Figures] = [:]

    mutating func note(
        model: ModelName,
        version: VersionNumber?,
        arm: Arm?,
        status: Int,
        latency: TimeAmount,
        timing: Job.Timing?,
        at time: Timestamp
    ) {
        let nanoseconds = max(0, latency.nanoseconds)
        guard let version else { return shown.rejected(code: status) }
        let id = VersionID(model, version)
        let key = GatewayFigures.Key(version: id, arm: arm ?? .pinned)
        shown.answered(key, code: status, microseconds: Int(nanoseconds / 1000))
        figures[id, default: Figures()].note(status, nanoseconds, timing, time)
    }

    mutating func pair(
        model: ModelName,
        version: VersionNumber,
        comparison: AnswerComparison,
        served: Int64,
        shadow: Int64
    ) {
        shown.shadow(VersionID(model, version)) { shown in
            shown.pairs += 1
            shown.differing += comparison.differs ? 1 : 0
            shown.distance += comparison.distance ?? 0
            shown.servedMicroseconds += Int(max(0, served) / 1000)
            shown.shadowMicroseconds += Int(max(0, shadow) / 1000)
        }
    }

    mutating func shadowFailed(model: ModelName, version: VersionNumber) {
        shown.shadow(VersionID(model, version)) { $0.errors += 1 }
    }

    mutating func shed(model: ModelName, version: VersionNumber) {
        shown.shadow(VersionID(model, version)) { $0.shed += 1 }
    }

    mutating func merge(_ other: LoopFigures) {
        shown.merge(other.shown)
        for (key, figures) in other.figures { self.figures[key, default: Figures()].add(figures) }
    }
}

extension LoopFigures.Figures {
    fileprivate mutating func note(
        _ status: Int,
        _ nanoseconds: Int64,
        _ timing: Job.Timing?,
        _ time: Timestamp
    ) {
        last = time
        guard status == 200, let timing else { return failure.add(nanoseconds) }
        success.add(nanoseconds)
        queue.add(timing.waited)
        input.add(timing.read)
        infer.add(timing.ran)
        output.add(timing.written)
        rows += timing.rows
    }
}
