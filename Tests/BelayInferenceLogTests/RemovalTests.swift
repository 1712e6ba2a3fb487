import BelayCore
import Foundation
import GRDB
import Testing

@testable import BelayInferenceLog

/// Replaces whole bodies.
private struct Blackout: Redacting {
    func redacted(request: AnswerBody) -> AnswerBody {
        AnswerBody(bytes: Array("asked".utf8), headerLength: 2)
    }
    func redacted(response: AnswerBody) -> AnswerBody { AnswerBody(bytes: [], headerLength: nil) }

    func subject(of request: AnswerBody) -> UnitHash? { UnitHash(UInt64(request.bytes.count)) }
}

@Suite("What the inference log loses on purpose")
struct RemovalTests {
    private let folder: TemporaryFolder
    private let fixture: Fixture
    private let canary = "canary-7f3a"

    init() throws {
        folder = try TemporaryFolder()
        fixture = try Fixture()
    }

    @Test func whatIsRedactedNeverReachesTheDisk() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .standard)
        let body = Array("{\"name\": \"\(canary)\"}".utf8)
        log.record(fixture.answer("plain", request: [7]))
        await log.flush()
        log.record(fixture.answer("redacted", request: body, response: body), redactor: Blackout())
        await log.flush()
        #expect(try !folder.holds(canary))
        let found = try #require(await log.find(id: "redacted", model: fixture.fraud))
        #expect(found.request == Array("asked".utf8))
        #expect((found.requestLength, found.requestHeaderLength, found.responseLength) == (5, 2, 0))
        #expect(!found.isTruncated)
        await log.close()
        #expect(try !folder.holds(canary))
    }

    /// In sealed segments and in the one that is written, by subject or, where there is none, by unit.
    @Test func anErasedSubjectIsInNoFileAndEveryCountStays() async throws {
        let log = try InferenceLog(
            folder: folder.path,
            limits: .changed {
                $0.segmentRows = 30; $0.batchRows = 10
            }
        )
        let labels = try LabelStore(path: "\(folder.path)/labels.sqlite")
        let person = UnitHash(bytes: Array("customer-17".utf8))
        let secret = Array("{\"name\": \"\(canary)\"}".utf8)
        let limit = Array("{\"name\": \"other\"}".utf8)
        for number in 0..<100 {
            let isHit = number % 10 == 3
            log.record(
                fixture.answer(
                    "\(number)",
                    model: number == 93 ? fixture.churn : nil,
                    release: 1,
                    unit: number == 53 ? person.value : UInt64(number),
                    subject: isHit && number != 53 ? person : nil,
                    request: isHit && number != 93 ? secret : limit,
                    response: isHit && number != 93 ? secret : limit
                )
            )
        }
        _ = try await labels.accept([
            fixture.label("3", "\"\(canary)\"", kind: .feedback, unit: 3, wrong: nil),
            fixture.label("4", "\"kept\""),
        ])
        await log.flush()
        #expect(try folder.holds(canary))
        let count = try await log.erase(subject: person, model: fixture.fraud, labels: labels)
        #expect(
            count
                == {
                    var count = ErasureCount(); (count.answers, count.labels) = (9, 1); return count
                }()
        )
        #expect(try !folder.holds(canary))
        let erased = try #require(await log.find(id: "3", model: fixture.fraud))
        #expect(erased.isErased && erased.request.isEmpty && erased.response.isEmpty)
        #expect(erased.subject == nil && erased.unit == nil && erased.release == ReleaseID(1))
        #expect(try await log.find(id: "4", model: fixture.fraud)?.request == limit)
        #expect(try await log.find(id: "93", model: fixture.churn)?.subject == person)
        #expect(try await labels.history(id: "3", model: fixture.fraud).map(\.value) == ["null"])
        #expect(try await labels.history(id: "4", model: fixture.fraud).map(\.value) == ["\"kept\""])
        #expect(try await log.erase(subject: person, model: fixture.fraud, labels: labels) == ErasureCount())
        #expect(try await log.answers(release: ReleaseID(1), limit: 1000).count == 100)
        #expect(try await log.check().findings.isEmpty)
        await log.close()
        #expect(try !folder.holds(canary))
    }

    @Test func oldAnswersOfOneModelGoAndThoseOfOthersStay() async throws {
        let log = try InferenceLog(
            folder: folder.path,
            limits: .changed {
                $0.segmentRows = 30; $0.batchRows = 10
            }
        )
        for number in 0..<100 {
            // No block holds answers from both sides of the limit, however fast the writer is.
            if number == 50 { await log.flush() }
            let at = Timestamp(milliseconds: Int64(number) * 1000)
            log.record(fixture.answer("\(number)", at: at))
            log.record(fixture.answer("\(number)", model: fixture.churn, at: at))
        }
        log.setRetention([fixture.fraud: Retention(keepMilliseconds: 50_000, keepBytes: nil)])
        let removed = try await log.applyRetention(now: Timestamp(milliseconds: 100_000))
        // A block goes when its youngest answer is too old.
        #expect(removed == 50)
        for number in 0..<100 {
            #expect(try await (log.find(id: "\(number)", model: fixture.fraud) != nil) == (number >= 50))
        }
        #expect(try await log.find(id: "0", model: fixture.churn) != nil)
        let check = try await log.check()
        #expect((check.answers, check.removed, check.findings.count) == (200, 50, 0))
        #expect(try await log.applyRetention(now: Timestamp(milliseconds: 100_000)) == 0)
        await log.close()
        let again = try InferenceLog(folder: folder.path, limits: .standard)
        #expect(again.opening.gap == nil && again.totals.logged == 200)
        await again.close()
    }

    @Test func aModelKeepsItsYoungestBytesAndFilesShrink() async throws {
        let log = try InferenceLog(
            folder: folder.path,
            limits: .changed {
                $0.segmentRows = 50; $0.batchRows = 10
            }
        )
        let body = [UInt8](repeating: 5, count: 10_000)
        for number in 0..<100 { log.record(fixture.answer("\(number)", request: body)) }
        await log.flush()
        let first = "\(folder.path)/\(try #require(folder.segments.first))"
        let before = AnswerFile.size(first) + AnswerFile.size(first + Segment.answersSuffix)
        log.setRetention([fixture.fraud: Retention(keepMilliseconds: nil, keepBytes: 300_000)])
        let removed = try await log.applyRetention(now: fixture.start)
        #expect((70...80).contains(removed))
        #expect(try await log.find(id: "99", model: fixture.fraud) != nil)
        #expect(try await log.find(id: "60", model: fixture.fraud) == nil)
        let after = AnswerFile.size(first) + AnswerFile.size(first + Segment.answersSuffix)
        #expect(after < before / 3)
        await log.close()
    }

    /// Blocks shorter than a page lie between each other, and their models lose them one after the other.
    @Test func shortBlocksOfSeveralModelsGiveAllTheirSpaceBack() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .changed { $0.segmentRows = 400 })
        let body = [UInt8](repeating: 5, count: 1500)
        for number in 0..<200 {
            log.record(fixture.answer("\(number)", request: body))
            await log.flush()
            log.record(fixture.answer("\(number)", model: fixture.churn, request: body))
            await log.flush()
        }
        log.record(fixture.answer("next"))
        await log.flush()
        let first = "\(folder.path)/\(try #require(folder.segments.first))"
        #expect(AnswerFile.size(first + Segment.answersSuffix) > 600_000)
        let none = Retention(keepMilliseconds: nil, keepBytes: 0)
        log.setRetention([fixture.fraud: none, fixture.churn: none])
        #expect(try await log.applyRetention(now: fixture.start) == 401)
        #expect(AnswerFile.size(first + Segment.answersSuffix) < 10_000)
        #expect(try await log.check().findings.isEmpty)
        await log.close()
    }

    /// The rows have let go of their answers, and the disk was too full for the rest.
    private func logThatLetGoAndDidNotWipe() async throws -> InferenceLog {
        let log = try InferenceLog(folder: folder.path, limits: .standard)
        log.record(fixture.answer("0", request: Array(canary.utf8)))
        await log.flush()
        try #require(log.folder.segments.last).sync {
            try $0.execute(sql: "UPDATE block SET keys = NULL, answers = NULL, bytes = 0")
        }
        #expect(try folder.holds(canary))
        return log
    }

    @Test func whatCouldNotBeWipedIsWipedTheNextTime() async throws {
        let log = try await logThatLetGoAndDidNotWipe()
        log.setRetention([fixture.fraud: Retention(keepMilliseconds: nil, keepBytes: 1_000_000)])
        #expect(try await log.applyRetention(now: fixture.start) == 0)
        #expect(try !folder.holds(canary))
        await log.close()
    }

    @Test func anErasureIsFinishedWhenItIsRepeated() async throws {
        let log = try await logThatLetGoAndDidNotWipe()
        let count = try await log.erase(subject: UnitHash(1), model: fixture.fraud, labels: nil)
        #expect(count.answers == 0)
        #expect(try !folder.holds(canary))
        await log.close()
    }

    @Test func oneDamagedBlockKeepsNoOtherFromBeingErased() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .changed { $0.batchRows = 1 })
        for unit in 1...2 {
            log.record(fixture.answer("\(unit)", unit: UInt64(unit), request: Array(canary.utf8)))
            await log.flush()
        }
        let segment = try #require(log.folder.segments.last)
        try segment.sync {
            try $0.execute(sql: "UPDATE block SET keys = zeroblob(4) WHERE position = 0")
        }
        await #expect(throws: InferenceLogError.self) {
            _ = try await log.erase(subject: UnitHash(2), model: fixture.fraud, labels: nil)
        }
        #expect(try await log.find(id: "2", model: fixture.fraud)?.isErased == true)
        await log.close()
    }

    @Test func countsThatSayTooMuchAreRemovedWithoutATrap() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .changed { $0.batchRows = 1 })
        for number in 0..<2 {
            log.record(fixture.answer("\(number)"))
            await log.flush()
        }
        try #require(log.folder.segments.last).sync {
            try $0.execute(sql: "UPDATE block SET count = 9223372036854775807")
        }
        log.setRetention([fixture.fraud: Retention(keepMilliseconds: nil, keepBytes: 0)])
        _ = try await log.applyRetention(now: fixture.start)
        #expect(try await log.find(id: "0", model: fixture.fraud) == nil)
        await log.close()
    }

    @Test func rowsThatSayTooMuchTrapNothing() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .standard)
        log.record(fixture.answer("0"))
        await log.close()
        let path = "\(folder.path)/\(try #require(folder.segments.first))"
        for change in ["position = 9223372036854775807", "position = 0, count = 9223372036854775807"] {
            try await DatabaseQueue(path: path).writeWithoutTransaction {
                try $0.execute(sql: "UPDATE block SET \(change)")
            }
            let damaged = Segment(path: path, number: 1)
            #expect(throws: InferenceLogError.self) { try damaged.tail() }
            let again = try? InferenceLog(folder: folder.path, limits: .standard)
            again?.record(fixture.answer("1"))
            await again?.close()
        }
    }

    /// New answers take the space while there are any; afterwards nobody would.
    @Test func whatASegmentLostWhileItWasWrittenIsGivenBackWhenItIsSealed() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .changed { $0.batchRows = 10 })
        let body = [UInt8](repeating: 5, count: 10_000)
        // Answers that wait for their record lie in the tables, not in the file beside.
        for number in 0..<100 { log.record(fixture.answer("\(number)", request: body)) { _ in } }
        await log.flush()
        let path = "\(folder.path)/\(try #require(folder.segments.first))"
        log.setRetention([fixture.fraud: Retention(keepMilliseconds: nil, keepBytes: 300_000)])
        #expect(try await log.applyRetention(now: fixture.start) > 60)
        let written = AnswerFile.size(path)
        #expect(written > 1_000_000)
        await log.close()
        #expect(AnswerFile.size(path) < written / 2)
        let again = try InferenceLog(folder: folder.path, limits: .standard)
        #expect(try await again.find(id: "99", model: fixture.fraud)?.request == body)
        #expect(try await again.check().findings.isEmpty)
        await again.close()
    }

    /// As Belay 0.1 left it: one row an answer, once sealed and once not.
    @Test(arguments: [1, 2])
    func segmentsOfBelay01AreRewrittenAtTheFirstOpening(mark: Int) async throws {
        let path = "\(folder.path)/2026-11-01T00-00-00Z-0001.sqlite"
        try await DatabaseQueue(path: path).write { database in
            try database.execute(
                sql: """
                    CREATE TABLE answer (position INTEGER PRIMARY KEY, id TEXT NOT NULL, at INTEGER NOT NULL,
                        model TEXT NOT NULL, version INTEGER NOT NULL, release INTEGER, arm TEXT NOT NULL,
                        share INTEGER NOT NULL, unit INTEGER, latency INTEGER NOT NULL,
                        status INTEGER NOT NULL,
                        fallback TEXT, request_length INTEGER NOT NULL, response_length INTEGER NOT NULL,
                        request BLOB NOT NULL, response BLOB NOT NULL) STRICT;
                    PRAGMA user_version = \(mark);
                    """
            )
            for number in 0..<2500 {
                try database.execute(
                    sql: """
                        INSERT INTO answer VALUES (NULL, ?, 1000, 'fraud', 2, 7, 'candidate', 100000, -1,
                            812, 200, 'stable=timeout', 5, 1, x'0102', x'03')
                        """,
                    arguments: ["old-\(number)"]
                )
            }
        }
        try Data().write(to: URL(fileURLWithPath: path + ".new"))
        let log = try InferenceLog(folder: folder.path, limits: .standard)
        #expect(log.opening.migrated == [path])
        #expect(log.opening.gap == nil)
        #expect(log.totals.logged == 2500)
        let found = try #require(await log.find(id: "old-1999", model: fixture.fraud))
        #expect(found.requestLength == 5 && found.request == [1, 2] && found.unit == UnitHash(.max))
        #expect(found.fallback == "stable=timeout" && found.release == ReleaseID(7))
        log.record(fixture.answer("new"))
        #expect(try await log.find(id: "new", model: fixture.fraud) != nil)
        #expect(try await log.check().answers == 2501)
        await log.close()
        #expect(try !folder.names.contains { $0.contains(".new") })
        let again = try InferenceLog(folder: folder.path, limits: .standard)
        #expect(again.opening.migrated.isEmpty && again.totals.logged == 2501)
        await again.close()
    }
}
