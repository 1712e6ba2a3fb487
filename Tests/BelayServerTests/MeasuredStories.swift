import BelayCore
import BelayServer
import BelayTesting
import Foundation
import Testing

/// Guards that live on what was measured before, and on what somebody else measures: the whole way.
@Suite("Measured", .serialized)
struct MeasuredStories {
    private static let question = "sum(rate(bought{version=\"{{version}}\",arm=\"{{arm}}\"}[5m]))"

    private func policy(_ model: String, _ guarded: [String: Any]) -> [String: Any] {
        [
            "belay": 1, "model": model, "guards": [guarded],
            "rollout": ["steps": [["canary": "50%", "for": "0s", "min_samples": 20]]],
        ]
    }

    /// Asks until the log has taken `number` answers: what stable is like is read from it.
    private func serve(
        _ server: RunningServer,
        _ model: String,
        _ number: Int,
        _ body: (Int) -> [String: Any]
    ) async throws {
        for index in 0..<number {
            let answer = try await server.inference("POST", "/v2/models/\(model)/infer", body(index))
            #expect(answer.status == 200)
        }
        _ = try await server.until { (info: InfoView) in
            info.answersLogged >= number
        } of: {
            try await server.control("GET", "/v1/info").decoded(InfoView.self)
        }
    }

    /// Asks a hundred times between two looks at the release.
    private func ask(
        _ server: RunningServer,
        _ model: String,
        until isSo: (ReleaseView) -> Bool,
        of release: String,
        _ body: (Int) -> [String: Any]
    ) async throws -> ReleaseView {
        for _ in 0..<1000 {
            for index in 0..<100 {
                _ = try await server.inference("POST", "/v2/models/\(model)/infer", body(index))
            }
            let view = try await server.control("GET", "/v1/releases/\(release)").decoded(ReleaseView.self)
            if isSo(view) { return view }
        }
        throw RunningServer.NeverHappened()
    }

    @Test func inputsAreHeldAgainstWhatTheLogSaysOfStable() async throws {
        @Sendable func row(_ value: Double) -> [String: Any] {
            ["inputs": [["name": "x", "shape": [1], "datatype": "FP32", "data": [value]]]]
        }
        try await withServer { server in
            _ = try await server.register("demo", fixture: "constant-1.onnx")
            _ = try await server.register("demo", fixture: "constant-2.onnx")
            _ = try await server.release("demo", 1)
            try await serve(server, "demo", 250) { row(Double($0 % 2)) }
            let guarded: [String: Any] = ["metric": "feature_drift", "max": 0.25, "then": "hold"]
            let release = try await server.release("demo", 2, policy: policy("demo", guarded))
            let held = try await ask(server, "demo", until: { $0.held != nil }, of: release.id) { _ in row(96)
            }
            #expect(held.held?.cause == "guard:feature_drift")
            let report = try #require(held.guards.first { $0.name == "feature_drift" })
            #expect(report.feature == "x" && (report.value ?? 0) > 0.25)
            let metrics = try await server.control("GET", "/metrics").text
            #expect(metrics.contains(#"belay_feature_psi{model="demo",env="prod",feature="x"}"#))
        }
    }

    @Test func missingInputsAreHeldAgainstWhatTheLogSaysOfStable() async throws {
        @Sendable func row(_ text: String) -> [String: Any] {
            ["inputs": [["name": "text", "shape": [1], "datatype": "BYTES", "data": [text]]]]
        }
        try await withServer { server in
            _ = try await server.register("echo", fixture: "string-echo.onnx")
            // The same model with a description is another version.
            let bytes = try Data(contentsOf: fixtureURL("string-echo.onnx")) + [0x32, 1, 0x41]
            let digest = try await server.upload(bytes)
            let files = ["files": [["path": "model.onnx", "size": bytes.count, "digest": digest]]]
            #expect(try await server.control("POST", "/v1/models/echo/versions", files).status == 201)
            _ = try await server.release("echo", 1)
            try await serve(server, "echo", 250) { row(["red", "green", "blue"][$0 % 3]) }
            let guarded: [String: Any] = [
                "metric": "missing_rate", "feature": "text", "max": "5%", "then": "hold",
            ]
            let release = try await server.release("echo", 2, policy: policy("echo", guarded))
            let held = try await ask(server, "echo", until: { $0.held != nil }, of: release.id) {
                row($0.isMultiple(of: 2) ? "" : "red")
            }
            #expect(held.held?.cause == "guard:missing_rate")
        }
    }

    @Test func aMonitorElsewhereTakesAVersionOut() async throws {
        let now = wallClock().milliseconds / 1000
        let body =
            #"{"status":"success","data":{"resultType":"vector","result":[{"value":[\#(now),"7"]}]}}"#
        try await LocalServer.with(.answer(status: 200, body: body)) { monitor in
            let release = try await trial(asking: monitor) { $0.phase == "rolled_back" }
            #expect(release.cause == "guard:query")
            let asked = monitor.asked.compactMap { $0.target.removingPercentEncoding }
            #expect(asked.contains { $0.contains(#"bought{version="2",arm="candidate"}"#) })
            #expect(asked.allSatisfy { $0.hasPrefix("/api/v1/query?query=") })
        }
    }

    @Test func aMonitorThatFailsBlindsAndItsWordsAreTold() async throws {
        try await LocalServer.with(.answer(status: 503, body: "no healthy upstream")) { monitor in
            let release = try await trial(asking: monitor) { view in
                view.guards.contains {
                    $0.detail?.contains("the monitor was asked, but it answered 503") == true
                }
            }
            #expect(release.phase == "canary")
            #expect(release.guards.first { $0.name == "query" }?.verdict == "blind")
        }
    }

    private func trial(
        asking monitor: LocalServer,
        until isSo: @escaping @Sendable (ReleaseView) -> Bool
    ) async throws -> ReleaseView {
        let guarded: [String: Any] = ["metric": "query", "query": Self.question, "max": 5]
        let policy = policy("demo", guarded)
        let data = try JSONSerialization.data(withJSONObject: ["version": 2, "policy": policy])
        return try await withServer(prometheus: "http://127.0.0.1:\(monitor.port)") { server in
            _ = try await server.register("demo", fixture: "constant-1.onnx")
            _ = try await server.register("demo", fixture: "constant-2.onnx")
            _ = try await server.release("demo", 1)
            let answer = try await server.control("POST", "/v1/endpoints/demo/releases", data)
            let id = try answer.decoded(ReleaseView.self).id
            return try await server.until(isSo) {
                _ = try await server.inference("POST", "/v2/models/demo/infer", StoryTests.ask)
                return try await server.control("GET", "/v1/releases/\(id)").decoded(ReleaseView.self)
            }
        }
    }
}
