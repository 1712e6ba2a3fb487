import BelayCore
import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import BelayGateway

/// Bytes on a connection, in pieces: nothing may trap, and no connection stays open for good.
///
/// The first byte says how large the pieces are.
func tryHTTP(_ input: [UInt8]) {
    guard let first = input.first, input.count < 1 << 16, !mentionsTasks(input) else { return }
    let channel = EmbeddedChannel()
    let cell = EventLoopCell(eventLoop: channel.eventLoop)
    guard (try? channel.pipeline.syncOperations.addGatewayHandlers(cell: cell, ports: ports)) != nil,
        let address = try? SocketAddress(ipAddress: "127.0.0.1", port: 1)
    else { return }
    channel.connect(to: address, promise: nil)
    var rest = input.dropFirst()
    while !rest.isEmpty {
        // What is no HTTP is reported by throwing, too.
        _ = try? channel.writeInbound(ByteBuffer(bytes: rest.prefix(Int(first) + 1)))
        rest = rest.dropFirst(Int(first) + 1)
        channel.embeddedEventLoop.run()
        while (try? channel.readOutbound(as: ByteBuffer.self)) ?? nil != nil {}
    }
    channel.embeddedEventLoop.advanceTime(by: .minutes(2))
    precondition(!channel.isActive, "a silent connection stays open")
    _ = try? channel.finish(acceptAlreadyClosed: true)
}

/// Labels are kept, and statistics gathered, by a task, which an embedded loop cannot wait for.
private func mentionsTasks(_ input: [UInt8]) -> Bool {
    var bytes: [UInt8] = []
    var rest = input[...]
    while let byte = rest.popFirst() {
        let digits = rest.prefix(2)
        if byte == UInt8(ascii: "%"), digits.count == 2,
            let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
        {
            bytes.append(value)
            rest = rest.dropFirst(2)
        } else {
            bytes.append(byte)
        }
    }
    let words = ["labels", "stats"].map { Array($0.utf8) }
    return bytes.indices.contains { start in words.contains { bytes[start...].starts(with: $0) } }
}

private let ports: Ports = {
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
}()

/// Compressed bodies and the headers that speak of them: what was compressed must be the same when read.
func tryCoding(_ input: [UInt8]) {
    let (line, body) = parts(of: input)
    _ = try? ContentCoding.applied([line])
    _ = ContentCoding.accepted(line.split(separator: ";").map(String.init))
    for coding in [ContentCoding.gzip, .deflate] {
        let inflated = try? Compression.inflated(body, from: coding, limit: 1 << 20)
        precondition((inflated?.count ?? 0) <= 1 << 20, "more bytes than the limit")
        guard let packed = Compression.deflated(body, to: coding) else { continue }
        let again = try? Compression.inflated(packed, from: coding, limit: body.count)
        precondition(again == body, "compressed and read again, the body is another")
    }
}
