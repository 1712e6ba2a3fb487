package import BelayCore
import NIOCore
import NIOPosix
import Synchronization

/// Where answers are kept.
package struct AnswerLogPort: Sendable {
    /// Called once, on any thread: whether the record is on disk, or cannot be.
    package typealias Settled = @Sendable (_ isKept: Bool) -> Void

    /// Keeps an answer, without waiting; called on an event loop.
    ///
    /// With `mustFit` it returns false, and has kept nothing, when there is no room; else what does not fit
    /// is dropped and counted.
    package let record: @Sendable (_ answer: Answer, _ mustFit: Bool, _ settled: Settled?) -> Bool
    /// Counts an answer that the policy's sample leaves out.
    package let sampledOut: @Sendable (ModelName) -> Void
    /// False while the disk takes no records.
    package let isWritable: @Sendable () -> Bool

    package init(
        record: @escaping @Sendable (_ answer: Answer, _ mustFit: Bool, _ settled: Settled?) -> Bool,
        sampledOut: @escaping @Sendable (ModelName) -> Void,
        isWritable: @escaping @Sendable () -> Bool
    ) {
        self.record = record
        self.sampledOut = sampledOut
        self.isWritable = isWritable
    }
}

/// What a gateway needs from the rest of the process, handed to every connection.
///
/// An object, like everything that each request is handed: a copy of a value retains every part of it.
final class Ports: Sendable {
    let configuration: GatewayConfiguration
    let log: AnswerLogPort
    let labels: Gateway.LabelKeeper
    let clock: @Sendable () -> Timestamp
    let ids: @Sendable () -> String
    let seen: SeenUnits
    let bodies: BodyBudget
    let readers: Readers
    /// The figures of all loops.
    let figures: @Sendable () async -> LoopFigures

    init(
        configuration: GatewayConfiguration,
        log: AnswerLogPort,
        labels: @escaping Gateway.LabelKeeper,
        clock: @escaping @Sendable () -> Timestamp,
        ids: @escaping @Sendable () -> String,
        seen: SeenUnits,
        bodies: BodyBudget,
        readers: Readers,
        figures: @escaping @Sendable () async -> LoopFigures
    ) {
        self.configuration = configuration
        self.log = log
        self.labels = labels
        self.clock = clock
        self.ids = ids
        self.seen = seen
        self.bodies = bodies
        self.readers = readers
        self.figures = figures
    }
}

/// Bounds what all connections together hold of bodies that are still arriving or being answered.
final class BodyBudget: Sendable {
    private let left: Mutex<Int>

    init(bytes: Int) { left = Mutex(bytes) }

    /// Takes `bytes` if they are there.
    func take(_ bytes: Int) -> Bool {
        left.withLock { left in
            guard left >= bytes else { return false }
            left -= bytes
            return true
        }
    }

    func give(_ bytes: Int) {
        guard bytes > 0 else { return }
        left.withLock { $0 += bytes }
    }

    /// A body without its content coding, and the bytes by which it grew, which are taken and the caller's to
    /// give back.
    ///
    /// - Throws: ``Rejection/busy`` as soon as there is no room for more of it, and what the body itself is
    ///   refused for; nothing is taken then.
    func inflated(
        _ body: [UInt8],
        from coding: ContentCoding,
        limit: Int
    ) throws(Rejection) -> (bytes: [UInt8], growth: Int) {
        var growth = 0
        do throws(CompressionFault) {
            let bytes = try Compression.inflated(body, from: coding, limit: limit) { size in
                let more = size - body.count - growth
                guard more > 0 else { return true }
                guard take(more) else { return false }
                growth += more
                return true
            }
            return (bytes, growth)
        } catch {
            give(growth)
            throw Rejection(compression: error)
        }
    }
}

/// A thread for what is too long for an event loop and asks no model: reading a long body for its unit,
/// writing a policy's own answer.
final class Readers: Sendable {
    /// Bodies that may wait; what comes then would not be read in time.
    private static let mostWaiting = 256

    /// Started when first needed.
    private let threads = NIOThreadPool(numberOfThreads: 1)
    private let waiting = Mutex(0)

    deinit { threads.shutdownGracefully { _ in } }

    /// Works on the thread, and goes on with the result on the loop.
    ///
    /// - Returns: False when too many wait already, and nothing is done.
    func run<Value: Sendable>(
        on eventLoop: any EventLoop,
        _ work: @escaping @Sendable () -> Value,
        then: @escaping @Sendable (Value) -> Void
    ) -> Bool {
        let isTaken = waiting.withLock { waiting in
            guard waiting < Self.mostWaiting else { return false }
            waiting += 1
            return true
        }
        guard isTaken else { return false }
        threads.start()
        threads.submit { [self] _ in
            let value = work()
            waiting.withLock { $0 -= 1 }
            eventLoop.execute { then(value) }
        }
        return true
    }
}
