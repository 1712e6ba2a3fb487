import ArgumentParser
import BelayCore
import BelayServer
import Foundation

/// What commands take that write answers as they come.
struct AnswerListOptions: ParsableArguments {
    enum Form: String, ExpressibleByArgument, CaseIterable {
        case ndjson, csv
    }

    @Option(help: ArgumentHelp("Where the server is; else BELAY_SERVER.", valueName: "url"))
    var server: String?

    @Option(name: .shortAndLong, help: "How answers are written: ndjson or csv.")
    var output: Form = .ndjson

    func client() throws -> Client {
        Client(server: try serverAddress(server), environment: ProcessInfo.processInfo.environment)
    }
}

extension Client {
    /// Writes a list of any length, a page in memory at a time.
    func write(_ path: (_ from: Int) -> APIPath) async throws {
        var from: Int? = 0
        while let start = from {
            let page = try await getRaw(path(start))
            guard Stream.output.write(page.body) else { return }
            // A server that sends us back would keep us for ever.
            from = page.headers["belay-next"].flatMap { Int($0) }.flatMap { $0 > start ? $0 : nil }
        }
    }
}

/// `belay predictions`: what a model answered.
struct PredictionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predictions",
        abstract: "Write every answer that a model gave, oldest first.",
        discussion: "Any number of them, as they are read; bodies are texts, binary tensors are Base64."
    )

    @Argument(help: "The model.", transform: modelName)
    var model: ModelName

    @Option(help: "Only answers from this time on: 2026-11-23T14:25:03Z, or 24h for the last day.")
    var since: SinceArgument?

    @Option(help: "Only answers of this version.", transform: versionText)
    var version: VersionText?

    @Option(
        help: """
            Only answers that this release's coin was tossed for, of both versions, while it was on trial. \
            All that its version answered, afterwards too, is in `belay show RELEASE --answers`.
            """,
        transform: releaseArgument
    )
    var release: ReleaseID?

    @Flag(help: "Also answers of shadows, which nobody was given.")
    var shadows = false

    @OptionGroup var options: AnswerListOptions

    func run() async throws {
        let since = since?.time(before: wallClock())
        let client = try options.client()
        try await client.write { from in
            .predictions(
                model,
                AnswerQuery(
                    form: options.output.rawValue,
                    from: from,
                    since: since,
                    version: version?.text,
                    release: release,
                    shadows: shadows
                )
            )
        }
        // The list is complete, whatever becomes of this.
        let told: InfoView? = try? await client.get(.info)
        guard let info = told, info.answersLost + info.answersDropped > 0 else { return }
        Stream.talk.line(
            "\(grouped(info.answersLost)) answers of all models went with killed processes and "
                + "\(grouped(info.answersDropped)) were dropped since the start: they are in no list"
        )
    }
}

/// `belay erase`: forgets a person.
struct EraseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase",
        abstract: "Blank everything that a model was asked and answered about one subject.",
        discussion: "Counts, ids and evidence stay; requests, answers and labels' values are overwritten."
    )

    @Argument(help: "The model.", transform: modelName)
    var model: ModelName

    @Option(help: "The subject as requests name it, such as customer-17; a number by its digits.")
    var subject: String

    @Flag(help: "Do it; there is no way back.")
    var yes = false

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard !subject.isEmpty else { throw ValidationError("the subject is empty.") }
        guard yes else { throw ValidationError("nothing was erased; say --yes, for there is no way back.") }
    }

    func run() async throws {
        let body = ErasureBody(subject: subject)
        let view: ErasureView = try await options.client().post(.erasures(model), body)
        try options.show(view) { view.sentence($0) }
    }
}

extension ErasureView {
    /// What was erased, for people; that nothing was is no success, for a name may be written otherwise.
    func sentence(_ look: Look) -> String {
        let mark = answers > 0 ? look.good(look.symbols.pass) : look.bad(look.symbols.undecided)
        let hint = answers > 0 ? "" : "; no answer that is kept names this subject, or all were erased before"
        return "\(mark) \(grouped(answers)) answers and \(grouped(labels)) labels erased\(hint)\n"
            + "  recorded as \(commitment.prefix(12))…; the salt \(salt) proves of whom, "
            + "and is kept nowhere else\n"
    }
}

/// A moment, or how long before now: `2026-11-23T14:25:03Z`, `24h`.
enum SinceArgument: ExpressibleByArgument, Equatable {
    case moment(Timestamp)
    case ago(Duration)

    init?(argument: String) {
        if let time = Timestamp(argument) {
            self = .moment(time)
        } else if let ago = milliseconds(ofTime: argument) {
            self = .ago(.milliseconds(ago))
        } else {
            return nil
        }
    }

    func time(before now: Timestamp) -> Timestamp {
        switch self {
        case .moment(let time): time
        case .ago(let duration): now.advanced(by: .zero - duration)
        }
    }
}
