import BelayCore
import Testing

@testable import BelayInferenceLog

@Suite("Queue between gateway and writer")
struct AnswerQueueTests {
    private let fixture: Fixture

    init() throws { fixture = try Fixture() }

    @Test func rowsTheWriterHoldsStillTakeTheirPlace() throws {
        let queue = try AnswerQueue(
            limits: .changed {
                $0.queuedRows = 3; $0.batchRows = 2
            }
        )
        for number in 0..<4 { queue.add(fixture.answer("\(number)")) }
        #expect(queue.counters.dropped == 1)
        let rows = try #require(queue.take())
        #expect(rows.map(\.id) == ["0", "1", "2"])
        queue.add(fixture.answer("no room"))
        queue.settle(rows.prefix(2), nil)
        queue.add(fixture.answer("room"))
        queue.settle(rows.suffix(1), .storageFull(path: "x"))
        let counters = queue.counters
        #expect(counters.answered == 6)
        #expect((counters.logged, counters.failed, counters.queued, counters.dropped) == (2, 1, 1, 2))
    }

    /// Whether the flush asks before or after the rows are settled, it returns, and not with rows unsettled.
    @Test(arguments: 0..<50)
    func aFlushReturnsOnceTheRowsBeforeItAreSettled(attempt: Int) async throws {
        let queue = try AnswerQueue(limits: .standard)
        await queue.flush()
        for number in 0...attempt { queue.add(fixture.answer("\(number)")) }
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
        let queue = try AnswerQueue(limits: .standard)
        queue.add(fixture.answer("last"))
        queue.close()
        queue.add(fixture.answer("late"))
        let rows = try #require(queue.take())
        #expect(rows.map(\.id) == ["last"])
        queue.settle(rows, nil)
        #expect(queue.take() == nil)
        queue.finish()
        await queue.closed()
        #expect(queue.counters.dropped == 1)
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
