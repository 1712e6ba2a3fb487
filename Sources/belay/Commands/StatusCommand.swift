import ArgumentParser
import BelayCore
import BelayServer
import Foundation

/// `belay status`: what serves, what is tried, and what there is to go back to.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what serves, what is tried, and what stands by.",
        discussion: """
            With -w it stays: on a terminal it draws anew, elsewhere it writes one line for each change. \
            With -o json each change is the whole status on one line.
            """
    )

    @Argument(help: "One model; else all.", transform: modelName)
    var model: ModelName?

    @Flag(name: .shortAndLong, help: "Stay, and show changes as they come.")
    var watch = false

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        if watch { return try await follow(client) }
        let view = try await ask(client)
        try options.show(view) { table(view, $0, now: wallClock()) }
    }

    private func follow(_ client: Client) async throws {
        let look = Look(.output)
        var (shown, news) = ("", StatusNews())
        while true {
            guard let view = try await askAgain(client, isFirst: shown.isEmpty) else { continue }
            let text: String
            switch options.form {
            case .json: text = try jsonLine(view) + "\n"
            case .table where Stream.output.isTerminal: text = table(view, look, now: wallClock())
            case .table: text = news.lines(view, look).map { $0 + "\n" }.joined()
            }
            if text != shown, !text.isEmpty {
                let redraws = options.form == .table && Stream.output.isTerminal
                guard Stream.output.write(Data((redraws ? "\u{1b}[H\u{1b}[2J" + text : text).utf8)) else {
                    return
                }
                shown = text
            }
            try await ContinuousClock().sleep(for: .milliseconds(500))
        }
    }

    /// Nil when a server that has answered before is away: it may only be restarting.
    private func askAgain(_ client: Client, isFirst: Bool) async throws -> StatusView? {
        do {
            return try await ask(client)
        } catch CommandFailure.noAnswer(let server, let reason) where !isFirst {
            Stream.talk.line("waiting for \(server): \(reason)")
            try await ContinuousClock().sleep(for: .seconds(2))
            return nil
        }
    }

    private func ask(_ client: Client) async throws -> StatusView {
        guard let model else { return try await client.get(.status) }
        let endpoint: EndpointView = try await client.get(.endpoint(model))
        let status: StatusView = try await client.get(.status)
        return StatusView(
            endpoints: [endpoint],
            undelivered: status.undelivered.filter { $0.key == model.text }
        )
    }

    private func table(_ view: StatusView, _ look: Look, now: Timestamp) -> String {
        guard !view.endpoints.isEmpty else { return "no model yet; `belay register MODEL PATH` makes one\n" }
        var table = Table([
            .init("MODEL"), .init("SERVES", .number), .init("SINCE", .number), .init("PROVEN"),
            .init("RELEASE"),
            .init("STANDBY"), .init("SHADOW"), .init("WITHDRAWN"), .init("AUTOMATIC"),
        ])
        for endpoint in view.endpoints {
            let serving = endpoint.serving
            table.add([
                endpoint.model,
                serving.map { "\($0.version)" + ($0.ready ? "" : " (loading)") } ?? "",
                serving.map { age($0.since, now: now) } ?? "",
                serving.map { $0.proven ? "yes" : "not yet" } ?? "",
                endpoint.release.map { "\($0.id) \(look.symbols.arrow) \($0.candidate), \($0.place)" } ?? "",
                endpoint.standbys.map { standby($0, of: endpoint) }.joined(separator: ", "),
                endpoint.shadow.map { "\($0.version) at \(share($0.share))" } ?? "",
                list(endpoint.withdrawn),
                (endpoint.automatic ? "on" : "off") + (endpoint.fencing ? ", fencing" : ""),
            ])
        }
        var text = table.text(width: Stream.output.width, look: look)
        for release in view.endpoints.compactMap(\.release) where !release.guards.isEmpty {
            text += "\n\(release.sentence(look))\n"
            text += release.guards.map { "  \($0.line(look))\n" }.joined()
        }
        for endpoint in view.endpoints {
            guard let suspended = endpoint.suspended else { continue }
            text += "\n\(look.bad(look.symbols.undecided)) \(suspended.sentence(of: endpoint.model))\n"
        }
        for (model, count) in view.undelivered.sorted(by: { $0.key < $1.key }) {
            let notices = count == 1 ? "1 notice" : "\(count) notices"
            text += "\n\(notices) about \(model) did not arrive; see `belay deliveries \(model) --failed`\n"
        }
        return text
    }

    /// `1 ready 0.4 ms`: how it stands, and how long it would let a caller wait.
    private func standby(_ version: Int, of endpoint: EndpointView) -> String {
        guard let health = endpoint.readiness.first(where: { $0.version == version }) else {
            return String(version)
        }
        let wait = health.takeoverInMilliseconds.map { String(format: " %.1f ms", $0) } ?? ""
        return "\(version) \(health.standing)\(health.standing == "ready" ? wait : "")"
    }

    private func list(_ versions: [Int]) -> String { versions.map(String.init).joined(separator: ", ") }
}
