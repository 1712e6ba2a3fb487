import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
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

    /// A connection at the control port, and its handler's view of what comes and goes.
    private func visitor(_ places: ConnectionPlaces) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(handlers: [PlaceHandler(places: places), ContinueHandler()])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private func ask(_ channel: EmbeddedChannel, _ headers: HTTPFields = [:]) throws {
        let head = HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/", headerFields: headers)
        try channel.writeInbound(HTTPRequestPart.head(head))
        try channel.writeInbound(HTTPRequestPart.end(nil))
    }

    private func answer(_ channel: EmbeddedChannel) throws {
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
    }

    @Test func whoHasBeenIdleForLongestMakesRoom() throws {
        let places = ConnectionPlaces(most: 3)
        let (busy, idle, later) = (try visitor(places), try visitor(places), try visitor(places))
        try ask(busy)
        // Each has a clock of its own, which only this test turns.
        later.embeddedEventLoop.advanceTime(by: .seconds(1))
        try ask(later)
        try answer(later)
        let fourth = try visitor(places)
        #expect(busy.isActive && !idle.isActive && later.isActive && fourth.isActive)
        #expect(places.taken == 3)
        try ask(later)
        try ask(fourth)
        #expect(try !visitor(places).isActive, "all have requests")
        try answer(busy)
        let last = try visitor(places)
        #expect(!busy.isActive && last.isActive && places.taken == 3)
        try later.close().wait()
        later.embeddedEventLoop.run()
        #expect(places.taken == 2)
    }

    @Test func whoWaitsWithItsBodyIsToldToSendIt() throws {
        let channel = try visitor(ConnectionPlaces(most: 1))
        try ask(channel, [.expect: "100-Continue"])
        let first = try channel.readOutbound(as: HTTPResponsePart.self)
        #expect(first == .head(HTTPResponse(status: .continue)))
        try ask(channel, [.expect: "100-continue"])
        #expect(try channel.readOutbound(as: HTTPResponsePart.self) == nil, "the first has no answer yet")
        for _ in 0..<2 { try answer(channel) }
        while try channel.readOutbound(as: HTTPResponsePart.self) != nil {}
        try ask(channel)
        #expect(try channel.readOutbound(as: HTTPResponsePart.self) == nil)
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
