/// The known name that a mistyped one most likely meant; nil when none is close.
package func nearest(_ model: ModelName, among known: some Sequence<ModelName>) -> ModelName? {
    nearest(model.text, among: known.map(\.text)).flatMap(ModelName.init)
}

/// The known word that a mistyped one most likely meant; nil when none is close.
///
/// Close means at most two edits, and no more than half of the word's letters.
package func nearest(_ word: String, among known: some Sequence<String>) -> String? {
    let letters = Array(word.utf8.prefix(128))
    let ranked = known.map { (editDistance(letters, Array($0.utf8.prefix(128))), $0) }
    guard let best = ranked.min(by: <), best.0 <= 2, best.0 * 2 < max(letters.count, 2) + 1 else {
        return nil
    }
    return best.1
}

/// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforePrevious = [Int](repeating: 0, count: b.count + 1)
    var previous = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var cost = min(previous[j] + (a[i] == b[j] ? 0 : 1), previous[j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                cost = min(cost, beforePrevious[j - 1] + 1)
            }
            row.append(cost)
        }
        (beforePrevious, previous) = (previous, row)
    }
    return previous[b.count]
}
