import BelayCore
import Testing

@Suite("Time that cannot jump")
struct SteadyTimeTests {
    private static let start = Timestamp(milliseconds: 1_764_000_000_000)

    /// Reads each 10 ms for so long, with a wall clock that is ahead by `offset` from the beginning.
    private static func time(after duration: Duration, ahead offset: Duration) -> (Timestamp, SteadyTime) {
        var steady = SteadyTime(wall: start, newest: nil, monotonic: .seconds(77))
        var (passed, read) = (Duration.zero, start)
        while passed < duration {
            passed += .milliseconds(10)
            let wall = start.advanced(by: passed + offset)
            let next = steady.read(wall: wall, monotonic: .seconds(77) + passed)
            #expect(next >= read)
            read = next
        }
        return (read, steady)
    }

    @Test func withoutAJumpItIsTheWallClock() {
        let (read, steady) = Self.time(after: .seconds(60), ahead: .zero)
        #expect(read == Self.start.advanced(by: .seconds(60)))
        #expect(steady.lag == .zero)
    }

    /// A minute is no more than 66 s and no less than 54, whichever way the clock was set.
    @Test(arguments: [(7200, 66_000), (-7200, 54_000), (3, 63_000), (-3, 57_000)])
    func aJumpIsMadeUpByATenth(offset: Int, milliseconds: Int64) {
        let (read, _) = Self.time(after: .seconds(60), ahead: .seconds(offset))
        #expect((read.milliseconds - Self.start.milliseconds - milliseconds).magnitude <= 1)
    }

    @Test func readingOftenLosesNothing() {
        var steady = SteadyTime(wall: Self.start, newest: nil, monotonic: .zero)
        var read = Self.start
        let wall = Self.start.advanced(by: .seconds(3600))
        for step in 1...10_000 { read = steady.read(wall: wall, monotonic: .microseconds(step * 100)) }
        #expect(read == Self.start.advanced(by: .milliseconds(1100)))
    }

    @Test func itBeginsAfterWhatIsRecordedAndWaitsForTheWallClock() {
        let newest = Self.start.advanced(by: .seconds(60))
        var steady = SteadyTime(wall: Self.start, newest: newest, monotonic: .zero)
        #expect(steady.read(wall: Self.start, monotonic: .zero) == newest)
        let wall = Self.start.advanced(by: .seconds(10))
        #expect(steady.read(wall: wall, monotonic: .seconds(10)) == newest.advanced(by: .seconds(9)))
        #expect(steady.lag == .seconds(-60))
    }

    /// A monotonic clock that is none, and the ends of what can be said.
    @Test func nothingTraps() {
        var steady = SteadyTime(wall: Timestamp(milliseconds: .max), newest: nil, monotonic: .seconds(1))
        let read = steady.read(wall: Timestamp(milliseconds: .min), monotonic: .zero)
        #expect(read == Timestamp(milliseconds: .max))
        #expect(steady.read(wall: Timestamp(milliseconds: .max), monotonic: .seconds(1_000_000)) >= read)
    }
}
