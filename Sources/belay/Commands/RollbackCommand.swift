import ArgumentParser
import BelayCore
import BelayServer

/// `belay rollback`: the last good version serves again, now.
///
/// It asks nothing, on purpose: taking risk away costs no words.
struct RollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Take back: during a release its candidate, else the version that serves.",
        discussion: "Never asks; the reason may follow later. Exit code 10: nothing good to go back to."
    )

    @Argument(help: "The model.", transform: modelName)
    var model: ModelName

    @Option(help: "The version to go back to; else the last good one.", transform: versionText)
    var to: VersionText?

    @Option(name: [.customShort("m"), .customLong("message")], help: "Why; kept in the ledger.")
    var reason: String?

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let body = RollbackBody(to: to, reason: reason)
        let client = try options.client()
        async let _: Void = explainWaiting(client)
        let view: RollbackView = try await client.post(.rollback(model), body)
        try options.show(view) { view.sentence($0) + "\n" }
        // Some loop may still answer from the old table: who called must not believe otherwise.
        if !view.isComplete { throw ExitStatus.unsafe.silently }
    }

    /// Says, when the answer takes long, what has come of it so far: the disk of the server may hang.
    private func explainWaiting(_ client: Client) async {
        guard (try? await ContinuousClock().sleep(for: .seconds(2))) != nil,
            let endpoint: EndpointView = try? await client.get(.endpoint(model)),
            let suspended = endpoint.suspended
        else { return }
        Stream.talk.line(suspended.sentence(of: model.text))
    }
}
