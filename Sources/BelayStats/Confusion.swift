/// How often each class was predicted for each true class, and the measures that follow.
///
/// A measure whose denominator is nought is nil: no row says anything about it. An average over classes takes
/// such a class as 0, and leaves out classes that were neither seen nor predicted, as scikit-learn does with
/// `zero_division=0`.
package struct Confusion: Equatable, Sendable {
    package static let mostClasses = 256

    /// Classes are numbered from 0.
    package let classes: Int
    package private(set) var total = 0
    /// Row by row of true classes.
    private var counts: [Int]

    /// Returns nil unless `2 ≤ classes ≤ 256`.
    package init?(classes: Int) {
        guard (2...Self.mostClasses).contains(classes) else { return nil }
        self.classes = classes
        counts = Array(repeating: 0, count: classes * classes)
    }

    /// Counts rows, and says whether they were counted: false for a class that is none or a count below one.
    @discardableResult
    package mutating func add(actual: Int, predicted: Int, count: Int = 1) -> Bool {
        guard (0..<classes).contains(actual), (0..<classes).contains(predicted), count > 0 else {
            return false
        }
        let place = actual * classes + predicted
        counts[place] = counts[place].addingSaturated(count)
        total = total.addingSaturated(count)
        return true
    }

    /// Adds what was counted elsewhere; false, and nothing is added, for another number of classes.
    @discardableResult
    package mutating func merge(_ other: Confusion) -> Bool {
        guard other.classes == classes else { return false }
        for place in counts.indices { counts[place] = counts[place].addingSaturated(other.counts[place]) }
        total = total.addingSaturated(other.total)
        return true
    }

    /// Rows of a true class that were given a predicted one; 0 for a class that is none.
    package func count(actual: Int, predicted: Int) -> Int {
        guard (0..<classes).contains(actual), (0..<classes).contains(predicted) else { return 0 }
        return counts[actual * classes + predicted]
    }

    /// One class against all others.
    package func binary(_ positive: Int) -> Binary {
        let found = count(actual: positive, predicted: positive)
        var (missed, wrong) = (0, 0)
        for other in 0..<classes where other != positive {
            missed = missed.addingSaturated(count(actual: positive, predicted: other))
            wrong = wrong.addingSaturated(count(actual: other, predicted: positive))
        }
        let rest = max(total.addingSaturated(-found).addingSaturated(-missed).addingSaturated(-wrong), 0)
        return Binary(
            truePositives: found,
            falsePositives: wrong,
            falseNegatives: missed,
            trueNegatives: rest
        )
    }

    /// The part of all rows that were predicted right; nil without any.
    package var accuracy: Double? {
        guard total > 0 else { return nil }
        let right = (0..<classes).reduce(0) { $0.addingSaturated(count(actual: $1, predicted: $1)) }
        return Double(right) / Double(total)
    }

    package var macroPrecision: Double? { average { $0.precision } }
    package var macroRecall: Double? { average { $0.recall } }
    package var macroF1: Double? { average { $0.f1 } }

    private func average(_ measure: (Binary) -> Double?) -> Double? {
        let present = (0..<classes).map(binary).filter { $0.isPresent }
        guard !present.isEmpty else { return nil }
        return present.reduce(0) { $0 + (measure($1) ?? 0) } / Double(present.count)
    }
}

extension Confusion {
    /// The four counts of one class against the rest.
    package struct Binary: Equatable, Sendable {
        package let truePositives: Int
        package let falsePositives: Int
        package let falseNegatives: Int
        package let trueNegatives: Int

        package init(truePositives: Int, falsePositives: Int, falseNegatives: Int, trueNegatives: Int) {
            self.truePositives = max(truePositives, 0)
            self.falsePositives = max(falsePositives, 0)
            self.falseNegatives = max(falseNegatives, 0)
            self.trueNegatives = max(trueNegatives, 0)
        }

        var isPresent: Bool { truePositives > 0 || falsePositives > 0 || falseNegatives > 0 }

        /// Of the rows called positive, the part that was.
        package var precision: Double? { ratio(found, found + Double(falsePositives)) }

        /// Of the positive rows, the part that was called so.
        package var recall: Double? { ratio(found, found + Double(falseNegatives)) }

        /// Of the negative rows, the part that was called so.
        package var specificity: Double? {
            ratio(Double(trueNegatives), Double(trueNegatives) + Double(falsePositives))
        }

        package var f1: Double? { ratio(2 * found, weight) }

        /// The variance of ``f1`` by the delta method, for display:
        /// (TP(2 − 2f)² + (FP + FN)f²)/(2TP + FP + FN)².
        package var f1Variance: Double? {
            guard let f1 else { return nil }
            let spread = found * (2 - 2 * f1) * (2 - 2 * f1) + errors * f1 * f1
            return spread / weight / weight
        }

        private var found: Double { Double(truePositives) }
        private var errors: Double { Double(falsePositives) + Double(falseNegatives) }
        private var weight: Double { 2 * found + errors }

        private func ratio(_ part: Double, _ whole: Double) -> Double? { whole > 0 ? part / whole : nil }
    }
}

extension Confusion: Codable {
    private enum CodingKeys: String, CodingKey { case classes, counts }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let counts = try values.decode([Int].self, forKey: .counts)
        let confusion = Confusion(classes: try values.decode(Int.self, forKey: .classes))
        guard var confusion, counts.count == confusion.counts.count, counts.allSatisfy({ $0 >= 0 }) else {
            throw DecodingError.invalid("not the counts of a confusion matrix", from: decoder)
        }
        confusion.counts = counts
        confusion.total = counts.reduce(0) { $0.addingSaturated($1) }
        self = confusion
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(classes, forKey: .classes)
        try values.encode(counts, forKey: .counts)
    }
}
