import BelayCore
import NIOCore
import NIOHTTP1

/// Moves one connection's requests between HTTP and the parts that know what they mean.
///
/// Confined to its event loop. One request is open at a time; what its client sends behind it waits here, up
/// to ``mostWaiting`` bytes, and then in the socket, so the memory of a connection is bounded. Answers are
/// written as whole buffers, past any encoder.
final class Connection: ChannelInboundHandler, ChannelOutboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case idle
        case receiving(Reception)
        /// A request is whole and its answer is not there yet.
        case answering(Ticket, InferenceCall?)
        /// Its last answer is written; the rest of the request is read first, for clients that look for an
        /// answer only then.
        case discarding(left: Int)
        /// Nothing more is taken of it while that is handed to the system, or it is closed.
        case over
        /// Told that nothing more comes, and perhaps still sending.
        case lingering
    }

    /// What happens when the client has had its time.
    private enum Alarm {
        case close
        case slowBody(seconds: Int64)
    }

    private let cell: EventLoopCell
    private let ports: Ports
    /// So much may wait behind an open request before the socket is left alone, in bytes.
    ///
    /// Not none: to stop reading and to begin again are two calls of the system for each request.
    private static let mostWaiting = 64 << 10

    /// Who takes less of an answer than this in the time for a body, in bytes, is no longer waited for.
    private static let leastTaken = 64 << 10

    private var state = State.idle
    /// What came behind the request that is open.
    private var waiting = CircularBuffer<HTTPServerRequestPart>()
    private var waitingBytes = 0
    private var context: ChannelHandlerContext?
    private var requests = 0
    private var isPumping = false
    private var wantsRead = false
    private var mayWrite = true
    /// Something is written and not yet handed to the system.
    private var hasWritten = false
    /// Bytes that the client had not taken when that was last looked at.
    private var untaken = Int.max
    /// The server stops: the next answer is the last of the connection.
    private(set) var isLeaving = false
    /// What the client sent next was no HTTP; it is told so after the answer under way.
    private var fault: Rejection?
    private var deadline: NIODeadline = .distantFuture
    private var alarm = Alarm.close
    /// Bytes of bodies that this connection holds, as the process's budget knows them.
    private var held = 0

    init(cell: EventLoopCell, ports: Ports) {
        self.cell = cell
        self.ports = ports
    }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        wait(ports.configuration.idleTimeout, .close)
        cell.opened(self, pulse: ports.configuration.pulse)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .answering(_, let call) = state { call?.abandon() }
        end()
        release()
        cell.closed(self)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if waiting.isEmpty, !isPumping, takesMore {
            // Nothing is before it, as nearly always.
            isPumping = true
            take(part)
            isPumping = false
            return pump()
        }
        guard !isOver else { return }
        waitingBytes += part.weight
        waiting.append(part)
        pump()
    }

    /// Beyond a bound, the client's next requests stay in the socket.
    func read(context: ChannelHandlerContext) {
        guard mayRead else {
            wantsRead = true
            return
        }
        context.read()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        mayWrite = context.channel.isWritable
        if mayWrite { pump() } else { wait(ports.configuration.bodyTimeout, .close) }
        context.fireChannelWritabilityChanged()
    }

    /// The peer broke HTTP, or the socket failed.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Bytes behind what was no HTTP, which is being seen to.
        if error is ByteToMessageDecoderError { return }
        guard let rejection = Rejection(parsing: error) else { return context.close(promise: nil) }
        fault = fault ?? rejection
        pump()
    }

    func close() { context?.close(promise: nil) }

    // MARK: - Time

    private func wait(_ amount: TimeAmount, _ alarm: Alarm) {
        deadline = cell.now + amount
        self.alarm = alarm
    }

    /// Called by the loop now and then.
    func expire(at now: NIODeadline) {
        guard now >= deadline else { return }
        // Who takes a long answer slowly is not idle.
        if case .close = alarm, hasProgressed {
            let settings = ports.configuration
            return wait(isLeaving ? settings.lingerTimeout : settings.bodyTimeout, .close)
        }
        deadline = .distantFuture
        guard case .receiving(let reception) = state, case .slowBody(let seconds) = alarm else {
            return close()
        }
        dismiss(.bodyTooSlow(seconds: seconds), reception.ticket)
        flush()
    }

    /// Whether there is more to take, and the client has taken a fair part since the last look.
    private var hasProgressed: Bool {
        let left = (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        defer { untaken = left }
        return left > 0 && untaken - left >= Self.leastTaken
    }

    /// The server stops: an answer under way says so, and whoever is silent for a moment is let go.
    func leave(within amount: TimeAmount) {
        isLeaving = true
        switch state {
        case .idle, .lingering: wait(amount, .close)
        case .receiving, .answering, .discarding, .over: break
        }
    }

    // MARK: - Coming in

    private var mayRead: Bool {
        switch state {
        case .idle, .receiving, .answering: mayWrite && waitingBytes < Self.mostWaiting && fault == nil
        case .over: false
        case .discarding, .lingering: true
        }
    }

    /// Takes what waits, as far as the open request lets it.
    ///
    /// A loop and no recursion: thousands of small requests may wait behind a slow one.
    private func pump() {
        guard !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        repeat {
            while takesMore, let part = waiting.popFirst() {
                waitingBytes -= part.weight
                take(part)
            }
            if waiting.isEmpty, let fault { refuse(fault) }
            flush()
            // A long answer stops it; that the system has taken that is said here, where nobody listens.
        } while takesMore && !waiting.isEmpty
        if wantsRead, mayRead {
            wantsRead = false
            context?.read()
        }
    }

    private var takesMore: Bool {
        switch state {
        case .answering, .over, .lingering: false
        case .idle: mayWrite
        case .receiving, .discarding: true
        }
    }

    private var isOver: Bool {
        switch state {
        case .idle, .receiving, .answering, .discarding: false
        case .over, .lingering: true
        }
    }

    private func take(_ part: HTTPServerRequestPart) {
        switch (part, state) {
        case (.head(let head), .idle): receive(head)
        case (.body(let bytes), .receiving(let reception)): collect(bytes, reception)
        case (.body(let bytes), .discarding(let left)): discard(bytes, left: left)
        case (.end, .receiving(let reception)): dispatch(reception)
        case (.end, .discarding): finish()
        default: break
        }
    }

    private func receive(_ head: HTTPRequestHead) {
        requests += 1
        let reception = Reception(
            head,
            path: cell.path(method: head.method, uri: head.uri),
            number: requests,
            limit: ports.configuration.bodyLimit
        )
        state = .receiving(reception)
        let seconds = ports.configuration.bodyTimeout.nanoseconds / 1_000_000_000
        wait(ports.configuration.bodyTimeout, .slowBody(seconds: seconds))
        if let rejection = reception.urgentRejection {
            dismiss(rejection, reception.ticket)
        } else if reception.fields.awaitsContinue {
            context?.write(
                wrapOutboundOut(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n")),
                promise: nil
            )
            hasWritten = true
        }
    }

    private func collect(_ bytes: ByteBuffer, _ reception: Reception) {
        guard reception.append(bytes) else {
            return dismiss(.bodyTooLarge(limit: ports.configuration.bodyLimit), reception.ticket)
        }
        guard ports.bodies.take(bytes.readableBytes) else { return dismiss(.busy, reception.ticket) }
        held += bytes.readableBytes
    }

    private func discard(_ bytes: ByteBuffer, left: Int) {
        guard bytes.readableBytes <= left else { return finish(discarding: 0) }
        state = .discarding(left: left - bytes.readableBytes)
    }

    /// The bytes that the open request holds of the budget, which are the taker's to give back.
    func handOverBody() -> Int {
        defer { held = 0 }
        return held
    }

    private func release() {
        ports.bodies.give(held)
        held = 0
    }

    // MARK: - Answering

    private func dispatch(_ reception: Reception) {
        deadline = .distantFuture
        state = .answering(reception.ticket, nil)
        Dispatch(cell: cell, ports: ports, connection: self).answer(reception)
    }

    /// Which call the open request is, so that it learns when its caller leaves.
    func attach(_ call: InferenceCall, to ticket: Ticket) {
        if case .answering(ticket, nil) = state { state = .answering(ticket, call) }
    }

    /// Ends a request.
    func reply(to ticket: Ticket, _ reply: Reply) {
        guard case .answering(let current, _) = state, current == ticket else { return }
        release()
        let keepsAlive = ticket.keepsAlive && !isLeaving
        write(reply, ticket, keepsAlive: keepsAlive)
        guard keepsAlive else { return finish() }
        state = .idle
        wait(ports.configuration.idleTimeout, .close)
        // From within the pump the loop goes on by itself.
        pump()
    }

    /// Answers before the request is whole, and ends the connection once its rest has come.
    private func dismiss(_ rejection: Rejection, _ ticket: Ticket) {
        release()
        state = .discarding(left: ports.configuration.discardLimit)
        wait(ports.configuration.discardTimeout, .close)
        write(Reply(rejection, headers: []), ticket, keepsAlive: false)
    }

    /// Says that what came is no HTTP, unless an answer is still under way.
    private func refuse(_ rejection: Rejection) {
        let ticket: Ticket?
        switch state {
        case .answering, .over, .lingering: return
        case .discarding: return finish()
        case .idle: ticket = nil
        case .receiving(let reception): ticket = reception.ticket
        }
        write(Reply(rejection, headers: []), ticket, keepsAlive: false)
        finish()
    }

    private func write(_ reply: Reply, _ ticket: Ticket?, keepsAlive: Bool) {
        guard let context else { return }
        let bytes = cell.outgoing(about: 512 + reply.body.count) { buffer in
            reply.write(
                into: &buffer,
                keepsAlive: keepsAlive,
                isOld: ticket?.version == .http1_0,
                isBodiless: ticket?.isHead == true
            )
        }
        context.write(wrapOutboundOut(bytes), promise: nil)
        hasWritten = true
        untaken = .max
    }

    private func flush() {
        guard hasWritten else { return }
        hasWritten = false
        context?.flush()
    }

    /// Takes nothing more, and ends the connection once everything written has been handed to the system.
    ///
    /// - Parameter limit: So much of what still comes is thrown away, in bytes; nil for what is usual.
    private func finish(discarding limit: Int? = nil) {
        end()
        hasWritten = false
        wait(ports.configuration.bodyTimeout, .close)
        context?.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { [self] _ in
            linger(limit ?? ports.configuration.discardLimit)
        }
    }

    private func end() {
        state = .over
        waiting.removeAll()
        waitingBytes = 0
    }

    /// Says that nothing more comes, and waits until the client has gone, too.
    ///
    /// A socket that is closed over unread bytes is reset, which may destroy the answer on its way
    /// (RFC 9112, 9.6).
    private func linger(_ limit: Int) {
        guard let context else { return }
        state = .lingering
        let settings = ports.configuration
        wait(isLeaving ? settings.lingerTimeout : settings.discardTimeout, .close)
        context.close(mode: .output, promise: nil)
        let sink = DiscardingHandler(limit: limit)
        do { try context.pipeline.syncOperations.addHandler(sink, position: .first) } catch { return close() }
        if wantsRead {
            wantsRead = false
            context.read()
        }
    }
}

extension HTTPServerRequestPart {
    /// About how much memory it holds while it waits, in bytes.
    fileprivate var weight: Int {
        switch self {
        case .head(let head): 256 + head.uri.utf8.count + head.headers.weight
        case .body(let bytes): 64 + bytes.readableBytes
        case .end(let trailers): 64 + (trailers?.weight ?? 0)
        }
    }
}

extension HTTPHeaders {
    fileprivate var weight: Int { reduce(0) { $0 + 64 + $1.name.utf8.count + $1.value.utf8.count } }
}
