import ArgumentParser
import BelayCore
import BelayServer
import BelayStats
import Foundation

/// `belay drift`: at which row a later table would have been noticed to differ from a reference.
struct DriftCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drift",
        abstract: "Stream a later table against a reference, and say at which row each column drifts.",
        discussion: """
            Both tables name their columns in the first line; LATER.csv has all of the reference's, in any \
            order, its rows in the order of time, numbered from 1 without the header. The reference decides \
            what a column is: numeric if every field that is not missing is a number (ten bins of equal \
            counts), otherwise categorical (its ten commonest texts, the rest, and texts it does not have). \
            A column of more than a thousand texts holds names; only its missing fields are watched. \
            Missing are empty fields, NA, NaN, null and None.

            A column alarms when the Shiryaev-Roberts statistic of its bins reaches log(arl × columns). \
            Missing fields, and unseen values (or texts in a numeric column), alarm when their rate rises \
            beyond the reference's by a tenth or two standard deviations. PSI is that of the last full \
            window of 100 rows a bin: it is shown, and decides nothing.

            With --label and --prediction the error rate is watched too. The label is no feature; the \
            prediction is checked for drift like one.
            """
    )

    @Argument(help: ArgumentHelp("What is usual; - reads standard input.", valueName: "reference.csv"))
    var reference: String

    @Argument(help: ArgumentHelp("What came later; - reads standard input.", valueName: "later.csv"))
    var later: String

    @Option(help: ArgumentHelp("The column of the truth.", valueName: "column"))
    var label: String?

    @Option(help: ArgumentHelp("The column of the model's answer.", valueName: "column"))
    var prediction: String?

    @Option(
        help: "Nats by which a bin may be likelier than before: 0.005 ignores a PSI below 0.01."
    )
    var tolerance = DriftDetector.standardTolerance

    @Option(help: "Rows between two false alarms of all columns together, at least, on average.")
    var arl = DriftDetector.standardRunLength

    @OptionGroup var options: FormOptions

    func validate() throws {
        guard (label == nil) == (prediction == nil) else {
            throw ValidationError("--label and --prediction go together.")
        }
        guard label == nil || label != prediction else {
            throw ValidationError("--label and --prediction are two columns.")
        }
        guard reference != "-" || later != "-" else {
            throw ValidationError("only one of the tables can come from standard input.")
        }
        guard tolerance >= 0, tolerance.isFinite else { throw ValidationError("--tolerance is 0 or more.") }
        guard arl > 1, arl <= 1e15 else { throw ValidationError("--arl is more than 1, at most 1e15.") }
    }

    func run() async throws {
        let view = try study(reference: CSVReader.open(reference), later: { try CSVReader.open(later) })
        for column in view.columns where view.referenceRows < 100 * column.bins {
            Stream.talk.line(
                "note: \(printable(column.column)) has \(column.bins) bins and the reference "
                    + "\(grouped(view.referenceRows)) rows; below \(grouped(100 * column.bins)) its own "
                    + "chance differences may alarm"
            )
        }
        try options.show(view) { text(view, $0) }
    }

    /// - Parameters:
    ///   - reference: At its first line.
    ///   - later: Opened when the reference has been read.
    /// - Returns: What both tables say, column by column.
    /// - Throws: ``TableProblem`` for a table that cannot be read or compared.
    func study(reference: CSVReader, later: () throws -> CSVReader) throws -> DriftView {
        var reader = reference
        let roles = DriftRoles(label: label, prediction: prediction)
        let (labels, predictions) = (
            try label.map { try reader.column($0) }, try prediction.map { try reader.column($0) }
        )
        var columns = ReferenceColumns(reader, places: reader.header.indices.filter { $0 != labels })
        var (wrong, judged) = (0, 0)
        while try reader.next() {
            try columns.take(reader)
            guard let labels, let predictions, let isWrong = differ(reader[labels], reader[predictions])
            else {
                continue
            }
            judged += 1
            if isWrong { wrong += 1 }
        }
        guard columns.rows > 0 else { throw reader.problem(.noRows) }
        if labels != nil, judged == 0 {
            throw reader.problem(.notComparable("no row has both a label and a prediction"))
        }
        var rows = try later()
        var study = try DriftStudy(
            reference: columns,
            errorRate: labels == nil ? nil : (Double(wrong) / Double(judged), judged),
            later: rows,
            roles: roles,
            settings: .init(tolerance: tolerance, averageRunLength: arl)
        )
        while try rows.next() { study.take(rows) }
        let known = Set(reader.header)
        return DriftView(
            rows: study.rows,
            referenceRows: columns.rows,
            threshold: study.threshold,
            columns: study.columns.map(DriftView.Column.init),
            errorRate: study.errors.map(DriftView.Rate.init),
            ignored: rows.header.filter { !known.contains($0) }
        )
    }

    private func text(_ view: DriftView, _ look: Look) -> String {
        var table = Table([
            .init("COLUMN"), .init("KIND"), .init("DRIFT AT", .number), .init("PSI", .number),
            .init("MISSING AT", .number), .init("UNSEEN AT", .number),
        ])
        for column in view.columns {
            table.add([
                column.column, column.kind, row(column.alarmAtRow), column.psi.map { decimals($0, 3) } ?? "",
                row(column.missing.alarmAtRow), row(column.unseen.alarmAtRow),
            ])
        }
        var text = table.text(width: Stream.output.width, look: look)
        let alarms = view.columns.count { $0.alarmAtRow != nil }
        text += "\(grouped(view.rows)) rows against \(grouped(view.referenceRows)); "
        text += "\(alarms) of \(view.columns.count) columns drifted.\n"
        guard let errors = view.errorRate else { return text }
        guard let later = errors.later, errors.limit != nil else {
            let why =
                errors.later == nil
                ? "no later row has both a label and a prediction"
                : "\(percent(errors.reference)) of the reference are wrong, and worse cannot be told"
            return text + "\(look.symbols.undecided) Whether the error rate has decayed cannot be said: "
                + "\(why).\n"
        }
        let what = errors.alarmAtRow.map { "decayed at row \(grouped($0))" } ?? "has not decayed"
        let mark = errors.alarmAtRow == nil ? look.good(look.symbols.pass) : look.bad(look.symbols.fail)
        return text + "\(mark) The error rate \(what): \(percent(errors.reference)) before, "
            + "\(percent(later)) later.\n"
    }

    private func row(_ number: Int?) -> String { number.map(grouped) ?? "never" }

    private func percent(_ rate: Double) -> String { "\(decimals(100 * rate, 2))%" }
}
