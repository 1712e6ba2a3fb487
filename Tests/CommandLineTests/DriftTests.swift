import ArgumentParser
import BelayCore
import BelayStats
import Foundation
import Testing

@testable import belay

@Suite struct DriftTests {
    private func reader(_ text: String, name: String = "t.csv") throws -> CSVReader {
        var pieces = [Data(text.utf8)]
        return try CSVReader(name: name) { pieces.popLast() }
    }

    private func command(_ words: String) throws -> DriftCommand {
        let arguments = ["drift", "a.csv", "b.csv"] + words.split(separator: " ").map(String.init)
        return try #require(try Belay.parseAsRoot(arguments) as? DriftCommand)
    }

    private func drift(_ reference: String, _ later: String, _ words: String = "") throws -> DriftView {
        try command(words).study(
            reference: reader(reference),
            later: { try reader(later, name: "later.csv") }
        )
    }

    private static let fixtures = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/drift")

    /// Massachusetts in the American Community Survey, see the folder's README.
    ///
    /// `Scripts/reference/drift.py` gives the same rows.
    @Test func realDataAlarmAtTheRowsOfTheReference() throws {
        let folder = Self.fixtures
        let view = try command("--label employed --prediction prediction").study(
            reference: CSVReader.open(folder.appendingPathComponent("reference.csv").path),
            later: { try CSVReader.open(folder.appendingPathComponent("later.csv").path) }
        )
        #expect(view.rows == 10_000 && view.referenceRows == 6_879)
        #expect(view.columns.map(\.column) == ["AGEP", "SCHL", "RELP", "SEX", "prediction"])
        #expect(view.columns.map(\.bins) == [11, 11, 9, 6, 6])
        #expect(view.columns.map(\.alarmAtRow) == [2_605, 5_113, 213, nil, 5_188])
        #expect(view.columns.allSatisfy { $0.missing.alarmAtRow == nil && $0.unseen.alarmAtRow == nil })
        #expect(view.errorRate?.alarmAtRow == 5_357)
        #expect(abs((view.threshold ?? 0) - log(5e6)) < 1e-12)
        #expect(view.columns[3].psi.map { $0 < 0.02 } == true)
    }

    @Test func theReferenceDecidesWhatAColumnIs() throws {
        let names = (0..<1_100).map { "n\($0)" }
        let reference =
            "number,text,name,nothing,mixed\n"
            + names.enumerated().map {
                // Shuffled: a column in ascending order drifts.
                "\($0 * 577 % 1_100),\("abc".prefix($0 % 3 + 1)),\($1),,\($0 % 7 == 0 ? "x" : "1")\n"
            }
            .joined()
        let view = try drift(reference, reference)
        #expect(view.columns.map(\.kind) == ["numeric", "categorical", "names", "empty", "categorical"])
        #expect(view.columns.map(\.bins) == [11, 6, 0, 0, 5])
        #expect(view.columns.allSatisfy { $0.alarmAtRow == nil })
        #expect(view.columns[3].missing.limit == nil, "what is always missing cannot be missing more")
    }

    @Test func missingAndUnseenValuesAlarmOnTheirOwn() throws {
        let usual = (0..<2_000).map { "\($0 % 10),\("abcd".dropFirst($0 % 4).prefix(1))\n" }.joined()
        let head = "x,c\n"
        let gone = (0..<400).map { _ in ",d\n" }.joined()
        let view = try drift(head + usual, head + usual + gone)
        let missing = try #require(view.columns[0].missing.alarmAtRow)
        #expect((2_001...2_030).contains(missing))
        #expect(view.columns[1].missing.alarmAtRow == nil)
        let odd = (0..<400).map { $0 % 2 == 0 ? "text,zz\n" : "5,a\n" }.joined()
        let strange = try drift(head + usual, head + usual + odd)
        for column in strange.columns {
            #expect(column.unseen.alarmAtRow.map { (2_001...2_050).contains($0) } == true)
        }
    }

    @Test func columnsAreFoundByNameAndNewOnesNamed() throws {
        let view = try drift("a,b\n1,x\n2,y\n", "b,new,a\nx,1,1\n", "--tolerance 0 --arl 1e9")
        #expect(view.columns.map(\.column) == ["a", "b"] && view.ignored == ["new"] && view.rows == 1)
        let problem = #expect(throws: TableProblem.self) { try drift("a,b\n1,2\n", "a\n1\n") }
        #expect(problem?.explanation.code == "table.no-column" && problem?.table == "later.csv")
    }

    @Test func theLabelIsNoFeatureAndEqualNumbersAreEqual() throws {
        let rows = "label,guess,x\n1,1.0,3\n0,1,4\nyes,yes,5\n,1,6\n1,,7\n"
        let view = try drift(rows, rows, "--label label --prediction guess")
        #expect(view.columns.map(\.column) == ["guess", "x"])
        #expect(view.errorRate?.reference == 1.0 / 3 && view.errorRate?.later == 1.0 / 3)
    }

    @Test func whatSaysNothingIsRefused() {
        for (reference, later, words, code) in [
            ("a\n", "a\n", "", "table.no-rows"),
            ("l,p\n1,\n", "l,p\n1,1\n", "--label l --prediction p", "table.not-comparable"),
            ("l,p\n1,1\n", "l,p\n1,1\n", "--label l --prediction q", "table.no-column"),
        ] {
            let problem = #expect(throws: TableProblem.self) { try drift(reference, later, words) }
            #expect(problem?.explanation.code == code)
        }
    }

    @Test func theResultIsWrittenWithItsNulls() throws {
        let json = try jsonLine(try drift("a\n1\n2\n", "a\n1\n"))
        #expect(json.contains(#""alarm_at_row":null"#) && json.contains(#""error_rate":null"#))
        #expect(json.contains(#""psi":null"#) && json.contains(#""ignored":[]"#))
    }

    @Test(arguments: [
        "--label x", "--prediction x", "--label x --prediction x", "--tolerance -1", "--tolerance nan",
        "--arl 1", "--arl inf", "--arl nan",
    ])
    func settingsOutOfRangeAreRefused(words: String) {
        let error = #expect(throws: (any Error).self) { try command(words) }
        #expect(error.map { Belay.exitCode(for: $0).rawValue } == belay.ExitStatus.usage.rawValue)
    }

    @Test func onlyOneTableComesFromStandardInput() {
        #expect(throws: (any Error).self) { try Belay.parseAsRoot(["drift", "-", "-"]) }
    }
}
