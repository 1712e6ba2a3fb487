import ArgumentParser
import BelayCore
import BelayServer

/// `belay alias`: a name that moves from version to version.
struct AliasCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alias",
        abstract: "Name a version, move the name to another, or remove it.",
        discussion: """
            belay alias fraud champion 3         callers may ask for fraud's champion
            belay alias fraud champion --remove
            """
    )

    @Argument(help: "The model.", transform: modelName)
    var model: ModelName

    @Argument(help: "The alias, such as champion.", transform: aliasName)
    var alias: AliasName

    @Argument(help: "The version that it shall name.", transform: versionText)
    var version: VersionText?

    @Flag(help: "Remove the alias.")
    var remove = false

    @Option(name: [.customShort("m"), .customLong("message")], help: "Why; kept in the ledger.")
    var reason: String?

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard (version == nil) == remove else {
            throw ValidationError("name the version, such as 3, or --remove the alias.")
        }
    }

    func run() async throws {
        let client = try options.client()
        let path = APIPath.alias(alias, of: model)
        let view: AliasView
        if let version {
            view = try await client.put(path, AliasBody(version: version, reason: reason))
        } else {
            view = try await client.delete(path, ReasonBody(reason: reason))
        }
        try options.show(view) { look in
            let mark = look.good(look.symbols.pass)
            guard let version = view.version else {
                return "\(mark) \(view.model) has no alias \(view.alias)\n"
            }
            return "\(mark) \(view.alias) names \(view.model)@\(version)\n"
        }
    }
}

/// Reads `champion`, or says what an alias looks like.
private func aliasName(_ argument: String) throws -> AliasName {
    guard let alias = AliasName(argument) else {
        throw ValidationError(
            "an alias has 1 to 64 letters, digits, '.', '_' and '-'; no number, stable or candidate."
        )
    }
    return alias
}
