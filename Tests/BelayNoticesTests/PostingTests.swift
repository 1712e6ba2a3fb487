import BelayCore
import BelayTesting
import Crypto
import Foundation
import Testing

@testable import BelayNotices

@Suite("What the services are sent")
struct PostingTests {
    private func rolledBack(_ targets: [NotifyTarget]) async throws -> (Town, ReleaseID) {
        let town = try Town(notify: targets)
        try await town.round()
        let id = try town.release()
        try town.world {
            _ = try $0.perform(.rule(id, .rollback("error_rate", [breach()])), by: .belay, at: 4000)
        }
        try await town.round()
        return (town, id)
    }

    @Test func webhooksAreSignedAsTheStandardsOwnVectorIs() throws {
        let keys = WebhookSigning.keys(in: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        let headers = WebhookSigning(keys: keys).headers(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            at: Timestamp(milliseconds: 1_614_265_330_000),
            body: Array(#"{"test": 2432232314}"#.utf8)
        )
        #expect(
            headers == [
                .init("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                .init("webhook-timestamp", "1614265330"),
                .init("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            ]
        )
    }

    @Test func duringAChangeOfSecretsBothSign() {
        let old = "whsec_" + Data(repeating: 1, count: 24).base64EncodedString()
        let new = "whsec_" + Data(repeating: 2, count: 32).base64EncodedString()
        let keys = WebhookSigning.keys(in: "\(new)\n\(old)")
        #expect(keys.count == 2)
        let headers = WebhookSigning(keys: keys).headers(
            id: "a",
            at: Timestamp(milliseconds: 0),
            body: []
        )
        let signatures = headers.last?.value.split(separator: " ") ?? []
        #expect(signatures.count == 2)
        #expect(Set(signatures).count == 2)
    }

    @Test(arguments: [
        "", "secret", "whsec_", "whsec_%%%", "whsec_c2hvcnQ=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZI x",
    ])
    func whatIsNoSecretSignsNothing(text: String) { #expect(WebhookSigning.keys(in: text).isEmpty) }

    @Test func theBodyThatIsSignedIsTheBodyThatIsSent() async throws {
        let (town, _) = try await rolledBack([
            target(.webhook, .plain("https://hooks/"), secret: "HOOK", events: ["rollback.automatic"])
        ])
        let request = try #require(town.board.requests.last)
        let key = try #require(Data(base64Encoded: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        let id = try #require(request.header("webhook-id"))
        let time = try #require(request.header("webhook-timestamp"))
        let signed = Data("\(id).\(time).".utf8) + Data(request.body)
        let code = Data(HMAC<SHA256>.authenticationCode(for: signed, using: .init(data: key)))
        #expect(request.header("webhook-signature") == "v1,\(code.base64EncodedString())")
        #expect(time == "1000")
        #expect(request.body.count < Postings.mostBytes)
        let cause = (request.json["data"] as? [String: Any])?["cause"] as? [String: Any]
        #expect(cause?["guard"] as? String == "error_rate")
        #expect(cause?["interval"] as? [Double] == [0.0052, 0.011])
        #expect(cause?["n"] as? Int == 2140)
    }

    @Test func cloudEventsAreAnOption() async throws {
        let (town, _) = try await rolledBack([
            target(.webhook, .plain("https://hooks/"), events: ["rollback.*"], format: .cloudEvents)
        ])
        let request = try #require(town.board.requests.first)
        #expect(request.header("Content-Type") == "application/cloudevents+json")
        #expect(request.json["specversion"] as? String == "1.0")
        #expect(request.json["type"] as? String == "dev.belay.rollback.automatic.v1")
        #expect(request.json["subject"] as? String == "fraud/prod")
        #expect(request.json["id"] as? String == request.header("webhook-id"))
        #expect(Timestamp(request.json["time"] as? String ?? "") != nil)
    }

    @Test func slackGetsAMessageThatNobodyCanWriteALinkInto() async throws {
        let town = try Town(notify: [target(.slack, .secret(.environment("SLACK")), events: ["release.held"])]
        )
        let id = try town.release()
        try town.world { _ = try $0.perform(.hold(id), at: 4000, reason: "<!channel> & <http://x|y>") }
        try await town.round()
        let request = try #require(town.board.requests.last)
        #expect(request.url == "https://slack/T/B/X")
        let text = try #require(request.json["text"] as? String)
        #expect(text.hasSuffix("held by ada: &lt;!channel&gt; &amp; &lt;http://x|y&gt;"))
        let blocks = try #require(request.json["blocks"] as? [[String: Any]])
        #expect(blocks.compactMap { $0["type"] as? String } == ["section", "section", "section", "actions"])
        #expect((blocks[1]["fields"] as? [Any])?.count ?? 0 <= 10)
        #expect(!String(decoding: request.body, as: UTF8.self).contains("<!channel>"))
    }

    @Test func pagerDutyIsToldOfTheBeginningAndOfTheEnd() async throws {
        let (town, id) = try await rolledBack([
            target(.pagerduty, secret: "PD", events: ["rollback.automatic"], severity: "critical")
        ])
        let trigger = try #require(town.board.requests.last)
        #expect(trigger.url == "https://events.pagerduty.com/v2/enqueue")
        #expect(trigger.json["event_action"] as? String == "trigger")
        #expect(trigger.json["routing_key"] as? String == "routing-key")
        #expect(trigger.json["dedup_key"] as? String == "belay/fraud/prod/\(id)")
        let payload = try #require(trigger.json["payload"] as? [String: Any])
        #expect(payload["severity"] as? String == "critical")
        #expect(payload["class"] as? String == "guard.error_rate")
        #expect(payload["source"] as? String == "belay/prod")
        // Somebody deals with it.
        try town.world { _ = try $0.perform(.allowAutomatic(Build.endpoint("fraud")), at: 9000) }
        try await town.round()
        let resolve = try #require(town.board.requests.last)
        #expect(resolve.json["event_action"] as? String == "resolve")
        #expect(resolve.json["dedup_key"] as? String == "belay/fraud/prod/\(id)")
        #expect(town.board.requests.count == 2)
    }

    @Test func pagerDutyIsNotToldOfTheEndWhileSomethingElseIsWrong() async throws {
        let town = try Town(notify: [target(.pagerduty, secret: "PD", events: ["release.held", "guard.*"])])
        let id = try town.release()
        try town.world { _ = try $0.perform(.hold(id), at: 4000) }
        town.report([id: [breach("error_rate", .blind)]])
        try await town.round()
        town.wait(.seconds(61))
        try await town.round()
        try town.world { _ = try $0.perform(.resume(id), at: 5000) }
        try await town.round()
        #expect(
            town.board.requests.compactMap { $0.json["event_action"] as? String } == ["trigger", "trigger"]
        )
        town.report([id: [breach("error_rate", .pass)]])
        try await town.round()
        let actions = town.board.requests.compactMap { $0.json["event_action"] as? String }
        #expect(actions.filter { $0 == "resolve" }.count == 1)
        #expect(try await town.outbox.stale(before: town.now).isEmpty)
    }

    /// Told late, the beginning would stand there for ever.
    @Test func whatWasOverBeforeItArrivedIsNotToldAfterTheEnd() async throws {
        let town = try Town(notify: [target(.pagerduty, secret: "PD", events: ["release.held"])])
        let id = try town.release()
        town.board.answer("events.pagerduty.com", .success(503), .success(202))
        try town.world { _ = try $0.perform(.hold(id), at: 4000) }
        try await town.round()
        try town.world { _ = try $0.perform(.resume(id), at: 5000) }
        try await town.round()
        town.wait(.seconds(6))
        try await town.round()
        let actions = town.board.requests.compactMap { $0.json["event_action"] as? String }
        #expect(actions == ["trigger", "resolve"])
        #expect(try await town.deliveries(.dropped).map(\.act) == [.raise])
        #expect(try await town.deliveries(.waiting).isEmpty)
    }

    @Test func whatIsNotWrongStandsAmongPagerDutysChanges() async throws {
        let town = try Town(notify: [target(.pagerduty, secret: "PD", events: ["release.started"])])
        _ = try town.release()
        try await town.round()
        let change = try #require(town.board.requests.last)
        #expect(change.url == "https://events.pagerduty.com/v2/change/enqueue")
        #expect(change.json["event_action"] == nil)
        #expect((change.json["payload"] as? [String: Any])?["summary"] != nil)
    }

    @Test func alertmanagerIsRemindedWhileItIsWrongAndToldWhenItIsOver() async throws {
        let (town, id) = try await rolledBack([
            target(.alertmanager, .plain("http://am:9093/"), secret: "AM", events: ["rollback.automatic"])
        ])
        let first = try #require(town.board.requests.last)
        #expect(first.url == "http://am:9093/api/v2/alerts")
        #expect(first.header("Authorization") == "Bearer token")
        let labels = try #require(first.list.first?["labels"] as? [String: String])
        #expect(labels["alertname"] == "BelayRollbackAutomatic")
        #expect(labels["belay_release"] == "\(id)")
        #expect(labels["belay_guard"] == "error_rate")
        town.wait(.seconds(59))
        try await town.round()
        #expect(town.board.requests.count == 1)
        town.wait(.seconds(1))
        try await town.round()
        #expect(town.board.requests.count == 2)
        let again = try #require(town.board.requests.last?.list.first)
        #expect(again["labels"] as? [String: String] == labels)
        #expect(again["startsAt"] as? String == first.list.first?["startsAt"] as? String)
        let endsAt = try #require(Timestamp(again["endsAt"] as? String ?? ""))
        #expect(endsAt == town.now.advanced(by: .seconds(300)))
        try town.world { _ = try $0.perform(.allowAutomatic(Build.endpoint("fraud")), at: 9000) }
        try await town.round()
        let over = try #require(town.board.requests.last?.list.first)
        #expect(over["labels"] as? [String: String] == labels)
        #expect(Timestamp(over["endsAt"] as? String ?? "") == town.now)
        town.wait(.seconds(600))
        try await town.round()
        #expect(town.board.requests.count == 3)
    }

    @Test func theJitterIsATenthAtMostAndTheSameEveryTime() {
        for tries in 1..<RetrySchedule.mostTries {
            let base = RetrySchedule.wait(afterTries: tries, seed: 0)
            var waits: Set<Duration> = []
            for seed in UInt64(1)...200 {
                let wait = RetrySchedule.wait(afterTries: tries, seed: seed &* 0x9e37_79b9)
                #expect(wait == RetrySchedule.wait(afterTries: tries, seed: seed &* 0x9e37_79b9))
                if let wait { waits.insert(wait) }
            }
            #expect(waits.count > 20)
            #expect(base != nil)
        }
        #expect(RetrySchedule.wait(afterTries: RetrySchedule.mostTries, seed: 1) == nil)
        #expect(RetrySchedule.wait(afterTries: 0, seed: 1) == nil)
    }
}
