import ArgumentParser
import BelayCore
import BelayServer

/// `belay shadow`: a version gets copies of requests, and answers nobody.
struct ShadowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shadow",
        abstract: "Copy requests to a version whose answers nobody gets, until told to stop.",
        discussion: """
            belay shadow fraud@3 --share 10%   asks fraud@3 beside the version that serves
            belay shadow fraud --off           ends it
            """
    )

    @Argument(
        help: ArgumentHelp("The version, such as fraud@3; with --off, the model.", valueName: "model@version")
    )
    var subject: String

    @Option(help: "Which part of the requests is copied.", transform: shareArgument)
    var share: Share?

    @Flag(help: "End the model's standing shadow.")
    var off = false

    @Option(name: [.customShort("m"), .customLong("message")], help: "Why; kept in the ledger.")
    var reason: String?

    @OptionGroup var options: ServerOptions

    private enum Wish {
        case begin(VersionArgument)
        case end(ModelName)
    }

    func validate() throws { _ = try wish() }

    func run() async throws {
        switch try wish() {
        case .begin(let version):
            let body = ShadowBody(
                version: VersionText(version.reference.description),
                share: (share ?? .all).percent,
                reason: reason
            )
            let view: EndpointView = try await options.client().put(.shadow(version.model), body)
            try show(view)
        case .end(let model):
            let body = ReasonBody(reason: reason)
            let view: EndpointView = try await options.client().delete(.shadow(model), body)
            try show(view)
        }
    }

    private func wish() throws -> Wish {
        guard off else {
            guard let version = VersionArgument(argument: subject) else {
                throw ValidationError("name the version, such as fraud@3, or add --off.")
            }
            return .begin(version)
        }
        guard share == nil else { throw ValidationError("--off takes no --share.") }
        return .end(try modelName(subject))
    }

    private func show(_ view: EndpointView) throws {
        try options.show(view) { look in
            let mark = look.good(look.symbols.pass)
            guard let shadow = view.shadow else { return "\(mark) \(view.model) has no standing shadow\n" }
            return "\(mark) \(view.model)@\(shadow.version) gets copies of \(belay.share(shadow.share)) "
                + "of requests\n"
        }
    }
}

/// Reads `10%`, or says what a share looks like.
private func shareArgument(_ argument: String) throws -> Share {
    guard let share = share(ofPercentage: argument), share > .none else {
        throw ValidationError("a share is a percentage above 0% and up to 100%, such as 10%.")
    }
    return share
}
