import ArgumentParser
import BelayCore
import BelayServer
import Foundation

/// `belay policy`: the file that says how one model is released.
struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Check a belay.yaml, show what it means, or compare two.",
        subcommands: [Check.self, Show.self, Diff.self]
    )

    /// Needs no server.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Check a policy file, with every mistake at its line and column.",
            discussion: """
                Exit code 65: the file has mistakes. With -o json the policy is shown with its defaults. \
                With --traffic a server says how much traffic each step will need.
                """
        )

        @Argument(help: "The file; - reads standard input.")
        var file = "belay.yaml"

        @Flag(help: "Ask the server how much traffic each step will need.")
        var traffic = false

        @OptionGroup var options: ServerOptions

        func run() async throws {
            let (document, policy) = try PolicyFileReader.policy(file)
            guard traffic else {
                if options.form == .json { return Stream.output.line(PolicyNode(describing: policy).json) }
                return Stream.output.line(summary(policy, Look(.output)))
            }
            let view: ForecastView = try await options.client().post(
                .forecast(policy.model),
                ForecastBody(policy: document)
            )
            try options.show(view) { summary(policy, $0) + "\n" + view.text($0) }
        }

        private func summary(_ policy: Policy, _ look: Look) -> String {
            let steps = policy.plan.steps.map { ($0.kind == .shadow ? "shadow " : "") + $0.share.description }
            let shares = steps + (policy.plan.ending == .hold ? ["a person"] : []) + [Share.all.description]
            let count = policy.guards.count == 1 ? "1 guard" : "\(policy.guards.count) guards"
            return "\(look.good(look.symbols.pass)) \(file)  model \(policy.model); "
                + "\(shares.joined(separator: " \(look.symbols.arrow) ")); \(count): "
                + policy.guards.map(\.name).joined(separator: ", ")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show a whole policy, with its defaults: the one in force for a model, or a file's.",
            discussion: """
                belay policy show fraud                    in force on the server, as a belay.yaml
                belay policy show belay.yaml --expanded    each value, and whether the file says it
                """
        )

        @Argument(help: ArgumentHelp("A model, or a file.", valueName: "model|file"))
        var source: PolicySource

        @Flag(help: "One value a line, with where it comes from.")
        var expanded = false

        @Flag(help: "How much traffic each step will need, by what the server has measured.")
        var traffic = false

        @OptionGroup var options: ServerOptions

        func run() async throws {
            let (document, policy) = try await source.read(options)
            if traffic {
                let view: ForecastView = try await options.client().post(
                    .forecast(policy.model),
                    ForecastBody(policy: PolicyNode(describing: policy))
                )
                return try options.show(view) { view.text($0) }
            }
            guard expanded else {
                let document = PolicyNode(describing: policy)
                return Stream.output.write(options.form == .json ? document.json + "\n" : document.yaml)
            }
            let leaves = PolicyLeaves(of: policy, document: document).leaves
            try options.show(leaves) { look in
                var table = Table([.init("KEY"), .init("VALUE"), .init("FROM")])
                for leaf in leaves { table.add([leaf.path, leaf.value, leaf.origin.text]) }
                return table.text(width: Stream.output.width, look: look)
            }
        }
    }

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "diff",
            abstract: "Say what differs between two policies in what they mean, defaults included.",
            discussion: "belay policy diff fraud belay.yaml    what the file would change for fraud"
        )

        @Argument(help: ArgumentHelp("A model, or a file.", valueName: "model|file"))
        var first: PolicySource

        @Argument(help: ArgumentHelp("A model, or a file.", valueName: "model|file"))
        var second: PolicySource

        @OptionGroup var options: ServerOptions

        func run() async throws {
            let difference = PolicyDifference(
                from: try await first.read(options).policy,
                to: try await second.read(options).policy
            )
            try options.show(difference) { difference.text($0) }
        }
    }
}

/// Where a policy stands: in a file, or in force for a model on the server.
enum PolicySource: ExpressibleByArgument, Equatable {
    case file(String)
    case model(ModelName)

    init?(argument: String) {
        let isPath =
            argument == "-" || argument.contains("/")
            || [".yaml", ".yml", ".json"].contains { argument.hasSuffix($0) }
        if !isPath, !FileManager.default.fileExists(atPath: argument), let model = ModelName(argument) {
            self = .model(model)
        } else {
            self = .file(argument)
        }
    }

    /// The document is nil where a server gave the policy: it keeps what a file means, not the file.
    func read(_ options: ServerOptions) async throws -> (document: PolicyNode?, policy: Policy) {
        switch self {
        case .file(let file):
            let (document, policy) = try PolicyFileReader.policy(file)
            return (document, policy)
        case .model(let model):
            let client = try options.client()
            let answer: PolicyNode = try await client.get(.policy(model))
            guard case .success(let policy) = decodePolicy(answer) else {
                throw CommandFailure.strangeAnswer(server: client.server.description, status: 200)
            }
            return (nil, policy)
        }
    }
}
