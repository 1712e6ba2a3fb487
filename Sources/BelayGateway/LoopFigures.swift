import BelayCore
import BelayInference
import NIOCore

/// What one event loop has counted for people and machines to look at: never a ground for a verdict.
///
/// Confined to its loop, so counting takes no lock; loops are added up when somebody asks.
struct LoopFigures: Sendable {
    /// Who answered, or was to answer.
    struct Key: Hashable, Sendable {
        let model: ModelName
        /// Nil when the request was refused before any version was asked, or the policy's own answer left.
        let version: VersionNumber?
        let arm: Arm?
    }

    /// Upper bounds of the latency histogram, in nanoseconds; the last bucket has none.
    static let bounds: [Int64] = [
        500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000,
        250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
    ]

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

    /// What one version did under one arm.
    struct Figures: Equatable, Sendable {
        var byStatus: [Int: Int] = [:]
        var buckets = [Int](repeating: 0, count: LoopFigures.bounds.count + 1)
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
            byStatus.merge(other.byStatus, uniquingKeysWith: +)
            for index in buckets.indices { buckets[index] += other.buckets[index] }
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

    /// What a shadow said beside the version that served.
    struct Pairs: Equatable, Sendable {
        var compared = 0
        var differing = 0
        var failed = 0
        /// Copies that were not made, for lack of room.
        var shed = 0
        /// Of the numbers in the outputs, the largest difference of each pair, added up.
        var distance = 0.0
        /// Time spent in the models, for pairs only.
        var served = Sum()
        var shadow = Sum()

        mutating func add(_ other: Pairs) {
            compared += other.compared
            differing += other.differing
            failed += other.failed
            shed += other.shed
            distance += other.distance
            served.add(other.served)
            shadow.add(other.shadow)
        }
    }

    struct ShadowKey: Hashable, Sendable {
        let model: ModelName
        let version: VersionNumber
    }

    private(set) var figures: [Key: Figures] = [:]
    private(set) var pairs: [ShadowKey: Pairs] = [:]

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
        let bucket = Self.bounds.firstIndex { nanoseconds <= $0 } ?? Self.bounds.count
        let key = Key(model: model, version: version, arm: arm)
        figures[key, default: Figures()].note(status, bucket, nanoseconds, timing, time)
    }

    mutating func pair(
        model: ModelName,
        version: VersionNumber,
        comparison: AnswerComparison,
        served: Int64,
        latency: TimeAmount
    ) {
        var pair = Pairs()
        pair.compared = 1
        pair.differing = comparison.differs ? 1 : 0
        pair.distance = comparison.distance ?? 0
        pair.served.add(served)
        pair.shadow.add(latency.nanoseconds)
        pairs[ShadowKey(model: model, version: version), default: Pairs()].add(pair)
    }

    mutating func shadowFailed(model: ModelName, version: VersionNumber) {
        pairs[ShadowKey(model: model, version: version), default: Pairs()].failed += 1
    }

    mutating func shed(model: ModelName, version: VersionNumber) {
        pairs[ShadowKey(model: model, version: version), default: Pairs()].shed += 1
    }

    mutating func merge(_ other: LoopFigures) {
        for (key, figures) in other.figures { self.figures[key, default: Figures()].add(figures) }
        for (key, pairs) in other.pairs { self.pairs[key, default: Pairs()].add(pairs) }
    }
}

extension LoopFigures.Figures {
    fileprivate mutating func note(
        _ status: Int,
        _ bucket: Int,
        _ nanoseconds: Int64,
        _ timing: Job.Timing?,
        _ time: Timestamp
    ) {
        byStatus[status, default: 0] += 1
        buckets[bucket] += 1
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
