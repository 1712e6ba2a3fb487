/// F1 or precision as a mean of single outcomes, which a bet can be placed on.
///
/// Both are ratios N/D of sums, and the number of terms in D depends on the arm: restricting the comparison
/// to the rows that a version called positive would break the coin. Instead each row is charged its part of
/// `φD − N` for a φ fixed beforehand, the ratio of the stable version: the mean is nought for a version with
/// that ratio and positive for a worse one. Mapped to 0 … 1 it is badness for ``AllocationBet``. The test is
/// about the linearised loss: φ is taken as known.
///
/// Recall and specificity need none of this: restrict to rows whose true label is positive, or negative.
package struct LinearLoss: Equatable, Sendable, Codable {
    package enum Ratio: String, Codable, Sendable {
        case f1
        case precision
    }

    package let ratio: Ratio
    /// The stable version's ratio φ, 0 … 1.
    package let stable: Double

    /// Returns nil unless `0 ≤ stable ≤ 1`.
    package init?(_ ratio: Ratio, stable: Double) {
        guard (0...1).contains(stable) else { return nil }
        self.ratio = ratio
        self.stable = stable
    }

    /// Badness of one row, 0 … 1: best for a positive that was found, worst for what the ratio counts as an
    /// error, between them for a row that it does not count.
    package func badness(predicted: Bool, actual: Bool) -> Double {
        switch (ratio, predicted, actual) {
        case (_, true, true): 0
        case (_, true, false), (.f1, false, true): 1
        case (_, false, false), (.precision, false, true): neutral
        }
    }

    /// What is charged for a row that does not enter the ratio.
    package var neutral: Double {
        switch ratio {
        case .f1: 2 * (1 - stable) / (2 - stable)
        case .precision: 1 - stable
        }
    }

    /// The absolute margin, in badness, that allows the ratio to be lower by `drop`.
    ///
    /// - Parameters:
    ///   - drop: In units of the ratio, 0 … 1.
    ///   - density: The mean of D over the rows: (2TP + FP + FN)/n for F1, (TP + FP)/n for precision.
    /// - Returns: Nil for a number out of range.
    package func margin(forDrop drop: Double, density: Double) -> Double? {
        guard (0...1).contains(drop), (0...2).contains(density) else { return nil }
        switch ratio {
        case .f1: return min(drop * density / (2 - stable), 1)
        case .precision: return min(drop * density, 1)
        }
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let loss = LinearLoss(
            try values.decode(Ratio.self, forKey: .ratio),
            stable: try values.decode(Double.self, forKey: .stable)
        )
        guard let loss else { throw DecodingError.invalid("a ratio lies between 0 and 1", from: decoder) }
        self = loss
    }
}
