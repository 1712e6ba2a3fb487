import BelayCore
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// One request to one address.
struct Call: Sendable {
    let request: OutgoingRequest
    let place: Place
    let context: NIOSSLContext?
    let deadline: NIODeadline

    typealias Result = Swift.Result<OutgoingAnswer, OutgoingFailure>

    /// Connects, asks, and returns what came of it by the deadline; the connection is closed then.
    func made(to address: SocketAddress, on loop: any EventLoop, patience: TimeAmount) async -> Result {
        let outcome = loop.makePromise(of: Result.self)
        let late = Result.failure(.timedOut(host: place.host))
        let alarm = loop.scheduleTask(deadline: deadline) { outcome.succeed(late) }
        let connected = bootstrap(loop, outcome, patience).connect(to: address)
        connected.whenFailure { error in
            outcome.succeed(.failure(failure(of: error)))
        }
        outcome.futureResult.whenComplete { _ in
            alarm.cancel()
            connected.whenSuccess { $0.close(promise: nil) }
        }
        return await withTaskCancellationHandler {
            (try? await outcome.futureResult.get()) ?? late
        } onCancel: {
            outcome.succeed(late)
        }
    }

    private func bootstrap(
        _ loop: any EventLoop,
        _ outcome: EventLoopPromise<Result>,
        _ patience: TimeAmount
    ) -> ClientBootstrap {
        ClientBootstrap(group: loop)
            .connectTimeout(min(patience, max(.milliseconds(1), deadline - .now())))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context {
                        try pipeline.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: place.serverName)
                        )
                    }
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(Conversation(call: self, outcome: outcome))
                }
            }
    }

    /// The head of the request; the caller's headers come first.
    var head: HTTPRequestHead {
        var headers = HTTPHeaders(request.headers.map { ($0.name, $0.value) })
        headers.replaceOrAdd(name: "Host", value: place.authority)
        headers.replaceOrAdd(name: "Connection", value: "close")
        headers.replaceOrAdd(name: "User-Agent", value: "belay")
        if request.method == .post {
            headers.replaceOrAdd(name: "Content-Length", value: String(request.body.count))
        }
        return HTTPRequestHead(
            version: .http1_1,
            method: request.method == .post ? .POST : .GET,
            uri: place.target,
            headers: headers
        )
    }

    /// What went wrong, in words that hold nothing of the URL but its host.
    func failure(of error: any Error) -> OutgoingFailure {
        switch error {
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            .insecure(host: place.host, reason: "its certificate or its protocol was not accepted")
        case is HTTPParserError: .badAnswer(host: place.host)
        case ChannelError.connectTimeout:
            deadline <= .now()
                ? .timedOut(host: place.host) : .unreachable(host: place.host, reason: "it took too long")
        case let error as IOError where error.errnoCode == 111:
            .unreachable(host: place.host, reason: "the connection was refused")
        default: .unreachable(host: place.host, reason: "the connection failed")
        }
    }
}

/// Says the request and collects the answer, on the connection's loop.
private final class Conversation: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let call: Call
    private let outcome: EventLoopPromise<Call.Result>
    private var status: Int?
    private var body: [UInt8] = []
    private var hasAsked = false

    init(call: Call, outcome: EventLoopPromise<Call.Result>) {
        self.call = call
        self.outcome = outcome
    }

    func channelActive(context: ChannelHandlerContext) {
        hasAsked = true
        context.write(wrapOutboundOut(.head(call.head)), promise: nil)
        if !call.request.body.isEmpty {
            let buffer = context.channel.allocator.buffer(bytes: call.request.body)
            context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = Int(head.status.code)
        case .body(let part):
            let room = call.request.answerBytes - body.count
            body += part.readableBytesView.prefix(room)
            if part.readableBytes > room { end(isCut: true) }
        case .end: end(isCut: false)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A server that leaves without saying good-bye has answered all the same, and what is not settled by
        // now is settled by the end of the connection.
        if case NIOSSLError.uncleanShutdown = error { return }
        let failure = call.failure(of: error)
        if case .unreachable(let host, _) = failure, hasAsked {
            // The request may have been read: it must not be said again at another address.
            outcome.succeed(.failure(.badAnswer(host: host)))
        } else {
            outcome.succeed(.failure(failure))
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        outcome.succeed(.failure(.badAnswer(host: call.place.host)))
        context.fireChannelInactive()
    }

    private func end(isCut: Bool) {
        guard let status else { return }
        outcome.succeed(.success(OutgoingAnswer(status: status, body: body, isCut: isCut)))
    }
}
