import ArgumentParser
import BelayCore
import BelayServer

/// `belay quarantine`: what a rollback took out stays out until a person says otherwise.
struct QuarantineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "Versions that a rollback withdrew.",
        subcommands: [Clear.self]
    )

    struct Clear: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "clear",
            abstract: "Let a withdrawn version be released again."
        )

        @Argument(help: ArgumentHelp("The version, such as fraud@3.", valueName: "model@version"))
        var version: VersionArgument

        @Option(
            name: [.customShort("m"), .customLong("message")],
            help: "Why that is right; kept in the ledger."
        )
        var reason: String

        @OptionGroup var options: ServerOptions

        func run() async throws {
            let body = ReasonBody(reason: reason)
            let view: VersionView = try await options.client().post(.clear(version), body)
            try options.show(view) { look in
                "\(look.good(look.symbols.pass)) \(view.model)@\(view.version) may be released again\n"
            }
        }
    }
}

/// `belay automatic`: whether something other than a person may start releases.
struct AutomaticCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "automatic",
        abstract: "Releases that no person starts.",
        subcommands: [On.self]
    )

    struct On: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "on",
            abstract: "Allow automatic releases again after a rollback."
        )

        @Argument(help: "The model.", transform: modelName)
        var model: ModelName

        @Option(name: [.customShort("m"), .customLong("message")], help: "Why; kept in the ledger.")
        var reason: String?

        @OptionGroup var options: ServerOptions

        func run() async throws {
            let body = AutomaticBody(allowed: true, reason: reason)
            let view: EndpointView = try await options.client().put(.automatic(model), body)
            try options.show(view) { look in
                "\(look.good(look.symbols.pass)) automatic releases of \(view.model) are allowed\n"
            }
        }
    }
}
