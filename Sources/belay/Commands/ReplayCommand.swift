import ArgumentParser
import BelayCore
import BelayServer

/// `belay replay`: what another policy would have said of a release's own evidence.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Judge a release's recorded evidence again, by another policy.",
        discussion: """
            belay replay --release r42 --policy new.yaml    would the new limits have caught it, and when?
            Shares are those that were recorded. Without --policy the release's own is used: same verdict.
            """
    )

    @Option(help: "The release, such as r42.", transform: releaseArgument)
    var release: ReleaseID

    @Option(help: ArgumentHelp("A belay.yaml; - reads standard input.", valueName: "file"))
    var policy: String?

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let document = try policy.map { try PolicyFileReader.policy($0).document }
        let view: ReplayView = try await options.client().post(
            .replay(release),
            ReplayBody(policy: document)
        )
        try options.show(view) { view.text($0, policy: policy ?? "its own policy") }
    }
}

extension ReplayView {
    func text(_ look: Look, policy: String) -> String {
        let span = firstAt.flatMap { first in lastAt.map { ", \(first) to \($0)" } } ?? ""
        let count = ticks == 1 ? "1 tick" : "\(grouped(ticks)) ticks"
        var text = "\(release) again by \(printable(policy)): \(count)\(span)\n"
        text += "  recorded  \(recorded.sentence(look))\n"
        text += "  replayed  \(replayed.sentence(look))\(comparison)\n"
        text += replayed.guards.map { "    \($0.line(look))\n" }.joined()
        return text + remarks.map { "  note: \(printable($0))\n" }.joined()
    }

    /// By how much sooner or later: `: 11 min earlier, 1 262 fewer answers of the candidate`.
    private var comparison: String {
        guard let before = recorded.end, let after = replayed.end, let then = Timestamp(before.at),
            let now = Timestamp(after.at)
        else { return "" }
        let milliseconds = then.milliseconds - now.milliseconds
        guard milliseconds != 0 else { return ": at the same tick" }
        let time = milliseconds > 0 ? "\(span(milliseconds)) earlier" : "\(span(-milliseconds)) later"
        let answers = before.n - after.n
        guard answers != 0, before.by == after.by else { return ": \(time)" }
        return
            ": \(time), \(grouped(abs(answers))) \(answers > 0 ? "fewer" : "more") outcomes of the candidate"
    }

    private func span(_ milliseconds: Int64) -> String {
        switch milliseconds {
        case ..<60_000: "\(decimals(Double(milliseconds) / 1000, 1)) s"
        case ..<7_200_000: "\(milliseconds / 60_000) min"
        default: "\(milliseconds / 3_600_000) h"
        }
    }
}

extension CourseView {
    /// What would have stopped the release.
    var end: OutcomeView? { rollback ?? hold }

    func sentence(_ look: Look) -> String {
        let held = hold.map { "held by \($0.moment)" }
        guard let rollback else {
            let blind = waitsFor.map(printable).joined(separator: ", ")
            let waits = blind.isEmpty ? "" : ", but it would have waited: \(blind) saw nothing to judge by"
            return held.map { "\(look.symbols.held) \($0)" }
                ?? "\(look.symbols.nothing) nothing would have stopped it\(waits)"
        }
        let text = "\(look.bad(look.symbols.fail)) rolled back by \(rollback.moment)"
        return held.map { "\(text), after \($0)" } ?? text
    }
}

extension OutcomeView {
    fileprivate var moment: String {
        let count = nStable > 0 ? "\(grouped(n)) / \(grouped(nStable))" : grouped(n)
        return "\(printable(by)) at tick \(tick), \(at), n \(count)"
    }
}
