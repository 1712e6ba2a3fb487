import NIOCore

/// Ends a connection whose client takes nothing of what there is for it, so that it does not keep its place
/// for ever.
///
/// All that counts is whether less is left than a while ago. The system takes more only when about a third of
/// what it holds for the client, megabytes at times, has been read: so the patience has to be long.
final class StalledReaderHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Never

    private let patience: TimeAmount
    private var look: Scheduled<Void>?

    init(patience: TimeAmount) { self.patience = patience }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        look?.cancel()
        look = nil
        if !context.channel.isWritable { wait(context, left: bytesLeft(context)) }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        look?.cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { look?.cancel() }

    /// While the channel is not writable nothing is added to what is left.
    private func wait(_ context: ChannelHandlerContext, left: Int) {
        look = context.eventLoop.assumeIsolated().scheduleTask(in: patience) {
            let now = self.bytesLeft(context)
            guard now < left else { return context.close(promise: nil) }
            self.wait(context, left: now)
        }
    }

    private func bytesLeft(_ context: ChannelHandlerContext) -> Int {
        // A channel that cannot say has its first look only.
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }
}
