import BelayCore
import BelayServer

/// A share as the API gives it, in per cent already: `2.5%`.
func share(_ percent: Double) -> String { "\(shortDecimal(percent))%" }

/// A size in the unit that leaves one to three digits before the point.
func size(_ bytes: Int64) -> String {
    var value = Double(bytes)
    var units = ["B", "kB", "MB", "GB", "TB"][...]
    while value >= 1000, units.count > 1 {
        value /= 1000
        units.removeFirst()
    }
    return
        "\(value >= 10 || units.first == "B" ? decimals(value, 0) : decimals(value, 1)) \(units.first ?? "B")"
}

/// How long ago something was, in one unit: `6 min`; the text itself when it is no time.
func age(_ time: String, now: Timestamp) -> String {
    guard let then = Timestamp(time) else { return printable(time) }
    let seconds = max(0, now.since(then).wholeMilliseconds / 1000)
    switch seconds {
    case ..<60: return "\(seconds) s"
    case ..<3600: return "\(seconds / 60) min"
    case ..<172_800: return "\(seconds / 3600) h"
    default: return "\(seconds / 86_400) d"
    }
}

extension GuardView {
    func line(_ look: Look) -> String {
        let mark: String
        switch Verdict(rawValue: verdict) {
        case .pass: mark = look.good(look.symbols.pass)
        case .breach: mark = look.bad(look.symbols.fail)
        case .undecided: mark = look.symbols.undecided
        case .blind, .unjudged, nil: mark = look.symbols.nothing
        }
        return "\(mark) \(printable(name)) \(verdict)  \(printable(figures))"
            + (detail.map { "; " + printable($0) } ?? "")
    }
}

extension GateView {
    func line(_ look: Look) -> String {
        let mark = outcome == "pass" ? look.good(look.symbols.pass) : look.bad(look.symbols.fail)
        return "\(mark) \(gate) \(outcome)  \(printable(detail))"
    }
}
