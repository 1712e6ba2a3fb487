import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP server on this machine that gives one answer to everything and keeps what it was asked.
package final class LocalServer: Sendable {
    /// What it does with a request.
    package enum Manner: Sendable {
        case answer(status: Int, body: String, headers: [(String, String)] = [])
        /// Takes the request and says nothing.
        case silent
        /// Says what is not HTTP.
        case raw(String)
        /// Closes the connection once it has been asked.
        case leave
    }

    /// A request as it came.
    package struct Asked: Sendable {
        package let method: String
        package let target: String
        package let body: String
        private let headers: [(name: String, value: String)]

        fileprivate init(_ head: HTTPRequestHead, body: String) {
            method = head.method.rawValue
            target = head.uri
            self.body = body
            headers = head.headers.map { ($0.name.lowercased(), $0.value) }
        }

        /// The values of a header, whose name is in lower case.
        package func header(_ name: String) -> [String] { headers.filter { $0.name == name }.map(\.value) }
    }

    private let heard = Mutex<[Asked]>([])
    private let channel: any Channel
    package let port: Int

    package var asked: [Asked] { heard.withLock { $0 } }

    private init(_ channel: any Channel, _ port: Int) {
        self.channel = channel
        self.port = port
    }

    /// Runs `body` while the server listens on 127.0.0.1.
    package static func with<Value>(
        _ manner: Manner,
        _ body: (LocalServer) async throws -> Value
    ) async throws -> Value {
        let link = Link()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Servant(manner: manner, link: link))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let server = LocalServer(channel, channel.localAddress?.port ?? 0)
        link.server.withLock { $0 = server }
        do {
            let value = try await body(server)
            try await channel.close()
            return value
        } catch {
            try await channel.close()
            throw error
        }
    }

    private final class Link: Sendable {
        let server = Mutex<LocalServer?>(nil)
    }

    private final class Servant: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let manner: Manner
        private let link: Link
        private var head: HTTPRequestHead?
        private var body = ""

        init(manner: Manner, link: Link) {
            self.manner = manner
            self.link = link
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): self.head = head
            case .body(let part): body += String(buffer: part)
            case .end: answer(context)
            }
        }

        private func answer(_ context: ChannelHandlerContext) {
            if let head {
                let asked = Asked(head, body: body)
                link.server.withLock { $0 }?.heard.withLock { $0.append(asked) }
            }
            switch manner {
            case .silent: break
            case .leave: context.close(promise: nil)
            case .raw(let text):
                let buffer = context.channel.allocator.buffer(string: text)
                context.pipeline.firstContext?.writeAndFlush(NIOAny(buffer), promise: nil)
            case .answer(let status, let text, let headers):
                var all = HTTPHeaders(headers)
                all.add(name: "Content-Length", value: String(text.utf8.count))
                let head = HTTPResponseHead(
                    version: .http1_1,
                    status: HTTPResponseStatus(statusCode: status),
                    headers: all
                )
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                let buffer = context.channel.allocator.buffer(string: text)
                context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}

extension ChannelPipeline {
    fileprivate var firstContext: ChannelHandlerContext? {
        try? syncOperations.context(handlerType: HTTPResponseEncoder.self)
    }
}
