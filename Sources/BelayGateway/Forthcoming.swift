import NIOCore
import Synchronization

/// The routes that come next, known to every event loop before they count.
///
/// A loop that knows them looks, each time that it is about to let an answer leave, whether they have become
/// current meanwhile (``EventLoopCell/underCurrentTable(_:)``). So making them current is one store, and
/// needs no turn of any loop.
final class Forthcoming: Sendable {
    let snapshot: Snapshot
    private let current = Atomic<Bool>(false)

    init(_ snapshot: Snapshot) { self.snapshot = snapshot }

    var isCurrent: Bool { current.load(ordering: .sequentiallyConsistent) }

    func makeCurrent() { current.store(true, ordering: .sequentiallyConsistent) }
}

/// What a loop lets the publisher see of it while it knows what comes next.
///
/// A loop shuts it, looks whether the coming routes are current, compares and hands the answer over, and
/// opens it. The publisher makes them current and then looks. Each stores before it loads, in one total
/// order: a publisher that finds it open knows that the loop's next look will find the new routes.
final class Latch: Sendable {
    private let shut = Atomic<Bool>(false)
    private let replayedCount = Atomic<Int>(0)
    private let cutOffCount = Atomic<Int>(0)

    var isShut: Bool {
        get { shut.load(ordering: .sequentiallyConsistent) }
        set { shut.store(newValue, ordering: .sequentiallyConsistent) }
    }

    /// Requests in flight whose version the coming routes do not let answer, and another one does.
    var replayed: Int {
        get { replayedCount.load(ordering: .sequentiallyConsistent) }
        set { replayedCount.store(newValue, ordering: .sequentiallyConsistent) }
    }

    /// Those that the coming routes refuse.
    var cutOff: Int {
        get { cutOffCount.load(ordering: .sequentiallyConsistent) }
        set { cutOffCount.store(newValue, ordering: .sequentiallyConsistent) }
    }

    /// How often the publisher looks before it waits for a turn of the loop instead: some ten microseconds,
    /// longer than handing an answer over takes a loop that is not interrupted.
    private static let looks = 5000

    /// Whether the loop was seen outside of an answer.
    func opens() -> Bool {
        for _ in 0..<Self.looks where !isShut { return true }
        return false
    }
}

extension [Station] {
    /// Does something in a turn of every loop, and returns what came of it after the last.
    ///
    /// One wake-up each way: the last loop wakes the caller.
    func inTurn<Value: Sendable>(
        _ body: @escaping @Sendable (EventLoopCell) -> Value
    ) async -> [Value] {
        guard !isEmpty else { return [] }
        return await withCheckedContinuation { continuation in
            let gathering = Gathering(expected: count, continuation)
            for station in self { station.execute { gathering.add(body($0)) } }
        }
    }
}

/// Results of several loops on their way to one who waits.
private final class Gathering<Value: Sendable>: Sendable {
    private let expected: Int
    private let continuation: CheckedContinuation<[Value], Never>
    private let values = Mutex<[Value]>([])

    init(expected: Int, _ continuation: CheckedContinuation<[Value], Never>) {
        self.expected = expected
        self.continuation = continuation
    }

    func add(_ value: Value) {
        let all = values.withLock { values -> [Value]? in
            values.append(value)
            return values.count == expected ? values : nil
        }
        if let all { continuation.resume(returning: all) }
    }
}
