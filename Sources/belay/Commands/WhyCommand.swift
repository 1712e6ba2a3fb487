import ArgumentParser
import BelayCore
import BelayServer
import Foundation

/// `belay why`: the decision about a release, its numbers first.
struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Say why a release is where it is, with the numbers that decided."
    )

    @Argument(help: "A release such as r142, or a model for its newest; else the newest of all.")
    var subject: WhySubject?

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        let view: WhyView = try await client.get(try await path(client))
        try options.show(view) { text(view, $0) }
    }

    private func path(_ client: Client) async throws -> APIPath {
        switch subject {
        case .release(let id): return .why(id)
        case .model(let model): return .why(model)
        case nil:
            let list: ReleaseList = try await client.get(.releases)
            guard let newest = list.releases.compactMap({ ReleaseID($0.id) }).max() else {
                throw CommandFailure.noReleaseYet
            }
            return .why(newest)
        }
    }

    private func decision(_ view: WhyView, _ look: Look) -> [String] {
        guard let decisive = view.decisive else { return [] }
        let first = view.crossed.map { crossed in
            let count =
                crossed.nStable > 0
                ? "\(grouped(crossed.n)) / \(grouped(crossed.nStable))" : grouped(crossed.n)
            return "first crossed at \(crossed.at), n \(count) (tick \(crossed.tick))"
        }
        return [decisive.line(look)] + [decisive.odds, first].compactMap { $0 }
    }

    private func text(_ view: WhyView, _ look: Look) -> String {
        var text = printable(view.verdict) + "\n"
        // While nothing is decided, nothing is no cause; and what a guard's line says need not be said again.
        let isOpen = view.decisive == nil && view.release.endedAt == nil
        let said = isOpen ? view.notTheCause.compactMap(\.detail) : []
        let remarks = view.remarks.filter { remark in !said.contains { remark.contains($0) } }
        let sections: [(String, [String])] = [
            ("decided by", decision(view, look)),
            ("changed", view.changed.map { $0.line(look) }),
            (isOpen ? "guards" : "not the cause", view.notTheCause.map { $0.line(look) }),
            ("would differ", view.otherwise.map(printable)),
            ("gates", view.release.gates.map { $0.line(look) }),
            ("went back to", view.selection.map(printable)),
            ("remarks", remarks.map(printable)),
            ("fence", view.fence.map { [$0.sentence(look)] } ?? []),
        ]
        for (title, lines) in sections where !lines.isEmpty {
            let first = "  " + title + String(repeating: " ", count: 15 - title.count)
            let indent = String(repeating: " ", count: 17)
            text += "\n" + look.faint(first) + lines.joined(separator: "\n" + indent) + "\n"
        }
        guard !view.story.isEmpty else { return text }
        var table = Table([
            .init("SEQ", .number), .init("TIME (UTC)"), .init("WHO"), .init("WHAT"), .init("WHY"),
        ])
        for line in view.story {
            table.add([String(line.seq), line.at, line.actor, line.text, line.reason ?? ""])
        }
        return text + "\n" + table.text(width: Stream.output.width, look: look)
    }
}

extension GuardView {
    /// What the decision rests on, where it is evidence and no alarm of a detector.
    fileprivate var odds: String? {
        guard verdict == Verdict.breach.rawValue, logEvidence > 0, versus != "badness", unit != "psi",
            unit != "events", Metric(rawValue: metric)?.isOfFeature == false
        else { return nil }
        let odds = logEvidence < 13.8 ? grouped(Int(exp(logEvidence))) : "more than 1 000 000"
        return "evidence \(odds) to 1 against chance, which decides; the interval is more cautious"
    }
}

extension ChangeView {
    fileprivate func line(_ look: Look) -> String {
        let name = "\(what) \(printable(name))"
        switch (from, to) {
        case (let from?, let to?):
            return "\(name)  \(printable(from)) \(look.symbols.arrow) \(printable(to))"
        case (nil, let to?): return "\(name)  new: \(printable(to))"
        case (let from?, nil): return "\(name)  gone: \(printable(from))"
        case (nil, nil): return name
        }
    }
}
