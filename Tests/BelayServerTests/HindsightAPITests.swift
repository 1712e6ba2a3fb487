import BelayCore
import BelayServer
import Foundation
import Testing

/// What the record says afterwards, over HTTP.
@Suite("Hindsight over HTTP", .serialized)
struct HindsightAPITests {
    /// Constant-1 serves, and constant-2 is on trial with half of forty requests.
    private func withTrial(
        _ check: @escaping @Sendable (RunningServer, ReleaseView) async throws -> Void
    ) async throws {
        try await withServer { server in
            #expect(try await server.register("demo", fixture: "constant-1.onnx").status == 201)
            #expect(try await server.register("demo", fixture: "constant-2.onnx").status == 201)
            #expect(try await server.release("demo", 1).phase == "settled")
            let release = try await server.release("demo", 2, policy: Self.patient)
            for _ in 0..<40 {
                _ = try await server.inference("POST", "/v2/models/demo/infer", StoryTests.ask)
            }
            try await check(server, release)
        }
    }

    /// One step that asks for more answers than it gets.
    private static var patient: [String: Any] {
        [
            "belay": 1, "model": "demo",
            "rollout": [
                "steps": [["canary": "50%", "for": "0s", "min_samples": 100_000]], "deadline": "30d",
            ],
            "guards": [["metric": "error_rate", "max_rise": "1%"], ["metric": "latency_p99", "max": "2s"]],
        ]
    }

    @Test func whySaysWhatChangedAndWhatWasNotTheCause() async throws {
        try await withTrial { server, release in
            #expect(try await server.control("POST", "/v1/endpoints/demo/rollback").status == 200)
            let why = try await server.control("GET", "/v1/releases/\(release.id)/why").decoded(WhyView.self)
            #expect(why.changed.contains { $0.what == "file" && $0.name == "model.onnx" })
            #expect(why.decisive == nil && why.crossed == nil && why.otherwise.isEmpty)
        }
    }

    /// The newest release was refused before the one that serves was taken out.
    @Test func whyOfAModelTellsOfTheVersionThatWasTakenOutLast() async throws {
        try await withTrial { server, trial in
            func told() async throws -> String {
                try await server.control("GET", "/v1/endpoints/demo/why").decoded(WhyView.self).release.id
            }
            #expect(try await server.control("POST", "/v1/releases/\(trial.id)/promote").status == 200)
            #expect(try await server.register("demo", fixture: "regressor.onnx").status == 201)
            let newest = try await server.release("demo", 3)
            #expect(newest.phase == "refused")
            #expect(try await told() == newest.id)
            #expect(try await server.control("POST", "/v1/endpoints/demo/rollback").status == 200)
            #expect(try await told() == trial.id)
        }
    }

    @Test func aReleaseIsJudgedAgainByAnotherPolicy() async throws {
        try await withTrial { server, release in
            let path = "/v1/releases/\(release.id)/replay"
            let own = try await server.control("POST", path, [:])
            #expect(own.status == 200, "\(own.text)")
            let view = try own.decoded(ReplayView.self)
            #expect(view.recorded == view.replayed)
            #expect(view.remarks.isEmpty || view.ticks <= 1)
            let policy: [String: Any] = [
                "belay": 1, "model": "demo", "rollout": ["use": "instant"],
                "guards": [["metric": "error_rate", "max": "5%"]],
            ]
            let other = try await server.control("POST", path, ["policy": policy]).decoded(ReplayView.self)
            #expect(other.remarks.contains { $0.hasPrefix("the shares are those that were recorded") })
            let wrong = try await server.control("POST", path, ["policy": ["belay": 1]])
            #expect(wrong.status == 422)
            let another = try await server.control(
                "POST",
                path,
                ["policy": ["belay": 1, "model": "another"] as [String: Any]]
            )
            #expect(another.status == 422)
        }
    }

    @Test func aPlanSaysHowMuchTrafficItNeeds() async throws {
        try await withTrial { server, release in
            let path = "/v1/releases/\(release.id)/forecast"
            let forecast = try await server.control("GET", path).decoded(ForecastView.self)
            let step = try #require(forecast.steps.first)
            #expect(step.kind == "canary" && step.share == 50)
            #expect(step.requests >= 200_000)
            let asked = try await server.control("POST", "/v1/endpoints/demo/forecast", [:])
            #expect(asked.status == 200, "\(asked.text)")
        }
    }

    @Test func theAnswerToAProposalSaysWhatItWillNeed() async throws {
        try await withServer { server in
            #expect(try await server.register("demo", fixture: "constant-1.onnx").status == 201)
            #expect(try await server.register("demo", fixture: "constant-2.onnx").status == 201)
            #expect(try await server.release("demo", 1).phase == "settled")
            let body: [String: Any] = ["version": 2, "policy": Self.patient]
            let path = "/v1/endpoints/demo/releases"
            let proposed = try await server.control("POST", path, body).decoded(ReleaseView.self)
            let forecast = try #require(proposed.forecast)
            #expect(forecast.steps.first?.requests == 200_000)
            let later = try await server.control("GET", "/v1/releases/\(proposed.id)")
            #expect(try later.decoded(ReleaseView.self).forecast == nil)
        }
    }

    @Test func aGuardThatNobodyHasCannotBeWaived() async throws {
        try await withTrial { server, release in
            let path = "/v1/releases/\(release.id)/waive"
            let refused = try await server.control("POST", path, ["guards": ["recall"], "reason": "x"])
            #expect((400..<500).contains(refused.status))
            #expect(try await server.control("POST", path, ["guards": [String]()]).status == 400)
            let waived = try await server.control("POST", path, ["guards": ["error_rate"], "reason": "seen"])
            #expect(waived.status == 200, "\(waived.text)")
            let why = try await server.control("GET", "/v1/releases/\(release.id)/why").decoded(WhyView.self)
            #expect(why.story.contains { $0.kind == "release.waived" && $0.reason == "seen" })
        }
    }

    @Test func incidentsAreListedAndNoneIsClosedTwice() async throws {
        try await withTrial { server, _ in
            let list = try await server.control("GET", "/v1/incidents?model=demo").decoded(IncidentList.self)
            #expect(list.incidents.isEmpty)
            #expect(try await server.control("POST", "/v1/incidents/i1/close", [:]).status == 404)
            #expect(try await server.control("POST", "/v1/incidents/x/close", [:]).status == 400)
        }
    }
}
