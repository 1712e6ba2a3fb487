import BelayCore

/// A difference of rates in percentage points: `+0.81 pts`.
package func points(_ fraction: Double) -> String {
    (fraction < 0 ? "-" : "+") + decimals(abs(fraction) * 100, 2) + " pts"
}

/// A rate in per cent: `0.92%`.
package func percent(_ fraction: Double) -> String { decimals(fraction * 100, 2) + "%" }

/// `value` with exactly `places` decimals; `-` for what is no number.
package func decimals(_ value: Double, _ places: Int) -> String {
    var scale = 1
    for _ in 0..<places { scale *= 10 }
    guard let scaled = Int(exactly: (value * Double(scale)).rounded()) else { return "-" }
    let digits = String(abs(scaled) % scale + scale).dropFirst()
    return "\(scaled < 0 ? "-" : "")\(abs(scaled) / scale)\(places > 0 ? "." : "")\(digits)"
}

/// Whole numbers in groups of three, as tables show them: `18 402`.
package func grouped(_ value: Int) -> String {
    var text = ""
    for (index, digit) in String(abs(value)).reversed().enumerated() {
        if index > 0, index.isMultiple(of: 3) { text = " " + text }
        text = String(digit) + text
    }
    return (value < 0 ? "-" : "") + text
}

extension GuardView {
    /// The numbers in one line: `+0.81 pts [+0.52 pts, +1.10 pts], limit +0.50 pts, n 2 140 / 19 411`.
    package var figures: String {
        guard let value else {
            let isElsewhere = Verdict(rawValue: verdict) == .unjudged && !isOfShadows
            return isElsewhere ? "not in this step" : "nothing seen yet"
        }
        let count = nStable > 0 ? "n \(grouped(n)) / \(grouped(nStable))" : "n \(grouped(n))"
        switch Metric(rawValue: metric) {
        case .invalidOutput: return "\(decimals(value, 0)) invalid, limit 0, \(count)"
        case .circuitBreaker: return "opened twice \(decimals(value, 0)) times, limit 0, \(count)"
        default: break
        }
        if isOfShadows {
            let word = metric == Metric.disagreement.rawValue ? "differs" : "fails"
            let bound = limit < 1 ? ", limit \(percent(limit))" : ""
            return "\(word) \(percent(value))\(ends)\(bound), n \(grouped(n))"
        }
        // A request with null in the place of a number is none of them.
        let whose = metric == Metric.missingRate.rawValue ? " that fit the signature" : ""
        let place = (feature ?? slice).map { " in \($0)" } ?? ""
        return "\(write(value))\(ends)\(place), limit \(write(limit)), \(count)\(whose)"
    }

    private var isOfShadows: Bool { Metric(rawValue: metric)?.isOfShadows ?? false }

    private var ends: String {
        interval.flatMap { $0.count == 2 ? " [\(write($0[0])), \(write($0[1]))]" : nil } ?? ""
    }

    /// A figure in the guard's unit; a difference bears its sign.
    package func write(_ figure: Double) -> String {
        switch (unit, versus) {
        case (_, "badness"):
            return decimals(figure * 100, 1) + "% \(Metric(rawValue: metric)?.badWord ?? "bad")"
        case (_, "stable_relative"): return signed(figure, decimals(abs(figure) * 100, 1) + "%")
        case ("fraction", "stable"): return points(figure)
        case ("fraction", _): return percent(figure)
        case ("ms", "stable"): return signed(figure, milliseconds(abs(figure)))
        case ("ms", _): return milliseconds(figure)
        case ("per_second", _): return plain(figure) + "/s"
        case ("psi", _): return "PSI " + decimals(figure, 3)
        case (_, "stable"): return signed(figure, plain(abs(figure)))
        default: return plain(figure)
        }
    }

    private func signed(_ figure: Double, _ text: String) -> String { (figure < 0 ? "-" : "+") + text }

    private func milliseconds(_ time: Double) -> String {
        decimals(time, abs(time) >= 100 ? 0 : abs(time) >= 10 ? 1 : 2) + " ms"
    }

    private func plain(_ number: Double) -> String {
        decimals(number, abs(number) >= 1000 ? 0 : abs(number) >= 10 ? 2 : 4)
    }
}
