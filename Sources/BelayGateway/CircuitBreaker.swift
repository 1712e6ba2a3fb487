import BelayCore
import NIOCore

/// Keeps requests from a version that just failed again and again, for a while.
///
/// Pure: every moment comes in. It opens after ``consecutive`` failures in a row, or when half of at least
/// ``fewest`` runs within ``window`` failed; then it stays open for 5 s, twice as long each time up to a
/// minute, and lets single requests through until three in a row have succeeded.
struct CircuitBreaker: Equatable {
    enum State: Equatable {
        case closed
        case open(until: NIODeadline)
        /// One request at a time finds out, since then; this many have succeeded in a row.
        case probing(isAsked: Bool, successes: Int, since: NIODeadline)
    }

    static let consecutive = 5
    static let fewest = 20
    static let window = TimeAmount.seconds(10)
    static let shortest = TimeAmount.seconds(5)
    static let longest = TimeAmount.seconds(60)
    static let successesToClose = 3
    /// Opening twice within this time is a breach.
    static let relapse = TimeAmount.seconds(60)

    private(set) var state = State.closed
    private var failuresInARow = 0
    private var windowBegan = NIODeadline.uptimeNanoseconds(0)
    private var runs = 0
    private var failures = 0
    private var pause = CircuitBreaker.shortest
    private var lastOpened: NIODeadline?
    private var trouble = Trouble()
    /// Good answers in a row since the pause was over, of a version that is asked although it is open: the
    /// last of a chain.
    private var unheeded = 0

    /// What an outcome changed.
    enum Change: Equatable {
        case nothing
        case opened
        /// It had opened within ``relapse`` before.
        case openedAgain
    }

    /// Whether a request may go through now; if it may while probing, its outcome is the answer.
    mutating func admits(at now: NIODeadline) -> Bool {
        switch state {
        case .closed: return true
        case .open(let until):
            guard now >= until else { return false }
            state = .probing(isAsked: true, successes: 0, since: now)
            return true
        case .probing(let isAsked, let successes, let since):
            guard !isAsked else { return false }
            // It may have been begun before the last one that was let through, on another loop.
            state = .probing(isAsked: true, successes: successes, since: min(since, now))
            return true
        }
    }

    /// A request that was let through has ended without saying anything about the version.
    mutating func forget(begun: NIODeadline) {
        guard case .probing(_, let successes, let since) = state, begun >= since else { return }
        state = .probing(isAsked: false, successes: successes, since: since)
    }

    /// A request failed that another version failed on as well.
    mutating func failedLikeOthers(at now: NIODeadline, begun: NIODeadline) {
        trouble.count(failed: true, at: now)
        forget(begun: begun)
    }

    /// A request succeeded that was `begun` then: while single ones find out, others that were begun before
    /// say nothing new.
    mutating func succeeded(at now: NIODeadline, begun: NIODeadline) {
        failuresInARow = 0
        trouble.count(failed: false, at: now)
        switch state {
        case .closed: count(failed: false, at: now)
        case .open(let until):
            guard now >= until else { break }
            unheeded += 1
            if unheeded >= Self.successesToClose { close(at: now) }
        case .probing(_, let successes, let since):
            guard begun >= since else { break }
            if successes + 1 < Self.successesToClose {
                state = .probing(isAsked: false, successes: successes + 1, since: since)
            } else {
                close(at: now)
            }
        }
    }

    private mutating func close(at now: NIODeadline) {
        state = .closed
        pause = Self.shortest
        (runs, failures, windowBegan) = (0, 0, now)
    }

    /// A request failed; one episode of failures that ends late opens it once.
    mutating func failed(at now: NIODeadline, begun: NIODeadline) -> Change {
        failuresInARow += 1
        trouble.count(failed: true, at: now)
        switch state {
        case .open:
            unheeded = 0
            return .nothing
        case .probing(_, _, let since):
            guard begun >= since else { return .nothing }
            pause = min(pause + pause, Self.longest)
            return open(at: now)
        case .closed:
            count(failed: true, at: now)
            let isBad = runs >= Self.fewest && failures * 2 >= runs
            return failuresInARow >= Self.consecutive || isBad ? open(at: now) : .nothing
        }
    }

    private mutating func count(failed: Bool, at now: NIODeadline) {
        if now - windowBegan > Self.window { (runs, failures, windowBegan) = (0, 0, now) }
        runs += 1
        if failed { failures += 1 }
    }

    private mutating func open(at now: NIODeadline) -> Change {
        state = .open(until: now + pause)
        (failuresInARow, runs, failures, unheeded) = (0, 0, 0, 0)
        defer { lastOpened = now }
        guard let lastOpened, now - lastOpened <= Self.relapse else { return .opened }
        return .openedAgain
    }
}

extension CircuitBreaker {
    /// Whether so many of the version's runs fail lately that others' failures are no surprise.
    ///
    /// It goes by runs, whatever the breaker's state: the last version of a chain is asked though it is open.
    func isTroubled(at now: NIODeadline) -> Bool { now < trouble.until }

    /// Failures among runs, in windows of their own.
    private struct Trouble: Equatable {
        /// One failure in so many runs.
        private static let part = 20

        private var began = NIODeadline.uptimeNanoseconds(0)
        private var runs = 0
        private var failures = 0
        private(set) var until = NIODeadline.uptimeNanoseconds(0)

        mutating func count(failed: Bool, at now: NIODeadline) {
            if now - began > CircuitBreaker.window { (runs, failures, began) = (0, 0, now) }
            runs += 1
            if failed { failures += 1 }
            guard runs >= CircuitBreaker.fewest, failures * Self.part >= runs else { return }
            until = now + CircuitBreaker.window
        }
    }
}

extension CircuitBreaker {
    /// As `/metrics` says it.
    var shown: GatewayFigures.Breaker {
        switch state {
        case .closed: .closed
        case .open: .open
        case .probing: .halfOpen
        }
    }
}
