import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Synchronization
import Testing

@testable import BelayServer

/// A client that goes away is no fault of the server.
@Suite struct ClientLeavesTests {
    private final class Levels: Sendable {
        private let seen = Mutex<[Logger.Level]>([])
        var all: [Logger.Level] { seen.withLock { $0 } }

        func note(_ level: Logger.Level) { seen.withLock { $0.append(level) } }
    }

    private struct Recorder: LogHandler {
        let levels: Levels
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { levels.note(event.level) }
    }

    private struct Fault: Error {}

    static let byes: [any Error & Sendable] = [
        HTTPParserError.invalidEOFState, ChannelError.inputClosed, CancellationError(),
        IOError(errnoCode: 104, reason: "read"),
    ]

    /// What becomes of a request whose handling throws `error`, and what is logged of it.
    private func outcome(of error: any Error & Sendable) async -> (status: Int?, levels: [Logger.Level]) {
        let levels = Levels()
        let logger = Logger(label: "test") { _ in Recorder(levels: levels) }
        let head = HTTPRequest(method: .put, scheme: nil, authority: nil, path: "/v1/x")
        let source = ApplicationRequestContextSource(channel: EmbeddedChannel(), logger: logger)
        let response = try? await ProblemMiddleware<CallContext>(logger: logger) { _ in [] }.handle(
            Request(head: head, body: .init(buffer: ByteBuffer())),
            context: CallContext(source: source)
        ) { _, _ in throw error }
        return (response?.status.code, levels.all)
    }

    @Test(arguments: byes) func whoLeavesIsNoErrorOfTheServer(bye: any Error & Sendable) async {
        let (status, levels) = await outcome(of: bye)
        #expect(status == nil && levels == [.info])
    }

    @Test func whatNobodyKnowsIs() async {
        let (status, levels) = await outcome(of: Fault())
        #expect(status == 500 && levels == [.error])
    }
}
