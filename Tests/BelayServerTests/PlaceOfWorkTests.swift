import HTTPTypes
import Hummingbird
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import BelayServer

/// What runs on the loop that a rollback comes in on, and what does not.
@Suite struct PlaceOfWorkTests {
    private static let piece = 600 << 10
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    /// Says of each piece whether it was made on the loop.
    private struct Pieces: PieceSource {
        let loop: any EventLoop
        let wereOnLoop: Seen<Bool>
        var left = 3

        mutating func next() async throws -> ByteBuffer? {
            wereOnLoop.note(loop.inEventLoop)
            guard left > 0 else { return nil }
            left -= 1
            return ByteBuffer(repeating: UInt8(ascii: "a"), count: PlaceOfWorkTests.piece)
        }
    }

    private struct Writer: ResponseBodyWriter {
        let loop: any EventLoop
        let parts: Seen<(bytes: Int, isOnLoop: Bool)>

        mutating func write(_ buffer: ByteBuffer) async throws {
            parts.note((buffer.readableBytes, loop.inEventLoop))
        }

        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }

    private final class Seen<Value: Sendable>: Sendable {
        private let values = Mutex<[Value]>([])
        var all: [Value] { values.withLock { $0 } }

        func note(_ value: Value) { values.withLock { $0.append(value) } }
    }

    @Test func aLongBodyIsMadeElsewhereAndHandedOverInBoundedParts() async throws {
        let readers = ThreadExecutor(threads: 1)
        let (wereOnLoop, parts) = (Seen<Bool>(), Seen<(bytes: Int, isOnLoop: Bool)>())
        let body = ResponseBody(Pieces(loop: loop, wereOnLoop: wereOnLoop), madeBy: readers)
        try await withTaskExecutorPreference(LoopExecutor(loop)) {
            try await body.write(Writer(loop: loop, parts: parts))
        }
        await readers.shutdown()
        #expect(wereOnLoop.all == Array(repeating: false, count: 4))
        #expect(parts.all.map(\.bytes).reduce(0, +) == 3 * Self.piece)
        #expect(parts.all.allSatisfy { $0.isOnLoop && $0.bytes <= 256 << 10 })
    }
}
