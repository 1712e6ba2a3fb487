import BelayCore
import BelayGateway
import BelayInference
import NIOCore
import NIOPosix
import Testing

/// Answers that take long to run, to write or to take keep nobody else's back.
@Suite struct LongAnswerTests {
    /// The question to a model that does what its first number says.
    private func body(_ number: Int) -> String {
        #"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[\#(number),0]}]}"#
    }

    private func request(_ number: Int) -> String {
        let body = body(number)
        return "POST \(inferPath) HTTP/1.1\r\nHost: h\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// A model that gives as many numbers as it is asked for, and waits at a gate for each before the first.
    private func model(_ gates: [Int: Gate] = [:]) throws -> ScriptedInstance {
        ScriptedInstance(signature: try signature()) { (inputs) throws(InferenceError) in
            guard case .packed(let bytes)? = inputs.first?.tensor.storage else { return [] }
            let count = Int(Float(bitPattern: bytes.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }))
            gates[count]?.passThrough()
            return [try floats("y", [Float](repeating: 1, count: count), shape: [count])]
        }
    }

    private func gate() -> Gate { Gate(on: MultiThreadedEventLoopGroup.singleton.any()) }

    private func serve(
        _ gates: [Int: Gate],
        configure: (inout GatewayConfiguration) -> Void = { _ in },
        _ body: (Rig) async throws -> Void
    ) async throws {
        try await Rig.run(configure: configure) { rig in
            rig.pool.put(try model(gates), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 1)))
            try await body(rig)
        }
    }

    /// The system takes the long answer at once, and says so while it is handed over.
    @Test(.timeLimit(.minutes(10)))
    func whatIsPipelinedBehindALongAnswerIsAnswered() async throws {
        try await serve([:]) { rig in
            let client = try await rig.rawClient()
            let live = "GET /v2/health/live HTTP/1.1\r\nHost: h\r\n\r\n"
            for _ in 0..<5 {
                try await client.send(request(50_000) + live + request(50_000) + live)
                let text = await client.read(until: #"{"live":true}"#, times: 2)
                #expect(text.split(separator: "HTTP/1.1 200 OK").count == 4)
            }
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: ["abcd", "", "no HTTP\r\n\r\n"])
    func whatIsRefusedBehindAnAnswerTakesItNotAlong(rest: String) async throws {
        let gate = self.gate()
        try await serve([3: gate]) { rig in
            let client = try await rig.rawClient()
            let refused =
                "POST /nowhere HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
            try await client.send(request(3) + refused + rest)
            try await gate.waitForRun()
            gate.open()
            let text = await client.read(until: #""error""#)
            #expect(text.hasPrefix("HTTP/1.1 200 OK"))
            #expect(text.contains("[1.0,1.0,1.0]"))
            #expect(text.contains("HTTP/1.1 404"))
        }
    }

    /// They wait for the one thread in this order, and it takes them together.
    @Test(.timeLimit(.minutes(10)))
    func anAnswerThatIsDoneDoesNotWaitForARunThatHangs() async throws {
        let (before, hanging) = (self.gate(), self.gate())
        defer {
            before.open()
            hanging.open()
        }
        try await serve([2: before, 3: hanging]) {
            $0.laneThreads = 1
        } _: { rig in
            var clients: [RawClient] = []
            for (position, number) in [2, 1, 3].enumerated() {
                let client = try await rig.rawClient()
                try await client.send(request(number))
                while await rig.gateway.figures().inFlight <= position { await Task.yield() }
                clients.append(client)
            }
            before.open()
            try await hanging.waitForRun()
            #expect(await clients[1].read(until: "]}]}").hasPrefix("HTTP/1.1 200 OK"))
            hanging.open()
            #expect(await clients[2].read(until: "]}]}").hasPrefix("HTTP/1.1 200 OK"))
        }
    }

    /// One thread hangs, and the other is not at work when the next request comes.
    @Test(.timeLimit(.minutes(10)))
    func aRunThatHangsLeavesTheNextRequestToAnotherThread() async throws {
        let hanging = self.gate()
        defer { hanging.open() }
        try await serve([3: hanging]) {
            $0.laneThreads = 2
        } _: { rig in
            let first = try await rig.rawClient()
            try await first.send(request(3))
            try await hanging.waitForRun()
            let second = try await rig.rawClient()
            try await second.send(request(1))
            #expect(await second.read(until: "]}]}").hasPrefix("HTTP/1.1 200 OK"))
            hanging.open()
            #expect(await first.read(until: "]}]}").hasPrefix("HTTP/1.1 200 OK"))
        }
    }

    /// Both threads are busy while a bunch comes that begins with one that hangs.
    @Test(.timeLimit(.minutes(10)))
    func aRunThatHangsKeepsNobodyOfItsBunch() async throws {
        let (one, other, hanging) = (self.gate(), self.gate(), self.gate())
        defer { for gate in [one, other, hanging] { gate.open() } }
        try await serve([2: one, 4: other, 3: hanging]) {
            $0.laneThreads = 2
        } _: { rig in
            var clients: [RawClient] = []
            for (position, number) in [2, 4, 3, 1, 1, 1, 1].enumerated() {
                let client = try await rig.rawClient()
                try await client.send(request(number))
                while await rig.gateway.figures().inFlight <= position { await Task.yield() }
                clients.append(client)
            }
            try await one.waitForRun()
            try await other.waitForRun()
            one.open()
            other.open()
            for client in clients.dropFirst(3) {
                #expect(await client.read(until: "]}]}").hasPrefix("HTTP/1.1 200 OK"))
            }
            hanging.open()
            #expect(await clients[2].read(until: "]}]}").hasPrefix("HTTP/1.1 200 OK"))
        }
    }

    /// More than the sockets hold: who closes over it resets the connection, and the client's sending fails.
    @Test(.timeLimit(.minutes(10)), arguments: ["Connection: close", "Content-Length: nonsense"])
    func whatIsStillSentToTheEndOfAConnectionCostsNoAnswer(header: String) async throws {
        try await serve([:]) { rig in
            let client = try await rig.rawClient(staysOpen: true)
            let last = "GET /v2/health/live HTTP/1.1\r\nHost: h\r\n\(header)\r\n\r\n"
            try await client.send(request(3) + last + String(repeating: "more", count: 4_000_000))
            let text = await client.readToEnd()
            #expect(text.contains("[1.0,1.0,1.0]"))
            #expect(text.contains("HTTP/1.1 \(header.hasPrefix("C") ? "200 OK" : "400")"))
            #expect(text.split(separator: "\r\n\r\n").count == 3, "two heads, two bodies")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func whoDoesNotLeaveAtTheEndOfAConnectionIsLeft() async throws {
        try await serve([:]) {
            $0.discardTimeout = .milliseconds(1)
        } _: { rig in
            let client = try await rig.rawClient(staysOpen: true)
            try await client.send("GET /v2/health/live HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(await client.read(until: "}").hasPrefix("HTTP/1.1 200"))
            while await rig.gateway.figures().connections > 0 { await Task.yield() }
        }
    }
}
