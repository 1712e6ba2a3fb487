import NIOCore
import NIOEmbedded
import Testing

@testable import BelayServer

/// How many connections there may be, and which of them do not keep their place.
@Suite struct ConnectionLimitTests {
    @Test(arguments: [
        (limit: 256, control: 64, gateway: 128), (1024, 256, 512), (4096, 1024, 2048),
        (20_000, 4096, 11_808), (1_048_576, 4096, 1_040_384),
    ])
    func descriptorsAreSharedOut(limit: Int, control: Int, gateway: Int) {
        let shares = DescriptorLimit(whole: limit)
        #expect(shares.ofControl == control && shares.ofGateway == gateway)
        #expect(limit - control - gateway >= control, "each upload has a file, too")
    }

    @Test func theSystemsLimitIsRaisedToWhatItAllows() {
        let raised = DescriptorLimit.raised()
        #expect(raised.whole >= 256)
        #expect(DescriptorLimit.raised() == raised)
    }

    /// A connection with a loop whose time is told, and no client.
    private func connection() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(handler: StalledReaderHandler(patience: .seconds(60)))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private func setWritable(_ isWritable: Bool, _ channel: EmbeddedChannel) {
        channel.isWritable = isWritable
        channel.pipeline.fireChannelWritabilityChanged()
    }

    @Test func whoTakesNothingForAMinuteLosesTheConnection() throws {
        let channel = try connection()
        setWritable(false, channel)
        channel.embeddedEventLoop.advanceTime(by: .seconds(59))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
    }

    @Test func whoTakesLittleKeepsItAsLongAsItIsSomething() throws {
        let channel = try connection()
        channel.write(ByteBuffer(string: "taken in time"), promise: nil)
        setWritable(false, channel)
        channel.embeddedEventLoop.advanceTime(by: .seconds(59))
        channel.flush()
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
    }

    @Test func whoTakesSomethingKeepsIt() throws {
        let channel = try connection()
        for _ in 0..<3 {
            setWritable(false, channel)
            channel.embeddedEventLoop.advanceTime(by: .seconds(59))
            setWritable(true, channel)
            channel.embeddedEventLoop.advanceTime(by: .seconds(3600))
            #expect(channel.isActive)
        }
        _ = try channel.finish()
    }
}
