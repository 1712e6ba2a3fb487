import BelayCore

/// A rate or a difference of rates in percentage points, as people read it: `+0.81 pts`, `−31.0 pts`.
func points(_ fraction: Double) -> String {
    let tenths = (fraction * 10_000).rounded() / 100
    let magnitude = abs(tenths)
    let digits = magnitude >= 10 ? rounded(magnitude, to: 1) : rounded(magnitude, to: 2)
    return "\(tenths < 0 ? "−" : "+")\(digits) pts"
}

/// A rate in per cent: `0.92 %`.
func percent(_ fraction: Double) -> String { "\(rounded(fraction * 100, to: 2)) %" }

/// Writes `value` with exactly `places` decimals; a value too large for that is written as it is.
func rounded(_ value: Double, to places: Int) -> String {
    let scale = places == 1 ? 10.0 : 100.0
    guard let scaled = Int(exactly: (value * scale).rounded()) else { return String(value) }
    let (whole, part) = (abs(scaled) / Int(scale), abs(scaled) % Int(scale))
    let digits = String(part)
    let padding = String(repeating: "0", count: max(0, places - digits.count))
    return "\(scaled < 0 ? "−" : "")\(whole).\(padding)\(digits)"
}

extension GuardReport {
    /// The numbers in one line: `+0.81 pts [+0.52 pts, +1.10 pts], limit +0.50 pts, n 2140 / 19411`.
    var figures: String {
        guard let value else { return "nothing seen yet" }
        let isDifference = stableSamples > 0
        let write: (Double) -> String = { isDifference ? points($0) : percent($0) }
        if metric == .invalidOutput { return "\(Int(exactly: value) ?? 0) invalid answers, limit 0" }
        var text = write(value)
        if let lower, let upper { text += " [\(write(lower)), \(write(upper))]" }
        text += ", limit \(write(limit)), n \(candidateSamples)"
        return isDifference ? "\(text) / \(stableSamples)" : text
    }
}
