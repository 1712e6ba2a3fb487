import NIOCore
import NIOHTTP1
import NIOPosix

/// One HTTP response, whole.
struct Response: Sendable {
    let status: Int
    let headers: HTTPHeaders
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    subscript(name: String) -> String? { headers.first(name: name) }
}

/// One connection to a gateway, that asks one thing after the other.
final class HTTPClient: Sendable {
    private let channel: any Channel
    private let collector: NIOLoopBound<ResponseCollector>

    private init(channel: any Channel, collector: NIOLoopBound<ResponseCollector>) {
        self.channel = channel
        self.collector = collector
    }

    static func connect(port: Int, group: MultiThreadedEventLoopGroup) async throws -> HTTPClient {
        try await ClientBootstrap(group: group)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let collector = ResponseCollector()
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(collector)
                    let bound = NIOLoopBound(collector, eventLoop: channel.eventLoop)
                    return HTTPClient(channel: channel, collector: bound)
                }
            }
    }

    func get(_ path: String) async throws -> Response { try await send(.GET, path, headers: [:], body: []) }

    func post(_ path: String, headers: HTTPHeaders = [:], _ body: String) async throws -> Response {
        try await send(.POST, path, headers: headers, body: Array(body.utf8))
    }

    func send(_ method: HTTPMethod, _ path: String, headers: HTTPHeaders, body: [UInt8]) async throws
        -> Response
    {
        var headers = headers
        headers.add(name: "Host", value: "localhost")
        if !headers.contains(name: "Transfer-Encoding") {
            headers.add(name: "Content-Length", value: String(body.count))
        }
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers)
        return try await channel.eventLoop.flatSubmit { [channel, collector] in
            // What has ended tells nobody any more.
            guard channel.isActive else { return channel.eventLoop.makeFailedFuture(ConnectionLost()) }
            let response = collector.value.expect(on: channel.eventLoop)
            channel.write(HTTPClientRequestPart.head(head), promise: nil)
            channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
            channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
            return response
        }.get()
    }

    func close() async throws { try await channel.close() }

    /// Returns when the peer has closed.
    func closed() async throws { try await channel.closeFuture.get() }
}

struct ConnectionLost: Error {}

/// Puts the parts of responses together and hands each to who waits for it.
private final class ResponseCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private var waiting: [EventLoopPromise<Response>] = []
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []

    func expect(on eventLoop: any EventLoop) -> EventLoopFuture<Response> {
        let promise = eventLoop.makePromise(of: Response.self)
        waiting.append(promise)
        return promise.futureResult
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let bytes): body += bytes.readableBytesView
        case .end:
            guard let head, !waiting.isEmpty else { return }
            let response = Response(status: Int(head.status.code), headers: head.headers, body: body)
            waiting.removeFirst().succeed(response)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        for promise in waiting { promise.fail(ConnectionLost()) }
        waiting = []
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// One connection on which a test writes bytes of its own and reads all that comes back.
final class RawClient: Sendable {
    private let channel: any Channel
    private let received: AsyncStream<[UInt8]>

    private init(channel: any Channel, received: AsyncStream<[UInt8]>) {
        self.channel = channel
        self.received = received
    }

    /// Connects to the machine itself; one that `staysOpen` may go on sending when the peer has said that
    /// nothing more comes.
    static func connect(
        port: Int,
        group: MultiThreadedEventLoopGroup,
        staysOpen: Bool
    ) async throws -> RawClient {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        let channel = try await ClientBootstrap(group: group)
            .channelOption(.allowRemoteHalfClosure, value: staysOpen)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ByteTap(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawClient(channel: channel, received: stream)
    }

    deinit { channel.close(promise: nil) }

    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }

    func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    /// Reads until `mark` has come `times` times, or nothing more comes.
    func read(until mark: String, times: Int = 1) async -> String {
        var (text, found) = ("", 0)
        for await bytes in received {
            // A mark may be cut in two, so as much of the old text is searched again.
            let old = text.suffix(mark.count - 1)
            let new = old + String(decoding: bytes, as: UTF8.self)
            text += new.dropFirst(old.count)
            found += new.split(separator: mark, omittingEmptySubsequences: false).count - 1
            if found >= times { break }
        }
        return text
    }

    func readToEnd() async -> String { await read(until: "\u{0}never") }
}

private final class ByteTap: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let continuation: AsyncStream<[UInt8]>.Continuation

    init(_ continuation: AsyncStream<[UInt8]>.Continuation) { self.continuation = continuation }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        continuation.yield(Array(unwrapInboundIn(data).readableBytesView))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { continuation.finish() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) { continuation.finish() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
