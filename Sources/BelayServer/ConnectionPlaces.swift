import NIOCore
import NIOHTTPTypes
import Synchronization

/// The places for connections at the control port.
///
/// When all are taken, whoever has been without a request for longest makes room for who comes: connections
/// that are merely held keep nobody from a rollback.
final class ConnectionPlaces: Sendable {
    private struct Place {
        let channel: any Channel
        /// Nil while it has a request.
        var idleSince: NIODeadline?
    }

    private let most: Int
    private let places = Mutex<[ObjectIdentifier: Place]>([:])

    init(most: Int) { self.most = most }

    var taken: Int { places.withLock { $0.count } }

    /// Gives a connection a place; when there is none, and all that have one have a request, it is closed.
    func admit(_ channel: any Channel, at now: NIODeadline) {
        let id = ObjectIdentifier(channel)
        channel.closeFuture.whenComplete { _ in self.places.withLock { _ = $0.removeValue(forKey: id) } }
        let leaving = places.withLock { places -> (any Channel)? in
            places[id] = Place(channel: channel, idleSince: now)
            guard places.count > most else { return nil }
            let idle = places.filter { $0.value.idleSince != nil && $0.key != id }
            let longest = idle.min { ($0.value.idleSince ?? now) < ($1.value.idleSince ?? now) }
            return places.removeValue(forKey: longest?.key ?? id)?.channel
        }
        leaving?.close(promise: nil)
    }

    /// Notes that a connection has a request, or has been without one since `moment`.
    func note(_ channel: any Channel, idleSince moment: NIODeadline?) {
        places.withLock { $0[ObjectIdentifier(channel)]?.idleSince = moment }
    }
}

/// Says of its connection when it has a request.
final class PlaceHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart

    private let places: ConnectionPlaces
    private var requests = 0

    init(places: ConnectionPlaces) { self.places = places }

    func channelActive(context: ChannelHandlerContext) {
        places.admit(context.channel, at: context.eventLoop.now)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head = unwrapInboundIn(data) {
            requests += 1
            places.note(context.channel, idleSince: nil)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        // It has a request until the system has taken all of the answer.
        let taken = promise ?? context.eventLoop.makePromise(of: Void.self)
        let (channel, eventLoop) = (context.channel, context.eventLoop)
        taken.futureResult.assumeIsolated().whenComplete { [self] _ in
            requests -= 1
            if requests == 0 { places.note(channel, idleSince: eventLoop.now) }
        }
        context.write(data, promise: taken)
    }
}
