import ArgumentParser
import BelayCore
import BelayServer

/// `belay policy`: the file that says how one model is released.
struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Check a belay.yaml, or show the policy in force.",
        subcommands: [Check.self, Show.self]
    )

    /// Needs no server.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Check a policy file, with every mistake at its line and column.",
            discussion:
                "Exit code 65: the file has mistakes. With -o json the policy is shown with its defaults."
        )

        @Argument(help: "The file; - reads standard input.")
        var file = "belay.yaml"

        @OptionGroup var options: ServerOptions

        func run() async throws {
            let policy = try PolicyFileReader.policy(file).policy
            if options.form == .json { return Stream.output.line(PolicyNode(describing: policy).json) }
            let look = Look(.output)
            let steps = policy.plan.steps.map { ($0.kind == .shadow ? "shadow " : "") + $0.share.description }
            let shares = steps + (policy.plan.ending == .hold ? ["a person"] : []) + [Share.all.description]
            let count = policy.guards.count == 1 ? "1 guard" : "\(policy.guards.count) guards"
            Stream.output.line(
                "\(look.good(look.symbols.pass)) \(file)  model \(policy.model); "
                    + "\(shares.joined(separator: " \(look.symbols.arrow) ")); \(count): "
                    + policy.guards.map(\.name).joined(separator: ", ")
            )
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show the policy in force for a model, as a belay.yaml."
        )

        @Argument(help: "The model.", transform: modelName)
        var model: ModelName

        @OptionGroup var options: ServerOptions

        func run() async throws {
            let client = try options.client()
            let answer: PolicyNode = try await client.get(.policy(model))
            // A document that arrived as JSON has lost its order; the policy gives it back.
            guard case .success(let policy) = decodePolicy(answer) else {
                throw CommandFailure.strangeAnswer(server: client.server.description, status: 200)
            }
            let document = PolicyNode(describing: policy)
            Stream.output.write(options.form == .json ? document.json + "\n" : document.yaml)
        }
    }
}
