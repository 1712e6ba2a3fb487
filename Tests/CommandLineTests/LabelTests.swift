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

    @Test(arguments: [
        (
            #"{"id":"a","value":1.00000000000000000001}"#,
            #"{"model":"fraud","id":"a","value":1.00000000000000000001}"#
        ),
        (#"{"id":"a","model":"loan"}"#, #"{"id":"a","model":"loan"}"#),
        (#"{"id":"\"model\""}"#, #"{"model":"fraud","id":"\"model\""}"#),
        (#"{"model":null}"#, #"{"model":null}"#), ("{ }", #"{"model":"fraud" }"#),
        ("{nonsense}", "{nonsense}"),
        ("{\"id\":\n1}", #"{"model":"fraud","id": 1}"#),
    ])
    func aLabelThatNamesNoModelGetsOne(text: String, sent: String) throws {
        var batch = LabelBatch(model: try #require(ModelName("fraud")))
        batch.add(.init(line: 1, bytes: Array(text.utf8)))
        #expect(String(decoding: batch.body, as: UTF8.self) == sent + "\n")
    }

    @Test func aBatchIsFullAfterAThousandLabelsOrAMegabyte() throws {
        var batch = LabelBatch(model: try #require(ModelName("fraud")))
        for line in 1...LabelBatch.mostLabels {
            #expect(!batch.isFull)
            batch.add(.init(line: line, bytes: Array("{}".utf8)))
        }
        #expect(batch.isFull)
        batch.removeAll()
        #expect(batch.isEmpty)
        batch.add(.init(line: 1, bytes: Array(repeating: 0x20, count: LabelBatch.mostBytes)))
        #expect(batch.isFull)
    }

    @Test func whatIsRejectedIsNamedByTheLineOfTheFile() throws {
        var batch = LabelBatch(model: try #require(ModelName("fraud")))
        batch.add(.init(line: 7, bytes: Array("{}".utf8)))
        batch.add(.init(line: 9, bytes: Array("{}".utf8)))
        let rejected = LabelsView.Rejected(line: 2, code: "c", detail: "d")
        let answer = LabelsView(accepted: 1, counted: 1, repeated: 0, rejected: [rejected])
        #expect(batch.inFile(answer).rejected.map(\.line) == [9])
        #expect(LabelsView.none.adding(answer).adding(answer).accepted == 2)
    }
}
