import BelayCore
import Foundation
import GRDB
import Testing

@testable import BelayInferenceLog

@Suite("Labels")
struct LabelStoreTests {
    private let folder: TemporaryFolder
    private let fixture: Fixture
    private let store: LabelStore
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        fixture = try Fixture()
        path = "\(folder.path)/inference/labels.sqlite"
        store = try LabelStore(path: path)
    }

    private func accept(_ records: LabelRecord...) async throws -> [LabelAcceptance] {
        try await store.accept(records).map(\.acceptance)
    }

    private func counts(_ keys: [(EvidenceKey, Int)]) -> EvidenceCounts {
        var counts = EvidenceCounts()
        for (key, number) in keys { counts.add(key, number) }
        return counts
    }

    @Test func theFirstLabelCountsARepetitionDoesNotAndARevisionIsKept() async throws {
        #expect(try await accept(fixture.label("a", "1")) == [.evidence])
        #expect(try await accept(fixture.label("a", "1")) == [.repeated])
        #expect(try await accept(fixture.label("a", "0", wrong: true)) == [.revised(from: "1")])
        #expect(try await accept(fixture.label("a", "1")) == [.repeated], "a file sent twice is harmless")
        let later = fixture.label("a", "1", at: fixture.start)
        #expect(try await accept(later) == [.revised(from: "0")])
        let history = try await store.history(id: "a", model: fixture.fraud)
        #expect(history.map(\.value) == ["1", "0", "1"])
        #expect(history.first == fixture.label("a", "1").statement)
    }

    @Test func labelsOfOneBatchSeeThoseBeforeThem() async throws {
        let acceptances = try await accept(
            fixture.label("a", "1"),
            fixture.label("a", "1"),
            fixture.label("a", "2"),
            fixture.label("b", "1")
        )
        #expect(acceptances == [.evidence, .repeated, .revised(from: "1"), .evidence])
    }

    @Test func aUnitIsOneCoinInAReleaseAndASampleAfterwards() async throws {
        let receipts = try await store.accept([
            fixture.label("a", "1", release: 1, unit: .max),
            fixture.label("b", "1", release: 1, unit: .max),
            fixture.label("c", "1", release: 1, unit: 6),
            fixture.label("d", "1", release: 2, unit: .max),
            fixture.label("e", "1", release: 1, arm: .stable, unit: .max),
        ])
        #expect(
            receipts.map(\.acceptance) == [.evidence, .unitCounted, .evidence, .evidence, .unitCounted]
        )
        #expect(receipts[0].evidence == [fixture.key(.labels, 0), fixture.key(.labelled, 0)])
        #expect(
            receipts[1].evidence == [
                fixture.key(.labels, 0, share: .all), fixture.key(.labelled, 0, share: .all),
            ]
        )
        #expect(
            receipts[4].evidence == [
                fixture.key(.labels, 0, arm: .stable, share: Share.none),
                fixture.key(.labelled, 0, arm: .stable, share: Share.none),
            ]
        )
    }

    @Test func aUnitIsAFreshCoinInEachEvidenceEpoch() async throws {
        let acceptances = try await accept(
            fixture.label("a", "1", unit: 7, epochs: 0...0),
            fixture.label("b", "1", unit: 7, epochs: 1...1),
            fixture.label("c", "1", unit: 7, epochs: 1...1),
            fixture.label("d", "1", unit: 7, epochs: 0...1),
            fixture.label("e", "1", unit: 8, epochs: 0...1),
            fixture.label("f", "1", unit: 8, epochs: 2...2)
        )
        #expect(
            acceptances == [
                .evidence, .evidence, .unitCounted, .unitCounted, .evidence, .evidence,
            ]
        )
    }

    @Test func anotherTruthOfTheSameAnswerIsNotASecondToss() async throws {
        let receipts = try await store.accept([
            fixture.label("a", "1", kind: .outcome),
            fixture.label("a", "1", kind: .expected),
            fixture.label("a", "2", kind: .corrected, source: "ann", wrong: true),
        ])
        #expect(receipts.map(\.acceptance) == [.evidence, .kept, .revised(from: "1")])
        #expect(receipts.dropFirst().allSatisfy { $0.evidence.isEmpty })
    }

    /// That more answers of one arm are flagged is what flags say, not that its labels are incomplete.
    @Test func feedbackAndTruthCountApartAndFeedbackIsNoLabelling() async throws {
        let receipts = try await store.accept([
            fixture.label("a", "false", kind: .feedback, unit: 7, wrong: true),
            fixture.label("a", "1", kind: .outcome, unit: 7),
        ])
        #expect(receipts.map(\.acceptance) == [.evidence, .evidence])
        #expect(receipts[0].evidence == [fixture.key(.flags, 1)])
        #expect(receipts[1].evidence == [fixture.key(.labels, 0), fixture.key(.labelled, 0)])
    }

    @Test func onePieceOfFeedbackCountsForAnAnswerAndSource() async throws {
        let receipts = try await store.accept([
            fixture.label("a", "true", kind: .feedback, source: "ann"),
            fixture.label("a", "false", kind: .feedback, source: "ann", wrong: true),
            fixture.label("a", "false", kind: .feedback, source: "bob", wrong: true),
        ])
        #expect(receipts.map(\.acceptance) == [.evidence, .revised(from: "true"), .unitCounted])
        #expect(receipts[2].evidence == [fixture.key(.flags, 1, share: .all)], "a sample, and no coin")
    }

    @Test func oneSourceCannotDecideAReleaseAlone() async throws {
        let most = LabelStore.mostFeedbackPerSource
        let records = (0...most).map { number in
            fixture.label("\(number)", "false", kind: .feedback, source: "ann", wrong: true)
        }
        let acceptances = try await store.accept(records).map(\.acceptance)
        #expect(acceptances.count(where: \.counts) == most && acceptances.last == .capped)
        let elsewhere = fixture.label("z", "false", kind: .feedback, source: "ann", release: 2, wrong: true)
        #expect(try await accept(elsewhere) == [.evidence])
    }

    @Test func aDraftIsNoEvidenceUntilItIsFinal() async throws {
        let draft = fixture.label("a", "1", isFinal: false)
        #expect(try await accept(draft, draft) == [.draft, .repeated])
        #expect(try await store.evidence(of: ReleaseID(1)).isEmpty)
        #expect(try await accept(fixture.label("a", "1")) == [.evidence])
        #expect(try await accept(draft) == [.repeated], "a draft of what is final says nothing new")
    }

    @Test func aLabelThatCameBeforeItsAnswerCountsWhenItIsKnown() async throws {
        #expect(try await accept(fixture.stray("a", "1")) == [.waiting])
        #expect(try await accept(fixture.stray("a", "1")) == [.repeated])
        #expect(try await store.waiting() == 1)
        #expect(try await accept(fixture.label("a", "1")) == [.evidence])
        #expect(try await store.waiting() == 0)
        #expect(try await accept(fixture.label("a", "1")) == [.repeated])
        #expect(try await store.history(id: "a", model: fixture.fraud).count == 1)
    }

    @Test func pinnedAnswersAndAnswersOutsideAReleaseAreNoEvidence() async throws {
        let receipts = try await store.accept([
            fixture.label("a", "1", arm: .pinned),
            fixture.label("b", "1", release: nil),
            fixture.label("c", "1", wrong: nil),
        ])
        #expect(receipts.map(\.acceptance) == [.kept, .kept, .kept])
        #expect(receipts.allSatisfy { $0.evidence.isEmpty })
    }

    @Test func afterARestartTheEvidenceIsTheSame() async throws {
        let german = RequestSlice(feature: "country", value: "DE")
        let loss = LabelOutcome(series: .loss(.brier), code: 1017)
        let sliced = LabelOutcome(series: .labels, code: 3, slices: [german])
        let receipts = try await store.accept([
            fixture.label("a", "1", wrong: true),
            fixture.label("b", "1", unit: 1),
            fixture.label("c", "1", unit: 1),
            fixture.label("c", "0", unit: 1, wrong: true),
            fixture.label("d", "1", arm: .stable, outcomes: [sliced, loss]),
            fixture.label("e", "1", release: 2),
            fixture.label("f", "4", kind: .feedback, outcomes: [LabelOutcome(series: .score, code: 9)]),
        ])
        let handedOver = counts(receipts.flatMap(\.evidence).map { ($0, 1) })
        let reopened = try LabelStore(path: path)
        let kept = try await reopened.evidence(of: ReleaseID(1))
        #expect(kept == handedOver.of(ReleaseID(1)))
        #expect(kept.counts[fixture.key(.labels, 3, slice: german, arm: .stable)] == 1)
        #expect(kept.counts[fixture.key(.loss(.brier), 1017, arm: .stable)] == 1)
        #expect(kept.counts[fixture.key(.labels, 0, share: .all)] == 1, "the second label of the unit")
        #expect(try await reopened.evidence(of: ReleaseID(3)).isEmpty)
        #expect(try await reopened.accept([fixture.label("a", "1", wrong: true)])[0].acceptance == .repeated)
    }

    @Test func beyondTwentyValuesSlicesAreTheOthers() async throws {
        let most = LabelStore.mostSliceValues
        func record(_ number: Int) -> LabelRecord {
            let slice = RequestSlice(feature: "shop", value: "s\(number)")
            let outcome = LabelOutcome(series: .labels, code: 0, slices: [slice])
            return fixture.label("\(number)-\(UUID())", "1", outcomes: [outcome])
        }
        _ = try await store.accept((0..<most).map(record))
        let later = try await store.accept([record(most), record(0)]).flatMap(\.evidence)
        #expect(
            later.compactMap(\.slice).map(\.description) == ["shop=\(RequestSlice.others)", "shop=s0"]
        )
    }

    @Test func coverageFollowsTheNewestWordAndACorrectionOutranksIt() async throws {
        _ = try await accept(
            fixture.label("a", "1", wrong: true),
            fixture.label("a", "0"),
            fixture.label("b", "0", kind: .corrected, wrong: true),
            fixture.label("b", "1"),
            fixture.label("c", "0", release: nil, arm: .stable),
            fixture.label("c", "up", kind: .feedback, arm: .stable),
            fixture.stray("d", "1"),
            fixture.label("e", "1", isFinal: false)
        )
        let coverage = try await store.coverage(of: fixture.fraud)
        let candidate = CoverageKey(version: fixture.two, arm: .candidate, at: fixture.start)
        let stable = CoverageKey(version: fixture.two, arm: .stable, at: fixture.start)
        #expect(coverage[candidate] == LabelCoverage(labelled: 2, judged: 2, wrong: 1, revised: 2))
        #expect(coverage[stable] == LabelCoverage(labelled: 1, judged: 1, wrong: 0, revised: 0))
        #expect(coverage.count == 2)
        #expect(try await store.coverage(of: fixture.churn).isEmpty)
    }

    @Test func aLateLabelFindsItsAnswerInAnOldSegment() async throws {
        let limits = LogLimits.changed {
            $0.segmentRows = 10; $0.batchRows = 10
        }
        let log = try InferenceLog(folder: "\(folder.path)/inference", limits: limits)
        for number in 0..<100 {
            log.record(fixture.answer("\(number)", release: 1, arm: .candidate, unit: UInt64(number)))
        }
        let answer = try #require(await log.find(id: "3", model: fixture.fraud))
        #expect(try await accept(fixture.label(answer.id, "1", unit: answer.unit?.value)) == [.evidence])
        await log.close()
    }

    @Test func twoThousandLabelsOfFiveHundredUnitsCountFiveHundredTimes() async throws {
        let records = (0..<2000).map { fixture.label("\($0)", "1", unit: UInt64($0 % 500)) }
        let acceptances = try await store.accept(records).map(\.acceptance)
        #expect(acceptances.filter(\.counts).count == 500)
        #expect(acceptances.filter { $0 == .unitCounted }.count == 1500)
    }

    @Test func whatIsSaidOfOneAnswerAndWhatWaitsHasABound() async throws {
        let most = LabelStore.mostPerAnswer
        let crowd = try await store.accept((0...most).map { fixture.label("a", "\($0)") })
        #expect(crowd.last?.acceptance == .crowded && crowd.count { $0.acceptance == .crowded } == 1)
        let small = try LabelStore(path: "\(folder.path)/small/labels.sqlite", mostWaiting: 2)
        let strays = ["a", "b", "c"].map { fixture.stray($0, "1") }
        #expect(try await small.accept(strays).map(\.acceptance) == [.waiting, .waiting, .full])
        _ = try await small.accept([fixture.label("a", "1")])
        #expect(try await small.accept([strays[2]]).map(\.acceptance) == [.waiting])
    }

    @Test func labelsThatWaitAreLookedForLessAndLessOftenAndThenForgotten() async throws {
        _ = try await accept(fixture.stray("a", "1"))
        var tries = 0
        for second in 0..<3600 {
            let now = fixture.start.advanced(by: .seconds(second))
            tries += try await store.due(now: now, most: 10).count
        }
        #expect((10...14).contains(tries), "after 1, 2, 4… seconds: \(tries)")
        #expect(try await store.giveUp(on: fixture.fraud, receivedBefore: fixture.start) == 0)
        let later = fixture.start.advanced(by: .seconds(1))
        #expect(try await store.giveUp(on: fixture.fraud, receivedBefore: later) == 1)
        #expect(try await store.waiting() == 0)
    }

    @Test func erasingTakesTheNoteAndTheSourceToo() async throws {
        _ = try await accept(fixture.label("a", "1", source: "ann", note: "my account", unit: 5))
        #expect(try await store.erase(ids: ["a"], model: fixture.fraud) == 1)
        let erased = try #require(await store.history(id: "a", model: fixture.fraud).first)
        #expect(erased.value == "null" && erased.source == nil && erased.note == nil)
        #expect(try await store.evidence(of: ReleaseID(1)).counts.values.reduce(0, +) == 2)
    }
}
