import ArgumentParser
import BelayCore
import BelayStats
import Foundation
import Testing

@testable import belay

@Suite struct JudgeTests {
    /// The rows that `Scripts/reference/judge.py` makes up in the same way, as a table.
    private static let table: String = {
        var text = "w,arm,value\n"
        for t in 0..<400 {
            let share = [0.05, 0.25, 0.5][min(t / 150, 2)]
            let isCandidate = Double((t * 7919) % 100) < 100 * share
            var value = (t * 31) % 17 < (isCandidate ? 5 : 3) ? 1.0 : 0
            if t % 4 == 0 { value = Double((t * t * 31 + 7 * t) % 101) / 101 }
            text += "\(share),\(isCandidate ? "candidate" : "stable"),\(value)\n"
        }
        return text
    }()

    private func command(_ words: String) throws -> JudgeCommand {
        let arguments = ["judge", "rows.csv"] + words.split(separator: " ").map(String.init)
        return try #require(try Belay.parseAsRoot(arguments) as? JudgeCommand)
    }

    private func judge(_ table: String, _ words: String = "") throws -> (Judgement, read: Int) {
        let command = try command(words)
        var pieces = [Data(table.utf8)]
        let reader = try CSVReader(name: "rows.csv") { pieces.popLast() }
        var rows = try RecordedRows(reader, isTwoArmed: command.limit == nil)
        var judgement = Judgement(
            try command.question(),
            threshold: -log(command.alpha.value),
            every: command.every
        )
        try judgement.take(&rows, tick: command.tick)
        return (judgement, rows.count)
    }

    /// Printed by `Scripts/reference/judge.py`.
    @Test(arguments: [
        (
            "--direction rollback",
            [-0.06712657383649037, 0.005176134674357109, -0.5010109492371058, 0.7111387972858203], nil
        ),
        (
            "--direction rollback --no-drip",
            [0.1440665460882081, 0.2073691135125876, -0.30836902822657125, 0.8928156049197875], nil
        ),
        (
            "--direction rollback --margin 0.005",
            [-0.08255567070451507, -0.03724816391198893, -0.5508316120766465, 0.5796214473009771], nil
        ),
        (
            "--direction rollback --relative-margin 0.25",
            [-0.1961363095355007, -0.3554919546996833, -0.9232350737626076, -0.4128933632099251], nil
        ),
        (
            "--direction advance --margin 0.3",
            [0.038236567834067425, 1.2114321662573992, 5.923262387195897, 6.775711328681962], 218
        ),
        (
            "--direction advance --relative-margin 0.5 --no-drip",
            [-0.18882193093233365, -0.17992196569033683, 0.4893624624162902, -0.2802481587920981], nil
        ),
        (
            "--direction rollback --tick 7",
            [-0.0860754521058779, -0.08705532448841467, -0.5110189822034433, 0.6495592236736537], nil
        ),
    ])
    func agreesWithTheReferenceInDecimalArithmetic(words: String, expected: [Double], row: Int?) throws {
        let (judgement, read) = try judge(Self.table, words + " --alpha 5% --every 100")
        #expect(read == 400)
        #expect(judgement.checkpoints.map(\.row) == [100, 200, 300, 400])
        #expect(judgement.crossedAtRow == row)
        for (point, number) in zip(judgement.checkpoints, expected) {
            #expect(abs(point.logEvidence - number) <= 1e-12 * max(1, abs(number)))
        }
    }

    @Test func aLimitJudgesTheCandidateAlone() throws {
        let (judgement, _) = try judge(Self.table, "--limit 20% --alpha 0.05 --every 100")
        let expected = [-0.040355975988280626, 0.36267064969716084, 0.17509722242268463, 3.705823556737216]
        for (point, number) in zip(judgement.checkpoints, expected) {
            #expect(abs(point.logEvidence - number) <= 1e-12 * max(1, abs(number)))
        }
        #expect(judgement.crossedAtRow == 335)
        guard case .limit(let bet, let detector) = judgement.question else {
            Issue.record("a limit is no comparison")
            return
        }
        #expect(bet.observations == Self.table.split(separator: "\n").count { $0.contains("candidate") })
        #expect(abs(detector.logStatistic - 7.669819537993924) <= 1e-12 * 7.669819537993924)
        #expect(judgement.changedAtRow == nil)
        let (eager, _) = try judge(Self.table, "--limit 20% --arl 100")
        #expect(eager.changedAtRow != nil)
    }

    @Test func aTableWithoutArmsIsAllTheCandidates() throws {
        let (judgement, _) = try judge("value\n1\n0\n1\n", "--limit 0.1")
        #expect(judgement.question.observations == 3)
        #expect(throws: TableProblem.self) { try judge("value\n1\n0\n1\n") }
    }

    @Test func onlyTheFirstOutcomeOfAUnitCounts() throws {
        let head = "arm,w,value,unit"
        let rows = ["candidate,0.5,1,a", "stable,0.5,0,b", "candidate,0.5,0,a", "stable,0.5,1,b"]
        let (judgement, read) = try judge(([head] + rows).joined(separator: "\n"))
        #expect(read == 4 && judgement.repeated == 2 && judgement.question.observations == 2)
        let epochs = zip(rows, ["1", "1", "2", "2"]).map { "\($0),\($1)" }
        let (again, _) = try judge(([head + ",epoch"] + epochs).joined(separator: "\n"))
        #expect(again.repeated == 0 && again.question.observations == 4)
        let (without, _) = try judge((["arm,w,value,other"] + rows).joined(separator: "\n"))
        #expect(without.question.observations == 4)
    }

    @Test func rowsWithoutACoinAreNoEvidence() throws {
        let (judgement, read) = try judge("arm,w,value\ncandidate,1,1\nstable,0,0\ncandidate,0.5,1\n")
        #expect(read == 3 && judgement.question.observations == 1)
    }

    @Test func theResultIsWrittenWithItsNulls() throws {
        let (judgement, _) = try judge("arm,w,value\ncandidate,0.5,1\n", "--no-drip --every 1")
        let json = try jsonLine(judgement)
        #expect(json.hasPrefix(#"{"checkpoints":[{"log_e":"#))
        #expect(json.contains(#""crossed_at_row":null"#) && json.contains(#""observations":1"#))
        #expect(!json.contains("log_sr"))
        let (limit, _) = try judge("value\n", "--limit 0.1")
        let empty = try jsonLine(limit)
        #expect(empty.contains(#""log_sr":null"#) && empty.contains(#""sr_alarm_at_row":null"#))
        #expect(empty.contains(#""checkpoints":[]"#))
    }

    @Test(arguments: [
        ("arm,w,value\ncandidate,0.5,1.5\n", "table.bad-field", 2),
        ("arm,w,value\ncandidate,0.5,0\nstable,0.5,nan\n", "table.bad-field", 3),
        ("arm,w,value\ncandidate,-0.1,0\n", "table.bad-field", 2),
        ("arm,w,value\ncandidate,,0\n", "table.bad-field", 2),
        ("arm,w,value\nCandidate,0.5,0\n", "table.bad-field", 2),
        ("arm,w\ncandidate,0.5\n", "table.no-column", 1),
        ("arm,w,value\n\"cand\nidate\",0.5,0\n", "table.bad-field", 2),
    ])
    func aBadRowIsNamedByItsLine(table: String, code: String, line: Int) throws {
        let problem = #expect(throws: TableProblem.self) { try judge(table) }
        #expect(problem?.explanation.code == code)
        #expect(problem?.line == line)
        #expect(problem.map { CommandFailure.other($0).status } == .error)
    }

    @Test(arguments: [
        "--alpha 0", "--alpha 1", "--alpha x", "--margin 2", "--margin -1",
        "--margin 1% --relative-margin 5%",
        "--relative-margin -0.1", "--direction back", "--prior-mean 1.1", "--prior-variance -1",
        "--prior-weight 0", "--tick 0", "--every 0", "--limit 0", "--limit 1", "--arl 5",
        "--limit 0.1 --arl 1", "--limit 0.1 --margin 0", "--limit 0.1 --direction advance",
        "--limit 0.1 --prior-mean 0.1", "--tick 2000000",
    ])
    func settingsOutOfRangeAreRefused(words: String) {
        let error = #expect(throws: (any Error).self) { try command(words) }
        #expect(error.map { Belay.exitCode(for: $0).rawValue } == belay.ExitStatus.usage.rawValue)
    }

    @Test func theDefaultsAreThePublishedOnes() throws {
        guard case .comparison(let bet) = try command("").question() else {
            Issue.record("two arms are compared unless a limit is named")
            return
        }
        #expect(bet == AllocationBet(.rate(margin: .none)))
        guard case .comparison(let other) = try command("--relative-margin 25%").question() else { return }
        #expect(other == AllocationBet(.rate(margin: .relative(0.25))))
    }
}
