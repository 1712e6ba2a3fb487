import Foundation

extension MetricsText.Format {
    /// The one of the two that whoever sends this `Accept` likes better; the older when it is all the same.
    init(accept: String?) {
        var (open, plain) = (0.0, 0.0)
        for part in (accept ?? "").split(separator: ",") {
            let words = part.split(separator: ";").map { $0.trimmed.lowercased() }
            let parameters = words.dropFirst().map { $0.split(separator: "=", maxSplits: 1).map(\.trimmed) }
            func value(_ name: String) -> String? {
                parameters.first { $0.first == name && $0.count == 2 }?[1]
            }
            let quality = value("q").flatMap(Double.init) ?? 1
            switch words.first {
            case "application/openmetrics-text" where (value("version") ?? "1.0.0") == "1.0.0":
                open = max(open, quality)
            case "text/plain", "text/*", "*/*": plain = max(plain, quality)
            default: break
            }
        }
        self = open > plain ? .openMetrics : .prometheus
    }
}

extension StringProtocol {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespaces) }
}
