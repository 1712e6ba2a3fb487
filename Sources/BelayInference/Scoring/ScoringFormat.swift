/// How the body of a scoring request (MLflow's `/invocations`) is written.
package enum ScoringFormat: Equatable, Sendable {
    case json
    case csv

    /// The format of a `Content-Type`; JSON when there is none, nil when it is none of these in UTF-8.
    package init?(contentType: String?) {
        guard let contentType else {
            self = .json
            return
        }
        let parts = contentType.split(separator: ";").map { part in
            part.filter { $0 != " " && $0 != "\t" && $0 != "\"" }.lowercased()
        }
        let isForeign = parts.dropFirst().contains { $0.hasPrefix("charset=") && $0 != "charset=utf-8" }
        switch parts.first {
        case "application/json" where !isForeign: self = .json
        case "text/csv" where !isForeign: self = .csv
        default: return nil
        }
    }

    /// What the caller is told with a 415.
    package static func refusal(of contentType: String) -> String {
        "This predictor only supports the following content types: Types: "
            + "['text/csv', 'application/json']. Got '\(contentType.prefix(80))'."
    }
}
