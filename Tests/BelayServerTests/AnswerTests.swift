import BelayServer
import Foundation
import Testing

/// The log over HTTP: every answer once, in pages or in one stream, and a person who is forgotten.
@Suite(.serialized) struct AnswerTests {
    private func lines(_ answer: RunningServer.Answer) throws -> [[String: Any]] {
        try answer.text.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    /// Answers twenty requests of two customers.
    private func served(_ server: RunningServer) async throws {
        #expect(try await server.register("demo", fixture: "constant-1.onnx").status == 201)
        let serving = ["unit": "header:X-Customer-Id"]
        _ = try await server.release("demo", 1, policy: ["belay": 1, "model": "demo", "serving": serving])
        for number in 0..<20 {
            let answer = try await server.inference(
                "POST",
                "/v2/models/demo/infer",
                StoryTests.ask,
                headers: ["Belay-Request-Id": "r-\(number)", "X-Customer-Id": "customer-\(number % 2)"]
            )
            #expect(answer.status == 200, "\(answer.text)")
        }
    }

    @Test func everyAnswerIsListedOnceInPagesOrAllAtOnce() async throws {
        try await withServer { server in
            try await served(server)
            let whole = try await server.control("GET", "/v1/models/demo/predictions")
            #expect(whole.headers["content-type"] == "application/x-ndjson")
            let ids = try lines(whole).compactMap { $0["id"] as? String }
            #expect(ids == (0..<20).map { "r-\($0)" })
            var paged: [String] = []
            var next: String? = "0"
            while let from = next {
                let page = try await server.control("GET", "/v1/models/demo/predictions?limit=7&from=\(from)")
                paged += try lines(page).compactMap { $0["id"] as? String }
                next = page.headers["belay-next"]
            }
            #expect(paged == ids)
            let csv = try await server.control("GET", "/v1/models/demo/predictions?format=csv&version=1")
            #expect(csv.text.split(separator: "\r\n").count == 21)
            #expect(csv.text.hasPrefix("position,id,kind,at,model"))
            let future = "/v1/models/demo/predictions?since=2999-01-01T00:00:00Z"
            #expect(try await server.control("GET", future).text.isEmpty)
            for (query, status) in [("since=today", 400), ("version=9", 404), ("format=xml", 400)] {
                let answer = try await server.control("GET", "/v1/models/demo/predictions?\(query)")
                #expect(answer.status == status, "\(query)")
            }
        }
    }

    @Test func answersAreAskedForByAReleaseOfThatModelOrNotAtAll() async throws {
        try await withServer { server in
            try await served(server)
            #expect(try await server.register("other", fixture: "constant-1.onnx").status == 201)
            // Without a stable version no coin was tossed: all is in the list of the version's answers.
            let tossed = try await server.control("GET", "/v1/models/demo/predictions?release=r1")
            #expect(tossed.status == 200 && tossed.text.isEmpty)
            #expect(try lines(try await server.control("GET", "/v1/releases/r1/answers")).count == 20)
            for path in ["demo/predictions?release=r99", "other/predictions?release=r1"] {
                let answer = try await server.control("GET", "/v1/models/\(path)")
                #expect(answer.status == 404, "\(path)")
                #expect(answer.text.contains("release.unknown"), "\(path)")
            }
        }
    }

    @Test func theCustomersOfAReleaseAreListedInPages() async throws {
        try await withServer { server in
            try await served(server)
            let whole = try lines(try await server.control("GET", "/v1/releases/r1/subjects"))
            let counts = whole.compactMap { $0["answers"] as? Int }
            #expect(counts.reduce(0, +) == 20)
            var paged: [String] = []
            var next: String? = String(repeating: "0", count: 16)
            while let from = next {
                let page = try await server.control("GET", "/v1/releases/r1/subjects?limit=1&from=\(from)")
                paged += try lines(page).map { $0["subject"] as? String ?? "nobody" }
                next = page.headers["belay-next"]
            }
            #expect(paged == whole.map { $0["subject"] as? String ?? "nobody" })
            #expect(try await server.control("GET", "/v1/releases/r1/subjects?from=12").status == 400)
        }
    }

    @Test func anErasedCustomerIsCountedAndNoLongerReadable() async throws {
        try await withServer { server in
            try await served(server)
            let path = "/v1/models/demo/erasures"
            let before = try lines(try await server.control("GET", "/v1/models/demo/predictions"))
            // The log knows a person by the unit until requests name a subject.
            let unit = before.first { $0["id"] as? String == "r-1" }?["unit"] as? String
            let mine = unit == nil ? 0 : before.count { $0["unit"] as? String == unit }
            let first = try await server.control("POST", path, ["subject": "customer-1"])
            let erasure = try first.decoded(ErasureView.self)
            #expect(erasure.answers == mine)
            let ledger = try await server.control("GET", "/v1/ledger?limit=1000").text
            #expect(ledger.contains("operation.subject_erased") && ledger.contains(erasure.commitment))
            #expect(!ledger.contains("customer-1") && !ledger.contains(erasure.salt))
            var proof = Data()
            for start in stride(from: 0, to: 32, by: 2) {
                proof.append(try #require(UInt8(erasure.salt.dropFirst(start).prefix(2), radix: 16)))
            }
            proof.append(contentsOf: Array("customer-1".utf8))
            #expect(digestText(proof).hasSuffix(erasure.commitment), "the salt proves of whom")
            let again = try await server.control("POST", path, ["subject": "customer-1"])
            #expect(try again.decoded(ErasureView.self).answers == 0)
            let all = try lines(try await server.control("GET", "/v1/models/demo/predictions"))
            #expect(all.count == 20)
            #expect(all.count { $0["erased"] as? Bool == true && $0["request"] == nil } == mine)
            #expect(try await server.control("POST", path, ["subject": ""]).status == 400)
        }
    }
}
