import BelayCore
import BelayServer
import BelayTesting
import Foundation
import Testing

/// What leaves the server for those who are to be told, and what monitors outside may do.
@Suite("Notices and hooks", .serialized)
struct NoticeTests {
    private func policy(_ model: String, tells port: Int) -> [String: Any] {
        [
            "belay": 1, "model": model,
            "rollout": ["steps": [["canary": "10%", "for": "1h"]]],
            "rollback": ["good_after": "0s", "standby": "ignore"],
            "notify": [
                ["via": "webhook", "url": "http://127.0.0.1:\(port)/hook", "private": true]
            ],
        ]
    }

    /// `demo@1` serves, `demo@2` is a candidate at 10 %.
    private func onTrial(_ server: RunningServer, tells port: Int) async throws -> String {
        _ = try await server.register("demo", fixture: "constant-1.onnx")
        _ = try await server.register("demo", fixture: "constant-2.onnx")
        let first = try await server.release("demo", 1, policy: policy("demo", tells: port))
        _ = try await server.until {
            $0.phase == "settled"
        } of: {
            _ = try await server.control("POST", "/v1/releases/\(first.id)/promote")
            return try await server.control("GET", "/v1/releases/\(first.id)").decoded(ReleaseView.self)
        }
        return try await server.release("demo", 2).id
    }

    private func alert(
        _ labels: [String: String],
        status: String = "firing",
        startsAt: String = "2026-11-23T14:00:00Z",
        fingerprint: String = "f1"
    ) -> [String: Any] {
        var all = ["alertname": "ErrorsEverywhere", "belay_model": "demo"]
        all.merge(labels) { $1 }
        return [
            "status": status, "labels": all, "annotations": ["summary": "half of the answers fail"],
            "startsAt": startsAt, "endsAt": "0001-01-01T00:00:00Z", "fingerprint": fingerprint,
        ]
    }

    private func pull(_ server: RunningServer, _ alerts: [String: Any]...) async throws -> PullList {
        let message: [String: Any] = [
            "version": "4", "groupKey": "{}", "status": "firing", "receiver": "belay", "alerts": alerts,
        ]
        let answer = try await server.control("POST", "/hooks/alertmanager", message)
        #expect(answer.status == 200, "\(answer.text)")
        return try answer.decoded(PullList.self)
    }

    private func types(_ hook: LocalServer) -> [String] {
        hook.asked.compactMap { asked in
            let json = try? JSONSerialization.jsonObject(with: Data(asked.body.utf8)) as? [String: Any]
            return json?["type"] as? String
        }
    }

    @Test func everyStepOfAReleaseIsToldAndTheRecordSaysSo() async throws {
        try await LocalServer.with(.answer(status: 204, body: "")) { hook in
            try await withServer { server in
                let id = try await onTrial(server, tells: hook.port)
                let answer = try await server.control(
                    "POST",
                    "/v1/endpoints/demo/rollback",
                    headers: ["Belay-Reason": "runbook 7"]
                )
                #expect(answer.status == 200)
                _ = try await server.until {
                    $0.contains("rollback.confirmed")
                } of: {
                    types(hook)
                }
                let told = types(hook)
                let wanted = [
                    "release.started", "release.step_entered", "rollback.manual", "rollback.confirmed",
                ]
                #expect(told.suffix(4) == wanted[...])
                let ids = hook.asked.flatMap { $0.header("webhook-id") }
                #expect(Set(ids).count == told.count)
                let rollback = try #require(hook.asked.last { $0.body.contains("rollback.manual") })
                #expect(rollback.body.contains("\"reason\":\"runbook 7\""))
                #expect(rollback.body.contains("\"release\":\"\(id)\""))
                let list = try await server.until { list in
                    list.deliveries.allSatisfy { $0.state == "delivered" }
                } of: {
                    try await server.control("GET", "/v1/deliveries").decoded(DeliveryList.self)
                }
                #expect(list.deliveries.map(\.type) == told.reversed())
                #expect(list.deliveries.first?.target == "127.0.0.1")
                let metrics = try await server.control("GET", "/metrics").text
                let line = #"belay_webhook_deliveries_total{via="webhook",result="delivered"} \#(told.count)"#
                #expect(metrics.contains(line))
            }
        }
    }

    @Test func aTargetThatFailsIsSaidToBeBehind() async throws {
        try await LocalServer.with(.answer(status: 500, body: "")) { hook in
            try await withServer { server in
                _ = try await onTrial(server, tells: hook.port)
                let status = try await server.until {
                    $0.undelivered["demo"] ?? 0 > 0
                } of: {
                    try await server.control("GET", "/v1/status").decoded(StatusView.self)
                }
                #expect(status.undelivered.keys.sorted() == ["demo"])
                let list = try await server.control("GET", "/v1/deliveries?state=undelivered")
                    .decoded(DeliveryList.self)
                #expect(list.deliveries.contains { $0.error == "HTTP 500" })
                let unknown = try await server.control("POST", "/v1/deliveries/ntc_0/resend")
                #expect(unknown.status == 404)
                #expect(unknown.json["code"] as? String == "notice.unknown-delivery")
            }
        }
    }

    @Test func anAlertTakesTheCandidateOutOnce() async throws {
        try await LocalServer.with(.answer(status: 204, body: "")) { hook in
            try await withServer { server in
                let id = try await onTrial(server, tells: hook.port)
                let first = try await pull(server, alert(["belay_env": "prod"]))
                #expect(first.results.map(\.outcome) == ["done"])
                let release = try await server.control("GET", "/v1/releases/\(id)").decoded(ReleaseView.self)
                #expect(release.phase == "rolled_back")
                #expect(try await pull(server, alert([:])).results.map(\.outcome) == ["repeated"])
                // Another alert about what is over must not take out the version that serves.
                let other = try await pull(server, alert([:], fingerprint: "f2"))
                #expect(other.results.map(\.outcome) == ["refused"])
                let again = try await pull(server, alert([:], startsAt: "2026-11-23T15:00:00Z"))
                #expect(again.results.map(\.outcome) == ["refused"])
                let ledger = try await server.control("GET", "/v1/ledger?limit=1000").text
                #expect(ledger.contains("alert ErrorsEverywhere fired: half of the answers fail"))
                #expect(ledger.contains("\"actor\":\"alertmanager\""))
            }
        }
    }

    @Test func anAlertCanHoldAndOthersAreLeftAlone() async throws {
        try await LocalServer.with(.answer(status: 204, body: "")) { hook in
            try await withServer { server in
                let id = try await onTrial(server, tells: hook.port)
                let results = try await pull(
                    server,
                    alert(["belay_action": "hold"]),
                    alert([:], status: "resolved", fingerprint: "f3"),
                    alert(["belay_event": "rollback.automatic"], fingerprint: "f4"),
                    alert(["belay_action": "explode"], fingerprint: "f5"),
                    alert(["belay_model": "nobody"], fingerprint: "f6"),
                    alert(["belay_model": "../x"], fingerprint: "f7")
                ).results
                #expect(
                    results.map(\.outcome) == ["done", "ignored", "ignored", "refused", "refused", "refused"]
                )
                let release = try await server.control("GET", "/v1/releases/\(id)").decoded(ReleaseView.self)
                #expect(release.held?.by == "alertmanager")
            }
        }
    }

    @Test func whatIsNoMessageOfAlertmanagersIsRefused() async throws {
        try await withServer { server in
            for body in ["", "[]", "{", "{\"alerts\": 3}", "{\"version\":\"3\",\"alerts\":[]}"] {
                let answer = try await server.control("POST", "/hooks/alertmanager", Data(body.utf8))
                #expect(answer.status == 400, "\(body)")
                #expect(answer.json["code"] as? String == "hook.unreadable")
            }
        }
    }

    @Test func nobodyToTellIsSaid() async throws {
        try await withServer { server in
            _ = try await server.register("demo", fixture: "constant-1.onnx")
            let answer = try await server.control("POST", "/v1/endpoints/demo/notify/test")
            #expect(answer.status == 409)
            #expect(answer.json["code"] as? String == "notice.nobody-to-tell")
        }
    }

    @Test func whoeverHasNoSecretCannotPull() async throws {
        let folder = NSTemporaryDirectory() + "hook-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("rope-secret\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/secret"))
        try await withServer(hookSecret: .file("\(folder)/secret")) { server in
            let message: [String: Any] = ["version": "4", "alerts": []]
            for header in [nil, "rope-secret", "Bearer rope-secreT", "Bearer ", "Bearer rope-secret2"] {
                let answer = try await server.control(
                    "POST",
                    "/hooks/alertmanager",
                    message,
                    headers: header.map { ["Authorization": $0] } ?? [:]
                )
                #expect(answer.status == 422)
                #expect(answer.json["code"] as? String == "hook.not-allowed")
            }
            let allowed = try await server.control(
                "POST",
                "/hooks/alertmanager",
                message,
                headers: ["Authorization": "Bearer rope-secret"]
            )
            #expect(allowed.status == 200)
        }
    }
}
