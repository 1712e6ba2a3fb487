import BelayCore
import Foundation
import Testing

@testable import BelayInferenceLog

@Suite("Segments of the inference log")
struct SegmentTests {
    private let folder: TemporaryFolder
    private let fixture: Fixture

    init() throws {
        folder = try TemporaryFolder()
        fixture = try Fixture()
    }

    private func open(_ limits: LogLimits = .standard) throws -> InferenceLog {
        try InferenceLog(folder: folder.path, limits: limits)
    }

    /// Records the answers one batch each.
    private func record(_ range: Range<Int>, in log: InferenceLog, bytes: Int = 2) async {
        for number in range {
            log.record(fixture.answer("\(number)", request: [UInt8](repeating: 1, count: bytes)))
            await log.flush()
        }
    }

    @Test func aSegmentIsNamedByTimeAndNumberAndIsOneFileOnceSealed() async throws {
        let log = try open(.changed { $0.segmentRows = 2 })
        await record(0..<5, in: log)
        await log.close()
        #expect(
            try folder.segments == [
                "2026-11-23T14-25-03Z-0001.sqlite", "2026-11-23T14-25-03Z-0002.sqlite",
                "2026-11-23T14-25-03Z-0003.sqlite",
            ]
        )
    }

    @Test func largeBodiesBeginANewSegmentBySize() async throws {
        let log = try open(.changed { $0.segmentBytes = 300_000 })
        await record(0..<10, in: log, bytes: 50_000)
        await log.close()
        #expect(try folder.segments.count == 3)
        #expect(try await log.find(id: "0", model: fixture.fraud)?.requestLength == 50_000)
    }

    @Test func theOldestSegmentsGoWhenAllTogetherAreTooLarge() async throws {
        let log = try open(
            .changed {
                $0.segmentBytes = 200_000; $0.totalBytes = 600_000
            }
        )
        await record(0..<24, in: log, bytes: 50_000)
        #expect(log.counters.segmentsRemoved > 2)
        #expect(try await log.find(id: "0", model: fixture.fraud) == nil)
        #expect(try await log.find(id: "23", model: fixture.fraud) != nil)
        #expect(log.counters.logged == 24)
        await log.close()
        let names = try folder.segments
        #expect(names.count <= 4)
        #expect(!names.contains { $0.hasSuffix("-0001.sqlite") })
    }

    @Test func aSegmentRemovedUnderAReaderIsNotMadeAnew() async throws {
        let path = "\(folder.path)/2026-11-23T14-25-03Z-0001.sqlite"
        let segment = Segment(path: path, number: 1)
        _ = try segment.open(at: LogTail())
        try segment.remove()
        await #expect(throws: InferenceLogError.self) { try await segment.find(["0"], fixture.fraud) }
        #expect(try folder.names.isEmpty)
    }

    @Test func theNextStartContinuesTheLastSegment() async throws {
        for start in 0..<3 {
            let log = try open(.changed { $0.segmentRows = 5 })
            #expect(log.opening.interrupted.isEmpty)
            await record(start * 2..<start * 2 + 2, in: log)
            await log.close()
        }
        let log = try open()
        #expect(log.opening == LogOpening(segments: 2))
        for number in 0..<6 {
            #expect(try await log.find(id: "\(number)", model: fixture.fraud) != nil)
        }
        await log.close()
    }

    @Test func afterAKilledProcessWhatWasCommittedIsThereAndTheInterruptionIsTold() async throws {
        let log = try open(.changed { $0.segmentRows = 3 })
        await record(0..<5, in: log)
        let image = try folder.crashImage()
        await log.close()

        let reopened = try InferenceLog(folder: image.path, limits: .standard)
        let path = "\(image.path)/2026-11-23T14-25-03Z-0002.sqlite"
        #expect(reopened.opening.interrupted == [LogOpening.Interrupted(path: path, rows: 2)])
        for number in 0..<5 {
            #expect(try await reopened.find(id: "\(number)", model: fixture.fraud) != nil)
        }
        await reopened.close()
        let third = try InferenceLog(folder: image.path, limits: .standard)
        #expect(third.opening == LogOpening(segments: 2))
        await third.close()
    }

    /// Dying inside a batch is a write-ahead log without its last frames.
    @Test(arguments: [1, 4096, 9000, 30_000])
    func aTornTailLosesWholeBatchesFromTheEndOnly(cut: Int) async throws {
        let log = try open()
        await record(0..<20, in: log)
        let image = try folder.crashImage()
        await log.close()
        let wal = "\(image.path)/2026-11-23T14-25-03Z-0001.sqlite-wal"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: wal))
        try bytes.dropLast(cut).write(to: URL(fileURLWithPath: wal))
        try? FileManager.default.removeItem(atPath: wal.dropLast(3) + "shm")

        let reopened = try InferenceLog(folder: image.path, limits: .standard)
        let rows = try #require(reopened.opening.interrupted.first?.rows)
        #expect((1..<20).contains(rows))
        for number in 0..<20 {
            #expect(
                try await (reopened.find(id: "\(number)", model: fixture.fraud) != nil) == (number < rows)
            )
        }
        await reopened.close()
    }

    @Test func aDamagedSegmentIsToldAndHidesOnlyItself() async throws {
        let log = try open(.changed { $0.segmentRows = 1 })
        await record(0..<3, in: log)
        await log.close()
        let damaged = "\(folder.path)/2026-11-23T14-25-03Z-0002.sqlite"
        try Data("not a database, but long enough to look like one".utf8)
            .write(to: URL(fileURLWithPath: damaged))

        let reopened = try open()
        #expect(reopened.opening.damaged == [damaged])
        #expect(try await reopened.find(id: "0", model: fixture.fraud) != nil)
        #expect(try await reopened.find(id: "2", model: fixture.fraud) != nil)
        let error = await #expect(throws: InferenceLogError.self) {
            try await reopened.find(id: "1", model: fixture.fraud)
        }
        #expect(error?.explanation.code == "inference-log.damaged")
        await record(9..<10, in: reopened)
        #expect(reopened.counters.logged == 1)
        await reopened.close()
    }

    @Test func otherFilesInTheFolderAreLeftAlone() async throws {
        _ = try LabelStore(path: "\(folder.path)/labels.sqlite")
        try Data().write(to: URL(fileURLWithPath: "\(folder.path)/notes.txt"))
        let log = try open(
            .changed {
                $0.totalBytes = 0; $0.segmentRows = 1
            }
        )
        #expect(log.opening.segments == 0)
        await record(0..<3, in: log)
        await log.close()
        #expect(try folder.segments.count == 1)
        #expect(try folder.names.contains("labels.sqlite"))
        #expect(try folder.names.contains("notes.txt"))
    }
}
