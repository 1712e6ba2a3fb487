import ArgumentParser
import BelayCore
import BelayServer

/// `belay show`: one release with its figures; `belay why` says what decided.
struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a release: where it is, and what was counted for it, shadows included."
    )

    @Argument(help: "The release, such as r142.", transform: releaseArgument)
    var release: ReleaseID

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let view: WhyView = try await options.client().get(.why(release))
        try options.show(view) { view.facts($0) }
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
