package import BelayCore
import Foundation
import Logging
import Synchronization

/// The one place where the wall clock is read.
package func wallClock() -> Timestamp {
    let now = Date()  // tidy: wall clock
    return Timestamp(milliseconds: Int64(now.timeIntervalSince1970 * 1000))
}

/// The time that releases are kept by: the wall clock without its jumps.
final class SteadyClock: Sendable {
    /// A clock that is further off was set wrongly, now or before.
    private static let mostLag = Duration.seconds(5)

    private let began = ContinuousClock.now
    private let logger: Logger
    private let state: Mutex<(time: SteadyTime, isTold: Bool)>

    /// `newest` is the time of the ledger's newest entry.
    init(newest: Timestamp?, logger: Logger) {
        self.logger = logger
        state = Mutex((SteadyTime(wall: wallClock(), newest: newest, monotonic: .zero), false))
    }

    func now() -> Timestamp {
        let wall = wallClock()
        let (read, news) = state.withLock { state -> (Timestamp, Duration?) in
            let read = state.time.read(wall: wall, monotonic: ContinuousClock.now - began)
            let isFar = state.time.lag > Self.mostLag || state.time.lag < .zero - Self.mostLag
            defer { state.isTold = isFar }
            return (read, isFar && !state.isTold ? state.time.lag : nil)
        }
        if let news {
            logger.warning(
                "the wall clock was set; releases keep their own time and follow it by a tenth",
                metadata: ["ahead_ms": "\(news.wholeMilliseconds)"]
            )
        }
        return read
    }
}
