import BelayCore
import Testing

@testable import BelayInferenceLog

@Suite("Queue between gateway and writer")
struct AnswerQueueTests {
    private let folder: TemporaryFolder
    private let fixture: Fixture

    init() throws {
        folder = try TemporaryFolder()
        fixture = try Fixture()
    }

    private func queue(_ limits: LogLimits = .standard) throws -> AnswerQueue {
        try AnswerQueue(limits: limits, page: try RunPage(path: "\(folder.path)/counters"))
    }

    private func pending(_ id: String, whenSettled: (@Sendable (Bool) -> Void)? = nil) -> Pending {
        Pending(fixture.answer(id), whenSettled: whenSettled)
    }

    @Test func rowsTheWriterHoldsStillTakeTheirPlace() throws {
        let queue = try queue(
            .changed {
                $0.queuedRows = 3; $0.batchRows = 2
            }
        )
        for number in 0..<4 { queue.add(pending("\(number)")) }
        #expect(queue.counters.dropped == 1)
        let rows = try #require(queue.take())
        #expect(rows.map(\.record.id) == ["0", "1", "2"])
        queue.add(pending("no room"))
        queue.settle(rows.prefix(2), nil)
        queue.add(pending("room"))
        queue.settle(rows.suffix(1), .storageFull(path: "x"))
        let counters = queue.counters
        #expect(counters.answered == 6)
        #expect((counters.logged, counters.failed, counters.queued, counters.dropped) == (2, 1, 1, 2))
        #expect(counters.models == [fixture.fraud: counters.served])
    }

    /// Whether the flush asks before or after the rows are settled, it returns, and not with rows unsettled.
    @Test(arguments: 0..<50)
    func aFlushReturnsOnceTheRowsBeforeItAreSettled(attempt: Int) async throws {
        let queue = try queue()
        await queue.flush()
        for number in 0...attempt { queue.add(pending("\(number)")) }
        async let queuedAfterwards = {
            await queue.flush(); return queue.counters.queued
        }()
        var rows = try #require(queue.take())[...]
        while !rows.isEmpty {
            queue.settle(rows.prefix(7), nil)
            rows = rows.dropFirst(7)
        }
        #expect(await queuedAfterwards == 0)
    }

    @Test func aClosedQueueGivesItsRowsAndThenEnds() async throws {
        let queue = try queue()
        queue.add(pending("last"))
        queue.close()
        queue.add(pending("late"))
        let rows = try #require(queue.take())
        #expect(rows.map(\.record.id) == ["last"])
        queue.settle(rows[...], nil)
        #expect(queue.take() == nil)
        queue.finish()
        await queue.closed()
        #expect(queue.counters.dropped == 1)
    }

    @Test func aReservedPlaceIsTakenOnceAndGivenBackWhenItIsNotUsed() throws {
        let queue = try queue(.changed { $0.queuedRows = 2 })
        var first = queue.reserve(1000)
        let second = try #require(queue.reserve(1000))
        #expect(queue.reserve(1) == nil)
        queue.add(pending("no room"))
        #expect(queue.counters.dropped == 1)
        #expect(first != nil)
        first = nil
        queue.add(pending("in its place"), in: second)
        queue.add(pending("with a used place"), in: second)
        queue.add(pending("no room"), in: second)
        #expect((queue.counters.queued, queue.counters.dropped) == (2, 2))
        let rows = try #require(queue.take())
        queue.settle(rows[...], .storageFull(path: "x"))
        #expect(queue.reserve(1) == nil, "a disk that refuses records admits nothing")
        queue.settle([], nil)
        #expect(queue.reserve(1) != nil)
    }

    /// Rows alone linger for company; a row that somebody waits for does not, nor do those before it.
    @Test func whoeverWaitsIsToldOnceWhatBecameOfTheRow() throws {
        let queue = try queue(.changed { $0.batchMilliseconds = 1_000_000 })
        let told = Told()
        queue.add(pending("alone"))
        for name in ["kept", "refused"] { queue.add(pending(name) { told.add(name, $0) }) }
        let rows = try #require(queue.take())
        #expect(rows.count == 3)
        queue.settle(rows.prefix(2), nil)
        #expect(told.all == ["kept": [true]])
        queue.settle(rows.suffix(1), .storageFull(path: "x"))
        #expect(told.all == ["kept": [true], "refused": [false]])
        queue.close()
        queue.add(pending("late") { told.add("late", $0) })
        #expect(told.all["late"] == [false])
    }

    @Test func aRingIsNeverLostAndNeverBlocks() throws {
        let bell = try Doorbell()
        for _ in 0..<100_000 { bell.ring() }
        bell.wait(milliseconds: -1)
        bell.wait(milliseconds: 0)
        bell.ring()
        bell.wait(milliseconds: -1)
    }
}
