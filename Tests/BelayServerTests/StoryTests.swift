import BelayServer
import Foundation
import Testing

/// The whole way, over HTTP, with real ONNX models: constant-1 answers 1, constant-2 answers 2.
@Suite("Story", .serialized)
struct StoryTests {
    static var ask: [String: Any] {
        ["inputs": [["name": "x", "shape": [1], "datatype": "FP32", "data": [0.5]]]]
    }

    /// One step at half of the requests, so that nothing has to be waited for.
    static var quick: [String: Any] {
        [
            "belay": 1, "model": "demo",
            "rollout": ["steps": [["canary": "50%", "for": "0s", "min_samples": 20]]],
        ]
    }

    private func value(_ answer: RunningServer.Answer) -> Double? {
        let outputs = answer.json["outputs"] as? [[String: Any]]
        return (outputs?.first?["data"] as? [Double])?.first
    }

    @Test func aFirstReleaseServesAtOnceAndARollbackBringsItBack() async throws {
        try await withServer { server in
            let first = try await server.register("demo", fixture: "constant-1.onnx")
            #expect(first.status == 201)
            let again = try await server.register("demo", fixture: "constant-1.onnx")
            #expect(again.status == 200)
            #expect(try again.decoded(RegistrationView.self).created == false)
            #expect(try await server.register("demo", fixture: "constant-2.onnx").status == 201)

            #expect(try await server.release("demo", 1).phase == "settled")
            let answer = try await server.inference("POST", "/v2/models/demo/infer", StoryTests.ask)
            #expect(answer.status == 200 && value(answer) == 1)
            #expect(answer.headers["belay-version"] == "1")

            let second = try await server.release("demo", 2, policy: StoryTests.quick)
            #expect(second.phase == "canary" && second.share == 50)
            let promoted = try await server.control("POST", "/v1/releases/\(second.id)/promote", [:])
            #expect(try promoted.decoded(ReleaseView.self).phase == "settled")
            let newer = try await server.inference("POST", "/v2/models/demo/infer", StoryTests.ask)
            #expect(value(newer) == 2)

            let back = try await server.control("POST", "/v1/endpoints/demo/rollback")
            let receipt = try back.decoded(RollbackView.self)
            #expect(receipt.from == 2 && receipt.to == 1 && receipt.fence == "complete")
            let older = try await server.inference("POST", "/v2/models/demo/infer", StoryTests.ask)
            #expect(value(older) == 1)
            let pinned = try await server.inference(
                "POST",
                "/v2/models/demo/versions/2/infer",
                StoryTests.ask
            )
            #expect(pinned.status == 410)
            let refused = try await server.control("POST", "/v1/endpoints/demo/releases", ["version": 2])
            #expect(refused.status == 409)
            #expect(refused.json["code"] as? String == "version.quarantined")
        }
    }

    @Test func labelsConvictACandidateThatIsWrong() async throws {
        try await withServer { server in
            _ = try await server.register("demo", fixture: "constant-1.onnx")
            _ = try await server.register("demo", fixture: "constant-2.onnx")
            _ = try await server.release("demo", 1)
            var policy = StoryTests.quick
            policy["guards"] = [["metric": "accuracy", "max_drop": "2%"]]
            let release = try await server.release("demo", 2, policy: policy)
            var number = 0
            let ended = try await server.until { (view: ReleaseView) in
                view.phase == "rolled_back"
            } of: {
                number += 1
                let id = "story-\(number)"
                _ = try await server.inference(
                    "POST",
                    "/v2/models/demo/infer",
                    StoryTests.ask,
                    headers: ["Belay-Request-Id": id]
                )
                _ = try await server.inference(
                    "POST",
                    "/v1/labels",
                    ["id": id, "model": "demo", "value": 1]
                )
                return try await server.control("GET", "/v1/releases/\(release.id)").decoded(ReleaseView.self)
            }
            #expect(ended.cause == "guard:accuracy")
            let status = try await server.control("GET", "/v1/endpoints/demo").decoded(EndpointView.self)
            #expect(status.serving?.version == 1 && status.withdrawn == [2] && !status.automatic)
            let why = try await server.control("GET", "/v1/releases/\(release.id)/why").decoded(WhyView.self)
            #expect(why.decisive?.name == "accuracy")
            #expect((why.decisive?.value ?? 0) < -0.5)
            #expect(why.fence?.fence == "complete")
        }
    }

    @Test func theStoryGoesOnAfterARestart() async throws {
        let folder = NSTemporaryDirectory() + "belay-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await withServer(data: folder) { server in
            _ = try await server.register("demo", fixture: "constant-1.onnx")
            _ = try await server.register("demo", fixture: "constant-2.onnx")
            _ = try await server.release("demo", 1)
            _ = try await server.release("demo", 2, policy: StoryTests.quick)
        }
        try await withServer(data: folder) { server in
            let status = try await server.control("GET", "/v1/endpoints/demo").decoded(EndpointView.self)
            #expect(status.serving?.version == 1 && status.release?.phase == "canary")
            let verified = try await server.control("GET", "/v1/ledger/verify").decoded(VerificationView.self)
            #expect(verified.ok, "\(verified)")
            let answer = try await server.inference("POST", "/v2/models/demo/infer", StoryTests.ask)
            #expect(answer.status == 200)
        }
        #expect(try verifyLedger(dataDirectory: folder).ok)
    }

    @Test func aModelThatRepliesWithAMapIsRefusedWithTheRemedy() async throws {
        try await withServer { server in
            let answer = try await server.register("zip", fixture: "zipmap.onnx")
            #expect(answer.status == 422)
            #expect((answer.json["remedy"] as? String ?? "").contains("zipmap"))
        }
    }
}
