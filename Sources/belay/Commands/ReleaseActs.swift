import ArgumentParser
import BelayCore
import BelayServer

/// What the acts on a running release take.
struct ReleaseActOptions: ParsableArguments {
    @Argument(help: "The release, such as r142.", transform: releaseArgument)
    var release: ReleaseID

    @Option(name: [.customShort("m"), .customLong("message")], help: "Why; kept in the ledger.")
    var reason: String?

    @OptionGroup var options: ServerOptions

    func perform(_ path: (ReleaseID) -> APIPath) async throws {
        let view: ReleaseView = try await options.client().post(path(release), ReasonBody(reason: reason))
        try options.show(view) { view.sentence($0) + "\n" }
    }
}

/// `belay hold`: the release stays at its share until resumed.
struct HoldCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: "Freeze a release at its share.",
        discussion: "Its guards still judge, and may still take the candidate out."
    )

    @OptionGroup var act: ReleaseActOptions

    func run() async throws { try await act.perform(APIPath.hold) }
}

/// `belay resume`: a held release goes on.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Let a held release go on."
    )

    @OptionGroup var act: ReleaseActOptions

    func run() async throws { try await act.perform(APIPath.resume) }
}

/// `belay promote`: the candidate serves everyone now, whatever steps are left.
struct PromoteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Give the candidate all requests now, leaving out the steps that remain."
    )

    @OptionGroup var act: ReleaseActOptions

    func run() async throws { try await act.perform(APIPath.promote) }
}
