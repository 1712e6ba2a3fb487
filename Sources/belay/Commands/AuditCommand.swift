import ArgumentParser
import BelayServer

/// `belay audit`: the ledger, looked at from outside.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Check the record of everything that happened.",
        subcommands: [Verify.self]
    )

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Walk the ledger's chain and name the first bad entry.",
            discussion: """
                With --data it reads the folder itself: offline, beside a running server, or on a copy. \
                Without, the server is asked. Exit code 1: the chain is broken.
                """
        )

        @Option(help: ArgumentHelp("The data directory, or a copy of it.", valueName: "folder"))
        var data: String?

        @OptionGroup var options: ServerOptions

        func run() async throws {
            let view: VerificationView
            if let data {
                view = try verifyLedger(dataDirectory: data)
            } else {
                view = try await options.client().get(.verification)
            }
            try options.show(view) { text(view, $0) }
            if !view.ok { throw ExitStatus.error.silently }
        }

        private func text(_ view: VerificationView, _ look: Look) -> String {
            let times = view.firstAt.flatMap { first in view.lastAt.map { " from \(first) to \($0)" } } ?? ""
            let count = view.entries == 1 ? "1 entry" : "\(grouped(view.entries)) entries"
            guard let problem = view.problem else {
                let chain =
                    view.ok
                    ? "\(look.good(look.symbols.pass)) \(count), chain intact\(times)"
                    : "\(look.bad(look.symbols.fail)) \(count), chain broken"
                return "\(chain); head \(view.head.prefix(12))\n"
            }
            let place = problem.seq.map { "entry \($0) is the first bad one" } ?? "the store is damaged"
            return "\(look.bad(look.symbols.fail)) \(place): "
                + "\(printable(problem.what)), \(printable(problem.detail)) (\(count) walked)\n"
        }
    }
}
