import ArgumentParser
import BelayCore
import BelayServer
import Foundation

/// `belay doctor`: the few things that are wrong when something is wrong.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the server, its runtime, its disk and the clocks.",
        discussion: "Exit code 1: something is wrong."
    )

    struct Check: Codable, Equatable {
        let name: String
        let ok: Bool
        let detail: String
    }

    private struct Report: Encodable {
        let checks: [Check]
    }

    /// In bytes; below that the next model may not fit.
    private static let leastSpace: Int64 = 1_000_000_000
    /// In milliseconds; more than that, and times from both sides contradict each other.
    private static let greatestSkew: Int64 = 5000

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let checks = await checks(try options.client())
        try options.show(Report(checks: checks)) { look in
            checks.map { check in
                let mark = check.ok ? look.good(look.symbols.pass) : look.bad(look.symbols.fail)
                return "\(mark) \(check.name)  \(printable(check.detail))\n"
            }.joined()
        }
        if checks.contains(where: { !$0.ok }) { throw ExitStatus.error.silently }
    }

    private func checks(_ client: Client) async -> [Check] {
        let info: InfoView
        let headers: [String: String]
        do {
            let answer = try await client.getRaw(.info)
            info = try JSONDecoder().decode(InfoView.self, from: answer.body)
            headers = answer.headers
        } catch {
            let failure =
                CommandFailure(any: error)
                ?? .strangeAnswer(server: client.server.description, status: 200)
            return [
                Check(
                    name: "server",
                    ok: false,
                    detail: "\(failure.explanation.summary) \(failure.explanation.remedy)"
                )
            ]
        }
        let found = [
            Check(name: "server", ok: true, detail: "\(client.server), since \(info.startedAt)"),
            version(info), runtime(info),
            Check(
                name: "ledger",
                ok: true,
                detail: "\(grouped(info.entries)) entries, head \(info.head.prefix(12))"
            ),
            answers(info), reserve(info),
        ]
        let rollbacks = (try? await client.get(.status)).map(Self.rollbacks)
        return found + [rollbacks, disk(info, client.server), clock(headers["date"])].compactMap { $0 }
    }

    /// Whether every rollback that holds is also recorded.
    static func rollbacks(_ status: StatusView) -> Check {
        let unrecorded = status.endpoints.compactMap { endpoint in
            endpoint.suspended.map { $0.sentence(of: endpoint.model) }
        }
        return Check(
            name: "rollbacks",
            ok: unrecorded.isEmpty,
            detail: unrecorded.isEmpty ? "all are recorded" : unrecorded.joined(separator: "; ")
        )
    }

    private func version(_ info: InfoView) -> Check {
        let isSame = info.version == belayVersion
        let detail =
            isSame ? info.version : "the server is \(info.version), this is \(belayVersion); use one of both"
        return Check(name: "version", ok: isSame, detail: detail)
    }

    private func runtime(_ info: InfoView) -> Check {
        let isThere = !["", "none", "missing"].contains(info.runtime.lowercased())
        let remedy = "no ONNX Runtime; run Scripts/setup, or set BELAY_ONNXRUNTIME for the server"
        return Check(name: "runtime", ok: isThere, detail: isThere ? info.runtime : remedy)
    }

    private func answers(_ info: InfoView) -> Check {
        let lost = info.answersLost > 0 ? ", \(grouped(info.answersLost)) went with a killed process" : ""
        let kept = "\(grouped(info.answersLogged)) kept\(lost)"
        guard info.answersDropped > 0 else { return Check(name: "answers", ok: true, detail: kept) }
        let detail =
            "\(kept), \(grouped(info.answersDropped)) dropped since the start: the disk does not keep up"
        return Check(name: "answers", ok: false, detail: detail)
    }

    private func reserve(_ info: InfoView) -> Check {
        let isWhole = info.reserve >= info.wholeReserve
        let detail =
            isWhole
            ? "\(size(Int64(info.reserve))) kept free for rollbacks on a full disk"
            : "\(size(Int64(info.reserve))) of \(size(Int64(info.wholeReserve))) kept for rollbacks; "
                + "make room on the server's disk, and it is made up again"
        return Check(name: "reserve", ok: isWhole, detail: detail)
    }

    /// Nil where the server's disk is not this machine's.
    private func disk(_ info: InfoView, _ server: ServerAddress) -> Check? {
        let attributes =
            server.isLocal ? try? FileManager.default.attributesOfFileSystem(forPath: info.data) : nil
        guard let free = (attributes?[.systemFreeSize] as? NSNumber)?.int64Value else { return nil }
        let isEnough = free >= Self.leastSpace
        let detail =
            "\(size(free)) free at \(info.data)" + (isEnough ? "" : "; make room before the next model")
        return Check(name: "disk", ok: isEnough, detail: detail)
    }

    /// Nil where the server does not tell its time.
    private func clock(_ header: String?) -> Check? {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        guard let then = header.flatMap(formatter.date(from:)) else { return nil }
        let skew = Int64(then.timeIntervalSince1970) * 1000 - wallClock().milliseconds
        let isClose = abs(skew) <= Self.greatestSkew
        let seconds = decimals(Double(abs(skew)) / 1000, 0)
        let detail =
            isClose
            ? "within \(max(1, abs(skew) / 1000)) s of the server's"
            : "\(seconds) s \(skew > 0 ? "behind" : "ahead of") the server's; set up time synchronisation"
        return Check(name: "clock", ok: isClose, detail: detail)
    }
}
