import BelayCore
import Foundation
import Testing

@Suite struct PolicyNodeTests {
    @Test(arguments: [
        ("1", PolicyNode.Scalar.Kind.number), ("-0.5", .number), ("1e-3", .number), ("10.25E+2", .number),
        ("0", .number),
        ("01", .text), (".5", .text), ("1.", .text), ("1_000", .text), ("0x1f", .text), ("1e", .text),
        ("+1", .text),
        ("-", .text), ("10:30", .text), ("no", .text), ("off", .text), ("2026-12-18", .text), ("1%", .text),
        ("NaN", .text), (".inf", .text), ("true", .boolean), ("false", .boolean), ("True", .text),
        ("null", .null),
        ("~", .null), ("", .null),
    ])
    func aPlainScalarIsJSONOrText(text: String, kind: PolicyNode.Scalar.Kind) {
        #expect(PolicyNode.Scalar(plain: text).kind == kind)
    }

    @Test func quotedTextIsNeverANumber() {
        #expect(PolicyNode.Scalar(text: "1").kind == .text)
    }

    @Test func placesOfJSONArePointers() throws {
        let node = try document(#"{"a/b": [{"c~d": 1}]}"#)
        guard case .mapping(let members) = node.value, case .sequence(let nodes) = members[0].value.value,
            case .mapping(let inner) = nodes[0].value
        else {
            Issue.record("\(node)")
            return
        }
        #expect(members[0].keyPlace == .pointer("/a~1b"))
        #expect(inner[0].value.place == .pointer("/a~1b/0/c~0d"))
    }

    @Test func jsonKeepsOrderAndEscapesText() {
        let place = PolicyNode.Place.mark(line: 1, column: 1)
        let text = PolicyNode(.scalar(.init(text: "a\"\\\n\u{1}é")), at: place)
        let number = PolicyNode(.scalar(.init(plain: "1.50")), at: place)
        let node = PolicyNode(
            .mapping([
                .init(key: "z", keyPlace: place, value: text),
                .init(key: "a", keyPlace: place, value: PolicyNode(.sequence([number]), at: place)),
            ]),
            at: place
        )
        #expect(node.json == #"{"z":"a\"\\\n\u0001é","a":[1.50]}"#)
    }

    @Test func aDocumentSurvivesJSON() throws {
        let node = try document(#"{"a": [1, 0.5, true, null, "x"], "b": {}}"#)
        let again = try JSONDecoder().decode(PolicyNode.self, from: try JSONEncoder().encode(node))
        #expect(again == node)
        #expect(try document(node.json) == node)
    }

    @Test func whatIsNestedTooDeeplyIsRefused() {
        let json = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(throws: DecodingError.self) { try document(json) }
    }

    @Test(arguments: [
        "", #""rollout": {"use": "instant"}"#,
        #""serving": {"unit": "/a/b", "timeout": "1m30s"}, "labels": {"output": "x"}"#,
        #""rollout": {"steps": [{"canary": "0.0001%", "for": "366d", "min_samples": 0}, {"canary": "9%"}]}"#,
        #""guards": [{"metric": "error_rate", "max_rise": 0.123456789, "max": "33.33%", "min_samples": 7}]"#,
        #""guards": [{"metric": "accuracy", "name": "a", "max_drop": "0%", "min": "99.5%", "then": "hold"}]"#,
        #""guards": [], "rollback": {"good_after": "0s", "keep_warm": 20}"#,
        #""rollout": {"use": "careful"}, "guards": [{"metric": "disagreement", "max": "2%"}]"#,
        #""rollout": {"use": "shadow-only"}"#, #""rollout": {"use": "instant", "end": "hold"}"#,
        #""serving": {"record": {"sample": "0.0001%"}, "keep": {"for": "36600d", "size": "1500kB"}}"#,
        #""serving": {"record": "none", "redact": ["/a~1b"], "subject": "/user", "keep": {"size": "10GB"}}"#,
        #""serving": {"durability": "durable", "on_full": "refuse"}, "rollback": {"standby": "refuse"}"#,
        #""rollback": {"fallback": {"answer": {"a/b": [1e300, -0.5, true], "c": "x", "d": "1"}}}"#,
    ])
    func aPolicyWritesTheDocumentThatItIsReadFrom(more: String) throws {
        let policy = try decoded(more)
        let document = PolicyNode(describing: policy)
        #expect(try decodePolicy(document).get() == policy)
        #expect(try decodePolicy(try BelayCoreTests.document(document.json)).get() == policy)
    }

    @Test(arguments: [
        ("0s", Int64(0)), ("500ms", 500), ("30s", 30_000), ("15m", 900_000), ("1h30m", 5_400_000),
        ("7d", 604_800_000),
        ("1d2h3m4s5ms", 93_784_005), ("1m500ms", 60_500),
    ])
    func timesAreRead(text: String, value: Int64) {
        #expect(milliseconds(ofTime: text) == value)
    }

    @Test(arguments: [
        "", "s", "5", "5 m", "5M", "1m1h", "1m1m", "-1s", "1.5h", "367d", "99999999999999999999s",
        "9223372036854775807d",
        "1w", "5mss", "٣s", String(repeating: "1", count: 60) + "s",
    ])
    func whatIsNoTimeIsRefused(text: String) {
        #expect(milliseconds(ofTime: text) == nil)
    }
}
