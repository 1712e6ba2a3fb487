import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Accepts connections and gives each its pipeline.
final class Listener: Sendable {
    private let stations: [ObjectIdentifier: Station]
    private let ports: Ports
    private let group: MultiThreadedEventLoopGroup
    private let connections = Mutex(0)

    init(group: MultiThreadedEventLoopGroup, stations: [Station], ports: Ports) {
        self.group = group
        self.stations = Dictionary(
            uniqueKeysWithValues: stations.map { (ObjectIdentifier($0.eventLoop), $0) }
        )
        self.ports = ports
    }

    func bind() async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            // Who does not read holds no more of the kernel's memory, and progress is seen in small steps.
            .childChannelOption(.socket(.init(IPPROTO_TCP), .init(TCP_NOTSENT_LOWAT)), value: 131_072)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.admit(channel) }
            }
            .bind(host: ports.configuration.host, port: ports.configuration.port)
            .get()
    }

    /// A connection that throws here is closed by the bootstrap.
    private func admit(_ channel: any Channel) throws {
        let most = ports.configuration.maxConnections
        let fits = connections.withLock { open in
            open += 1
            return open <= most
        }
        channel.closeFuture.whenComplete { _ in self.connections.withLock { $0 -= 1 } }
        guard fits, let station = stations[ObjectIdentifier(channel.eventLoop)] else {
            throw GatewayError.tooManyConnections(limit: most)
        }
        try channel.pipeline.syncOperations.addGatewayHandlers(cell: station.cellOnLoop, ports: ports)
    }
}

extension ChannelPipeline.SynchronousOperations {
    /// NIO's HTTP/1.1 parser, and behind it Belay's own handler, which writes whole responses by itself.
    func addGatewayHandlers(cell: EventLoopCell, ports: Ports) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = ports.configuration.headerBytesLimit
        limits.maxHeaderListSize = ports.configuration.headerBytesLimit
        limits.maxHeaderFieldCount = ports.configuration.headerFieldLimit
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
        try addHandlers([ByteToMessageHandler(decoder), Connection(cell: cell, ports: ports)])
    }
}
