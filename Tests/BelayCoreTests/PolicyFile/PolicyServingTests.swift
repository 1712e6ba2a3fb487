import BelayCore
import Testing

@Suite("Policy: records and failures")
struct PolicyServingTests {
    @Test func everyKeyReachesThePolicy() throws {
        let policy = try decoded(
            #"""
            "serving": {"record": {"sample": "10%"}, "durability": "durable", "on_full": "refuse",
                        "redact": ["/inputs/name", "/parameters/user"], "subject": "header:X-Customer",
                        "keep": {"for": "3650d", "size": "1.5GB"}},
            "rollback": {"inflight": "drain", "standby": "ignore",
                         "fallback": {"answer": {"label": 0, "p": [0.5, 0.5], "why": "none", "ok": false}}}
            """#
        )
        #expect(
            policy.serving.record
                == RecordSettings(
                    extent: .sample(share(percent: 10)),
                    durability: .durable,
                    onFull: .refuse,
                    redact: ["/inputs/name", "/parameters/user"],
                    subject: .header("x-customer"),
                    keepMilliseconds: 315_360_000_000,
                    keepBytes: 1_500_000_000
                )
        )
        #expect(policy.rollback.standby == .ignore)
        #expect(policy.rollback.failing.inflight == .drain)
        #expect(
            policy.rollback.failing.answer
                == StaticAnswer(outputs: [
                    "label": [.number(0)], "p": [.number(0.5), .number(0.5)], "why": [.text("none")],
                    "ok": [.boolean(false)],
                ])
        )
    }

    @Test(arguments: [
        ("every", RecordSettings.Extent.every), ("none", .none),
    ])
    func whatIsRecordedMayBeAWord(word: String, extent: RecordSettings.Extent) throws {
        #expect(try decoded(#""serving": {"record": "\#(word)"}"#).serving.record.extent == extent)
    }

    private static let mistakes: [(String, String)] = [
        (
            #""serving": {"record": "all"}"#,
            #"/serving/record serving.record does not know "all"; did you mean "every"? "#
        ),
        (#""serving": {"record": 1}"#, "/serving/record serving.record needs a text, not a number; "),
        (#""serving": {"record": {}}"#, #"/serving/record serving.record needs "sample"; write the share, "#),
        (
            #""serving": {"record": {"sample": 0.1}}"#,
            #"/serving/record/sample serving.record.sample is "0.1"; write 10% for that fraction of requests"#
        ),
        (
            #""serving": {"record": {"rate": "1%"}}"#,
            #"/serving/record/rate unknown key "rate" in serving.record; did you mean "sample"? "#
        ),
        (
            #""serving": {"durability": "disk"}"#,
            #"/serving/durability serving.durability does not know "disk"; it takes buffered, durable "#
        ),
        (
            #""serving": {"record": "none", "durability": "durable"}"#,
            "/serving serving records nothing, and yet its answers wait for the record; "
        ),
        (
            #""serving": {"record": "none", "on_full": "refuse"}"#,
            "/serving serving records nothing, and yet its answers wait for the record; "
        ),
        (
            #""serving": {"redact": ["name"]}"#,
            #"/serving/redact/0 serving.redact[0] is "name"; write a JSON pointer such as /inputs/name or "#
        ),
        (
            #""serving": {"redact": ["header:Authorization"]}"#,
            #"/serving/redact/0 serving.redact[0] is "header:Authorization"; take it out; headers are not "#
        ),
        (
            #""serving": {"redact": ["/a", "/a"]}"#,
            "/serving/redact/1 serving.redact[1] stands there already; keep one of them [policy.duplicate]"
        ),
        (
            #""serving": {"subject": "request"}"#,
            #"/serving/subject serving.subject is "request"; write head"#
        ),
        (
            #""serving": {"keep": {"for": "59s"}}"#,
            #"/serving/keep/for serving.keep.for is "59s"; write a time from 1m to 36600d, such as 15m, "#
        ),
        (
            #""serving": {"keep": {"size": "10GiB"}}"#,
            #"/serving/keep/size serving.keep.size is "10GiB"; write a size from 1MB to 1000TB, such as "#
        ),
        (
            #""serving": {"keep": {"size": 5}}"#,
            #"/serving/keep/size serving.keep.size is "5"; write a size "#
        ),
        (#""serving": {"keep": "90d"}"#, "/serving/keep serving.keep needs a mapping, not a text; write for"),
        (
            #""rollback": {"inflight": "keep"}"#,
            #"/rollback/inflight rollback.inflight does not know "keep"; it takes replay, drain, fail "#
        ),
        (
            #""rollback": {"standby": "ignroe"}"#,
            #"/rollback/standby rollback.standby does not know "ignroe"; did you mean "ignore"? "#
        ),
        (
            #""rollback": {"fallback": {}}"#,
            #"/rollback/fallback rollback.fallback needs "answer"; write the"#
        ),
        (
            #""rollback": {"fallback": {"rule": "x"}}"#,
            #"/rollback/fallback/rule "rule" in rollback.fallback is not supported by this version "#
        ),
        (
            #""rollback": {"fallback": {"answer": {}}}"#,
            "/rollback/fallback/answer rollback.fallback.answer has 0 outputs; write 1 to 64 "
        ),
        (
            #""rollback": {"fallback": {"answer": {"a": []}}}"#,
            "/rollback/fallback/answer/a rollback.fallback.answer.a has 0 values; write 1 to 1024 "
        ),
        (
            #""rollback": {"fallback": {"answer": {"a": {"b": 1}}}}"#,
            "/rollback/fallback/answer/a rollback.fallback.answer.a needs a value or a list of values, not a "
        ),
        (
            #""rollback": {"fallback": {"answer": {"a": [1, null]}}}"#,
            "/rollback/fallback/answer/a/1 rollback.fallback.answer.a[1] needs a number, a text, true or fal"
        ),
        (
            #""rollback": {"fallback": {"answer": {"": 1}}}"#,
            #"/rollback/fallback/answer/ rollback.fallback.answer cannot name an output "" here; name each "#
        ),
    ]

    @Test(arguments: mistakes)
    func aMistakeIsNamedWithItsPlaceAndItsRemedy(more: String, problem: String) throws {
        let found = try problems(policyJSON(more))
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix(problem) == true, "\(found)")
    }

    @Test func answersAreBounded() throws {
        func answer(_ outputs: Int, _ values: Int) -> String {
            let row = "[" + Array(repeating: "0", count: values).joined(separator: ",") + "]"
            let members = (0..<outputs).map { "\"o\($0)\": \(row)" }.joined(separator: ",")
            return policyJSON(#""rollback": {"fallback": {"answer": {\#(members)}}}"#)
        }
        #expect(try problems(answer(64, 2)).isEmpty)
        #expect(try problems(answer(1, 1024)).isEmpty)
        #expect(try problems(answer(65, 1)).count == 1)
        #expect(try problems(answer(1, 1025)).count == 1)
        let long = String(repeating: "x", count: 4097)
        #expect(
            try problems(policyJSON(#""rollback": {"fallback": {"answer": {"a": "\#(long)"}}}"#)).count == 1
        )
    }

    @Test func anOutputThatStandsTwiceIsRefused() {
        let place = PolicyNode.Place.mark(line: 1, column: 1)
        let plain = { (text: String) in PolicyNode(.scalar(.init(plain: text)), at: place) }
        func mapping(_ members: [(String, PolicyNode)]) -> PolicyNode {
            PolicyNode(
                .mapping(members.map { .init(key: $0.0, keyPlace: place, value: $0.1) }),
                at: place
            )
        }
        let answer = mapping([("answer", mapping([("a", plain("1")), ("a", plain("2"))]))])
        let node = mapping([
            ("belay", plain("1")), ("model", plain("m")),
            ("rollback", mapping([("fallback", answer)])),
        ])
        guard case .failure(let problems) = decodePolicy(node) else {
            Issue.record("it was taken")
            return
        }
        #expect(problems.all.map(\.code) == [.duplicate])
    }

    @Test func whatWouldBindNothingIsNoPolicy() {
        func policy(_ record: RecordSettings, _ answer: StaticAnswer?) -> Policy? {
            Policy(
                model: fraud,
                serving: ServingSettings(unit: .request, timeoutMilliseconds: 1, record: record),
                plan: .canary,
                guards: [],
                labels: Policy.Labels(output: nil),
                rollback: Policy.Rollback(
                    goodAfterMilliseconds: 0,
                    keepWarm: 1,
                    failing: FailureSettings(inflight: .replay, answer: answer),
                    standby: .wait
                )
            )
        }
        func record(_ time: Int64?, _ bytes: Int64?, redactions: Int = 0) -> RecordSettings {
            RecordSettings(
                extent: .every,
                durability: .buffered,
                onFull: .drop,
                redact: (0..<redactions).map { "/\($0)" },
                subject: nil,
                keepMilliseconds: time,
                keepBytes: bytes
            )
        }
        #expect(policy(record(1, 1, redactions: 64), StaticAnswer(outputs: ["a": [.number(0)]])) != nil)
        for bad in [record(0, nil), record(nil, -1), record(nil, nil, redactions: 65)] {
            #expect(policy(bad, nil) == nil)
        }
        for outputs in [[:], ["a": []], ["a": Array(repeating: .number(0), count: 1025)]]
            as [[String: [StaticAnswer.Value]]]
        {
            #expect(policy(.standard, StaticAnswer(outputs: outputs)) == nil)
        }
    }
}
