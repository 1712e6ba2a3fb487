import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Tells a client that waits with its body (`Expect: 100-continue`) to send it.
///
/// Most send it anyway after a second, some never. What is wrong with the request is said once it is there.
/// Behind an answer that is under way nothing is said: it would stand in the middle of that.
final class ContinueHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Requests that have no whole answer.
    private var open = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data) {
            open += 1
            if open == 1, head.headerFields[.expect]?.lowercased() == "100-continue" {
                let go = HTTPResponsePart.head(HTTPResponse(status: .continue))
                context.writeAndFlush(wrapOutboundOut(go), promise: nil)
            }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { open -= 1 }
        context.write(data, promise: promise)
    }
}
