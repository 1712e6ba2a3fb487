import BelayInference
import Synchronization
import Testing

@testable import BelayControl

@Suite("The turnstile", .timeLimit(.minutes(10)))
struct TurnstileTests {
    private struct Failure: Error {}

    /// Who is inside, and who has been.
    private final class Guestbook: Sendable {
        private let content = Mutex<(inside: Int, most: Int, names: [String])>((0, 0, []))

        func enter(_ name: String) {
            content.withLock { content in
                content.inside += 1
                content.most = max(content.most, content.inside)
                content.names.append(name)
            }
        }

        func leave() { content.withLock { $0.inside -= 1 } }

        var most: Int { content.withLock { $0.most } }
        var names: [String] { content.withLock { $0.names } }
    }

    @Test func oneIsInsideAtATime() async {
        let (turnstile, book) = (Turnstile(), Guestbook())
        await withTaskGroup { group in
            for index in 0..<100 {
                group.addTask {
                    await turnstile.pass {
                        book.enter("\(index)")
                        await Task.yield()
                        book.leave()
                    }
                }
            }
        }
        #expect(book.most == 1)
        #expect(Set(book.names).count == 100)
    }

    @Test func aFailureInsideLetsTheNextOneIn() async {
        let turnstile = Turnstile()
        for _ in 0..<2 {
            await #expect(throws: Failure.self) { try await turnstile.pass { throw Failure() } }
        }
    }

    @Test func whoIsCancelledWhileWaitingStillGetsItsTurnAndBlocksNobody() async {
        let (turnstile, book, door) = (Turnstile(), Guestbook(), Door())
        door.close()
        await withTaskGroup { group in
            group.addTask { await turnstile.pass { await door.pass() } }
            await door.arrival()
            group.addTask {
                await withTaskGroup { inner in
                    inner.addTask { await turnstile.pass { book.enter("cancelled: \(Task.isCancelled)") } }
                    inner.cancelAll()
                }
            }
            group.addTask { await turnstile.pass { book.enter("next") } }
            for _ in 0..<100 { await Task.yield() }
            #expect(book.names.isEmpty)
            door.open()
        }
        #expect(Set(book.names) == ["cancelled: true", "next"])
    }
}
