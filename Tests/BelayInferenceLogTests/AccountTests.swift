import BelayCore
import Foundation
import GRDB
import Synchronization
import Testing

@testable import BelayInferenceLog

/// A disk that refuses, or that holds the writer, when a test says so.
private final class Disk: Sendable {
    enum Mood { case willing, full, stuck }

    let mood = Mutex(Mood.willing)
    let gate = Gate()

    func admit() throws(InferenceLogError) {
        switch mood.withLock({ $0 }) {
        case .willing: return
        case .full: throw .storageFull(path: "disk")
        case .stuck: gate.pass()
        }
    }
}

@Suite("The account of the inference log")
struct AccountTests {
    private let fixture: Fixture

    init() throws { fixture = try Fixture() }

    private struct Chance {
        var state: UInt64

        mutating func number(below limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
    }

    private struct Expected: Equatable {
        var (answered, logged, dropped, sampledOut, failed, lost) = (0, 0, 0, 0, 0, 0)

        init() {}

        init(_ totals: LogTotals) {
            (answered, logged, dropped) = (totals.answered, totals.logged, totals.dropped)
            (sampledOut, failed, lost) = (totals.sampledOut, totals.failed, totals.lost)
        }
    }

    /// Four lives, each ended by a kill while answers wait: nothing is unaccounted for, to the last one.
    @Test(arguments: 0..<16)
    func everyAnswerIsAccountedForWhateverHappens(seed: Int) async throws {
        var chance = Chance(state: UInt64(seed))
        var expected = Expected()
        var gap: LogGap?
        var folder = try TemporaryFolder()
        // Counted in the folder's own file, or in another folder that stands for memory.
        var memory = seed.isMultiple(of: 2) ? nil : try TemporaryFolder()
        for life in 0..<4 {
            let disk = Disk()
            let log = try InferenceLog(
                folder: folder.path,
                limits: .changed { $0.queuedRows = 8 },
                memory: memory?.path
            ) { (_) throws(InferenceLogError) in try disk.admit() }
            #expect(log.opening.gap == gap, "life \(life)")
            for number in 0..<20 { await act(chance.number(below: 6), number, log, disk, &expected) }
            #expect(Expected(log.totals) == expected)
            disk.mood.withLock { $0 = .stuck }
            let counts = [9, 5, 5].map { chance.number(below: $0) }
            let (served, held, shadows) = (counts[0], counts[1], counts[2])
            for number in 0..<held { log.record(fixture.answer("h\(number)")) { _ in } }
            for number in 0..<served { log.record(fixture.answer("s\(number)")) }
            let room = max(0, 8 - held - served)
            for number in 0..<shadows { log.record(fixture.answer("x\(number)", kind: .shadow)) }
            if served + held + shadows > 0 { disk.gate.waitForArrival() }
            let image = try folder.crashImage()
            let memoryImage = try memory?.crashImage()
            disk.mood.withLock { $0 = .willing }
            disk.gate.open(times: 9)
            await log.close()
            let kept = min(served, 8 - held)
            gap = LogGap(lost: kept, withheld: held, shadows: min(shadows, room), isExact: true)
            expected.answered += served
            expected.dropped += served - kept
            expected.lost += kept
            folder = image
            memory = memoryImage
        }
        let last = try InferenceLog(folder: folder.path, limits: .standard, memory: memory?.path)
        #expect(last.opening.gap == gap)
        #expect(Expected(last.totals) == expected)
        let check = try await last.check()
        #expect(check.findings.isEmpty)
        await last.close()
        #expect(try memory?.names ?? [] == [])
        // A log that ended in order is all in its folder.
        let again = try InferenceLog(folder: folder.path, limits: .standard)
        #expect(again.opening.gap == nil)
        #expect(Expected(again.totals) == expected)
        await again.close()
    }

    private func act(
        _ choice: Int,
        _ number: Int,
        _ log: InferenceLog,
        _ disk: Disk,
        _ expected: inout Expected
    ) async {
        let isFull = disk.mood.withLock { $0 == .full }
        switch choice {
        case 0, 1:
            if choice == 0 {
                log.record(fixture.answer("a\(number)"))
            } else {
                log.record(fixture.answer("b\(number)")) { isKept in #expect(isKept == !isFull) }
            }
            expected.answered += 1
            if isFull { expected.failed += 1 } else { expected.logged += 1 }
        case 2: log.record(fixture.answer("c\(number)", kind: .shadow))
        case 3:
            log.sampledOut(model: fixture.fraud)
            expected.answered += 1
            expected.sampledOut += 1
        case 4: disk.mood.withLock { $0 = isFull ? .willing : .full }
        default:
            let isAdmitted =
                log.admit(bytes: 100).map { log.record(fixture.answer("d"), reservation: $0) } != nil
            guard isAdmitted else { break }
            expected.answered += 1
            if isFull { expected.failed += 1 } else { expected.logged += 1 }
        }
        await log.flush()
        #expect(log.counters.served.isBalanced && log.counters.shadow.isBalanced)
    }

    /// After a power cut the page may be older than the log, in which nothing may be lost by it.
    @Test func afterAPowerCutTheCountIsSaidToBeALowerBound() async throws {
        let folder = try TemporaryFolder()
        let log = try InferenceLog(folder: folder.path, limits: .standard)
        for number in 0..<5 { log.record(fixture.answer("\(number)")) }
        await log.flush()
        let image = try folder.crashImage()
        await log.close()
        let page = URL(fileURLWithPath: "\(image.path)/counters")
        var bytes = try Data(contentsOf: page)
        bytes[24] ^= 1
        // Of the five answers, the page knows two.
        bytes[32] = 2
        try bytes.write(to: page)
        let reopened = try InferenceLog(folder: image.path, limits: .standard)
        #expect(reopened.opening.gap == LogGap(lost: 0, withheld: 0, shadows: 0, isExact: false))
        #expect(reopened.opening.gap?.interval.atMost == nil)
        #expect(Expected(reopened.totals).logged == 5)
        await reopened.close()
    }

    @Test func aPageThatIsNoneIsBegunAnewWithWhatTheLogHolds() async throws {
        let folder = try TemporaryFolder()
        let log = try InferenceLog(folder: folder.path, limits: .standard)
        for number in 0..<5 { log.record(fixture.answer("\(number)")) }
        await log.close()
        try Data("not a page".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/counters"))
        let reopened = try InferenceLog(folder: folder.path, limits: .standard)
        #expect(reopened.opening.gap == nil)
        #expect((reopened.totals.answered, reopened.totals.logged) == (5, 5))
        await reopened.close()
    }

    /// A real SQLITE_FULL: the answers are counted, whoever waits is told, and nothing is admitted until a
    /// probe finds space.
    @Test(.timeLimit(.minutes(10)))
    func aFullDiskRefusesUntilThereIsSpaceAgain() async throws {
        let folder = try TemporaryFolder()
        let limits = LogLimits.changed { $0.retryMilliseconds = 1 }
        let log = try InferenceLog(folder: folder.path, limits: limits)
        log.record(fixture.answer("kept"))
        await log.flush()
        let segment = try #require(log.folder.segments.last)
        try segment.sync { try $0.execute(sql: "PRAGMA max_page_count = 1") }
        let told = Told()
        let body = [UInt8](repeating: 1, count: 500_000)
        log.record(fixture.answer("lost", request: body)) { told.add("lost", $0) }
        await log.flush()
        #expect(told.all == ["lost": [false]])
        #expect(log.counters.failed == 1)
        #expect(log.counters.trouble == .storageFull(path: segment.path))
        #expect(log.admit(bytes: 10) == nil)
        try segment.sync { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        var reservation: Reservation?
        while reservation == nil {
            reservation = log.admit(bytes: 10)
            await Task.yield()
        }
        log.record(fixture.answer("after", request: body), reservation: reservation)
        #expect(try await log.find(id: "after", model: fixture.fraud)?.request == body)
        #expect(try await log.find(id: "lost", model: fixture.fraud) == nil)
        #expect(log.counters.served.isBalanced)
        await log.close()
    }
}
