/// Scores of positive and negative rows, counted in a hundred bins, and how well they rank.
package struct ScoreBins: Equatable, Sendable {
    package static let count = 100

    package private(set) var positives: [Int]
    package private(set) var negatives: [Int]

    package init() {
        positives = Array(repeating: 0, count: Self.count)
        negatives = positives
    }

    /// Counts a row, and says whether it was counted: a score lies in 0 … 1, and is no NaN.
    @discardableResult
    package mutating func add(score: Double, positive: Bool, count: Int = 1) -> Bool {
        guard (0...1).contains(score), count > 0 else { return false }
        let bin = min(Int(score * Double(Self.count)), Self.count - 1)
        if positive {
            positives[bin] = positives[bin].addingSaturated(count)
        } else {
            negatives[bin] = negatives[bin].addingSaturated(count)
        }
        return true
    }

    /// Area under the receiver's operating curve.
    ///
    /// It is the probability that a positive row scores above a negative one, where a tie within a bin counts
    /// half. Nil unless there are rows of both kinds.
    package var area: Double? {
        var (below, wins, found, rest) = (0.0, 0.0, 0.0, 0.0)
        for (ofPositives, ofNegatives) in zip(positives, negatives) {
            wins += Double(ofPositives) * (below + Double(ofNegatives) / 2)
            below += Double(ofNegatives)
            found += Double(ofPositives)
            rest += Double(ofNegatives)
        }
        guard found > 0, rest > 0 else { return nil }
        return wins / found / rest
    }

    /// The variance of ``area`` after Hanley and McNeil (1982, Radiology 143), for display.
    package var areaVariance: Double? {
        guard let area else { return nil }
        let found = positives.reduce(0.0) { $0 + Double($1) }
        let rest = negatives.reduce(0.0) { $0 + Double($1) }
        let twoPositives = area / (2 - area)
        let twoNegatives = 2 * area * area / (1 + area)
        let spread =
            area * (1 - area) + (found - 1) * (twoPositives - area * area)
            + (rest - 1) * (twoNegatives - area * area)
        return max(spread / found / rest, 0)
    }
}

extension ScoreBins: Codable {
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        positives = try values.decode([Int].self, forKey: .positives)
        negatives = try values.decode([Int].self, forKey: .negatives)
        guard positives.count == Self.count, negatives.count == Self.count,
            (positives + negatives).allSatisfy({ $0 >= 0 })
        else { throw DecodingError.invalid("not counts of scores", from: decoder) }
    }
}
