import BelayCore
import BelayServer

/// How a release can have ended.
enum ReleaseEnding: String {
    case settled
    case refused
    case rolledBack = "rolled_back"

    /// What a command that waited for it ends with; nil for success.
    var status: ExitStatus? {
        switch self {
        case .settled: nil
        case .refused: .refused
        case .rolledBack: .rolledBack
        }
    }
}

extension ReleaseView {
    /// Nil while it runs.
    var ending: ReleaseEnding? { ReleaseEnding(rawValue: phase) }

    private var candidateName: String { "\(model)@\(candidate)" }

    /// The guard that took the candidate out; nil when a person did, or nobody.
    var decisiveGuard: GuardView? {
        guard let cause, cause.hasPrefix("guard:") else { return nil }
        return guards.first { $0.name == cause.dropFirst(6) }
    }

    /// Where the release is: `canary 10% (step 2 of 3)`.
    var place: String {
        let held = held == nil ? "" : ", held"
        switch phase {
        case "canary", "shadow":
            return "\(phase) \(belay.share(share))" + (step.map { " (step \($0) of \(steps))" } ?? "") + held
        case "rolled_back": return "rolled back"
        default: return phase + held
        }
    }

    /// The release in one line, for people.
    func sentence(_ look: Look) -> String {
        let symbols = look.symbols
        let before = stable.map { "\($0) \(symbols.arrow) " } ?? ""
        switch ending {
        case .settled: return "\(look.good(symbols.pass)) \(id)  \(candidateName) serves 100%"
        case .refused: return "\(look.bad(symbols.fail)) \(id)  \(candidateName) was refused; \(servesNow)"
        case .rolledBack:
            return "\(look.bad(symbols.fail)) \(id)  \(candidateName) was rolled back"
                + "\(cause.map { " (\(printable($0)))" } ?? ""); \(servesNow)"
        case nil:
            let mark = held == nil ? symbols.running : symbols.held
            return "\(mark) \(id)  \(model) \(before)\(candidate)  \(place)"
        }
    }

    private var servesNow: String { stable.map { "\(model)@\($0) serves" } ?? "nothing serves" }
}

extension SuspensionView {
    /// What a rollback has done so far, in one line, for people.
    func sentence(of model: String) -> String {
        let name = "\(printable(model))@\(version)"
        guard let failure else {
            return "\(name) answers nobody any more; its rollback waits for the disk to record it"
        }
        return "\(name) answers nobody any more; its rollback could not be recorded, which is tried again: "
            + printable(failure)
    }
}

extension RollbackView {
    /// The receipt in one line, for people.
    func sentence(_ look: Look) -> String {
        let time = "\(decimals(acknowledgedInMilliseconds, 1)) ms"
        let target = to.map { "\(model)@\($0) answers 100%" } ?? "\(model) is answered by no version"
        guard isComplete else {
            return "\(look.bad(look.symbols.undecided)) \(target), but not every loop has acknowledged epoch "
                + "\(epoch) yet; `belay status \(model)` says when"
        }
        let receipt =
            "epoch \(epoch) acknowledged; \(replayed) in-flight replayed"
            + (cutOff > 0 ? ", \(cutOff) cut off" : "")
            + (drained > 0 ? ", \(drained) drained" : "")
        guard from != to else {
            return "\(look.good(look.symbols.pass)) \(time)  \(target) already (\(receipt))"
        }
        if let doneAt {
            let who = cause == "request" ? "somebody" : cause
            return "\(look.good(look.symbols.pass)) \(target) already: \(who) took \(from) out at \(doneAt); "
                + "to go further back, name the version with --to"
        }
        return "\(look.good(look.symbols.pass)) \(time)  \(target) (\(receipt)); \(from) is quarantined; "
            + "automatic releases are off"
    }

    var isComplete: Bool { fence == "complete" }
}

/// What there is to say when a release is looked at again.
///
/// Pure, so that a waiting command says each thing once, however often it asks.
struct ReleaseNews {
    private var last: ReleaseView?

    init() {}

    /// The lines to print: where it is when that changed, then each guard whose verdict changed.
    mutating func lines(_ view: ReleaseView, _ look: Look) -> [String] {
        defer { last = view }
        var lines: [String] = []
        let isOver = view.ending != nil
        if last?.place != view.place, !isOver {
            let hold =
                view.held.map { " by \(printable($0.by))\($0.why.map { ": " + printable($0) } ?? "")" } ?? ""
            let mark = view.held == nil ? look.symbols.running : look.symbols.held
            lines.append("\(mark) \(view.id)  \(view.place)\(hold)")
        }
        let before = Dictionary((last?.guards ?? []).map { ($0.name, $0.verdict) }) { first, _ in first }
        lines += view.guards.filter { $0.verdict != before[$0.name] && !isOver }.map { "  " + $0.line(look) }
        return lines
    }
}
