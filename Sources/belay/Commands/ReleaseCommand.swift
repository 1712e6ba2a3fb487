import ArgumentParser
import BelayCore
import BelayServer

/// `belay release`: tries a version on live requests, a few at a time.
struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Release a version: gates first, then a rising share of requests.",
        discussion: """
            Without --policy the model's stored policy is used, else the canary plan with a guard on errors. \
            With --wait the command ends with the release: 0 promoted, 3 refused, 7 rolled back, 9 timed out.
            """
    )

    /// What the API takes; a policy goes as the document that was checked here.
    private struct Body: Encodable {
        let version: VersionText
        let reason: String?
        let policy: PolicyNode?
        let origin: String?
        let undecidable: Bool?
    }

    @Argument(help: ArgumentHelp("The version, such as fraud@3.", valueName: "model@version"))
    var version: VersionArgument

    @Option(
        help: ArgumentHelp(
            "A belay.yaml, stored as the model's policy; - reads standard input.",
            valueName: "file"
        )
    )
    var policy: String?

    @Flag(help: "Wait until the release has ended.")
    var wait = false

    @Option(
        help: ArgumentHelp(
            "End the waiting, not the release, after this time, such as 30m.",
            valueName: "time"
        )
    )
    var timeout: WaitingTime?

    @Option(name: [.customShort("m"), .customLong("message")], help: "Why; kept in the ledger.")
    var reason: String?

    @Flag(help: "No person asked for this: refused while automatic releases are off.")
    var automatic = false

    @Flag(help: "Begin even if the traffic cannot decide it before the plan's deadline.")
    var undecidable = false

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        let document = try policy.map { try PolicyFileReader.policy($0).document }
        let origin = automatic ? ReleaseRequest.Origin.automatic.rawValue : nil
        let body = Body(
            version: VersionText(version.reference.description),
            reason: reason,
            policy: document,
            origin: origin,
            undecidable: undecidable ? true : nil
        )
        let proposed: ReleaseView = try await client.post(.startRelease(version.model), body)
        foretell(proposed)
        var view = try await follow(proposed, client)
        view.forecast = proposed.forecast
        try options.show(view) { view.sentence($0) + "\n" }
        if let status = end(view) { throw status.silently }
    }

    /// Says how much traffic each step will need, where something was measured.
    private func foretell(_ proposed: ReleaseView) {
        guard options.form == .table, let forecast = proposed.forecast, forecast.answersPerSecond != nil
        else { return }
        Stream.talk.write(forecast.text(Look(.talk)))
    }

    private func follow(_ proposed: ReleaseView, _ client: Client) async throws -> ReleaseView {
        let look = Look(.talk)
        var news = ReleaseNews()
        let following = Following(client: client, every: .milliseconds(200), timeout: timeout?.duration)
        let reachesEnd = wait
        return try await following.follow(proposed, clock: ContinuousClock()) { view in
            reachesEnd ? view.ending != nil : view.phase != "gating"
        } news: { view in
            guard reachesEnd else { return }
            for line in news.lines(view, look) { Stream.talk.line(line) }
        }
    }

    /// Says why a release ended badly; nil when it did not.
    private func end(_ view: ReleaseView) -> ExitStatus? {
        let look = Look(.talk)
        guard let status = view.ending?.status else { return nil }
        switch status {
        case .refused: for gate in view.gates { Stream.talk.line("  " + gate.line(look)) }
        default: if let decisive = view.decisiveGuard { Stream.talk.line("  " + decisive.line(look)) }
        }
        Stream.talk.line("  why: belay why \(view.id)")
        // Without --wait the command is asked whether the release started; it did, whatever came of it since.
        return wait || status == .refused ? status : nil
    }
}
