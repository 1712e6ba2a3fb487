import BelayCore
import Foundation
import Testing

@testable import belay

@Suite struct CSVReaderTests {
    /// A table that arrives in pieces, which end at the places given.
    private func reader(_ text: String, cuts: [Int] = []) throws -> CSVReader {
        let bytes = Array(text.utf8)
        var pieces: [Data] = []
        var start = 0
        for cut in cuts + [bytes.count] where cut > start {
            pieces.append(Data(bytes[start..<cut]))
            start = cut
        }
        return try CSVReader(name: "t.csv") { pieces.isEmpty ? nil : pieces.removeFirst() }
    }

    private func rows(_ text: String, cuts: [Int] = []) throws -> [[String]] {
        var reader = try reader(text, cuts: cuts)
        var rows = [reader.header]
        while try reader.next() { rows.append(reader.header.indices.map { reader.text($0) }) }
        return rows
    }

    private func code(_ text: String) -> String? {
        let problem = #expect(throws: TableProblem.self) { try rows(text) }
        return problem?.explanation.code
    }

    @Test(arguments: [
        ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
        ("a,b\r\n1,2\r\n", [["a", "b"], ["1", "2"]]),
        ("a,b\r1,2\r3,4", [["a", "b"], ["1", "2"], ["3", "4"]]),
        ("\u{feff}a,b\n1,2", [["a", "b"], ["1", "2"]]),
        ("\n\na,b\n\n1,2\n\r\n\n3,4\n\n", [["a", "b"], ["1", "2"], ["3", "4"]]),
        ("a,b\n\"x,\"\"y\"\"\",\"1\n2\"\n,\n", [["a", "b"], ["x,\"y\"", "1\n2"], ["", ""]]),
        ("\"a\", b \n\"\",é\n", [["a", "b"], ["", "é"]]),
        ("a\n1\n\n2\n", [["a"], ["1"], [""], ["2"]]),
        ("a,b", [["a", "b"]]),
    ])
    func tablesAreReadAsTheStandardSays(text: String, expected: [[String]]) throws {
        #expect(try rows(text) == expected)
    }

    @Test func cutAtEveryByteTheRowsAreTheSame() throws {
        let text = "\u{feff}a,\"b\"\r\n\"x,\"\"y\"\"\",\"1\r\n2\"\r\n\r\n3,\"\"\r4,é\n"
        let whole = try rows(text)
        #expect(whole == [["a", "b"], ["x,\"y\"", "1\r\n2"], ["3", ""], ["4", "é"]])
        for cut in 1..<text.utf8.count { #expect(try rows(text, cuts: [cut]) == whole) }
        #expect(try rows(text, cuts: Array(1..<text.utf8.count)) == whole)
    }

    @Test(arguments: [
        ("", "table.empty"), ("\n\n", "table.empty"), ("\u{feff}", "table.empty"),
        ("a,a\n", "table.repeated-column"), ("a,b\n1\n", "table.ragged"), ("a,b\n1,2,3\n", "table.ragged"),
        ("a,b\n1,\"2\"x\n", "table.quotes"), ("a,b\n1,2\"\n", "table.quotes"),
        ("a,b\n1,\"2\n", "table.open-quotes"), ("\"a", "table.open-quotes"),
    ])
    func whatIsNoTableIsRefused(text: String, expected: String) {
        #expect(code(text) == expected)
    }

    @Test func theLineOfAMistakeIsThatOfItsRow() throws {
        var reader = try reader("a,b\n\"x\n\ny\",1\n\n2\n")
        let isThere = try reader.next()
        #expect(isThere && reader.line == 2 && reader.row == 1)
        let problem = #expect(throws: TableProblem.self) { try reader.next() }
        #expect(problem?.line == 6)
        #expect(problem?.explanation.summary.contains("line 6 of t.csv") == true)
    }

    @Test func fieldsAndColumnsAreBounded() {
        let long = String(repeating: "x", count: CSVReader.largestField)
        #expect((try? rows("a,b\n\(long),1\n")) != nil)
        #expect(code("a,b\n\(long)x,1\n") == "table.long-field")
        #expect(code("a,b\n\"\(long)x\n") == "table.long-field")
        #expect(code(String(repeating: ",", count: CSVReader.mostColumns)) == "table.many-columns")
    }

    @Test(arguments: [
        ("1", 1.0), (" -2.5e3\t", -2500), ("+.5", 0.5), ("1.", 1), ("", nil), ("nan", nil), ("inf", nil),
        ("0x10", nil), ("1e999", nil), ("1,5", nil), ("1 2", nil), ("--1", nil), ("e5", nil),
        ("0.1000000000000000055511151231257827", 0.1),
    ])
    func numbersAreDecimalAndFinite(text: String, expected: Double?) {
        #expect(finiteNumber(Array(text.utf8)[...]) == expected)
    }

    @Test(arguments: [
        ("0.005", 0.005), ("0.5%", 0.005), ("25%", 0.25), ("2.3%", 0.023), ("1e1%", 0.1), ("-1%", -0.01),
    ])
    func fractionsAreWrittenEitherWay(text: String, value: Double) {
        #expect(Fraction(argument: text)?.value == value)
    }

    @Test(arguments: ["", "%", "x", "1%%", "nan", "1 %x"])
    func whatIsNoFractionIsRefused(text: String) {
        #expect(Fraction(argument: text) == nil)
    }

    @Test func aFileThatIsNotThereIsNamed() {
        let failure = #expect(throws: CommandFailure.self) { try CSVReader.open("/nowhere/t.csv") }
        #expect(failure?.explanation.code == "file.unreadable")
    }
}
