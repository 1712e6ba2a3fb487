import BelayCore
import BelayServer

extension ForecastView {
    /// One line a step: `canary 1%  error_rate needs about 12 000 requests, 35 min at 5.7 a second; …`.
    func text(_ look: Look) -> String {
        guard answers > 0 else {
            return "  no traffic was measured, so nothing is said of how long steps take\n"
        }
        let rate = answersPerSecond.map { " at \(decimals($0, $0 < 10 ? 1 : 0)) a second" } ?? ""
        var text = steps.map { "  \($0.sentence)\(rate)\($0.doubt)\($0.harm)\n" }.joined()
        if let undecidable { text += "  \(look.bad(look.symbols.fail)) \(printable(undecidable))\n" }
        return text
    }
}

extension ForecastView.Step {
    fileprivate var sentence: String {
        let what = slowest.map { "\(printable($0)) needs" } ?? "needs"
        let measure = unforeseen.isEmpty ? "about" : "at least"
        return "\(kind) \(belay.share(share))  \(what) \(measure) \(grouped(requests)) requests, "
            + duration(lastsMilliseconds)
    }

    /// What nobody can say is said to be so: the step may take far longer.
    fileprivate var doubt: String {
        let names = unforeseen.map(printable).joined(separator: ", ")
        return names.isEmpty ? "" : "; what \(names) needs cannot be said beforehand"
    }

    fileprivate var harm: String {
        guards.compactMap(\.toRollBack).min().map { "; clear harm shows after \(grouped($0)) requests" } ?? ""
    }
}
