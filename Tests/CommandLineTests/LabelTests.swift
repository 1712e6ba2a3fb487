import BelayCore
import BelayServer
import Foundation
import Testing

@testable import belay

@Suite struct LabelTests {
    private func split(_ text: String) throws -> [String] {
        var splitter = LabelSplitter()
        let objects = try splitter.take(text.utf8)
        try splitter.finish()
        return objects.map { "\($0.line) \(String(decoding: $0.bytes, as: UTF8.self))" }
    }

    @Test(arguments: [
        ("", []), ("\n \n", []), ("[]", []), ("{}", ["1 {}"]),
        ("{\"a\":1}\n\n{\"b\":2}\n", ["1 {\"a\":1}", "3 {\"b\":2}"]),
        ("[{\"a\":1},\n{\"b\":{\"c\":[]}}]", ["1 {\"a\":1}", "2 {\"b\":{\"c\":[]}}"]),
        ("{\"a\":\"}\\\"{\"}{\"b\":[1,2]}", ["1 {\"a\":\"}\\\"{\"}", "1 {\"b\":[1,2]}"]),
    ])
    func linesAndArraysAreCutIntoObjects(text: String, objects: [String]) throws {
        #expect(try split(text) == objects)
    }

    @Test(arguments: [
        ("x", 1), ("{}\n7", 2), ("{},{}", 1), ("[{}]\n[", 2), ("[{}]{}", 1), ("]", 1), ("{}\n\n{\"a\":", 3),
        ("[{}", 1),
        ("[[", 1), ("null", 1),
    ])
    func whatIsNoObjectIsNamedByItsLine(text: String, line: Int) {
        #expect(throws: LabelSplitter.Stray(line: line)) { try split(text) }
    }

    @Test func anEndlessObjectIsRefused() {
        #expect(throws: LabelSplitter.Stray(line: 1)) {
            try split("{\"a\":\"" + String(repeating: "x", count: LabelSplitter.largestObject))
        }
    }

    @Test func cutAtEveryByteTheObjectsAreTheSame() throws {
        let text = "[{\"id\":\"é{\\\\\\\"\", \"value\":1},\n{\"id\":\"b\"} ]\n"
        let whole = try split(text)
        let bytes = Array(text.utf8)
        for cut in bytes.indices {
            var splitter = LabelSplitter()
            let objects = try splitter.take(bytes[..<cut]) + splitter.take(bytes[cut...])
            try splitter.finish()
            #expect(objects.map { "\($0.line) \(String(decoding: $0.bytes, as: UTF8.self))" } == whole)
        }
    }

    private func rows(_ text: String) throws -> [String] {
        var splitter = RowSplitter()
        var rows = try splitter.take(text.utf8)
        if let last = try splitter.finish() { rows.append(last) }
        return rows.map { "\($0.line) \(String(decoding: $0.bytes, as: UTF8.self))" }
    }

    @Test(arguments: [
        ("", []), ("\n\r\n", []), ("id,value", ["1 id,value"]), ("a,1\r\nb,2\n", ["1 a,1", "2 b,2"]),
        ("a,\"x\ny\"\nb,2", ["1 a,\"x\ny\"", "3 b,2"]),
        ("\"a\"\"\n\",1\n\nb,2", ["1 \"a\"\"\n\",1", "4 b,2"]),
    ])
    func aTableIsCutIntoRowsAndQuotedLineEndsStay(text: String, expected: [String]) throws {
        #expect(try rows(text) == expected)
        let bytes = Array(text.utf8)
        for cut in bytes.indices {
            var splitter = RowSplitter()
            var cutRows = try splitter.take(bytes[..<cut]) + splitter.take(bytes[cut...])
            if let last = try splitter.finish() { cutRows.append(last) }
            #expect(cutRows.map { "\($0.line) \(String(decoding: $0.bytes, as: UTF8.self))" } == expected)
        }
    }

    @Test func aRowThatDoesNotEndIsRefused() {
        #expect(throws: RowSplitter.Endless(line: 2)) { try rows("a,1\nb,\"x\ny") }
        let long = String(repeating: "x", count: RowSplitter.longestRow + 1)
        #expect(throws: RowSplitter.Endless(line: 1)) { try rows(long) }
    }

    @Test(arguments: [
        (#"{"id":"a","value":1.00000000000000000001}"#, #"{"id":"a","value":1.00000000000000000001}"#),
        ("{\"id\":\n1}", #"{"id": 1}"#),
    ])
    func aLabelGoesOnOneLineWithEachOfItsDigits(text: String, sent: String) {
        var batch = LabelBatch()
        batch.add(Array(text.utf8), line: 1, isObject: true)
        #expect(String(decoding: batch.request, as: UTF8.self) == sent + "\n")
    }

    @Test func eachRequestOfATableHasTheHeader() {
        var batch = LabelBatch()
        batch.header = Data("id,value\n".utf8)
        for line in 2...3 {
            batch.add(Array("a,\"x\ny\"".utf8), line: line, isObject: false)
            #expect(String(decoding: batch.request, as: UTF8.self) == "id,value\na,\"x\ny\"\n")
            batch.removeAll()
        }
        #expect(batch.isEmpty)
    }

    @Test func aBatchIsFullAfterAThousandLabelsOrAMegabyte() {
        var batch = LabelBatch()
        for line in 1...LabelBatch.mostLabels {
            #expect(!batch.isFull)
            batch.add(Array("{}".utf8), line: line, isObject: true)
        }
        #expect(batch.isFull)
        batch.removeAll()
        #expect(batch.isEmpty)
        batch.add(Array(repeating: 0x20, count: LabelBatch.mostBytes), line: 1, isObject: true)
        #expect(batch.isFull)
    }

    @Test func whatIsRejectedIsNamedByTheLineOfTheFile() {
        var batch = LabelBatch()
        batch.add(Array("{}".utf8), line: 7, isObject: true)
        batch.add(Array("{}".utf8), line: 9, isObject: true)
        var answer = LabelsView(batch: "lab_1")
        (answer.accepted, answer.waiting) = (1, 1)
        answer.rejected = [.init(line: 2, code: "c", detail: "d")]
        #expect(batch.inFile(answer).rejected.map(\.line) == [9])
        let sum = LabelsView.none.adding(answer).adding(answer)
        #expect(sum.accepted == 2 && sum.waiting == 2 && sum.batch == "lab_1")
    }

    @Test(arguments: [
        ("up", FeedbackCommand.Opinion.up), ("down", .down), ("4.5", .score(4.5)), ("0", .score(0)),
    ])
    func anOpinionIsAThumbOrAScore(text: String, opinion: FeedbackCommand.Opinion) {
        #expect(FeedbackCommand.Opinion(argument: text) == opinion)
    }

    @Test(arguments: ["", "meh", "-1", "nan", "inf"])
    func whatIsNoOpinionIsRefused(text: String) {
        #expect(FeedbackCommand.Opinion(argument: text) == nil)
    }

    @Test func aSourceIsEscapedInTheAddress() throws {
        let model = try #require(ModelName("fraud"))
        #expect(
            APIPath.labels(model, kind: "outcome", source: "a&b=é/").text
                == "/v1/labels?model=fraud&kind=outcome&source=a%26b%3D%C3%A9%2F"
        )
    }
}
