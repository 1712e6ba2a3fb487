/// What the judge permits or demands at one moment; every case carries the reports it rests on.
package enum Ruling: Equatable, Sendable {
    /// Not yet: something is undecided or blind, or the step has not lasted long enough.
    case wait([GuardReport])
    /// Every guard passes and the step has done its time.
    case advance([GuardReport])
    /// The release may not go on by itself.
    case hold(HoldCause, [GuardReport])
    /// Harm is proven; the named guard contributed most.
    case rollback(String, [GuardReport])

    package var reports: [GuardReport] {
        switch self {
        case .wait(let reports), .advance(let reports), .hold(_, let reports), .rollback(_, let reports):
            reports
        }
    }
}

extension Ruling {
    /// Why, in one sentence, for the record; nil while nothing follows.
    package var sentence: String? {
        switch self {
        case .wait: nil
        case .advance(let reports): Self.advance(reports)
        case .hold(.breach(let name), let reports):
            silence(of: name, reports) ?? HoldCause.breach(of: name).sentence
        case .hold(let cause, _): cause.sentence
        case .rollback(let name, let reports):
            silence(of: name, reports) ?? told(by: name, reports) ?? "guard \(name) proved harm"
        }
    }

    /// What is waived, and what only notifies, holds no release and passes not.
    private static func advance(_ reports: [GuardReport]) -> String {
        let others = reports.filter { $0.verdict != .pass && $0.verdict != .unjudged }.map { report in
            "\(report.name) (\(report.reason == .waived ? "waived" : report.verdict.rawValue))"
        }
        guard !others.isEmpty else { return "every guard passes and the step has done its time" }
        return "every guard passes but \(others.joined(separator: ", ")), which may not hold the release, "
            + "and the step has done its time"
    }

    /// A monitor elsewhere gives no coins, and so no proof.
    private func told(by name: String, _ reports: [GuardReport]) -> String? {
        let isTold = reports.contains { $0.name == name && $0.metric == .query }
        return isTold ? "the figure that guard \(name) asked for is beyond its limit" : nil
    }

    /// What `no_data: fail` takes for a breach is no proof of anything.
    private func silence(of name: String, _ reports: [GuardReport]) -> String? {
        switch reports.first(where: { $0.name == name })?.reason {
        case .missing, .stale: "guard \(name) sees nothing, and the policy says that this fails"
        default: nil
        }
    }
}
