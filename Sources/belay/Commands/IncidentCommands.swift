import ArgumentParser
import BelayCore
import BelayServer

/// `belay incidents`: what was found wrong with what serves, and whether it is over.
struct IncidentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incidents",
        abstract: "List what went wrong with what serves, or close one of them.",
        discussion: """
            belay incidents fraud
            belay incidents --close i17 -m "retrained on the new inputs"
            """
    )

    @Argument(help: "One model; else all.", transform: modelName)
    var model: ModelName?

    @Option(help: "An incident that is over, such as i17.", transform: incidentArgument)
    var close: IncidentID?

    @Option(name: [.customShort("m"), .customLong("message")], help: "Why; kept in the ledger.")
    var reason: String?

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard close == nil || model == nil else {
            throw ValidationError("an incident is closed by its own name; leave the model out.")
        }
        guard reason == nil || close != nil else { throw ValidationError("-m belongs to --close.") }
    }

    func run() async throws {
        let client = try options.client()
        if let close {
            let view: IncidentView = try await client.post(.closeIncident(close), ReasonBody(reason: reason))
            return try options.show(view) { view.text($0, now: wallClock()) }
        }
        let list: IncidentList = try await client.get(model.map { .incidents(of: $0) } ?? .incidents)
        try options.show(list) { look in
            guard !list.incidents.isEmpty else { return "no incident\n" }
            return list.incidents.map { $0.text(look, now: wallClock()) }.joined()
        }
    }
}

/// Reads `i17`, or says what an incident is called.
private func incidentArgument(_ argument: String) throws -> IncidentID {
    guard let id = IncidentID(argument) else {
        throw ValidationError("an incident is called i17; `belay incidents` lists them.")
    }
    return id
}

extension IncidentView {
    func text(_ look: Look, now: Timestamp) -> String {
        let mark = closedAt == nil ? look.bad(look.symbols.fail) : look.good(look.symbols.pass)
        let origin = release.map { ", made stable by \($0)" } ?? ""
        let end =
            closedAt.map { "closed at \($0)" + (closedBy == "replaced" ? ", another version serves" : "") }
            ?? "open for \(age(openedAt, now: now))"
        var text = "\(mark) \(id)  \(kind) of \(model)@\(version)\(origin); since \(openedAt), \(end)\n"
        text += guards.map { "    \($0.line(look))\n" }.joined()
        return text + selection.map { "    not rolled back: \(printable($0))\n" }.joined()
    }
}

/// `belay waive`: a person takes over what a guard says.
struct WaiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "waive",
        abstract: "Override guards that are blind, undecided or holding, so that a release may go on.",
        discussion: "It may still be rolled back by them. Who and why stand in the ledger."
    )

    @Argument(help: "The release, such as r142.", transform: releaseArgument)
    var release: ReleaseID

    @Argument(help: "The guards, by name.")
    var guards: [String]

    @Option(name: [.customShort("m"), .customLong("message")], help: "Why; kept in the ledger.")
    var reason: String

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard !guards.isEmpty else { throw ValidationError("name the guards; `belay why` lists them.") }
    }

    func run() async throws {
        let body = WaiverBody(guards: guards, reason: reason)
        let view: ReleaseView = try await options.client().post(.waive(release), body)
        try options.show(view) { view.sentence($0) + "\n" }
    }
}
