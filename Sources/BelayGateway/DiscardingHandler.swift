import NIOCore

/// Throws away what a connection still brings, before anybody reads it as HTTP.
///
/// Closes the connection when that is more than a limit. Confined to the connection's loop.
final class DiscardingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var left: Int

    /// - Parameter limit: In bytes.
    init(limit: Int) { left = limit }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        left -= unwrapInboundIn(data).readableBytes
        if left < 0 { context.close(promise: nil) }
    }
}
