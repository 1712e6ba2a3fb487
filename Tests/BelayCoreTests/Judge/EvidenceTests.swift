import BelayCore
import BelayStats
import Foundation
import Testing

@Suite("Evidence over time")
struct EvidenceTests {
    private typealias Count = Trial.Count

    private func trial() throws -> Trial {
        try Trial(policy(plan([step(percent: 10), step(percent: 50)])))
    }

    @Test func samplesStartAnewWithEachStepAndEvidenceDoesNot() throws {
        var trial = try trial()
        trial.count(
            Count(.errorRate, .stable, bad: false, 900),
            Count(.errorRate, .candidate, bad: false, 98),
            Count(.errorRate, .candidate, bad: true, 2)
        )
        let before = try #require(trial.report("error_rate"))
        #expect(before.logEvidence > 0.5)
        try trial.enterNextStep()
        trial.wait(.seconds(60))
        let after = try #require(trial.report("error_rate"))
        #expect(after.logEvidence == before.logEvidence)
        #expect(after.verdict == .blind)
        trial.count(Count(.errorRate, .stable, bad: false, 50), Count(.errorRate, .candidate, bad: false, 50))
        #expect(trial.verdict("error_rate") == .undecided)
        #expect(trial.report("error_rate")?.candidateSamples == 50)
    }

    @Test func figuresOfTheStepBeforeAreShownUntilThisOneHasSome() throws {
        var trial = try trial()
        trial.count(
            Count(.errorRate, .stable, bad: false, 900),
            Count(.errorRate, .candidate, bad: false, 100)
        )
        try trial.enterNextStep()
        trial.count(Count(.errorRate, .stable, bad: false, 29), Count(.errorRate, .candidate, bad: false, 29))
        #expect(trial.report("error_rate")?.candidateSamples == 100)
        trial.count(Count(.errorRate, .stable, bad: false, 1), Count(.errorRate, .candidate, bad: false, 1))
        #expect(trial.report("error_rate")?.candidateSamples == 30)
    }

    @Test func whatIsRecordedLateForAnEarlierStepCountsAsEvidenceOnly() throws {
        var trial = try trial()
        trial.count(
            Count(.errorRate, .stable, bad: false, 900),
            Count(.errorRate, .candidate, bad: false, 100)
        )
        try trial.enterNextStep()
        trial.count(Count(.errorRate, .stable, bad: false, 60), Count(.errorRate, .candidate, bad: false, 60))
        let before = try #require(trial.report("error_rate"))
        trial.judge.settle(
            trial.tick([Count(.errorRate, .candidate, bad: true, 9, share: share(percent: 10))], step: 0)
        )
        let after = try #require(trial.report("error_rate"))
        #expect((before.candidateSamples, after.candidateSamples) == (60, 60))
        #expect(after.logEvidence > before.logEvidence)
        trial.count(Count(.errorRate, .stable, bad: false, 40), Count(.errorRate, .candidate, bad: false, 40))
        #expect(trial.report("error_rate")?.candidateSamples == 100)
    }

    @Test func evidenceOfAnotherReleaseIsNone() throws {
        var trial = try trial()
        let fresh = trial.judge
        let other = try Trial(policy(twoSteps()), id: ReleaseID(2))
        let foreign = other.tick([Count(.invalidOutput, .candidate, bad: true, 9)])
        trial.judge.settle(foreign)
        #expect(trial.judge == fresh)
        let mixed = EvidenceTick(release: trial.release.id, at: noon, step: 0, counts: foreign.counts)
        #expect(mixed.counts.isEmpty)
    }

    @Test func ticksThatAreReplayedGiveAnEqualJudge() throws {
        var trial = try Trial(
            policy(.canary, guards: [.errorRate, bound("a", .accuracy, .absolute(max: 0.2))])
        )
        var generator = SplitMix64(seed: 5)
        var stored: [Data] = []
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        for round in 0..<60 {
            if round % 20 == 19 { try trial.enterNextStep() }
            let counts = (0..<6).map { _ in
                Count(
                    Bool.random(using: &generator) ? .errorRate : .accuracy,
                    Bool.random(using: &generator) ? .stable : .candidate,
                    bad: Int.random(in: 0..<9, using: &generator) == 0,
                    Int.random(in: 1...9, using: &generator)
                )
            }
            let tick = trial.tick(counts)
            stored.append(try encoder.encode(tick))
            trial.judge.settle(tick)
            trial.wait(.milliseconds(200))
            if round == 55 { break }
        }
        var again = Judge(of: trial.release)
        for bytes in stored {
            let tick = try JSONDecoder().decode(EvidenceTick.self, from: bytes)
            #expect(try encoder.encode(tick) == bytes)
            again.settle(tick)
        }
        #expect(again == trial.judge)
        #expect(again.rule(on: trial.release, now: trial.now) == trial.ruling)
    }

    @Test func aTickIsStoredAsAgreed() throws {
        let trial = try trial()
        let tick = trial.tick([
            Count(.invalidOutput, .candidate, bad: true, 1), Count(.errorRate, .stable, bad: true, 2),
            Count(.errorRate, .stable, bad: false, 9),
        ])
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let golden =
            #"{"at":"2026-11-23T12:00:00.000Z","counts":["#
            + #"{"arm":"stable","codes":[0,9,1,2],"series":"answers","share":100000},"#
            + #"{"arm":"candidate","codes":[1,1],"series":"invalid_output","share":100000}"#
            + #"],"release":"r1","step":0}"#
        #expect(String(decoding: try encoder.encode(tick), as: UTF8.self) == golden)
    }

    @Test func aTickOfTheFirstFormatIsReadAsWhatItMeant() throws {
        let json =
            #"{"at":"2026-11-23T12:00:00.000Z","counts":["#
            + #"{"arm":"candidate","bad":true,"metric":"invalid_output","n":1,"share":100000},"#
            + #"{"arm":"stable","bad":false,"metric":"error_rate","n":9,"share":100000}"#
            + #"],"release":"r1","step":0}"#
        let tick = try JSONDecoder().decode(EvidenceTick.self, from: Data(json.utf8))
        let trial = try trial()
        #expect(
            tick
                == trial.tick([
                    Count(.invalidOutput, .candidate, bad: true, 1),
                    Count(.errorRate, .stable, bad: false, 9),
                ])
        )
    }

    @Test(arguments: [
        #""bad":false,"metric":"error_rate","n":-9"#, #""series":"answers","codes":[0,-9]"#,
        #""series":"answers","codes":[-1,9]"#, #""series":"answers","codes":[0]"#, #""series":"answers""#,
    ])
    func aRecordWithImpossibleCountsIsRefused(count: String) {
        let json =
            #"{"at":"2026-11-23T12:00:00Z","counts":[{"arm":"stable","#
            + "\(count)"
            + #","share":100000}],"release":"r1","step":0}"#
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(EvidenceTick.self, from: Data(json.utf8))
        }
    }

    @Test func addingIsCommutativeAndSaturates() {
        func key(_ release: Int, bad: Bool) -> EvidenceKey {
            EvidenceKey(
                release: ReleaseID(release),
                metric: .errorRate,
                arm: .stable,
                share: share(percent: 5),
                bad: bad
            )
        }
        var (one, two) = (EvidenceCounts(), EvidenceCounts())
        one.add(key(1, bad: true), 2)
        two.add(key(1, bad: true), 3)
        two.add(key(2, bad: false), .max)
        var (forth, back) = (one, two)
        forth.merge(two)
        back.merge(one)
        #expect(forth == back)
        #expect(forth.of(ReleaseID(1)).counts == [key(1, bad: true): 5])
        forth.add(key(2, bad: false), 1)
        forth.add(key(2, bad: false), -7)
        forth.add(key(3, bad: false), 0)
        #expect(forth.counts[key(2, bad: false)] == .max)
        #expect(forth.of(ReleaseID(3)).isEmpty)
    }
}
