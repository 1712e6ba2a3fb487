/// The parts of a whole, each above nought: what a column's values are expected to fall into.
package struct Shares: Equatable, Sendable {
    /// So many bins that a state stays small and a tick cheap.
    package static let mostBins = 4_096

    /// Sum to 1 within 1e-9.
    package let values: [Double]

    package var count: Int { values.count }

    /// Returns nil unless there are 2 to ``mostBins``, all finite and above 0, that sum to 1 within 1e-9.
    package init?(_ values: [Double]) {
        guard (2...Self.mostBins).contains(values.count), values.allSatisfy({ $0 > 0 && $0.isFinite }),
            abs(values.reduce(0, +) - 1) <= 1e-9
        else { return nil }
        self.values = values
    }

    /// The shares that counts suggest, `(count + ½)/(n + B/2)`: none is nought because nothing was seen yet.
    ///
    /// Returns nil for a negative count, or unless there are 2 to ``mostBins``.
    package init?(counts: [Int]) {
        guard (2...Self.mostBins).contains(counts.count), counts.allSatisfy({ $0 >= 0 }) else { return nil }
        let total = counts.reduce(0) { $0.addingSaturated($1) }
        let whole = Double(total) + 0.5 * Double(counts.count)
        let values = counts.map { (Double($0) + 0.5) / whole }
        // Counts that saturate add up to more than their total.
        let sum = values.reduce(0, +)
        self.values = abs(sum - 1) <= 1e-9 ? values : values.map { $0 / sum }
    }

    /// Equal parts; nil unless there are 2 to ``mostBins``.
    package init?(equal count: Int) {
        guard (2...Self.mostBins).contains(count) else { return nil }
        values = Array(repeating: 1 / Double(count), count: count)
    }
}

/// Stored as the list of its values.
extension Shares: Codable {
    package init(from decoder: any Decoder) throws {
        let values = try decoder.singleValueContainer().decode([Double].self)
        guard let shares = Shares(values) else {
            throw DecodingError.invalid("shares are above 0 and sum to 1", from: decoder)
        }
        self = shares
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(values)
    }
}

/// What the shares seem to be now: counts, pulled towards an expectation that weighs as much as twenty.
struct SharesEstimate: Equatable, Sendable {
    static let priorWeight = 20.0

    private(set) var counts: [Double]
    private(set) var total: Double

    init(bins: Int) {
        counts = Array(repeating: 0, count: bins)
        total = 0
    }

    /// The estimate for one bin, above 0; the mean of a Dirichlet distribution.
    func share(_ bin: Int, prior: Shares) -> Double {
        (counts[bin] + Self.priorWeight * prior.values[bin]) / (total + Self.priorWeight)
    }

    mutating func add(_ bin: Int, _ count: Int) {
        counts[bin] += Double(count)
        total += Double(count)
    }

    /// Counts one value after all earlier ones have lost weight.
    mutating func addForgetting(_ bin: Int, keeping: Double) {
        for index in counts.indices { counts[index] *= keeping }
        counts[bin] += 1
        total = total * keeping + 1
    }

    /// The same for a tick whose order is lost: its values are taken as spread evenly over it.
    mutating func addForgetting(_ fresh: [Int], total count: Int, keeping: Double) {
        let kept = exponential(Double(count) * logarithm(keeping))
        let weight = (1 - kept) / (Double(count) * (1 - keeping))
        for index in counts.indices { counts[index] = counts[index] * kept + Double(fresh[index]) * weight }
        total = total * kept + Double(count) * weight
    }
}

/// The total is stored too: it is not the sum of the counts to the last bit.
extension SharesEstimate: Codable {
    private enum CodingKeys: String, CodingKey { case counts, total }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        counts = try values.decode([Double].self, forKey: .counts)
        total = try values.decode(Double.self, forKey: .total)
        guard (2...Shares.mostBins).contains(counts.count), counts.allSatisfy({ $0 >= 0 && $0.isFinite }),
            total >= 0, total.isFinite
        else { throw DecodingError.invalid("not counts of bins", from: decoder) }
    }
}
