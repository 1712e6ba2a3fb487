import Foundation

/// How often simulated evidence reached a threshold, and how soon.
struct Times {
    /// Requests until it did, or the horizon.
    let values: [Int]
    let detected: Int

    init(_ times: [Int?], horizon: Int) {
        values = times.map { $0 ?? horizon }.sorted()
        detected = times.count { $0 != nil }
    }

    var mean: Double { Double(values.reduce(0, +)) / Double(values.count) }
    var median: Int { values.isEmpty ? 0 : values[values.count / 2] }
    var rate: Double { Double(detected) / Double(values.count) }

    /// `1234 / 1032`, and how many were found unless all were.
    var text: String {
        let missed = detected == values.count ? "" : " (\(percent(rate)) found)"
        return "\(rounded(mean)) / \(median)\(missed)"
    }
}

func rounded(_ number: Double) -> String { String(Int(number.rounded())) }

func ratio(_ number: Double) -> String { String(format: "×%.2f", number) }

func percent(_ part: Double) -> String { String(format: "%.1f%%", 100 * part) }

/// A rate and its standard error.
func measured(_ count: Int, of runs: Int) -> String {
    let rate = Double(count) / Double(runs)
    let spread = (max(rate, 1 / Double(runs)) * (1 - rate) / Double(runs)).squareRoot()
    return String(format: "%.2f%% ± %.2f", 100 * rate, 100 * spread)
}

/// How often the largest log E of a run reached 1/alpha.
func falseRate(_ largest: [Double], alpha: Double) -> String {
    measured(largest.count { $0 >= -log(alpha) }, of: largest.count)
}

/// A table in Markdown, a row at a time, so that a long bench shows where it is.
struct MarkdownTable {
    init(_ title: String, _ columns: [String]) {
        print("\n### \(title)\n")
        print("| " + columns.joined(separator: " | ") + " |")
        print("|" + columns.map { _ in "---|" }.joined())
    }

    func row(_ cells: String...) {
        print("| " + cells.joined(separator: " | ") + " |")
        fflush(nil)
    }
}
