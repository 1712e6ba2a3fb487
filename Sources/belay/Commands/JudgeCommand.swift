import ArgumentParser
import BelayCore
import BelayServer
import BelayStats
import Foundation

/// `belay judge`: a guard rehearsed on recorded rows, with the server's own bets.
struct JudgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judge",
        abstract: "Judge a recorded stream of outcomes as the server would have.",
        discussion: """
            ROWS.csv has the columns arm (stable or candidate), w (the probability with which the row went \
            to the candidate when it was routed, 0 to 1) and value (badness, 0 to 1, taken exactly), in the \
            order of time. With a column unit only the first row of each unit counts, or, with a column \
            epoch too, the first in each epoch. Rows with w = 0 or 1 are no evidence: no coin was tossed.

            Rows are numbered from 1, the header not counted. The threshold is log(1/alpha); evidence is \
            looked at after every tick of --tick rows. log_e at a checkpoint is what was settled by then.

            With --limit the candidate's rows alone are held against a limit; w is not needed, nor is arm if \
            all are the candidate's. log_sr is the Shiryaev-Roberts statistic, which alarms at log(arl).
            """
    )

    enum DirectionName: String, ExpressibleByArgument, CaseIterable {
        case rollback, advance
    }

    @Argument(help: ArgumentHelp("The table; - reads standard input.", valueName: "rows.csv"))
    var file: String

    @Option(help: "Probability of a false decision, above 0 and below 1.")
    var alpha = Fraction(0.01)

    @Option(help: "How much worse the candidate may be, in badness: 0.005 or 0.5%.")
    var margin: Fraction?

    @Option(help: "The same as a part of stable's mean: 0.25 or 25%.")
    var relativeMargin: Fraction?

    @Option(help: "What is claimed: rollback (it is worse) or advance (it is within the margin).")
    var direction: DirectionName?

    @Option(help: "Mean badness expected beforehand.")
    var priorMean: Fraction?

    @Option(help: "Variance expected beforehand; else mean × (1 − mean).")
    var priorVariance: Fraction?

    @Option(help: "Outcomes that the expectation counts for; 20 unless said.")
    var priorWeight: Double?

    @Flag(help: "Stake all capital from the start. (The server's bets on advancing do.)")
    var noDrip = false

    @Option(help: "Rows in a tick: all are judged by the estimates of its start.")
    var tick = 1

    @Option(help: "Rows between two checkpoints.")
    var every = 1_000

    @Option(help: "Hold the candidate against this mean instead of against stable.")
    var limit: Fraction?

    @Option(help: "With --limit: rows between two false alarms of a change, at least, on average.")
    var arl: Double?

    @OptionGroup var options: FormOptions

    func validate() throws {
        guard alpha.value > 0, alpha.value < 1 else { throw ValidationError("--alpha lies between 0 and 1.") }
        guard (1...1_000_000).contains(tick) else { throw ValidationError("--tick is 1 to 1000000.") }
        guard every >= 1 else { throw ValidationError("--every is 1 or more.") }
        _ = try question()
    }

    func run() async throws {
        var judgement = Judgement(try question(), threshold: -log(alpha.value), every: every)
        var rows = try RecordedRows(CSVReader.open(file), isTwoArmed: limit == nil)
        try judgement.take(&rows, tick: tick)
        try options.show(judgement) { text(judgement, rows: rows.count, $0) }
    }

    func question() throws -> Judgement.Question {
        guard let limit else { return .comparison(try comparison()) }
        let others: [Any?] = [margin, relativeMargin, direction, priorMean, priorVariance, priorWeight]
        guard others.allSatisfy({ $0 == nil }) else {
            throw ValidationError(
                "--limit goes without --margin, --relative-margin, --direction and --prior-…."
            )
        }
        guard let bet = OneSampleBet(limit: limit.value, drip: !noDrip) else {
            throw ValidationError("--limit lies between 0 and 1.")
        }
        guard let detector = ChangeDetector(limit: limit.value, averageRunLength: arl ?? 1e6) else {
            throw ValidationError("--arl is more than 1.")
        }
        return .limit(bet, detector)
    }

    private func comparison() throws -> AllocationBet {
        guard arl == nil else { throw ValidationError("--arl needs --limit.") }
        guard margin == nil || relativeMargin == nil else {
            throw ValidationError("give one margin: --margin or --relative-margin.")
        }
        let mean = priorMean?.value ?? 0.05
        let settings = AllocationBet.Settings(
            margin: margin.map { .absolute($0.value) } ?? relativeMargin.map { .relative($0.value) } ?? .none,
            direction: direction == .advance ? .advance : .rollback,
            priorMean: mean,
            priorVariance: priorVariance?.value ?? mean * (1 - mean),
            priorWeight: priorWeight ?? 20,
            drip: !noDrip
        )
        guard let settings else {
            throw ValidationError(
                "--margin, --prior-mean and --prior-variance are 0 to 1, --relative-margin is 0 or more, "
                    + "--prior-weight is above 0."
            )
        }
        return AllocationBet(settings)
    }

    private func text(_ judgement: Judgement, rows: Int, _ look: Look) -> String {
        var table = Table([.init("ROW", .number), .init("LOG E", .number)])
        // A screenful is enough for a person.
        let step = max(1, judgement.checkpoints.count / 20)
        for (index, point) in judgement.checkpoints.enumerated() where (index + 1).isMultiple(of: step) {
            table.add([grouped(point.row), decimals(point.logEvidence, 3)])
        }
        table.add([grouped(rows), decimals(judgement.question.logEvidence, 3)])
        var lines = [table.text(width: Stream.output.width, look: look)]
        lines.append(sentence(judgement, look))
        if !judgement.question.isComparison {
            let row = judgement.changedAtRow.map { "alarmed at row \(grouped($0))" } ?? "never alarmed"
            lines.append("The change detector \(row).\n")
        }
        return lines.joined()
    }

    private func sentence(_ judgement: Judgement, _ look: Look) -> String {
        let threshold = decimals(judgement.threshold, 3)
        let count = grouped(judgement.question.observations)
        guard let row = judgement.crossedAtRow else {
            return "\(look.symbols.undecided) \(count) observations; log E never reached \(threshold).\n"
        }
        let isAdvance = direction == .advance
        let mark = isAdvance ? look.good(look.symbols.pass) : look.bad(look.symbols.fail)
        let act = isAdvance ? "advance" : limit == nil ? "roll back" : "limit broken"
        return "\(mark) \(act): log E reached \(threshold) at row \(grouped(row)); \(count) observations.\n"
    }
}
