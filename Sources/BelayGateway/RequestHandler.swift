import BelayCore
import NIOCore
import NIOHTTP1

/// Moves one connection's requests between HTTP and the parts that know what they mean.
///
/// Confined to its event loop. HTTP's pipelining handler before it lets one request through at a time, so
/// this has one state and no queue.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case idle
        case receiving(Reception)
        /// A request is whole and its answer is not there yet.
        case answering(Ticket, InferenceCall?)
        /// Told to go, but perhaps still sending: closing now could destroy the answer on its way.
        case discarding(left: Int)
        case closed
    }

    private let cell: EventLoopCell
    private let ports: Ports
    private var state = State.idle
    private var timer: Scheduled<Void>?
    private var requests = 0
    private var isReading = false

    init(cell: EventLoopCell, ports: Ports) {
        self.cell = cell
        self.ports = ports
    }

    // MARK: - Coming in

    func channelActive(context: ChannelHandlerContext) {
        wait(ports.configuration.idleTimeout, context: context) { $0.close(promise: nil) }
        cell.opened(context.channel)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .answering(_, let call) = state { call?.abandon() }
        state = .closed
        timer?.cancel()
        cell.closed(context.channel)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let wasReading = isReading
        isReading = true
        defer { isReading = wasReading }
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .idle): receive(head, context: context)
        case (.body(let bytes), .receiving(let reception)): collect(bytes, reception, context: context)
        case (.body(let bytes), .discarding(let left)): discard(bytes, left: left, context: context)
        case (.end, .receiving(let reception)): dispatch(reception, context: context)
        case (.end, .discarding): context.close(promise: nil)
        default: break
        }
    }

    /// The peer broke HTTP or the socket failed; the handlers before this one have said so if they could.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func receive(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
        requests += 1
        let reception = Reception(head, number: requests, limit: ports.configuration.bodyLimit)
        state = .receiving(reception)
        let seconds = ports.configuration.bodyTimeout.nanoseconds / 1_000_000_000
        wait(ports.configuration.bodyTimeout, context: context) { [self] context in
            dismiss(.bodyTooSlow(seconds: seconds), reception.ticket, context: context)
        }
        if let rejection = reception.urgentRejection {
            dismiss(rejection, reception.ticket, context: context)
        } else if reception.awaitsContinue {
            let interim = HTTPResponseHead(version: head.version, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(interim)), promise: nil)
        }
    }

    private func collect(_ bytes: ByteBuffer, _ reception: Reception, context: ChannelHandlerContext) {
        var reception = reception
        // The state lets go of the body first, or appending would copy it each time.
        state = .idle
        let fits = reception.append(bytes)
        state = .receiving(reception)
        if !fits {
            dismiss(.bodyTooLarge(limit: ports.configuration.bodyLimit), reception.ticket, context: context)
        }
    }

    private func discard(_ bytes: ByteBuffer, left: Int, context: ChannelHandlerContext) {
        guard bytes.readableBytes <= left else { return context.close(promise: nil) }
        state = .discarding(left: left - bytes.readableBytes)
    }

    // MARK: - Answering

    private func dispatch(_ reception: Reception, context: ChannelHandlerContext) {
        timer?.cancel()
        let ticket = reception.ticket
        state = .answering(ticket, nil)
        switch reception.path {
        case .failure(let rejection): reply(to: ticket, Reply(rejection, headers: []), context: context)
        case .success(.labels): store(reception, context: context)
        case .success(.model(let name, let version, .infer)):
            infer(reception, model: name, version: version, context: context)
        case .success(let path): reply(to: ticket, describe(path), context: context)
        }
    }

    private func infer(
        _ reception: Reception,
        model name: String,
        version: String?,
        context: ChannelHandlerContext
    ) {
        let ticket = reception.ticket
        let requestID = admissibleRequestID(reception.headers.first(name: "Belay-Request-Id")) ?? ports.ids()
        guard let routed = cell.snapshot.model(name) else {
            let headers = [(name: "Belay-Request-Id", value: requestID)]
            return reply(to: ticket, Reply(unknown(name), headers: headers), context: context)
        }
        let call = InferenceCall(
            cell: cell,
            ports: ports,
            routed: routed,
            body: reception.body,
            requestID: requestID
        ) { [self] answer in
            reply(to: ticket, answer, context: context)
        }
        state = .answering(ticket, call)
        call.begin(headers: reception.headers, version: version)
    }

    private func store(_ reception: Reception, context: ChannelHandlerContext) {
        let (labels, body) = (ports.labels, reception.body)
        let type = reception.headers.first(name: "Content-Type")
        let promise = context.eventLoop.makePromise(of: LabelReply.self)
        // NIO's bridge from a loop to an async function. The task outlives nothing: shutdown waits for the
        // connection, and the connection for this answer.
        promise.completeWithTask { await labels(body, type) }
        promise.futureResult.assumeIsolated().whenSuccess { [self] answer in
            let whole = Reply(status: answer.status, headers: [], json: answer.json)
            reply(to: reception.ticket, whole, context: context)
        }
    }

    private func describe(_ path: InferencePath) -> Reply {
        switch path {
        case .server: return Reply(status: 200, headers: [], json: Metadata.server)
        case .live: return Reply(status: 200, headers: [], json: Array(#"{"live":true}"#.utf8))
        case .ready:
            let ready = cell.snapshot.isReady
            return Reply(status: ready ? 200 : 400, headers: [], json: Array("{\"ready\":\(ready)}".utf8))
        case .model(let name, let version, let aspect):
            guard let routed = cell.snapshot.model(name) else { return Reply(unknown(name), headers: []) }
            return Metadata.reply(about: routed, version: version, aspect: aspect)
        case .labels: return Reply(.noSuchPath, headers: [])
        }
    }

    private func unknown(_ name: String) -> Rejection {
        let known = cell.snapshot.table.routes.keys
        return .unknownModel(name, similar: ModelName(name).flatMap { nearest($0, among: known) })
    }

    // MARK: - Going out

    /// Ends a request.
    ///
    /// Writing the end lets the next pipelined request through within the write. What can be answered on the
    /// spot is therefore answered in a turn of its own: thousands of such requests behind a slow one would
    /// otherwise nest until the stack is full. Answers of versions never come on the spot, so the fence sees
    /// no delay here.
    private func reply(to ticket: Ticket, _ reply: Reply, context: ChannelHandlerContext) {
        guard !isReading else {
            let loop = context.eventLoop.assumeIsolated()
            return loop.execute { [self] in self.reply(to: ticket, reply, context: context) }
        }
        guard case .answering(let current, _) = state, current == ticket else { return }
        state = ticket.keepsAlive ? .idle : .closed
        let written = write(reply, ticket, keepsAlive: ticket.keepsAlive, context: context)
        if !ticket.keepsAlive {
            written.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        }
        // Unless the next request of the connection was waiting, and has begun within the write.
        switch state {
        case .idle, .closed:
            wait(ports.configuration.idleTimeout, context: context) { $0.close(promise: nil) }
        case .receiving, .answering, .discarding: break
        }
    }

    /// Answers before the request is whole, and ends the connection once the caller can have read it.
    private func dismiss(_ rejection: Rejection, _ ticket: Ticket, context: ChannelHandlerContext) {
        state = .discarding(left: ports.configuration.discardLimit)
        wait(ports.configuration.discardTimeout, context: context) { $0.close(promise: nil) }
        _ = write(Reply(rejection, headers: []), ticket, keepsAlive: false, context: context)
    }

    private func write(
        _ reply: Reply,
        _ ticket: Ticket,
        keepsAlive: Bool,
        context: ChannelHandlerContext
    ) -> EventLoopFuture<Void> {
        var headers = HTTPHeaders()
        headers.reserveCapacity(reply.headers.count + 2)
        for (name, value) in reply.headers { headers.add(name: name, value: value) }
        headers.add(name: "Content-Length", value: String(reply.body.count))
        if !keepsAlive {
            headers.add(name: "Connection", value: "close")
        } else if ticket.version == .http1_0 {
            headers.add(name: "Connection", value: "keep-alive")
        }
        let status = HTTPResponseStatus(statusCode: reply.status)
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !reply.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: reply.body)))), promise: nil)
        }
        return context.writeAndFlush(wrapOutboundOut(.end(nil)))
    }

    /// Replaces the connection's one timer.
    private func wait(
        _ amount: TimeAmount,
        context: ChannelHandlerContext,
        then act: @escaping (ChannelHandlerContext) -> Void
    ) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: amount) { act(context) }
    }
}
