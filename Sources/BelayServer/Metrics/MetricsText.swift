import BelayCore

/// Writes Prometheus' text format, version 0.0.4, or OpenMetrics 1.0.
///
/// One family after the other: its help, its type, its samples. A family without samples is left out.
struct MetricsText {
    enum Format {
        case prometheus, openMetrics

        var contentType: String {
            switch self {
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    enum Kind: String {
        case counter, gauge, histogram
    }

    typealias Labels = KeyValuePairs<String, String>

    let format: Format
    private(set) var text = ""
    /// Of all families, those without samples included.
    private(set) var families: [String] = []

    init(_ format: Format = .prometheus) { self.format = format }

    /// Opens a family and lets `body` write its samples.
    mutating func family(
        _ name: String,
        _ kind: Kind,
        _ help: String,
        _ body: (inout MetricsFamily) -> Void
    ) {
        families.append(name)
        var family = MetricsFamily(name: name, format: format)
        body(&family)
        guard !family.samples.isEmpty else { return }
        let isOpen = format == .openMetrics
        // In OpenMetrics `_total` belongs to the samples of a counter, not to its name.
        let title = isOpen && kind == .counter && name.hasSuffix("_total") ? String(name.dropLast(6)) : name
        text += "# HELP \(title) \(escaped(help, quotes: isOpen))\n# TYPE \(title) \(kind.rawValue)\n"
        text += family.samples
    }

    /// Nothing follows.
    mutating func end() { if format == .openMetrics { text += "# EOF\n" } }
}

/// The samples of one metric.
struct MetricsFamily {
    let name: String
    let format: MetricsText.Format
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
            let bound = isLast ? "+Inf" : bound(Double(LatencyHistogram.bounds[index]) / 1_000_000)
            write("_bucket", labels, String(total), extra: ("le", bound))
        }
        write("_sum", labels, number(Double(histogram.microseconds) / 1_000_000))
        write("_count", labels, String(total))
    }

    /// OpenMetrics wants a point in it.
    private func bound(_ value: Double) -> String {
        format == .openMetrics ? String(value) : number(value)
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
