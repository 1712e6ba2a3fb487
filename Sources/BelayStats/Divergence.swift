/// How far two divisions into the same bins lie apart, for people to look at.
///
/// None of these decides: without drift a population stability index of 50 values in ten bins exceeds 0.1 in
/// six cases of seven, and a test on 100,000 values finds differences that matter to nobody.
/// ``DriftDetector`` decides. Show them on a full window of at least 100 values a bin.
package enum Divergence {
    /// Kullback–Leibler divergence KL(p‖q) in nats, ≥ 0; nil unless both have the same bins.
    package static func kullbackLeibler(_ first: Shares, _ second: Shares) -> Double? {
        guard first.count == second.count else { return nil }
        let sum = zip(first.values, second.values).reduce(0) { $0 + $1.0 * logarithm($1.0 / $1.1) }
        return max(sum, 0)
    }

    /// Population stability index, KL(p‖q) + KL(q‖p), ≥ 0; nil unless both have the same bins.
    package static func populationStabilityIndex(_ first: Shares, _ second: Shares) -> Double? {
        guard first.count == second.count else { return nil }
        return zip(first.values, second.values).reduce(0) {
            $0 + ($1.0 - $1.1) * logarithm($1.0 / $1.1)
        }
    }

    /// Jensen–Shannon divergence in nats, 0 … log 2; nil unless both have the same bins.
    package static func jensenShannon(_ first: Shares, _ second: Shares) -> Double? {
        guard first.count == second.count else { return nil }
        let sum = zip(first.values, second.values).reduce(0.0) { sum, pair in
            let middle = (pair.0 + pair.1) / 2
            return sum + (pair.0 * logarithm(pair.0 / middle) + pair.1 * logarithm(pair.1 / middle)) / 2
        }
        return max(sum, 0)
    }

    /// Kolmogorov–Smirnov distance between the bins' edges, 0 … 1; nil unless both have the same bins.
    ///
    /// Bins must be in ascending order; leave out one for missing values.
    package static func kolmogorovSmirnov(_ first: Shares, _ second: Shares) -> Double? {
        guard first.count == second.count else { return nil }
        var (difference, largest) = (0.0, 0.0)
        for (ofFirst, ofSecond) in zip(first.values, second.values) {
            difference += ofFirst - ofSecond
            largest = max(largest, abs(difference))
        }
        return min(largest, 1)
    }

    /// First Wasserstein distance of the values that stand for the bins, in the column's unit.
    ///
    /// - Parameters:
    ///   - first: Shares of ascending bins.
    ///   - second: Shares of the same bins.
    ///   - centres: One finite value for each bin, ascending.
    /// - Returns: Nil unless everything has the same bins.
    package static func wasserstein(_ first: Shares, _ second: Shares, centres: [Double]) -> Double? {
        guard first.count == second.count, centres.count == first.count, centres.allSatisfy(\.isFinite),
            zip(centres, centres.dropFirst()).allSatisfy({ $0 <= $1 })
        else { return nil }
        var (difference, distance) = (0.0, 0.0)
        for index in centres.indices.dropLast() {
            difference += first.values[index] - second.values[index]
            distance += abs(difference) * (centres[index + 1] - centres[index])
        }
        return distance
    }

    /// What the population stability index is on average without any drift: (B − 1)(1/n + 1/n_ref).
    package static func expectedIndex(bins: Int, count: Int, reference: Int) -> Double? {
        guard bins >= 2, count > 0, reference > 0 else { return nil }
        return Double(bins - 1) * (1 / Double(count) + 1 / Double(reference))
    }
}
