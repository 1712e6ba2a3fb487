import BelayStats
import Testing

/// Events that come long after their requests, held against a margin in points.
@Suite("Rise bet")
struct RiseBetTests {
    private static let threshold = 4.605_170_185_988_091

    @Test(arguments: [0, -0.01, 1, .nan, .infinity])
    func aMarginLiesBetweenNoneAndAll(margin: Double) { #expect(RiseBet(margin: margin) == nil) }

    @Test func requestsPayForTheMarginWhicheverVersionTheyWentTo() throws {
        func evidence(candidate: Int, stable: Int) throws -> Double {
            var bet = try #require(RiseBet(margin: 0.02))
            bet.settle(
                requests: [try tally(0.3, candidate: candidate, stable: stable)],
                repeats: 0,
                events: []
            )
            return bet.logEvidence
        }
        let one = try evidence(candidate: 100, stable: 0)
        #expect(one < 0)
        #expect(try evidence(candidate: 0, stable: 100) == one)
        #expect(try evidence(candidate: 50, stable: 150) < one)
    }

    @Test func aRepeatPaysAsTheDearestRequestBeforeIt() throws {
        func evidence(_ requests: Int, _ repeats: Int) throws -> Double {
            var bet = try #require(RiseBet(margin: 0.02))
            bet.settle(requests: [try tally(0.5, candidate: 0, stable: 1)], repeats: 0, events: [])
            bet.settle(
                requests: [try tally(0.5, candidate: 0, stable: requests)],
                repeats: repeats,
                events: []
            )
            return bet.logEvidence
        }
        #expect(try abs(evidence(200, 0) - evidence(50, 150)) < 1e-9)
    }

    /// Bit for bit, whatever order counters delivered in.
    @Test func theOrderWithinATickDoesNotMatter() throws {
        let requests = [
            try tally(0.1, candidate: 7, stable: 50), try tally(0.5, candidate: 20, stable: 20),
            try tally(0.1, candidate: 3, stable: 40),
        ]
        let events = [try tally(0.5, candidate: 3, stable: 1), try tally(0.1, candidate: 1, stable: 2)]
        var one = try #require(RiseBet(margin: 0.02))
        var other = one
        one.settle(requests: requests, repeats: 3, events: events)
        other.settle(requests: requests.reversed(), repeats: 3, events: events.reversed())
        #expect(one == other)
    }

    /// At the edge of the margin, events up to thirty ticks late.
    ///
    /// With a level of 1 %, more than eight of 300 have a probability below 0.5 %; the seeds are fixed.
    @Test(arguments: [0.5, 0.1])
    func lateEventsRaiseNoMoreFalseAlarmsThanPromised(share: Double) throws {
        let alarms = try (0..<300).count { seed in
            try Self.run(share, stable: 0.05, candidate: 0.07, seed: UInt64(seed), most: 10_000) != nil
        }
        #expect(alarms <= 8, "\(alarms) of 300")
    }

    @Test(arguments: [(0.5, 1_500...9_000), (0.1, 4_000...25_000)])
    func aDoubledRateIsFoundThoughItsEventsAreLate(share: Double, expected: ClosedRange<Int>) throws {
        let found = try (0..<50).compactMap { seed in
            try Self.run(share, stable: 0.05, candidate: 0.1, seed: 1000 + UInt64(seed), most: 60_000)
        }
        #expect(found.count == 50)
        let mean = found.reduce(0, +) / 50
        #expect(expected.contains(mean), "\(mean) requests")
    }

    /// Requests until the evidence reaches 100; nil if it never does.
    ///
    /// Half of the events come within ten ticks of a hundred requests, all within thirty.
    private static func run(
        _ share: Double,
        stable: Double,
        candidate: Double,
        seed: UInt64,
        most: Int
    ) throws -> Int? {
        var generator = SplitMix64(seed: seed)
        var bet = try #require(RiseBet(margin: 0.02))
        var late = Array(repeating: (candidate: 0, stable: 0), count: 30)
        for tick in 0..<(most / 100) {
            var sent = (candidate: 0, stable: 0)
            for _ in 0..<100 {
                let isCandidate = Double.random(in: 0..<1, using: &generator) < share
                if isCandidate { sent.candidate += 1 } else { sent.stable += 1 }
                let rate = isCandidate ? candidate : stable
                guard Double.random(in: 0..<1, using: &generator) < rate else { continue }
                let delay = min(Int.random(in: 0..<20, using: &generator) * 3 / 2, 29)
                let due = (tick + delay) % 30
                if isCandidate { late[due].candidate += 1 } else { late[due].stable += 1 }
            }
            let now = late[tick % 30]
            late[tick % 30] = (0, 0)
            bet.settle(
                requests: [try tally(share, candidate: sent.candidate, stable: sent.stable)],
                repeats: 0,
                events: [try tally(share, candidate: now.candidate, stable: now.stable)]
            )
            if bet.logEvidence >= threshold { return (tick + 1) * 100 }
        }
        return nil
    }
}

private func tally(_ share: Double, candidate: Int, stable: Int) throws -> SplitCheck.Tally {
    try #require(SplitCheck.Tally(share: share, candidate: candidate, stable: stable))
}
