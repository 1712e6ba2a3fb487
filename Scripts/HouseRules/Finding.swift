/// One place that breaks a rule, and what to do about it.
struct Finding: Equatable {
    let path: String
    let line: Int
    let message: String
    let remedy: String
    /// Where a `// tidy: reason` at the place silences the finding; nil where nothing does.
    var excusedIn: String? = ""

    var text: String { "\(path):\(line): \(message) — \(remedy)" }

    func isExcused(in source: Source) -> Bool {
        guard let excusedIn else { return false }
        return path.hasPrefix(excusedIn) && source.excuses(line: line)
    }
}

/// Returns what breaks the rules that look at one file at a time.
func findings(in source: Source) -> [Finding] {
    var all = lengthFindings(in: source)
    if source.path.hasSuffix(".swift") { all += functionFindings(in: source) }
    if source.target != nil, source.path.hasSuffix(".swift") {
        all += importFindings(in: source) + textFindings(in: source) + nameFindings(in: source)
    }
    return all.filter { !$0.isExcused(in: source) }.sorted { $0.line < $1.line }
}
