import ArgumentParser
import BelayCore
import BelayServer

/// `belay show`: one release with its figures, or everything that its candidate answered.
struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a release: where it is, and what was counted for it, shadows included.",
        discussion:
            "With --answers: the exact list of what its candidate answered; `belay why` says what decided."
    )

    @Argument(help: "The release, such as r142.", transform: releaseArgument)
    var release: ReleaseID

    @Flag(help: "Every answer that the candidate gave, one JSON object a line.")
    var answers = false

    @Flag(help: "With --answers: whom it answered, one line each, instead of what.")
    var subjects = false

    @Flag(help: "With --answers: CSV instead of JSON.")
    var csv = false

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard answers || !subjects && !csv else {
            throw ValidationError("--subjects and --csv belong to --answers.")
        }
    }

    func run() async throws {
        guard !answers else { return try await list() }
        let view: WhyView = try await options.client().get(.why(release))
        try options.show(view) { view.facts($0) }
    }

    private func list() async throws {
        let client = try options.client()
        if subjects {
            var from: String? = String(repeating: "0", count: 16)
            while let start = from {
                let page = try await client.getRaw(.subjects(release, from: start))
                guard Stream.output.write(page.body) else { return }
                // A server that sends us back would keep us for ever.
                from = page.headers["belay-next"].flatMap { $0 > start ? $0 : nil }
            }
        } else {
            let form: AnswerListOptions.Form = csv ? .csv : .ndjson
            try await client.write { .answers(release, AnswerQuery(form: form.rawValue, from: $0)) }
        }
    }
}

extension WhyView {
    /// The release and its figures, without the story.
    func facts(_ look: Look) -> String {
        let started = "started \(release.proposedAt) by \(release.proposedBy)"
        var lines = [printable(started + (release.reason.map { ": " + $0 } ?? ""))]
        lines += release.gates.map { $0.line(look) }
        lines += ([decisive].compactMap { $0 } + notTheCause).map { $0.line(look) }
        lines += fence.map { [$0.sentence(look)] } ?? []
        return release.sentence(look) + "\n" + lines.map { "  \($0)\n" }.joined()
    }
}
