import BelayCore
import BelayOutgoing
import BelayTesting
import NIOCore
import NIOPosix
import Synchronization
import Testing

@Suite("Calls to other servers", .timeLimit(.minutes(10)))
struct OutgoingClientTests {
    private let client = OutgoingClient(
        group: .singletonMultiThreadedEventLoopGroup,
        resolve: .system,
        authorities: .system()
    )

    private func request(
        _ url: String,
        allowsPrivate: Bool = true,
        timeout: Duration = .seconds(30),
        answerBytes: Int = 4096,
        headers: [OutgoingRequest.Header] = []
    ) -> OutgoingRequest {
        OutgoingRequest(
            method: .post,
            url: url,
            headers: headers,
            body: Array("hello".utf8),
            allowsPrivate: allowsPrivate,
            timeout: timeout,
            answerBytes: answerBytes
        )
    }

    private func failure(_ request: OutgoingRequest, _ client: OutgoingClient? = nil) async
        -> OutgoingFailure?
    {
        do {
            _ = try await (client ?? self.client).send(request)
            return nil
        } catch { return error }
    }

    @Test func aRequestArrivesAsItWasMade() async throws {
        try await LocalServer.with(.answer(status: 202, body: "thanks")) { server in
            let answer = try await client.send(
                request(
                    "http://localhost:\(server.port)/hook?x=%2F1#part",
                    headers: [.init("webhook-id", "ntc_1"), .init("Host", "elsewhere")]
                )
            )
            #expect(answer == OutgoingAnswer(status: 202, body: Array("thanks".utf8)))
            let asked = try #require(server.asked.first)
            #expect(asked.method == "POST")
            #expect(asked.target == "/hook?x=%2F1")
            #expect(asked.header("host") == ["localhost:\(server.port)"])
            #expect(asked.header("webhook-id") == ["ntc_1"])
            #expect(asked.body == "hello")
        }
    }

    @Test(arguments: ["localhost", "127.0.0.1", "127.1", "0x7f000001", "2130706433", "[::ffff:127.0.0.1]"])
    func thisMachineIsNotCalledUnlessThePolicySaysSo(host: String) async throws {
        try await LocalServer.with(.answer(status: 200, body: "")) { server in
            let refused = await failure(request("http://\(host):\(server.port)/", allowsPrivate: false))
            guard case .forbidden = refused else {
                Issue.record("\(host) was not forbidden: \(String(describing: refused))")
                return
            }
            #expect(server.asked.isEmpty)
        }
    }

    @Test func metadataServicesAreNeverCalled() async throws {
        for host in ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "0.0.0.0"] {
            let refused = await failure(request("http://\(host)/latest/meta-data"))
            guard case .forbidden = refused else {
                Issue.record("\(host): \(String(describing: refused))")
                continue
            }
        }
    }

    /// The name has a public address when it is first asked, and this machine's from then on.
    @Test func aNameThatChangesItsMindGainsNothing() async throws {
        try await LocalServer.with(.answer(status: 200, body: "secret")) { server in
            let asked = Mutex(0)
            let fickle = HostLookup { _, port in
                asked.withLock { $0 += 1 }
                let address = asked.withLock { $0 } == 1 ? "192.0.2.1" : "127.0.0.1"
                return (try? SocketAddress(ipAddress: address, port: port)).map { [$0] } ?? []
            }
            let client = OutgoingClient(
                group: .singletonMultiThreadedEventLoopGroup,
                resolve: fickle,
                authorities: .system()
            )
            for _ in 0..<3 {
                let refused = await failure(
                    request("http://fickle.example:\(server.port)/", allowsPrivate: false),
                    client
                )
                guard case .forbidden = refused else {
                    Issue.record("\(String(describing: refused))")
                    continue
                }
            }
            #expect(asked.withLock { $0 } == 3, "each call looks up once")
            #expect(server.asked.isEmpty)
        }
    }

    @Test func anAddressThatMayNotBeCalledIsPassedOver() async throws {
        try await LocalServer.with(.answer(status: 200, body: "here")) { server in
            let both = HostLookup { _, port in
                ["169.254.169.254", "127.0.0.1"].compactMap { try? SocketAddress(ipAddress: $0, port: port) }
            }
            let client = OutgoingClient(
                group: .singletonMultiThreadedEventLoopGroup,
                resolve: both,
                authorities: .system()
            )
            let answer = try await client.send(request("http://two.example:\(server.port)/"))
            #expect(answer.status == 200)
        }
    }

    @Test(arguments: [301, 302, 307, 308])
    func redirectsAreNotFollowed(status: Int) async throws {
        try await LocalServer.with(.answer(status: 200, body: "inside")) { inside in
            let location = [("Location", "http://127.0.0.1:\(inside.port)/")]
            try await LocalServer.with(.answer(status: status, body: "", headers: location)) { server in
                let answer = try await client.send(request("http://127.0.0.1:\(server.port)/"))
                #expect(answer.status == status)
                #expect(inside.asked.isEmpty)
            }
        }
    }

    @Test func aLongAnswerIsCut() async throws {
        let long = String(repeating: "x", count: 100_000)
        try await LocalServer.with(.answer(status: 500, body: long)) { server in
            let answer = try await client.send(
                request("http://127.0.0.1:\(server.port)/", answerBytes: 1000)
            )
            #expect(answer.status == 500)
            #expect(answer.body.count == 1000)
            #expect(answer.isCut)
        }
    }

    @Test func aServerThatSaysNothingIsLeft() async throws {
        try await LocalServer.with(.silent) { server in
            let url = "http://127.0.0.1:\(server.port)/"
            #expect(
                await failure(request(url, timeout: .milliseconds(200))) == .timedOut(host: "127.0.0.1")
            )
        }
    }

    @Test func whatIsNoAnswerIsAFailure() async throws {
        for manner in [LocalServer.Manner.leave, .raw("SSH-2.0-OpenSSH_9.6\r\n\r\n")] {
            try await LocalServer.with(manner) { server in
                let failed = await failure(request("http://127.0.0.1:\(server.port)/"))
                #expect(failed == .badAnswer(host: "127.0.0.1"))
            }
        }
    }

    @Test func aServerWithoutACertificateThatIsBelievedIsNotTold() async throws {
        try await LocalServer.with(.answer(status: 200, body: "")) { server in
            let failed = await failure(request("https://127.0.0.1:\(server.port)/"))
            guard case .insecure = failed else {
                Issue.record("\(String(describing: failed))")
                return
            }
            #expect(server.asked.isEmpty)
        }
    }

    @Test func aPortThatNobodyListensOnIsUnreachable() async {
        // A port that was just given back may already be another test's; nobody serves tcpmux.
        let failed = await failure(request("http://127.0.0.1:1/secret-path"))
        #expect(failed == .unreachable(host: "127.0.0.1", reason: "the connection was refused"))
        #expect(failed?.explanation.summary.contains("secret-path") == false)
    }

    @Test(arguments: [
        "", "x", "ftp://example.com/", "file:///etc/passwd", "http://", "http:///path", "//example.com",
        "http://user@example.com/", "http://user:secret@example.com/", "http://example.com:0/",
        "http://example.com:99999/", "gopher://127.0.0.1/", "javascript:alert(1)",
    ])
    func whatIsNoAddressIsNotCalled(url: String) async { #expect(await failure(request(url)) == .badURL) }

    @Test func aNameThatNobodyKnowsIsSaidToBeUnknown() async {
        let nobody = OutgoingClient(
            group: .singletonMultiThreadedEventLoopGroup,
            resolve: HostLookup { _, _ in [] },
            authorities: .system()
        )
        let failed = await failure(request("https://nobody.example/"), nobody)
        #expect(failed == .unknownHost("nobody.example"))
    }
}
