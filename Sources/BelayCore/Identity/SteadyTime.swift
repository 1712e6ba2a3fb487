/// A wall clock that cannot jump: time for durations, deadlines and the ledger.
///
/// Clocks are set, and machines start with wrong ones. A jump of two hours forward ended a watch of two hours
/// after seconds, and one back let every wait last two hours more. This time passes as the monotonic clock
/// says and runs at most a tenth faster or slower to meet the wall clock again: two hours are made up in
/// twenty. It never goes back. Pure: both clocks are read by the caller.
package struct SteadyTime: Equatable, Sendable {
    /// Since 1970, finer than a millisecond, or short steps would be lost.
    private var time: Duration
    private var monotonic: Duration
    /// How far the wall clock is ahead; negative when it is behind.
    package private(set) var lag = Duration.zero

    /// Begins at the wall clock, or at the newest entry of the ledger if that is later.
    package init(wall: Timestamp, newest: Timestamp?, monotonic: Duration) {
        time = .milliseconds(max(wall, newest ?? wall).milliseconds)
        self.monotonic = monotonic
    }

    /// The time, when the clocks say this.
    package mutating func read(wall: Timestamp, monotonic: Duration) -> Timestamp {
        let passed = max(.zero, monotonic - self.monotonic)
        self.monotonic = max(monotonic, self.monotonic)
        let expected = time + passed
        lag = .milliseconds(wall.milliseconds) - expected
        time = expected + min(max(lag, .zero - passed / 10), passed / 10)
        return Timestamp(milliseconds: time.wholeMilliseconds)
    }
}
