import BelayCore
import Foundation
import Testing

@testable import BelayInferenceLog

@Suite("Labels")
struct LabelStoreTests {
    private let folder: TemporaryFolder
    private let fixture: Fixture
    private let store: LabelStore

    init() throws {
        folder = try TemporaryFolder()
        fixture = try Fixture()
        store = try LabelStore(path: "\(folder.path)/inference/labels.sqlite")
    }

    private func accept(_ records: LabelRecord...) async throws -> [LabelAcceptance] {
        try await store.accept(records)
    }

    @Test func theFirstLabelCountsARepetitionDoesNotAndARevisionIsKept() async throws {
        #expect(try await accept(fixture.label("a", "1")) == [.evidence])
        #expect(try await accept(fixture.label("a", "1")) == [.repeated])
        #expect(try await accept(fixture.label("a", "0", wrong: true)) == [.revised(from: "1")])
        #expect(try await accept(fixture.label("a", "1")) == [.revised(from: "0")])
        let history = try await store.history(id: "a", model: fixture.fraud)
        #expect(history.map(\.value) == ["1", "0", "1"])
        #expect(history.first == fixture.label("a", "1"))
    }

    @Test func labelsOfOneBatchSeeThoseBeforeThem() async throws {
        let acceptances = try await accept(
            fixture.label("a", "1"),
            fixture.label("a", "1"),
            fixture.label("a", "2"),
            fixture.label("b", "1")
        )
        #expect(acceptances == [.evidence, .repeated, .revised(from: "1"), .evidence])
        #expect(acceptances.filter(\.counts).count == 2)
    }

    @Test func aUnitCountsOnceInARelease() async throws {
        let acceptances = try await accept(
            fixture.label("a", "1", release: 1, unit: .max),
            fixture.label("b", "1", release: 1, unit: .max),
            fixture.label("c", "1", release: 1, unit: 6),
            fixture.label("d", "1", release: 2, unit: .max),
            fixture.label("b", "1", release: 1, unit: .max)
        )
        #expect(acceptances == [.evidence, .unitCounted, .evidence, .evidence, .repeated])
    }

    @Test func anotherKindOfLabelForTheSameAnswerIsNotASecondToss() async throws {
        let acceptances = try await accept(
            fixture.label("a", "\"up\"", kind: .feedback, wrong: nil),
            fixture.label("a", "1", kind: .outcome),
            fixture.label("a", "1", kind: .corrected)
        )
        #expect(acceptances == [.unjoined, .evidence, .unitCounted])
    }

    @Test func aLabelThatFindsItsAnswerOnlyTheSecondTimeCountsThen() async throws {
        #expect(try await accept(fixture.stray("a", "1")) == [.unjoined])
        #expect(try await accept(fixture.stray("a", "1")) == [.repeated])
        #expect(try await accept(fixture.label("a", "1")) == [.evidence])
        #expect(try await accept(fixture.label("a", "1")) == [.repeated])
    }

    @Test func pinnedAnswersAndAnswersOutsideAReleaseAreNoEvidence() async throws {
        let acceptances = try await accept(
            fixture.label("a", "1", arm: .pinned),
            fixture.label("b", "1", release: nil),
            fixture.label("c", "1", wrong: nil)
        )
        #expect(acceptances == [.unjoined, .unjoined, .unjoined])
    }

    @Test func afterARestartTheEvidenceIsTheSame() async throws {
        _ = try await accept(
            fixture.label("a", "1", wrong: true),
            fixture.label("b", "1"),
            fixture.label("c", "1"),
            fixture.label("c", "0", wrong: true),
            fixture.label("d", "1", arm: .stable),
            fixture.label("e", "1", release: 2)
        )
        let reopened = try LabelStore(path: "\(folder.path)/inference/labels.sqlite")
        var expected = EvidenceCounts()
        for (arm, bad, number) in [(Arm.candidate, true, 1), (.candidate, false, 2), (.stable, false, 1)] {
            let key = EvidenceKey(
                release: ReleaseID(1),
                metric: .accuracy,
                arm: arm,
                share: fixture.tenPercent,
                bad: bad
            )
            expected.add(key, number)
        }
        #expect(try await reopened.evidence(of: ReleaseID(1)) == expected)
        #expect(try await reopened.evidence(of: ReleaseID(3)).isEmpty)
        #expect(try await reopened.accept([fixture.label("a", "1")]) == [.repeated])
    }

    @Test func coverageFollowsTheNewestWord() async throws {
        _ = try await accept(
            fixture.label("a", "1", wrong: true),
            fixture.label("a", "0"),
            fixture.label("b", "0", wrong: true),
            fixture.label("c", "0", release: nil),
            fixture.stray("d", "1")
        )
        var expected = LabelCoverage()
        (expected.labelled, expected.wrong, expected.revised) = (3, 1, 1)
        #expect(try await store.coverage(of: fixture.fraud) == [fixture.two: expected])
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
        let record = LabelRecord(
            id: answer.id,
            model: answer.model,
            kind: .outcome,
            value: "1",
            at: nil,
            receivedAt: fixture.start,
            version: answer.version,
            release: answer.release,
            arm: answer.arm,
            share: answer.share,
            unit: answer.unit,
            wrong: true
        )
        #expect(try await accept(record) == [.evidence])
        await log.close()
    }

    @Test func twoThousandLabelsOfFiveHundredUnitsCountFiveHundredTimes() async throws {
        let records = (0..<2000).map { fixture.label("\($0)", "1", unit: UInt64($0 % 500)) }
        let acceptances = try await store.accept(records)
        #expect(acceptances.filter(\.counts).count == 500)
        #expect(acceptances.filter { $0 == .unitCounted }.count == 1500)
    }
}
