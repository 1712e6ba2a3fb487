import BelayCore
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import BelayGateway

/// Bytes that are not, or not yet, a request: whatever they are, the handlers neither trap nor stay open.
@Suite struct MalformedInputTests {
    private static let whole =
        "POST /v2/models/fraud/infer HTTP/1.1\r\nHost: h\r\nContent-Length: \(question.utf8.count)\r\n\r\n"
        + question
    private static let chunked =
        "POST /v2/models/fraud%20/infer HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "5\r\n{\"id\"\r\n0\r\n\r\n"

    private func ports() -> Ports {
        var configuration = GatewayConfiguration(host: "127.0.0.1", port: 0)
        configuration.bodyLimit = 4096
        return Ports(
            configuration: configuration,
            log: AnswerLogPort { _, _, _ in
                true
            } sampledOut: { _ in
            } isWritable: {
                true
            },
            labels: { _, _, _ in LabelReply(status: 200, json: []) },
            clock: { Timestamp(milliseconds: 0) },
            ids: { "made" },
            seen: SeenUnits(limit: 16),
            bodies: BodyBudget(bytes: 1 << 20),
            readers: Readers(),
            figures: { LoopFigures() }
        )
    }

    private func channel() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        let cell = EventLoopCell(eventLoop: channel.eventLoop)
        try channel.pipeline.syncOperations.addGatewayHandlers(cell: cell, ports: ports())
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        return channel
    }

    private func output(of channel: EmbeddedChannel) throws -> String {
        var text = ""
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
        return text
    }

    @Test(arguments: [whole, chunked])
    func aRequestMayBeCutAtEveryByte(request: String) throws {
        let bytes = Array(request.utf8)
        for cut in 0...bytes.count {
            let channel = try channel()
            // The parser reports what is not HTTP by throwing here, too; the test is that nothing traps.
            _ = try? channel.writeInbound(ByteBuffer(bytes: bytes[..<cut]))
            channel.embeddedEventLoop.run()
            #expect(try output(of: channel).isEmpty == (cut < bytes.count))
            _ = try? channel.writeInbound(ByteBuffer(bytes: bytes[cut...]))
            // What is answered on the spot is answered in the loop's next turn.
            channel.embeddedEventLoop.run()
            let rest = try output(of: channel)
            #expect(cut == bytes.count || rest.hasPrefix("HTTP/1.1 404 "))
            _ = try? channel.finish()
        }
    }

    @Test func aRequestWithOneByteChangedIsAnsweredOrItsConnectionCloses() throws {
        let bytes = Array(Self.whole.utf8)
        for index in bytes.indices {
            for replacement in [UInt8(0), 0x0a, 0x20, 0x25, 0x3a, 0x7f, 0xff] {
                var changed = bytes
                changed[index] = replacement
                let channel = try channel()
                _ = try? channel.writeInbound(ByteBuffer(bytes: changed))
                // Whatever it waits for, it does not wait longer than its timers.
                channel.embeddedEventLoop.advanceTime(by: .seconds(120))
                channel.embeddedEventLoop.run()
                #expect(!channel.isActive)
                let text = try output(of: channel)
                #expect(text.isEmpty || text.hasPrefix("HTTP/1."))
                _ = try? channel.finish()
            }
        }
    }

    @Test(arguments: [
        "GET", "GET / HTTP/9.9\r\n\r\n", "\r\n\r\n\r\n", "\u{16}\u{3}\u{1}",
        "GET /%ZZ HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST /v1/labels HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/labels HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /v1/labels HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /v1/labels HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
    ])
    func whatIsNotARequestEndsTheConnectionOrIsRefused(text: String) throws {
        let channel = try channel()
        _ = try? channel.writeInbound(ByteBuffer(string: text))
        let answer = try output(of: channel)
        #expect(
            answer.isEmpty || answer.hasPrefix("HTTP/1.1 4") || answer.hasPrefix("HTTP/1.0 4"),
            "\(answer)"
        )
        channel.embeddedEventLoop.advanceTime(by: .seconds(120))
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive)
        _ = try? channel.finish()
    }
}
