import BelayCore
import BelayStats
import Testing

/// Flags that come ticks after their answers, judged against a margin in points.
@Suite("Late flags")
struct LateFlagTests {
    private static let policy = BelayCoreTests.policy(
        plan([step(percent: 50, minSamples: 1_000_000)]),
        guards: [bound("flags", .flagRate, .againstStable(margin: 0.02))]
    )

    /// Answers until the judge takes the candidate back, with all ticks; nil answers if it never does.
    private static func run(
        stable: Double,
        candidate: Double,
        seed: UInt64,
        most: Int
    ) throws -> (answers: Int?, trial: Trial, ticks: [EvidenceTick]) {
        var trial = try Trial(policy)
        var generator = SplitMix64(seed: seed)
        var late = Array(repeating: (candidate: 0, stable: 0), count: 20)
        var ticks: [EvidenceTick] = []
        for round in 0..<(most / 200) {
            var sent = (candidate: 0, stable: 0)
            for _ in 0..<200 {
                let isCandidate = generator.chance(0.5)
                if isCandidate { sent.candidate += 1 } else { sent.stable += 1 }
                guard generator.chance(isCandidate ? candidate : stable) else { continue }
                let due = (round + Int.random(in: 3..<20, using: &generator)) % 20
                if isCandidate { late[due].candidate += 1 } else { late[due].stable += 1 }
            }
            let flags = late[round % 20]
            late[round % 20] = (0, 0)
            let tick = trial.tick([
                Trial.Count(.errorRate, .stable, bad: false, sent.stable),
                Trial.Count(.errorRate, .candidate, bad: false, sent.candidate),
                Trial.Count(.flagRate, .stable, bad: true, flags.stable),
                Trial.Count(.flagRate, .candidate, bad: true, flags.candidate),
            ])
            ticks.append(tick)
            trial.judge.settle(tick)
            if trial.ruling.name == "rollback flags" { return ((round + 1) * 200, trial, ticks) }
        }
        return (nil, trial, ticks)
    }

    /// With a level of 1 %, more than six of 200 have a probability below 0.5 %; the seeds are fixed.
    @Test(arguments: [0.05, 0.07])
    func aCandidateWithinTheMarginIsSeldomTakenBack(rate: Double) throws {
        let alarms = try (0..<200).count { seed in
            try Self.run(stable: 0.05, candidate: rate, seed: UInt64(seed), most: 8_000).answers != nil
        }
        #expect(alarms <= 6, "\(alarms) of 200")
    }

    @Test func aDoubledRateIsFoundThoughItsFlagsAreLate() throws {
        let found = try (0..<40).compactMap { seed in
            try Self.run(stable: 0.05, candidate: 0.1, seed: 500 + UInt64(seed), most: 30_000).answers
        }
        #expect(found.count == 40)
        let mean = found.reduce(0, +) / 40
        #expect((3_000...12_000).contains(mean), "\(mean) answers")
    }

    @Test func theSameTicksGiveTheSameEvidenceToTheBit() throws {
        let (answers, trial, ticks) = try Self.run(stable: 0.05, candidate: 0.12, seed: 7, most: 30_000)
        #expect(answers != nil)
        var again = try Trial(Self.policy)
        for tick in ticks { again.judge.settle(tick) }
        #expect(again.judge == trial.judge)
        #expect(again.report("flags")?.logEvidence == trial.report("flags")?.logEvidence)
    }

    /// A unit's second answer proves nothing, but it may be the one that its first flag is about.
    @Test func answersToKnownUnitsPayForTheMarginToo() throws {
        func evidence(_ repeats: Int) throws -> Double {
            var trial = try Trial(Self.policy)
            trial.count(
                Trial.Count(.errorRate, .stable, bad: false, 100),
                Trial.Count(.errorRate, .candidate, bad: false, 100),
                Trial.Count(.errorRate, .stable, bad: false, repeats, share: Share.none),
                Trial.Count(.errorRate, .candidate, bad: false, repeats, share: .all)
            )
            return try #require(trial.report("flags")).logEvidence
        }
        #expect(try evidence(0) < 0)
        #expect(try evidence(300) < evidence(0))
    }
}
