import BelayCore
import BelayInference
import NIOCore
import NIOHTTP1
import Testing

@testable import BelayGateway

/// What clients may do to a connection, and what becomes of it.
@Suite struct ProtocolTests {
    private func serve(
        configure: (inout GatewayConfiguration) -> Void = { _ in },
        _ body: (Rig) async throws -> Void
    ) async throws {
        try await Rig.run(configure: configure) { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 1)))
            try await body(rig)
        }
    }

    private func request(_ headers: String, _ body: String = "") -> String {
        "POST \(inferPath) HTTP/1.1\r\nHost: h\r\n\(headers)\r\n\r\n\(body)"
    }

    /// The parser reads nothing behind such a request, so the caller must not send more on the connection.
    @Test func anUpgradeIsPassedOverAndEndsTheConnection() async throws {
        try await Rig.run { rig in
            let client = try await rig.rawClient()
            try await client.send(
                "GET /v2 HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
            )
            let text = await client.read(until: "never")
            #expect(text.hasPrefix("HTTP/1.1 200"))
            #expect(text.lowercased().contains("connection: close"))
        }
    }

    @Test func compressedLabelsAreRead() async throws {
        try await Rig.run { rig in
            let client = try await rig.client()
            let headers = ["Content-Encoding": "gzip", "Content-Type": "text/csv"] as HTTPHeaders
            let given = try await client.send(
                .POST,
                "/v1/labels",
                headers: headers,
                body: CompressionTests.gzip
            )
            #expect(given.status == 202)
            #expect(String(decoding: given.body, as: UTF8.self).contains("\"bytes\":3"))
            let damaged = try await client.send(.POST, "/v1/labels", headers: headers, body: [1, 2, 3])
            #expect(damaged.status == 400)
        }
    }

    @Test func whatComesOutOfCompressedLabelsIsTakenFromTheMemoryForBodiesAndGivenBack() async throws {
        // The first is more than there is of it, and two of the second would be, were it not given back.
        let much = try #require(Compression.deflated([UInt8](repeating: 0x20, count: 100_000), to: .gzip))
        let some = try #require(Compression.deflated([UInt8](repeating: 0x20, count: 40_000), to: .gzip))
        try await Rig.run {
            $0.bodiesLimit = 60_000
        } _: { rig in
            let client = try await rig.client()
            for (body, status) in [(much, 503), (some, 202), (some, 202), (much, 503)] {
                let given = try await client.send(
                    .POST,
                    "/v1/labels",
                    headers: ["Content-Encoding": "gzip"],
                    body: body
                )
                #expect(given.status == status)
            }
        }
    }

    @Test func oneConnectionServesManyRequestsAlsoAfterErrors() async throws {
        try await serve { rig in
            let client = try await rig.client()
            for _ in 0..<20 {
                #expect(try await client.ask().status == 200)
                #expect(try await client.post(inferPath, "nonsense").status == 400)
                #expect(try await client.post("/nowhere", question).status == 404)
            }
        }
    }

    /// Bytes behind the head of an answer would be taken for the answer to the next request.
    @Test(.timeLimit(.minutes(10)))
    func anAnswerToHeadHasNoBodyAndSaysHowLongItWouldBe() async throws {
        try await serve { rig in
            let client = try await rig.client()
            for path in ["/v2", "/v2/health/ready", "/v2/models/fraud", "/v2/models/nobody", "/ping", "/no"] {
                let whole = try await client.get(path)
                let head = try await client.send(.HEAD, path, headers: [:], body: [])
                #expect(head.status == whole.status, "\(path)")
                #expect(head.body.isEmpty, "\(path)")
                #expect(head["Content-Length"] == String(whole.body.count), "\(path)")
            }
            let refused = try await client.send(.HEAD, inferPath, headers: [:], body: [])
            #expect(refused.status == 405)
            #expect(refused["Allow"] == "POST")
            #expect(try await client.ask().status == 200)
        }
    }

    @Test func blanksBehindAFieldAreNotPartOfIt() async throws {
        try await serve { rig in
            let client = try await rig.client()
            for (name, blank) in [("ann", ""), ("ann", " "), ("ann", "\t "), ("bob", "")] {
                let headers: HTTPHeaders = [
                    "X-User": name + blank, "Belay-Request-Id": "r-1" + blank,
                    "Inference-Header-Content-Length": "\(question.utf8.count)" + blank,
                ]
                #expect(try await client.post(inferPath, headers: headers, question).status == 200)
            }
            let answers = rig.log.all
            #expect(answers.allSatisfy { $0.id == "r-1" })
            #expect(Set(answers.prefix(3).map(\.unit)).count == 1)
            #expect(answers.first?.unit != nil && answers.first?.unit != answers.last?.unit)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aBodyInATransferCodingIsNotReadAsIfItWerePlain() async throws {
        try await serve { rig in
            let client = try await rig.rawClient()
            let chunk = "\(String(question.utf8.count, radix: 16))\r\n\(question)\r\n0\r\n\r\n"
            try await client.send(request("Transfer-Encoding: gzip, chunked", chunk))
            let refused = await client.read(until: "\r\n\r\n")
            #expect(refused.hasPrefix("HTTP/1.1 501 Not Implemented\r\n"))
            try await client.send(request("Transfer-Encoding: Chunked", chunk))
            #expect(await client.read(until: "outputs").contains("HTTP/1.1 200 "))
        }
    }

    @Test func aBodyAnnouncedTooLongIsRefusedBeforeItIsSentAndTheConnectionEnds() async throws {
        try await serve(configure: { $0.bodyLimit = 1000 }) { rig in
            let client = try await rig.rawClient()
            try await client.send(request("Content-Length: 1001"))
            let response = await client.read(until: "several requests.")
            #expect(response.hasPrefix("HTTP/1.1 413 "))
            #expect(response.contains(#"{"error":"The request body is longer than 1000 bytes;"#))
            #expect(response.lowercased().contains("connection: close"))
            try await client.send(String(repeating: " ", count: 1001))
            #expect(await client.readToEnd().isEmpty)
        }
    }

    @Test func aHundredMegabytesAreReadToTheEndSoThatTheRefusalArrives() async throws {
        try await serve { rig in
            let client = try await rig.client()
            let body = [UInt8](repeating: UInt8(ascii: " "), count: 100_000_000)
            let response = try await client.send(.POST, inferPath, headers: [:], body: body)
            #expect(response.status == 413)
            try await client.closed()
            #expect(try await rig.client().ask().status == 200)
        }
    }

    @Test func aChunkedBodyIsReadAndLimitedToo() async throws {
        try await serve(configure: { $0.bodyLimit = 1000 }) { rig in
            let client = try await rig.client()
            let chunked: HTTPHeaders = ["Transfer-Encoding": "chunked"]
            #expect(try await client.post(inferPath, headers: chunked, question).status == 200)
            let long = String(repeating: " ", count: 1001)
            #expect(try await client.post(inferPath, headers: chunked, long).status == 413)
            try await client.closed()
        }
    }

    @Test func aRefusedBodyThatDoesNotEndIsCutOff() async throws {
        try await serve(configure: {
            $0.bodyLimit = 10; $0.discardLimit = 100
        }) { rig in
            let client = try await rig.rawClient()
            try await client.send(request("Content-Length: 100000", String(repeating: " ", count: 2000)))
            #expect(await client.readToEnd().hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test func aClientThatAsksFirstIsToldToContinue() async throws {
        try await serve { rig in
            let client = try await rig.rawClient()
            try await client.send(request("Expect: 100-continue\r\nContent-Length: \(question.utf8.count)"))
            #expect(await client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 Continue\r\n"))
            try await client.send(question)
            #expect(await client.read(until: "]}]}").hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }

    @Test func aClientThatAsksFirstIsRefusedBeforeItSends() async throws {
        try await serve { rig in
            let client = try await rig.rawClient()
            try await client.send(
                "POST /nowhere HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
            )
            let response = await client.read(until: "}")
            #expect(response.hasPrefix("HTTP/1.1 404 "))
            try await client.send("123456789")
            #expect(await client.readToEnd().isEmpty)
        }
    }

    @Test func pipelinedRequestsAreAnsweredInTheirOrder() async throws {
        try await serve { rig in
            let client = try await rig.rawClient()
            let one = request("Content-Length: \(question.utf8.count)", question)
            let other = "GET /v2/models/fraud/ready HTTP/1.1\r\nHost: h\r\n\r\n"
            try await client.send(one + other + one)
            let text = await client.read(until: #""model_name""#, times: 2)
            let first = try #require(text.firstRange(of: "model_name"))
            let second = try #require(text.firstRange(of: #""ready":true"#))
            #expect(first.lowerBound < second.lowerBound)
            #expect(text.split(separator: "HTTP/1.1 200 OK").count == 3)
        }
    }

    @Test func manyRequestsPipelinedBehindOneThatIsSlowAreAllAnswered() async throws {
        try await Rig.run { rig in
            let gate = rig.gate()
            rig.pool.put(try waiting(1, at: gate), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 1)))
            let client = try await rig.rawClient()
            let slow = request("Content-Length: \(question.utf8.count)", question)
            let quick = "GET /v2/health/live HTTP/1.1\r\n\r\n"
            try await client.send(slow + String(repeating: quick, count: 5_000))
            try await gate.waitForRun()
            gate.open()
            let text = await client.read(until: #"{"live":true}"#, times: 5_000)
            #expect(text.split(separator: "HTTP/1.1 200 OK").count == 5_001)
        }
    }

    @Test(arguments: [
        ("Content-Encoding: br", "415", "gzip"),
        ("Content-Encoding: gzip", "400", "gzip"),
        ("Inference-Header-Content-Length: 5", "400", "5"),
        ("Inference-Header-Content-Length: -4", "400", "-4"),
    ])
    func whatIsNotSpokenIsSaid(header: String, status: String, hint: String) async throws {
        try await serve { rig in
            let client = try await rig.rawClient()
            try await client.send(request("\(header)\r\nContent-Length: 4", "\u{1}\u{2}\u{3}\u{4}"))
            let response = await client.read(until: #""}"#)
            #expect(response.hasPrefix("HTTP/1.1 \(status) "))
            #expect(response.contains(hint))
        }
    }

    @Test func anOldClientIsLeftOrKeptAsItAsks() async throws {
        try await serve { rig in
            let leaving = try await rig.rawClient()
            try await leaving.send("GET /v2/health/live HTTP/1.0\r\n\r\n")
            #expect(await leaving.readToEnd().hasSuffix(#"{"live":true}"#))
            let staying = try await rig.rawClient()
            for _ in 0..<2 {
                try await staying.send("GET /v2/health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                let response = await staying.read(until: "}")
                #expect(response.lowercased().contains("connection: keep-alive"))
            }
        }
    }

    @Test func aConnectionThatSaysNothingIsClosed() async throws {
        try await serve(configure: { $0.idleTimeout = .milliseconds(20) }) { rig in
            #expect(await (try await rig.rawClient()).readToEnd().isEmpty)
            let slow = try await rig.rawClient()
            // Fails when the twenty milliseconds are over already.
            try? await slow.send("GET /v2 HT")
            #expect(await slow.readToEnd().isEmpty)
        }
    }

    @Test func aBodyThatDoesNotComeIsGivenUp() async throws {
        try await serve(configure: {
            $0.bodyTimeout = .milliseconds(20); $0.discardTimeout = .milliseconds(1)
        }) { rig in
            let client = try await rig.rawClient()
            try await client.send(request("Content-Length: 10", "half"))
            #expect(await client.readToEnd().hasPrefix("HTTP/1.1 408 "))
        }
    }

    @Test func headersBeyondTheLimitAreRefused() async throws {
        try await serve(configure: { $0.headerBytesLimit = 1000 }) { rig in
            let client = try await rig.rawClient()
            try await client.send(request("X-Long: \(String(repeating: "x", count: 1000))"))
            #expect(await client.readToEnd().hasPrefix("HTTP/1.1 431 "))
        }
    }

    @Test func connectionsBeyondTheLimitAreClosedAndRoomIsReused() async throws {
        try await serve(configure: { $0.maxConnections = 1 }) { rig in
            let first = try await rig.client()
            #expect(try await first.ask().status == 200)
            #expect(await (try await rig.rawClient()).readToEnd().isEmpty)
            #expect(try await first.ask().status == 200)
        }
    }

    @Test func shutdownLetsARequestInFlightFinishAndClosesTheRest() async throws {
        try await Rig.run(configure: { $0.drainTimeout = .minutes(10) }) { rig in
            let gate = rig.gate()
            rig.pool.put(try waiting(1, at: gate), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 1)))
            let (busy, idle) = (try await rig.client(), try await rig.client())
            #expect(try await idle.get("/v2/health/live").status == 200)
            async let answer = busy.ask()
            try await gate.waitForRun()
            async let shutdown: Void = rig.gateway.shutdown()
            try await idle.closed()
            gate.open()
            let response = try await answer
            #expect(response.status == 200)
            #expect(response["Connection"] == "close")
            try await busy.closed()
            await shutdown
        }
    }

    @Test func shutdownCancelsWhatHasNotFinishedInTime() async throws {
        try await Rig.run(configure: { $0.drainTimeout = .milliseconds(20) }) { rig in
            let gate = rig.gate()
            rig.pool.put(HangingInstance(signature: try signature(), gate: gate), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 1)))
            let client = try await rig.client()
            async let answer = client.status(user: "any")
            try await gate.waitForRun()
            await rig.gateway.shutdown()
            #expect(await answer == nil)
            #expect(gate.isOpen)
        }
    }
}
