import BelayCore

/// Writes Prometheus' text format, version 0.0.4.
///
/// One family after the other: its help, its type, its samples. A family without samples is left out.
struct MetricsText {
    enum Kind: String {
        case counter, gauge, histogram
    }

    typealias Labels = KeyValuePairs<String, String>

    private(set) var text = ""

    /// Opens a family and lets `body` write its samples.
    mutating func family(
        _ name: String,
        _ kind: Kind,
        _ help: String,
        _ body: (inout MetricsFamily) -> Void
    ) {
        var family = MetricsFamily(name: name)
        body(&family)
        guard !family.samples.isEmpty else { return }
        text += "# HELP \(name) \(escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
        text += family.samples
    }
}

/// The samples of one metric.
struct MetricsFamily {
    let name: String
    fileprivate(set) var samples = ""

    mutating func add(_ labels: MetricsText.Labels, _ value: Int) { write("", labels, String(value)) }

    mutating func add(_ labels: MetricsText.Labels, _ value: Double) {
        write("", labels, number(value))
    }

    /// Exactly one of the states is 1.
    mutating func add(_ labels: MetricsText.Labels, state: String?, of states: [String]) {
        for each in states {
            write("", labels, each == state ? "1" : "0", extra: ("state", each))
        }
    }

    /// Writes cumulative buckets, the sum in seconds and the count.
    mutating func add(_ labels: MetricsText.Labels, _ histogram: LatencyHistogram) {
        var total = 0
        for (index, count) in histogram.counts.enumerated() {
            let (sum, overflow) = total.addingReportingOverflow(count)
            total = overflow ? .max : sum
            let isLast = index == LatencyHistogram.bounds.count
            let bound = isLast ? "+Inf" : number(Double(LatencyHistogram.bounds[index]) / 1_000_000)
            write("_bucket", labels, String(total), extra: ("le", bound))
        }
        write("_sum", labels, number(Double(histogram.microseconds) / 1_000_000))
        write("_count", labels, String(total))
    }

    private mutating func write(
        _ suffix: String,
        _ labels: MetricsText.Labels,
        _ value: String,
        extra: (name: String, value: String)? = nil
    ) {
        let pairs = labels.map { "\($0.key)=\"\(escaped($0.value, quotes: true))\"" }
        let all = pairs + (extra.map { ["\($0.name)=\"\(escaped($0.value, quotes: true))\""] } ?? [])
        let braced = all.isEmpty ? "" : "{\(all.joined(separator: ","))}"
        samples += "\(name)\(suffix)\(braced) \(value)\n"
    }
}

private func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    return Int(exactly: value).map(String.init) ?? String(value)
}

/// Backslashes and line ends, and in values quotes too, would end what they stand in.
private func escaped(_ text: String, quotes: Bool) -> String {
    guard text.utf8.contains(where: { $0 == 0x5c || $0 == 0x0a || $0 == 0x22 }) else { return text }
    return text.unicodeScalars.map { scalar in
        switch scalar {
        case "\\": "\\\\"
        case "\n": "\\n"
        case "\"" where quotes: "\\\""
        default: String(scalar)
        }
    }.joined()
}
