import BelayCore
import Foundation
import GRDB
import Testing

@testable import BelayInferenceLog

@Suite("Reading the inference log")
struct ReadingTests {
    private let folder: TemporaryFolder
    private let fixture: Fixture

    init() throws {
        folder = try TemporaryFolder()
        fixture = try Fixture()
    }

    private func all(_ log: InferenceLog, _ filter: AnswerFilter, from: Int = 0) async throws
        -> [StoredAnswer]
    {
        var cursor = await log.answers(matching: filter, from: from)
        var answers: [StoredAnswer] = []
        while let page = try await cursor.next() { answers += page }
        return answers
    }

    /// Answers of two models, two versions, two arms and some shadows, in small blocks and segments.
    private func filled() async throws -> InferenceLog {
        let limits = LogLimits.changed {
            $0.segmentRows = 40; $0.batchRows = 10; $0.blockBytes = 300
        }
        let log = try InferenceLog(folder: folder.path, limits: limits)
        for number in 0..<200 {
            log.record(
                fixture.answer(
                    "\(number)",
                    model: number.isMultiple(of: 3) ? fixture.churn : fixture.fraud,
                    kind: number.isMultiple(of: 7) ? .shadow : .served,
                    at: Timestamp(milliseconds: Int64(number * 1000)),
                    release: number < 100 ? 1 : 2,
                    arm: number.isMultiple(of: 2) ? .candidate : .stable
                )
            )
        }
        return log
    }

    @Test func theWayBackGivesTheSameFromItsOtherEnd() async throws {
        let log = try await filled()
        var filter = AnswerFilter(model: fixture.fraud)
        for since in [nil, Timestamp(milliseconds: 90_000), Timestamp(milliseconds: 500_000)] {
            filter.since = since
            let forward = try await all(log, filter)
            var cursor = await log.newest(matching: filter)
            var backward: [StoredAnswer] = []
            while let page = try await cursor.next() { backward += page }
            #expect(backward == forward.reversed())
            #expect(try await cursor.next() == nil)
        }
        filter.since = nil
        filter.release = ReleaseID(2)
        var cursor = await log.newest(matching: filter)
        let newest = try #require(try await cursor.next())
        #expect(newest.first?.record.id == "199")
    }

    /// Found by a reader of the code: it asked the removed segment for ever.
    @Test func theWayBackEndsWhenSegmentsGoUnderIt() async throws {
        let log = try await filled()
        await log.flush()
        var cursor = await log.newest(matching: AnswerFilter(model: fixture.fraud))
        let first = try #require(try await cursor.next())
        #expect(try log.folder.trim(to: 0) > 1)
        var rest: [StoredAnswer] = []
        while let page = try await cursor.next() { rest += page }
        #expect(rest.count + first.count < 134)
        await log.close()
    }

    @Test func theWayBackGoesOnBehindASegmentThatCannotBeRead() async throws {
        var log = try await filled()
        await log.close()
        let segments = try folder.segments
        let damaged = "\(folder.path)/\(segments[segments.count - 2])"
        try Data("nothing".utf8).write(to: URL(fileURLWithPath: damaged))
        log = try InferenceLog(folder: folder.path, limits: .standard)
        var cursor = await log.newest(matching: AnswerFilter(model: fixture.fraud))
        var (found, faults) = (0, 0)
        for _ in 0..<1000 {
            do {
                guard let page = try await cursor.next() else { break }
                found += page.count
            } catch {
                faults += 1
            }
        }
        #expect(faults == 1 && found > 80)
        #expect(try await cursor.next() == nil)
        await log.close()
    }

    @Test func unitsOfARestartAreThoseSinceAMomentOrSomeMoreOfTheSameBlock() async throws {
        let limits = LogLimits.changed {
            $0.batchRows = 1; $0.blockBytes = 1
        }
        let log = try InferenceLog(folder: folder.path, limits: limits)
        for number in 0..<10 {
            let at = Timestamp(milliseconds: Int64(number * 1000))
            log.record(fixture.answer("\(number)", at: at, release: 1, unit: UInt64(number)))
            await log.flush()
        }
        let late = await log.units(of: ReleaseID(1), since: Timestamp(milliseconds: 6000)).units
        #expect(late.isSuperset(of: (6..<10).map { UnitHash($0) }))
        #expect(!late.contains(UnitHash(0)))
        #expect(await log.units(of: ReleaseID(1)).units.count == 10)
    }

    @Test func aStreamGivesExactlyWhatMatchesInOrder() async throws {
        let log = try await filled()
        let fraud = (0..<200).filter { $0 % 3 != 0 && $0 % 7 != 0 }
        var filter = AnswerFilter(model: fixture.fraud)
        #expect(try await all(log, filter).map(\.record.id) == fraud.map(String.init))
        filter.since = Timestamp(milliseconds: 90_000)
        filter.release = ReleaseID(1)
        filter.arm = .candidate
        let some = fraud.filter { $0 >= 90 && $0 < 100 && $0 % 2 == 0 }
        #expect(try await all(log, filter).map(\.record.id) == some.map(String.init))
        filter = AnswerFilter(model: fixture.churn)
        filter.includesShadows = true
        #expect(try await all(log, filter).count == 67)
        filter.version = VersionNumber(3)
        #expect(try await all(log, filter).isEmpty)
        await log.close()
    }

    @Test func aStreamGoesOnFromAnyPosition() async throws {
        let log = try await filled()
        let filter = AnswerFilter(model: fixture.fraud)
        let answers = try await all(log, filter)
        #expect(zip(answers, answers.dropFirst()).allSatisfy { $0.position < $1.position })
        for (index, answer) in answers.enumerated() {
            #expect(try await all(log, filter, from: answer.position) == Array(answers[index...]))
        }
        await log.close()
    }

    @Test func aHundredThousandAnswersStreamABlockAtATime() async throws {
        let log = try InferenceLog(
            folder: folder.path,
            limits: .changed {
                $0.queuedRows = 200_000; $0.segmentRows = 30_000
            }
        )
        for number in 0..<100_000 { log.record(fixture.answer("\(number)", request: [1, 2, 3])) }
        var cursor = await log.answers(matching: AnswerFilter(model: fixture.fraud))
        var next = 0
        var largest = 0
        while let page = try await cursor.next() {
            largest = max(largest, page.count)
            #expect(page.map(\.position) == Array(next..<next + page.count))
            #expect(page.first?.record.id == String(next))
            next += page.count
        }
        #expect(next == 100_000)
        #expect(largest <= 1000)
        await log.close()
    }

    @Test func idsOfTheCallersOwnChoiceAreFoundInAnyOrderOpenOrSealed() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .changed { $0.segmentRows = 3000 })
        let ids = (0..<5000).map { "order/\($0 &* 7919 % 5000)-ü" }
        for id in ids {
            log.record(fixture.answer(id, request: Array(id.utf8)))
            log.record(fixture.answer(id, model: fixture.churn))
        }
        for round in 0..<2 {
            let wanted = Set(ids.indices.filter { $0 % 11 == round }.map { ids[$0] })
            let found = try await log.find(ids: Array(wanted) + ["no such"], model: fixture.fraud)
            #expect(Set(found.keys) == wanted)
            #expect(found.allSatisfy { $0.value.request == Array($0.key.utf8) })
        }
        await log.close()
        let found = try await log.find(ids: ids, model: fixture.churn)
        #expect(found.count == 5000)
    }

    /// The index of a sealed segment keeps some of an id that is used without end, the newest first.
    @Test func anIDUsedAThousandTimesIsFoundWithItsNewestAnswer() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .standard)
        for number in 0..<1000 {
            log.record(fixture.answer("same", request: [UInt8(truncatingIfNeeded: number)]))
            log.record(fixture.answer("other \(number)"))
        }
        #expect(try await log.find(id: "same", model: fixture.fraud)?.request == [UInt8(999 & 255)])
        await log.close()
        #expect(try await log.find(id: "same", model: fixture.fraud)?.request == [UInt8(999 & 255)])
        #expect(try await log.find(id: "other 0", model: fixture.fraud) != nil)
    }

    @Test func aDamagedBlockIsNamedAndHidesOnlyItself() async throws {
        var log = try await filled()
        await log.close()
        let path = "\(folder.path)/\(try #require(folder.segments.dropFirst().first))"
        let position = try await DatabaseQueue(path: path).write { database in
            let position = try Int.fetchOne(
                database,
                sql: "SELECT max(position) FROM block WHERE model = 'fraud'"
            )
            try database.execute(
                sql: "UPDATE block SET answers = zeroblob(length(answers)) WHERE position = $1",
                arguments: [position]
            )
            return try #require(position)
        }
        log = try InferenceLog(folder: folder.path, limits: .standard)
        let check = try await log.check()
        #expect(check.answers == 200)
        #expect(check.findings.map(\.position) == [position])
        #expect(check.findings.first?.path == path)
        var filter = AnswerFilter(model: fixture.fraud)
        filter.includesShadows = true
        var cursor = await log.answers(matching: filter)
        var (answers, faults) = ([StoredAnswer](), [InferenceLogError]())
        while true {
            do throws(InferenceLogError) {
                guard let page = try await cursor.next() else { break }
                answers += page
            } catch { faults.append(error) }
        }
        #expect(faults.count == 1)
        #expect("\(faults)".contains("the block at \(position)"))
        #expect(answers.count == 133 - (try #require(check.findings.first).count))
        await log.close()
    }

    @Test func aBlockThatIsGoneLeavesAHole() async throws {
        var log = try await filled()
        await log.close()
        let path = "\(folder.path)/\(try #require(folder.segments.dropFirst().first))"
        try await DatabaseQueue(path: path).write { database in
            try database.execute(sql: "DELETE FROM block WHERE position = (SELECT max(position) FROM block)")
        }
        log = try InferenceLog(folder: folder.path, limits: .standard)
        let check = try await log.check()
        #expect(check.findings.map(\.reason) == ["Answers are missing here."])
        #expect(check.answers + check.findings.reduce(0) { $0 + $1.count } == 200)
        await log.close()
    }
}
