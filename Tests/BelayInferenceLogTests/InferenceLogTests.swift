import BelayCore
import Foundation
import Synchronization
import Testing

@testable import BelayInferenceLog

/// A disk that is full until it is not.
private final class Disk: Sendable {
    let isFull = Mutex(true)
}

@Suite("Inference log")
struct InferenceLogTests {
    private let folder: TemporaryFolder
    private let fixture: Fixture

    init() throws {
        folder = try TemporaryFolder()
        fixture = try Fixture()
    }

    private func open(_ limits: LogLimits = .standard) throws -> InferenceLog {
        try InferenceLog(folder: folder.path, limits: limits)
    }

    @Test func anAnswerIsFoundRightAfterItWasRecorded() async throws {
        let log = try open()
        let full = AnswerRecord(
            id: "req-1 é",
            at: fixture.start,
            model: fixture.fraud,
            version: fixture.two,
            release: ReleaseID(142),
            arm: .candidate,
            share: fixture.tenPercent,
            epoch: Epoch(.max),
            trace: "4bf92f3577b34da6a3ce929d0e0e4736",
            unit: UnitHash(.max),
            subject: UnitHash(17),
            latencyMicroseconds: .max,
            status: 503,
            code: "model.busy",
            fallback: "candidate: timeout",
            request: [0, 255],
            requestHeaderLength: 1,
            response: [],
            responseHeaderLength: 0
        )
        log.record(full)
        #expect(try await log.find(id: "req-1 é", model: fixture.fraud) == full)
        #expect(try await log.find(id: "req-1 é", model: fixture.churn) == nil)
        #expect(try await log.find(id: "req-2", model: fixture.fraud) == nil)
        await log.close()
    }

    @Test func theNewestAnswerWinsWhenAnIDIsUsedAgain() async throws {
        let log = try open(
            .changed {
                $0.segmentRows = 1; $0.batchRows = 1
            }
        )
        for status in [200, 500, 201] {
            log.record(fixture.answer("same", status: status))
            #expect(try await log.find(id: "same", model: fixture.fraud)?.status == status)
        }
        await log.close()
        #expect(try folder.segments.count == 3)
    }

    @Test func longBodiesLoseTheirTailButNotTheirLength() async throws {
        let log = try open(.changed { $0.bodyBytes = 4 })
        log.record(fixture.answer("long", request: [1, 2, 3, 4, 5], response: [1, 2, 3, 4]))
        let found = try #require(await log.find(id: "long", model: fixture.fraud))
        #expect(found.request == [1, 2, 3, 4])
        #expect(found.requestLength == 5)
        #expect(found.response == [1, 2, 3, 4])
        #expect(found.isTruncated)
        await log.close()
    }

    @Test func whatDoesNotFitIsDroppedAndCounted() async throws {
        let gate = Gate()
        let limits = LogLimits.changed { $0.queuedRows = 10 }
        let log = try InferenceLog(folder: folder.path, limits: limits) { _ in gate.pass() }
        log.record(fixture.answer("0"))
        gate.waitForArrival()
        for number in 1..<15 { log.record(fixture.answer("\(number)")) }
        var expected = AnswerCounts()
        (expected.answered, expected.queued, expected.dropped) = (15, 10, 5)
        #expect(log.counters.served == expected)
        gate.open(times: 2)
        await log.flush()
        (expected.queued, expected.logged) = (0, 10)
        #expect(log.counters.served == expected)
        #expect(try await log.find(id: "9", model: fixture.fraud) != nil)
        #expect(try await log.find(id: "10", model: fixture.fraud) == nil)
        await log.close()
    }

    @Test func largeBodiesFillTheQueueBeforeItsRowsDo() async throws {
        let gate = Gate()
        let limits = LogLimits.changed { $0.queuedBytes = 10_000 }
        let log = try InferenceLog(folder: folder.path, limits: limits) { _ in gate.pass() }
        let body = [UInt8](repeating: 7, count: 4000)
        for number in 0..<5 { log.record(fixture.answer("\(number)", request: body)) }
        gate.waitForArrival()
        #expect(log.counters.queued == 2)
        #expect(log.counters.dropped == 3)
        gate.open(times: 9)
        await log.flush()
        log.record(fixture.answer("later", request: body))
        await log.flush()
        #expect(log.counters.logged == 3)
        await log.close()
    }

    @Test func aBatchTheDiskRefusesIsCountedAndTheNextOneIsKept() async throws {
        let full = InferenceLogError.storageFull(path: "disk")
        let disk = Disk()
        let log = try InferenceLog(folder: folder.path, limits: .standard) {
            (_) throws(InferenceLogError) in
            if disk.isFull.withLock({ $0 }) { throw full }
        }
        for number in 0..<3 { log.record(fixture.answer("lost-\(number)")) }
        await log.flush()
        #expect(log.counters.failed == 3)
        #expect(log.counters.trouble == full)
        disk.isFull.withLock { $0 = false }
        log.record(fixture.answer("kept"))
        await log.flush()
        #expect(log.counters.logged == 1)
        #expect(log.counters.trouble == nil)
        #expect(try await log.find(id: "lost-0", model: fixture.fraud) == nil)
        await log.close()
    }

    @Test func closingDrainsAndLaterAnswersAreDropped() async throws {
        let log = try open()
        for number in 0..<50 { log.record(fixture.answer("\(number)")) }
        await log.close()
        log.record(fixture.answer("late"))
        #expect(log.counters.logged == 50)
        #expect(log.counters.dropped == 1)
        #expect(try await log.find(id: "49", model: fixture.fraud) != nil)
        await log.close()
    }

    @Test func unitsAndAnswersOfAReleaseComeFromEverySegment() async throws {
        let log = try open(
            .changed {
                $0.segmentRows = 4; $0.batchRows = 2
            }
        )
        for number in 0..<20 {
            let release = number.isMultiple(of: 2) ? 7 : 8
            log.record(fixture.answer("\(number)", release: release, unit: UInt64(number / 4)))
        }
        log.record(fixture.answer("steady", unit: 99))
        log.record(fixture.answer("no unit", release: 7))
        #expect(await log.units(of: ReleaseID(7)).units == Set((0..<5).map { UnitHash($0) }))
        #expect(await log.units(of: ReleaseID(9)).units.isEmpty)
        let newest = try await log.answers(release: ReleaseID(7), limit: 4)
        #expect(newest.map(\.id) == ["no unit", "18", "16", "14"])
        #expect(try await log.answers(release: ReleaseID(8), limit: 99).count == 10)
        await log.close()
    }

    @Test func twentyThousandAnswersFromFourWritersAreAllThere() async throws {
        let log = try open(
            .changed {
                $0.queuedRows = 30_000; $0.segmentRows = 6000
            }
        )
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    for number in 0..<5000 {
                        log.record(fixture.answer("\(writer)-\(number)", release: 1, unit: UInt64(number)))
                    }
                }
            }
        }
        await log.flush()
        var expected = AnswerCounts()
        (expected.answered, expected.logged) = (20_000, 20_000)
        #expect(log.counters.served == expected)
        let ids = (0..<4).flatMap { writer in stride(from: 0, to: 5000, by: 10).map { "\(writer)-\($0)" } }
        let found = try await log.find(ids: ids, model: fixture.fraud)
        #expect(found.count == 2000)
        #expect(found.allSatisfy { $0.key == $0.value.id })
        #expect(await log.units(of: ReleaseID(1)).units.count == 5000)
        await log.close()
    }
}
