import BelayCore
import BelayServer

/// A difference of rates in percentage points: `+0.81 pts`.
func points(_ fraction: Double) -> String {
    (fraction < 0 ? "-" : "+") + decimals(abs(fraction) * 100, 2) + " pts"
}

/// A rate in per cent: `0.92%`.
func percent(_ fraction: Double) -> String { decimals(fraction * 100, 2) + "%" }

/// A share as the API gives it, in per cent already: `2.5%`.
func share(_ percent: Double) -> String { "\(shortDecimal(percent))%" }

/// `value` with exactly `places` decimals; `-` for what is no number.
func decimals(_ value: Double, _ places: Int) -> String {
    var scale = 1
    for _ in 0..<places { scale *= 10 }
    guard let scaled = Int(exactly: (value * Double(scale)).rounded()) else { return "-" }
    let digits = String(abs(scaled) % scale + scale).dropFirst()
    return "\(scaled < 0 ? "-" : "")\(abs(scaled) / scale)\(places > 0 ? "." : "")\(digits)"
}

/// Whole numbers in groups of three, as tables show them: `18 402`.
func grouped(_ value: Int) -> String {
    var text = ""
    for (index, digit) in String(abs(value)).reversed().enumerated() {
        if index > 0, index.isMultiple(of: 3) { text = " " + text }
        text = String(digit) + text
    }
    return (value < 0 ? "-" : "") + text
}

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
    /// The numbers in one line: `+0.81 pts [+0.52 pts, +1.10 pts], limit +0.50 pts, n 2 140 / 19 411`.
    var figures: String {
        guard let value else { return "nothing seen yet" }
        let count = nStable > 0 ? "n \(grouped(n)) / \(grouped(nStable))" : "n \(grouped(n))"
        if metric == Metric.invalidOutput.rawValue {
            return "\(decimals(value, 0)) invalid, limit 0, \(count)"
        }
        let write = nStable > 0 ? points : percent
        let ends = interval.flatMap { $0.count == 2 ? " [\(write($0[0])), \(write($0[1]))]" : nil } ?? ""
        return "\(write(value))\(ends), limit \(write(limit)), \(count)"
    }

    func line(_ look: Look) -> String {
        let mark: String
        switch Verdict(rawValue: verdict) {
        case .pass: mark = look.good(look.symbols.pass)
        case .breach: mark = look.bad(look.symbols.fail)
        case .undecided: mark = look.symbols.undecided
        case .blind, nil: mark = look.symbols.nothing
        }
        return "\(mark) \(printable(name)) \(verdict)  \(figures)"
    }
}

extension GateView {
    func line(_ look: Look) -> String {
        let mark = outcome == "pass" ? look.good(look.symbols.pass) : look.bad(look.symbols.fail)
        return "\(mark) \(gate) \(outcome)  \(printable(detail))"
    }
}
