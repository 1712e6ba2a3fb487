import BelayCore
import Testing

@Suite("Policy: who is told")
struct PolicyNotifyTests {
    @Test func everyKeyReachesTheTarget() throws {
        let targets = try decoded(
            #"""
            "notify": [{"via": "slack", "url": "env:SLACK_URL", "events": ["release.*", "rollback.manual"]},
                       {"via": "pagerduty", "key": "file:/run/key", "severity": "critical"},
                       {"via": "webhook", "url": "http://10.0.0.7:80/x", "secret": "env:S",
                        "format": "cloudevents", "private": true}]
            """#
        ).notify
        #expect(
            targets == [
                NotifyTarget(
                    via: .slack,
                    url: .secret(.environment("SLACK_URL")),
                    secret: nil,
                    events: ["release.*", "rollback.manual"],
                    severity: nil,
                    format: .standardWebhooks,
                    allowsPrivate: false
                ),
                NotifyTarget(
                    via: .pagerduty,
                    url: nil,
                    secret: .file("/run/key"),
                    events: [],
                    severity: "critical",
                    format: .standardWebhooks,
                    allowsPrivate: false
                ),
                NotifyTarget(
                    via: .webhook,
                    url: .plain("http://10.0.0.7:80/x"),
                    secret: .environment("S"),
                    events: [],
                    severity: nil,
                    format: .cloudEvents,
                    allowsPrivate: true
                ),
            ]
        )
    }

    private static let secrets = [
        (#"{"via": "webhook", "url": "https://h", "secret": "whsec_x7Kq"}"#, "secret"),
        (#"{"via": "pagerduty", "key": "x7Kq"}"#, "key"),
        (#"{"via": "pagerduty", "key": 123}"#, "key"),
        (#"{"via": "slack", "url": "https://hooks.slack.com/services/x7Kq"}"#, "url"),
        (#"{"via": "webhook", "url": "https://user:x7Kq@h/"}"#, "url"),
    ]

    @Test(arguments: secrets)
    func aSecretInTheFileIsRefusedAndNotRepeated(target: String, key: String) throws {
        let found = try problems(policyJSON(#""notify": [\#(target)]"#))
        #expect(found.count == 1)
        let problem = try #require(found.first)
        #expect(
            problem.hasPrefix(
                "/notify/0/\(key) notify[0].\(key) holds a secret, and policies are recorded and shown to peo"
            )
        )
        #expect(!problem.contains("x7Kq") && !problem.contains("123"))
    }

    private static let mistakes: [(String, String)] = [
        (#"{"url": "https://h"}"#, #" notify[0] needs "via"; write via: slack, pagerduty, alertmanager or "#),
        (#"{"via": "email"}"#, #"/via notify[0].via "email" is not supported by this version of Belay; "#),
        (#"{"via": "slack"}"#, #" notify[0] by slack needs "url"; write url: env:SLACK_WEBHOOK_URL "#),
        (#"{"via": "pagerduty"}"#, #" notify[0] by pagerduty needs "key"; write key: env:PAGERDUTY_ROUTIN"#),
        (#"{"via": "webhook", "url": "h"}"#, "/url notify[0].url is no address; write http:// or https://"),
        (#"{"via": "webhook", "url": "https:///x"}"#, "/url notify[0].url is no address; write http:// or"),
        (
            #"{"via": "webhook", "url": "https://h", "secret": "file:run/x"}"#,
            #"/secret notify[0].secret is "file:run/x"; write the whole path, such as file:/run/secre"#
        ),
        (
            #"{"via": "webhook", "url": "https://h", "events": ["release.**"]}"#,
            #"/events/0 notify[0].events[0] is "release.**"; write the name of an event, such as rollback."#
        ),
        (
            #"{"via": "webhook", "url": "https://h", "events": ["rollback.automatik"]}"#,
            #"/events/0 notify[0].events[0] "rollback.automatik" is no event; did you mean "rollba"#
        ),
        (
            #"{"via": "webhook", "url": "https://h", "severity": "error"}"#,
            "/severity notify[0].severity has no meaning for webhook; take it out "
        ),
        (
            #"{"via": "webhook", "url": "https://h", "private": "true"}"#,
            "/private notify[0].private needs true or false, not a text; write true or take it out "
        ),
        (
            #"{"via": "slack", "url": "env:A", "channel": "x"}"#,
            #"/channel "channel" in notify[0] is not supported by this version of Belay; take it out; a S"#
        ),
    ]

    @Test(arguments: mistakes)
    func aMistakenTargetIsExplained(target: String, problem: String) throws {
        let found = try problems(policyJSON(#""notify": [\#(target)]"#))
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("/notify/0" + problem) == true, "\(found)")
    }
}
