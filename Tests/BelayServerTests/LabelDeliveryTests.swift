import BelayCore
import BelayInference
import BelayInferenceLog
import Foundation
import Testing

@testable import BelayServer

/// From the bytes of a request to labels, each on its own.
@Suite("A request with labels")
struct LabelDeliveryTests {
    private func labels(
        _ text: String,
        _ type: String? = nil,
        defaults: LabelDelivery.Defaults = .init(model: "fraud")
    ) throws -> [Result<LabelBody, LabelFault>] {
        try LabelDelivery(body: Array(text.utf8), contentType: type, defaults: defaults).labels()
    }

    private func fault(_ text: String) throws -> String? {
        guard case .failure(let fault) = try #require(labels(text).first) else { return nil }
        return fault.code
    }

    @Test(arguments: [
        #"{"id":"a","value":1}"#, #"[{"id":"a","value":1}]"#, "{\n\"id\":\"a\",\n\"value\":1}",
        "\n{\"id\":\"a\",\"value\":1}\n\n", #"{"id":"a","value":1,"unknown":{"deep":[1,{}]}}"#,
    ])
    func oneLabelInAnyOfItsForms(text: String) throws {
        let found = try labels(text)
        let label = try found.map { try $0.get() }
        #expect(label.count == 1 && label.first?.subject == .id("a") && label.first?.value == .number(1))
    }

    @Test func everyFieldOfALabelIsRead() throws {
        let text = #"""
            {"id":"a","model":"loan","value":{"label":1,"rank":[1,2]},"at":"2026-11-20T09:00:00Z",
             "kind":"corrected","source":"chargebacks","final":false,"weight":0.5,"note":"why"}
            """#
        let label = try #require(labels(text).first).get()
        #expect(label.model.text == "loan" && label.kind == .corrected && label.source == "chargebacks")
        #expect(label.at == Timestamp("2026-11-20T09:00:00Z") && !label.isFinal && label.weight == 0.5)
        #expect(label.note == "why")
        #expect(
            label.value == .outputs(["label": .number(1), "rank": .list([.number(1), .number(2)])])
        )
    }

    @Test func anAssessmentInMLflowsWords() throws {
        let text = #"""
            {"trace_id":"a","assessment_name":"relevance","source":{"source_type":"HUMAN","source_id":"ann"},
             "feedback":{"value":"no"},"rationale":"off topic","metadata":{"k":"v"}}
            """#
        let label = try #require(labels(text, defaults: .init(model: "fraud", kind: .outcome)).first).get()
        #expect(label.kind == .feedback && label.value == .text("no") && label.source == "ann")
        #expect(label.name == "relevance" && label.note == "off topic" && label.subject == .id("a"))
        let expected = #"{"id":"a","source":{"source_type":"CODE"},"expectation":{"value":3}}"#
        let other = try #require(labels(expected).first).get()
        #expect(other.kind == .expected && other.value == .number(3) && other.source == "CODE")
    }

    @Test func aTableIsKnownByItsTypeOrItsHeader() throws {
        let text = "\u{feff}id,value,kind,final,extra\r\n\"a,1\",\"x \"\"y\"\"\",outcome,,\r\nb,,,,\nc,1\n"
        let found = try labels(text, "text/csv; charset=utf-8")
        let first = try found[0].get()
        #expect(first.subject == .id("a,1") && first.value == .text("x \"y\"") && first.isTabular)
        #expect(found.count == 3)
        #expect(throws: LabelFault.self) { try found[1].get() }
        #expect(throws: LabelFault.self) { try found[2].get() }
        let sniffed = try labels("id,value\na,1\n").map { try $0.get() }
        #expect(sniffed.map(\.value) == [.text("1")])
        let scores = try labels("id,score\na,4\n", defaults: .init(model: "m", kind: .feedback))
        #expect(try scores.map { try $0.get() }.first?.value == .number(4))
    }

    @Test(
        arguments: [
            ("id\na\n", "text/csv"), ("id,value\n\"a,1\n", "text/csv"), ("id,id,value\na,b,1", "text/csv"),
            ("id,value" + String(repeating: ",x", count: 300), "text/csv"), ("", "text/csv"), ("", nil),
            ("  \n ", nil), ("[]", nil), ("[1", nil), ("[{}] x", nil),
        ] as [(String, String?)]
    )
    func whatIsNoBatchIsRefusedWhole(text: String, type: String?) {
        #expect(throws: LabelsError.self) { try labels(text, type) }
    }

    @Test(arguments: [
        ("not json", "label.unreadable"), (#"{"value":1}"#, "label.unreadable"),
        (#"{"id":"a"}"#, "label.unreadable"), (#"{"id":"a","value":null}"#, "label.unreadable"),
        (#"{"id":7,"value":1}"#, "label.unreadable"), (#"{"id":"","value":1}"#, "label.unreadable"),
        (#"{"id":"a","id":"b","value":1}"#, "label.unreadable"),
        (#"{"id":"a","value":1e999}"#, "label.unreadable"), (#"{"id":"a","value":NaN}"#, "label.unreadable"),
        (#"{"id":"a","value":[[[[[[[[[1]]]]]]]]]}"#, "label.unreadable"),
        (#"{"id":"a","value":1,"weight":-1}"#, "label.unreadable"),
        (#"{"id":"a","value":1,"final":"yes"}"#, "label.unreadable"),
        (#"{"id":"a","value":1,"at":"yesterday"}"#, "label.bad-time"),
        (#"{"id":"a","value":1,"kind":"guess"}"#, "label.unknown-kind"),
        (#"{"id":"a","value":1,"model":"a/b"}"#, "label.unknown-model"),
        (#"{"id":"a","value":1,"kind":"outcome","score":3}"#, "label.unreadable"),
        (#"{"id":"a","match":{},"value":1}"#, "label.unreadable"),
        (#"{"match":{"/a":"b"},"value":1}"#, "label.unreadable"),
        (
            #"{"match":{"/a":"b","between":["2026-11-23T00:00:00Z","2026-11-22T00:00:00Z"]},"value":1}"#,
            "label.unreadable"
        ),
        (
            #"{"match":{"a":"b","between":["2026-11-22T00:00:00Z","2026-11-23T00:00:00Z"]},"value":1}"#,
            "label.unreadable"
        ),
    ])
    func aLabelThatCannotBeReadHasItsCode(text: String, code: String) throws {
        #expect(try fault(text) == code)
    }

    @Test func textsValuesAndBatchesHaveBounds() throws {
        let long = String(repeating: "x", count: 129)
        #expect(try fault(#"{"id":"\#(long)","value":1}"#) == "label.unreadable")
        let huge = String(repeating: "x", count: LabelBody.longestValue)
        #expect(try fault(#"{"id":"a","value":"\#(huge)"}"#) == "label.unreadable")
        let note = String(repeating: "x", count: 5000)
        #expect(try fault(#"{"id":"a","value":1,"note":"\#(note)"}"#) == "label.unreadable")
        let lines = String(repeating: "{}\n", count: LabelDelivery.mostLabels + 1)
        #expect(throws: LabelsError.tooMany) { try labels(lines) }
        let array = "[" + String(repeating: "0,", count: LabelDelivery.mostLabels + 1) + "0]"
        #expect(throws: LabelsError.tooMany) { try labels(array) }
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: LabelsError.self) { try labels(deep) }
        #expect(try fault(#"{"id":"a","value":\#(deep)"#) == "label.unreadable")
    }

    @Test func aLabelNestedTooDeepDoesNotSpoilItsNeighbours() throws {
        let deep = String(repeating: "[", count: 20) + String(repeating: "]", count: 20)
        let found = try labels(#"[{"id":"a","value":\#(deep)},{"id":"b","value":1}]"#)
        #expect(found.count == 2)
        #expect(throws: LabelFault.self) { try found[0].get() }
        #expect(try found[1].get().subject == .id("b"))
    }

    @Test func theSameBodyHasTheSameName() {
        let one = LabelDelivery(body: [1], contentType: nil)
        #expect(one.batch == LabelDelivery(body: [1], contentType: "text/csv").batch)
        #expect(one.batch != LabelDelivery(body: [2], contentType: nil).batch)
        #expect(one.batch.hasPrefix("lab_") && one.batch.count == 20)
    }

    @Test(arguments: [
        (LabelValue.number(1), "1"), (.number(-0.5), "-0.5"), (.bool(true), "true"),
        (.text("a\"b"), #""a\"b""#),
        (.list([.number(1), .text("é")]), #"[1,"é"]"#),
        (
            .outputs(["b": .number(2), "a": .bool(false)]),
            #"{"a":false,"b":2}"#
        ),
    ])
    func aValueIsWrittenOneWayAndReadBack(value: LabelValue, text: String) {
        #expect(canonical(value) == text)
        #expect(LabelValue(canonical: text) == value)
    }
}
