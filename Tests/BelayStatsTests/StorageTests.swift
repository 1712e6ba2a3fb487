import BelayStats
import Foundation
import Testing

/// What is stored must come back to the last bit, and what was not stored here must not come in.
@Suite("Stored statistics")
struct StorageTests {
    private func restored<Value: Codable>(_ value: Value) throws -> Value {
        try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value))
    }

    @Test(arguments: [
        AllocationBet.Settings.rate(margin: .none), .rate(margin: .absolute(0.005)),
        .rate(margin: .relative(0.25)), .rate(margin: .absolute(0.1), direction: .advance),
    ])
    func aBetGoesOnAfterARestartAsIfNothingHadHappened(settings: AllocationBet.Settings) throws {
        var (running, restarted) = (AllocationBet(settings), AllocationBet(settings))
        for tick in 0..<60 {
            let cells = try Traffic.rates(tick) + Traffic.grades(tick)
            running.settle(cells)
            restarted = try restored(restarted)
            restarted.settle(try restored(cells))
            #expect(restarted == running)
            #expect(restarted.logEvidence.bitPattern == running.logEvidence.bitPattern)
        }
    }

    @Test func aOneSampleBetComesBackToTheLastBit() throws {
        var bet = try #require(OneSampleBet(limit: 0.003))
        for tick in 0..<60 {
            bet.settle(bad: tick % 3, good: 100 + tick)
            #expect(try restored(bet) == bet)
        }
    }

    @Test func detectorsAndChecksComeBackToTheLastBit() throws {
        let shares = try #require(Shares(counts: [3, 1, 4, 1, 5]))
        var change = try #require(ChangeDetector(limit: 0.02, averageRunLength: 1e5))
        var bet = try #require(DriftBet(reference: shares))
        var drift = try #require(DriftDetector(reference: shares, features: 4))
        var arms = ArmDriftBet(prior: shares)
        var split = SplitCheck()
        for tick in 0..<40 {
            #expect(try restored(change) == change && restored(bet) == bet && restored(drift) == drift)
            #expect(try restored(arms) == arms && restored(split) == split)
            change.settle(bad: tick % 3, good: 100 + tick)
            bet.settle((0..<5).map { ($0 + tick) % 4 })
            drift.settle((0..<5).map { ($0 + tick) % 4 })
            arms.settle(
                try (0..<5).map {
                    try #require(ArmDriftBet.Cell(candidate: tick % 2 == 0, bin: $0, share: 0.3, count: 2))
                }
            )
            split.settle([try #require(SplitCheck.Tally(share: 0.3, candidate: tick, stable: 40))])
        }
    }

    @Test func whatOutcomesAreWorthComesBack() throws {
        var past = LogHistogram()
        past.add(500, count: 9)
        let exceedance = try #require(Exceedance(fraction: 0.95, of: past, relativeMargin: 0.1))
        let loss = try #require(LinearLoss(.f1, stable: 0.8))
        var confusion = try #require(Confusion(classes: 3))
        confusion.add(actual: 1, predicted: 2, count: 5)
        var scores = ScoreBins()
        scores.add(score: 0.3, positive: true)
        #expect(try restored(exceedance) == exceedance && restored(loss) == loss)
        #expect(try restored(confusion) == confusion && restored(scores) == scores)
        let bins = try #require(ReferenceBins(numbers: [1, 2, 2, 2, 3], missing: 1))
        #expect(try restored(bins) == bins)
        let texts = try #require(ReferenceBins(texts: ["a": 2, "b": 1], missing: 1, most: 1))
        #expect(try restored(texts) == texts && restored(texts).bin(of: "b") == 1)
    }

    /// Each is a state that the type can never reach.
    @Test func forgedDetectorsAreRefused() throws {
        func refuses<Value: Decodable>(_ type: Value.Type, _ json: String) -> Bool {
            (try? JSONDecoder().decode(type, from: Data(json.utf8))) == nil
        }
        let change = #"{"limit":0.1,"averageRunLength":10,"observations":"#
        #expect(!refuses(ChangeDetector.self, change + #"1,"logCapital":[0,0,0,0,0]}"#))
        #expect(refuses(ChangeDetector.self, change + #"1,"logCapital":[]}"#))
        #expect(refuses(ChangeDetector.self, change + #"0,"logCapital":[0,0,0,0,0]}"#))
        #expect(refuses(ChangeDetector.self, change + #"-1,"logCapital":[0,0,0,0,0]}"#))
        #expect(refuses(Shares.self, "[0.5,0.4]") && refuses(Shares.self, "[1]"))
        let drift =
            #"{"reference":[0.5,0.5],"tolerance":0.005,"threshold":9,"observations":1,"logCapital":0,"#
        #expect(!refuses(DriftDetector.self, drift + #""estimate":{"counts":[1,0],"total":1}}"#))
        #expect(refuses(DriftDetector.self, drift + #""estimate":{"counts":[1,0,0],"total":1}}"#))
        #expect(refuses(DriftDetector.self, drift + #""estimate":{"counts":[1,-1],"total":1}}"#))
        #expect(refuses(LinearLoss.self, #"{"ratio":"f1","stable":1.5}"#))
        #expect(refuses(Confusion.self, #"{"classes":2,"counts":[1,2,3]}"#))
        #expect(refuses(Confusion.self, #"{"classes":9999999999,"counts":[]}"#))
        #expect(refuses(ScoreBins.self, #"{"positives":[],"negatives":[]}"#))
        let bins = #"{"kind":"numeric","edges":[2,1],"centres":[0,0,0],"categories":[],"rareCategories":[],"#
        #expect(refuses(ReferenceBins.self, bins + #""counts":[1,1,1,0]}"#))
    }

    @Test func aHistogramComesBackWhole() throws {
        var histogram = LogHistogram()
        #expect(try restored(histogram) == histogram)
        for latency in [0, 1, 17, 4_000, 1e9, 1e12] { histogram.add(latency, count: 3) }
        #expect(try restored(histogram) == histogram)
        #expect(try restored(histogram).count == 18)
    }

    @Test func marginsAreStoredByName() throws {
        let encoder = JSONEncoder()
        #expect(String(decoding: try encoder.encode(AllocationBet.Margin.none), as: UTF8.self) == "{}")
        let relative = try encoder.encode(AllocationBet.Margin.relative(0.25))
        #expect(String(decoding: relative, as: UTF8.self) == #"{"relative":0.25}"#)
    }

    @Test(arguments: [
        #"{"candidate":true,"value":2,"share":0.1,"count":1}"#,
        #"{"candidate":true,"value":1,"share":-0.1,"count":1}"#,
        #"{"candidate":true,"value":1,"share":0.1,"count":-1}"#,
    ])
    func aForgedCellIsRefused(json: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(AllocationBet.Cell.self, from: Data(json.utf8))
        }
    }

    /// Each pair of texts turns a sound state into one that no bet can reach.
    @Test(arguments: [
        (#""observations":150"#, #""observations":-1"#),
        (#""priorWeight":20"#, #""priorWeight":0"#),
        (#""logCapital":["#, #""logCapital":[1,"#),
        (#""margin":{}"#, #""margin":{"absolute":0.1,"relative":0.1}"#),
        (#""margin":{}"#, #""margin":{"absolute":7}"#),
        (#""sumOfSquares":"#, #""sumOfSquares":-"#),
        (#""mixture":{"drip":true"#, #""mixture":{"drip":false"#),
    ])
    func aForgedBetIsRefused(sound: String, forged: String) throws {
        var bet = AllocationBet(.rate(margin: .none))
        bet.settle([try Traffic.cell(true, 0, 0.1, 150)])
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let json = String(decoding: try encoder.encode(bet), as: UTF8.self)
        try #require(json.contains(sound))
        let data = Data(json.replacingOccurrences(of: sound, with: forged).utf8)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(AllocationBet.self, from: data) }
    }

    /// A forgery within the types cannot be told from the truth, but it must not stop the process.
    @Test(arguments: [1e308, -1e308, 1.797e308])
    func aForgedBetOfHugeNumbersDoesNotTrap(huge: Double) throws {
        let settings =
            #"{"direction":"rollback","drip":true,"margin":{},"priorMean":1,"priorVariance":1,"#
            + #""priorWeight":1e308}"#
        let mixture =
            #"{"drip":true,"logCapital":[\#(huge),\#(-huge),0,0,0],"maximumLogEvidence":0,"#
            + #""observations":9223372036854775807}"#
        let json =
            #"{"mixture":\#(mixture),"settings":\#(settings),"sumOfSquares":1e308,"sumOfValues":\#(huge)}"#
        var bet = try JSONDecoder().decode(AllocationBet.self, from: Data(json.utf8))
        for tick in 0..<3 { bet.settle(try Traffic.rates(tick)) }
        #expect(bet.observations == .max)
    }

    @Test(arguments: ["[5]", "[5,0]", "[5,-1]", "[-1,1]", "[1290,1]", "[5,1,5,1]", "[5,1,4,1]", "[5,1e30]"])
    func aForgedHistogramIsRefused(json: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(LogHistogram.self, from: Data(json.utf8))
        }
    }

    @Test func aForgedLimitIsRefused() throws {
        let bet = try #require(OneSampleBet(limit: 0.5))
        let json = String(decoding: try JSONEncoder().encode(bet), as: UTF8.self)
        let data = Data(json.replacingOccurrences(of: #""limit":0.5"#, with: #""limit":1"#).utf8)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(OneSampleBet.self, from: data) }
    }
}
