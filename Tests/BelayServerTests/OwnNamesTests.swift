import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import BelayServer

/// Under which names the control API answers, and to whose pages.
@Suite struct OwnNamesTests {
    private let names = OwnNames(
        listen: ListenAddress(host: "127.0.0.1", port: 7700),
        publicURL: "https://belay.example.org:8443",
        others: ["Host.Docker.Internal:7700"]
    )

    @Test(arguments: [
        "127.0.0.1", "127.0.0.1:7700", "127.1.2.3:1", "localhost", "LOCALHOST:7700", "[::1]", "[::1]:7700",
        "belay.example.org", "belay.example.org:443", "host.docker.internal:7700", "localhost.",
        "localhost.:80",
    ])
    func itsOwnNames(authority: String) { #expect(names.contain(authority)) }

    @Test(arguments: [
        "evil.example", "evil.example:7700", "127.0.0.1.evil.example", "127.evil.example", "localhost.evil",
        "10.0.0.1:7700", "0.0.0.0:7700", "[::]:7700", "[::1", "[::1]x", "[::1]x:80", "127.0.0.1:x", "::1",
        "user@127.0.0.1", "127.0.0.1 evil.example", "127.0.0.1:80:80", ":7700",
    ])
    func namesOfOthers(authority: String) { #expect(!names.contain(authority)) }

    /// What the middleware makes of a request with this head; nil when it lets it pass.
    private func refusal(
        _ method: HTTPRequest.Method,
        _ authority: String?,
        _ headers: HTTPFields
    ) async throws -> RequestError? {
        let head = HTTPRequest(
            method: method,
            scheme: nil,
            authority: authority,
            path: "/v1/status",
            headerFields: headers
        )
        let source = ApplicationRequestContextSource(
            channel: EmbeddedChannel(),
            logger: Logger(label: "test")
        )
        do {
            _ = try await OriginMiddleware<CallContext>(names: names).handle(
                Request(head: head, body: .init(buffer: ByteBuffer())),
                context: CallContext(source: source)
            ) { _, _ in Response(status: .ok) }
            return nil
        } catch let error as RequestError {
            return error
        }
    }

    private func fields(_ pairs: (String, String)...) throws -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in pairs { fields[try #require(HTTPField.Name(name))] = value }
        return fields
    }

    @Test func aNameThatWasMadeToLeadHereIsRefusedWithAndWithoutAnOrigin() async throws {
        let own = try fields(("Origin", "http://evil.example:7700"))
        #expect(try await refusal(.post, "evil.example:7700", own) == .foreignHost("evil.example:7700"))
        #expect(try await refusal(.get, "evil.example:7700", [:]) == .foreignHost("evil.example:7700"))
        #expect(try await refusal(.get, "127.0.0.1:7700", [:]) == nil)
        #expect(try await refusal(.get, nil, [:]) == nil, "HTTP/1.0 knows no names, and no browser speaks it")
    }

    @Test func pagesOfOtherSitesAreRefusedButALinkMayBeFollowed() async throws {
        let host = "127.0.0.1:7700"
        let read = try fields(("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors"))
        #expect(try await refusal(.get, host, read) == .foreignOrigin("another site"))
        let frame = try fields(
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "iframe")
        )
        #expect(try await refusal(.get, host, frame) == .foreignOrigin("another site"))
        let link = try fields(
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "document")
        )
        #expect(try await refusal(.get, host, link) == nil)
        #expect(try await refusal(.post, host, link) == .foreignOrigin("another site"))
        #expect(try await refusal(.get, host, try fields(("Sec-Fetch-Site", "none"))) == nil)
        #expect(try await refusal(.post, host, try fields(("Origin", "http://\(host)"))) == nil)
        let other = try fields(("Origin", "http://localhost:3000"))
        #expect(try await refusal(.post, host, other) == .foreignOrigin("http://localhost:3000"))
    }
}
