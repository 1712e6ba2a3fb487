import BelayCore
import Foundation
import GRDB
import Testing

@testable import BelayInferenceLog

@Suite("The file of a segment's answers")
struct AnswerFileTests {
    private let folder: TemporaryFolder
    private let fixture: Fixture
    private let canary = "canary-4c1e"

    init() throws {
        folder = try TemporaryFolder()
        fixture = try Fixture()
    }

    private func contents(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    @Test func whatNoRowNamesIsWrittenOver() throws {
        let path = "\(folder.path)/answers"
        let file = try AnswerFile(path: path, isMade: true)
        let first = try file.write([1, 2, 3], at: file.end)
        #expect(file.end == 0)
        file.extend(to: first.end)
        _ = try file.write([9, 9, 9, 9], at: file.end)
        let second = try file.write([4, 5], at: file.end)
        file.extend(to: second.end)
        #expect(try file.read(first) == [1, 2, 3])
        #expect(try file.read(second) == [4, 5])
        #expect(try contents(path) == [1, 2, 3, 4, 5, 9, 9])
        try file.cut(to: second.end)
        #expect(try contents(path) == [1, 2, 3, 4, 5])
        let again = try AnswerFile(path: path, isMade: false)
        #expect(again.end == 5)
        #expect(try again.read(second) == [4, 5])
    }

    @Test(arguments: [(-1, 1), (0, 4), (3, 1), (4, 0), (0, -1), (.max, 1), (1, .max)] as [(Int64, Int)])
    func aPlaceThatIsNotInTheFileHasNoBytes(start: Int64, count: Int) throws {
        let file = try AnswerFile(path: "\(folder.path)/answers", isMade: true)
        file.extend(to: try file.write([1, 2, 3], at: 0).end)
        #expect(try file.read(AnswerFile.Place(start: start, count: count)) == nil)
        #expect(try file.read(AnswerFile.Place(start: 3, count: 0)) == [])
    }

    @Test func whatIsWipedIsZeroAndTakesNoSpaceAndItsNeighboursStay() throws {
        let path = "\(folder.path)/answers"
        let file = try AnswerFile(path: path, isMade: true)
        let bytes = [UInt8](repeating: 7, count: 300_000)
        var places: [AnswerFile.Place] = []
        for _ in 0..<3 {
            places.append(try file.write(bytes, at: file.end))
            file.extend(to: places.last?.end ?? 0)
        }
        try file.sync()
        let before = AnswerFile.size(path)
        try file.wipe([places[1]])
        #expect(try file.read(places[0]) == bytes)
        #expect(try file.read(places[1]) == [UInt8](repeating: 0, count: bytes.count))
        #expect(try file.read(places[2]) == bytes)
        #expect(AnswerFile.size(path) <= before)
        // Rows that lie are not followed beyond the end.
        try file.wipe([AnswerFile.Place(start: 899_999, count: .max)])
        #expect(try contents(path).count == 900_000)
    }

    @Test func aMissingFileIsDamageAndNoneIsMadeToReadIt() async throws {
        #expect(throws: InferenceLogError.damaged(path: "\(folder.path)/none", reason: "it is missing")) {
            try AnswerFile(path: "\(folder.path)/none", isMade: false)
        }
        #expect(try folder.names.isEmpty)
        var log = try InferenceLog(folder: folder.path, limits: .changed { $0.segmentRows = 1 })
        for number in 0..<3 {
            log.record(fixture.answer("\(number)"))
            await log.flush()
        }
        await log.close()
        let second = "\(folder.path)/\(try folder.segments[1])"
        try FileManager.default.removeItem(atPath: second + Segment.answersSuffix)
        log = try InferenceLog(folder: folder.path, limits: .standard)
        #expect(try await log.find(id: "0", model: fixture.fraud) != nil)
        #expect(try await log.find(id: "2", model: fixture.fraud) != nil)
        let error = await #expect(throws: InferenceLogError.self) {
            try await log.find(id: "1", model: fixture.fraud)
        }
        #expect(error?.explanation.code == "inference-log.damaged")
        #expect(try await log.check().findings.map(\.position) == [1])
        await log.close()
    }

    @Test func aChangedByteIsFound() async throws {
        var log = try InferenceLog(folder: folder.path, limits: .standard)
        for number in 0..<20 {
            log.record(fixture.answer("\(number)"))
            await log.flush()
        }
        await log.close()
        let path = "\(folder.path)/\(try folder.segments[0])\(Segment.answersSuffix)"
        var bytes = try contents(path)
        #expect(bytes.count > 20 * BlockLayout.headBytes)
        bytes[bytes.count / 2] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        log = try InferenceLog(folder: folder.path, limits: .standard)
        #expect(try await log.check().findings.count == 1)
        await log.close()
    }

    /// What a killed writer wrote without a row is overwritten or cut away, in an old segment as in the last.
    @Test func bytesWithoutARowAreGoneAtTheNextStart() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .standard)
        log.record(fixture.answer("kept"))
        await log.flush()
        let image = try folder.crashImage()
        await log.close()
        let name = try image.segments[0]
        let path = "\(image.path)/\(name)\(Segment.answersSuffix)"
        let orphan = "\(image.path)/2026-11-22T00-00-00Z-0000.sqlite\(Segment.answersSuffix)"
        try Data(try contents(path) + Array(canary.utf8)).write(to: URL(fileURLWithPath: path))
        try Data(canary.utf8).write(to: URL(fileURLWithPath: orphan))
        let again = try InferenceLog(folder: image.path, limits: .standard)
        #expect(try !image.holds(canary))
        #expect(try !image.names.contains { $0.contains("-0000.") })
        #expect(try await again.find(id: "kept", model: fixture.fraud) != nil)
        again.record(fixture.answer("new"))
        await again.flush()
        #expect(try await again.find(id: "new", model: fixture.fraud)?.request == [1, 2])
        #expect(try await again.check().findings.isEmpty)
        await again.close()
    }

    /// Rows may reach the disk before the file does.
    @Test func whatAPowerCutTookIsToldAndHidesNothingElse() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .standard)
        for number in 0..<10 {
            log.record(fixture.answer("\(number)", unit: 7))
            await log.flush()
        }
        let image = try folder.crashImage()
        await log.close()
        let path = "\(image.path)/\(try image.segments[0])\(Segment.answersSuffix)"
        let bytes = try contents(path)
        try Data(bytes.dropLast(bytes.count / 10 + 1)).write(to: URL(fileURLWithPath: path))
        let again = try InferenceLog(folder: image.path, limits: .standard)
        #expect(again.opening.unwritten == 2)
        #expect(try await again.find(id: "7", model: fixture.fraud) != nil)
        #expect(try await again.find(id: "8", model: fixture.fraud) == nil)
        let check = try await again.check()
        #expect((check.answers, check.removed, check.findings.count) == (10, 2, 0))
        let erased = try await again.erase(subject: UnitHash(7), model: fixture.fraud, labels: nil)
        #expect(erased.answers == 8)
        await again.close()
    }

    /// A killed writer's first batch, of which no row was committed.
    @Test func aFileOfWhichNoRowKnowsIsEmptied() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .standard)
        log.record(fixture.answer("held")) { _ in }
        await log.flush()
        let image = try folder.crashImage()
        await log.close()
        let path = "\(image.path)/\(try image.segments[0])\(Segment.answersSuffix)"
        try Data(canary.utf8).write(to: URL(fileURLWithPath: path))
        let again = try InferenceLog(folder: image.path, limits: .standard)
        #expect(try contents(path).isEmpty)
        #expect(try await again.find(id: "held", model: fixture.fraud) != nil)
        await again.close()
    }

    @Test func aDamagedBlockKeepsNoOtherFromBeingErased() async throws {
        var log = try InferenceLog(folder: folder.path, limits: .changed { $0.segmentRows = 3 })
        for number in 0..<6 {
            log.record(fixture.answer("\(number)", unit: 7))
            await log.flush()
        }
        await log.close()
        let path = "\(folder.path)/\(try folder.segments[0])\(Segment.answersSuffix)"
        var bytes = try contents(path)
        bytes[bytes.count / 2] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        log = try InferenceLog(folder: folder.path, limits: .standard)
        await #expect(throws: InferenceLogError.self) {
            try await log.erase(subject: UnitHash(7), model: fixture.fraud, labels: nil)
        }
        for number in [0, 2, 3, 4, 5] {
            #expect(try await log.find(id: "\(number)", model: fixture.fraud)?.isErased == true)
        }
        await log.close()
    }

    /// The row has the blanked answers, and the process was killed before the file was wiped.
    @Test func anErasureThatWasInterruptedIsFinishedAtTheNextStart() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .standard)
        log.record(fixture.answer("0", request: Array(canary.utf8)))
        await log.close()
        let path = "\(folder.path)/\(try folder.segments[0])"
        try await DatabaseQueue(path: path).write { database in
            var builder = BlockBuilder(model: fixture.fraud, capacity: 1, bytes: 0)
            builder.append(fixture.answer("0").erased(), bodyBytes: .max)
            var block = builder.finish()
            block.seal(at: 0)
            try database.execute(
                sql: "UPDATE block SET bytes = ?, keys = ?, answers = ?",
                arguments: [block.bytes, Data(block.keys), Data(block.answers)]
            )
        }
        #expect(try folder.holds(canary))
        let again = try InferenceLog(folder: folder.path, limits: .standard)
        #expect(try !folder.holds(canary))
        #expect(try await again.find(id: "0", model: fixture.fraud)?.isErased == true)
        #expect(try await again.check().findings.isEmpty)
        await again.close()
    }

    /// As a Belay before this file left it, once sealed and once not.
    @Test(arguments: [(SegmentSchema.Mark.sealedBlocks, true), (.openBlocks, false)])
    func segmentsWithEverythingInTheirRowsAreReadAndContinued(
        mark: SegmentSchema.Mark,
        isSealed: Bool
    ) async throws {
        var log = try InferenceLog(folder: folder.path, limits: .standard)
        for number in 0..<5 { log.record(fixture.answer("\(number)", request: [UInt8(number)])) }
        await log.close()
        let path = "\(folder.path)/\(try folder.segments[0])"
        let bytes = try contents(path + Segment.answersSuffix)
        try await DatabaseQueue(path: path).writeWithoutTransaction { database in
            for row in try Row.fetchAll(database, sql: "SELECT * FROM block") {
                let (start, count): (Int, Int) = (row["answers_start"], row["answers_count"])
                try database.execute(
                    sql: "UPDATE block SET answers = ? WHERE position = ?",
                    arguments: [Data(bytes[start..<start + count]), row["position"] as Int]
                )
            }
            try database.execute(
                sql: """
                    DROP INDEX block_unwiped;
                    ALTER TABLE block DROP COLUMN answers_start;
                    ALTER TABLE block DROP COLUMN answers_count;
                    \(isSealed ? "" : "DELETE FROM id_index;")
                    PRAGMA user_version = \(mark.rawValue);
                    """
            )
        }
        try FileManager.default.removeItem(atPath: path + Segment.answersSuffix)
        log = try InferenceLog(folder: folder.path, limits: .standard)
        #expect(log.opening.interrupted.isEmpty == isSealed && log.opening.damaged.isEmpty)
        for number in 0..<5 {
            let found = try await log.find(id: "\(number)", model: fixture.fraud)
            #expect(found?.request == [UInt8(number)])
        }
        log.record(fixture.answer("new"))
        #expect(try await log.find(id: "new", model: fixture.fraud) != nil)
        #expect(try folder.segments.count == 1)
        #expect(try await log.check().answers == 6)
        await log.close()
    }

    /// Who waits for the disk waits for one file.
    @Test func answersThatWereHeldBackAreInTheirRows() async throws {
        let log = try InferenceLog(folder: folder.path, limits: .standard)
        let told = Told()
        log.record(fixture.answer("held")) { told.add("held", $0) }
        await log.flush()
        #expect(told.all == ["held": [true]])
        #expect(try !folder.names.contains { $0.hasSuffix(Segment.answersSuffix) })
        log.record(fixture.answer("served"))
        await log.flush()
        #expect(try folder.names.contains { $0.hasSuffix(Segment.answersSuffix) })
        #expect(try await log.find(id: "held", model: fixture.fraud) != nil)
        await log.close()
        #expect(try await log.find(id: "served", model: fixture.fraud) != nil)
    }
}
