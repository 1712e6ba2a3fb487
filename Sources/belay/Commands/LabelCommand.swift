import ArgumentParser
import BelayCore
import BelayServer
import Foundation

extension LabelFile.Form: ExpressibleByArgument {}

/// `belay label`: the truth about answers, arriving later.
struct LabelCommand: AsyncParsableCommand {
    /// What a label may be; the server's words.
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case outcome, feedback, expected, corrected
    }

    static let configuration = CommandConfiguration(
        commandName: "label",
        abstract: "Send labels: the truth about answers that were given; or see how many have one.",
        discussion: """
            One object a line or one JSON array: {"id": "…", "value": 1}, with "at", "kind" and "source" \
            where known; or CSV with a header: id,value,at,kind,source. Late is fine, early too, and so is \
            sending a file twice: what was sent before is not counted again.
            """
    )

    @Argument(help: "The model that answered.", transform: modelName)
    var model: ModelName

    @Argument(help: "A file of labels; - reads standard input.")
    var file: String?

    @Option(help: "How the file is written: jsonl or csv; else its name decides.")
    var format: LabelFile.Form?

    @Option(help: "What labels are that do not say so: outcome, feedback, expected or corrected.")
    var kind: Kind?

    @Option(help: "Who says so, where labels do not.")
    var source: String?

    @Flag(help: "Send nothing; show how much of the answers is labelled, by version and arm.")
    var coverage = false

    @Option(help: "With --coverage: so many days back.")
    var days = 30

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard coverage != (file != nil) else {
            throw ValidationError("name a file of labels, - for standard input, or say --coverage.")
        }
        guard (1...366).contains(days) else { throw ValidationError("--days is 1 to 366.") }
    }

    func run() async throws {
        let client = try options.client()
        guard let file else { return try await showCoverage(client) }
        let labels = try LabelFile(path: file, form: format)
        let path = APIPath.labels(model, kind: kind?.rawValue, source: source)
        var total = LabelsView.none
        do {
            try await labels.read { batch in
                guard !batch.isEmpty else { return }
                let answer: LabelsView = try await client.post(
                    path,
                    batch.request,
                    as: labels.form.contentType
                )
                total = total.adding(batch.inFile(answer))
                batch.removeAll()
            }
        } catch {
            tell(total, file)
            throw error
        }
        try options.show(total) { look in total.line(look) }
        guard !total.rejected.isEmpty else { return }
        tell(total, file)
        throw ExitStatus.error.silently
    }

    private func tell(_ total: LabelsView, _ file: String) {
        let shown = 20
        for rejected in total.rejected.prefix(shown) {
            Stream.talk.line("\(file):\(rejected.line)  \(printable(rejected.detail)) [\(rejected.code)]")
        }
        if total.rejected.count > shown { Stream.talk.line("and \(total.rejected.count - shown) more") }
    }

    private func showCoverage(_ client: Client) async throws {
        let view: CoverageView = try await client.get(.coverage(model, days: days))
        try options.show(view) { look in
            var table = Table([
                .init("version", .number), .init("arm"), .init("answers", .number),
                .init("labelled", .number), .init("coverage", .number), .init("judged", .number),
                .init("wrong", .number), .init("revised", .number),
            ])
            for part in view.parts {
                table.add([
                    String(part.version), part.arm, grouped(part.answers), grouped(part.labelled),
                    part.coverage.map { "\(decimals($0 * 100, 1)) %" } ?? "", grouped(part.judged),
                    grouped(part.wrong), grouped(part.revised),
                ])
            }
            let warnings = view.warnings.map { "\(look.bad(look.symbols.fail)) \(printable($0))\n" }.joined()
            return "\(grouped(view.labelled)) of \(grouped(view.answers)) answers since "
                + "\(view.since.prefix(10)) are labelled; \(grouped(view.waiting)) labels wait.\n"
                + table.text(width: Stream.output.width, look: look) + warnings
        }
    }
}

/// `belay feedback`: what a person thinks of one answer.
struct FeedbackCommand: AsyncParsableCommand {
    /// `up`, `down`, or a score.
    enum Opinion: ExpressibleByArgument, Equatable {
        case up, down
        case score(Double)

        init?(argument: String) {
            switch argument {
            case "up": self = .up
            case "down": self = .down
            default:
                guard let score = Double(argument), score.isFinite, score >= 0 else { return nil }
                self = .score(score)
            }
        }
    }

    private struct Body: Encodable {
        let model: String
        let id: String
        let value: Bool?
        let score: Double?
        let source: String?
        let note: String?
    }

    static let configuration = CommandConfiguration(
        commandName: "feedback",
        abstract: "Say what a person thinks of one answer: up, down, or a score.",
        discussion: "One piece counts for each answer and source; the note is kept beside it, not counted."
    )

    @Argument(help: "The model that answered.", transform: modelName)
    var model: ModelName

    @Argument(help: "The answer's Belay-Request-Id.")
    var id: String

    @Argument(help: "up, down, or a number from 0 up.")
    var opinion: Opinion

    @Option(help: "Who says so.")
    var source: String?

    @Option(help: "Why, in words.")
    var note: String?

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let (value, score): (Bool?, Double?) =
            switch opinion {
            case .up: (true, nil)
            case .down: (false, nil)
            case .score(let score): (nil, score)
            }
        let body = Body(model: model.text, id: id, value: value, score: score, source: source, note: note)
        let view: LabelsView = try await options.client().post(.feedback, body)
        try options.show(view) { look in view.line(look) }
        guard let rejected = view.rejected.first else { return }
        Stream.talk.line("\(printable(rejected.detail)) [\(rejected.code)]")
        throw ExitStatus.error.silently
    }
}

extension LabelsView {
    /// What became of a batch, in one sentence.
    func line(_ look: Look) -> String {
        let mark = rejected.isEmpty ? look.good(look.symbols.pass) : look.bad(look.symbols.fail)
        let waits = waiting > 0 ? ", \(grouped(waiting)) wait for their answers" : ""
        return "\(mark) \(grouped(accepted)) accepted, of which \(grouped(counted)) count and "
            + "\(grouped(repeated)) repeat\(waits); \(grouped(rejected.count)) rejected\n"
    }
}
