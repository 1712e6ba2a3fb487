/// The bins of one column, drawn once from reference values.
///
/// Numbers fall into ten bins that held a tenth of the reference each; a value that is itself a tenth or more
/// gets a bin of its own, so constants and flags are seen to change in both directions. Texts fall into a bin
/// for each of the commonest, one for the other texts of the reference, and one for texts it did not have.
/// The last bin of either is for what is missing.
package struct ReferenceBins: Equatable, Sendable {
    package enum Kind: String, Codable, Sendable {
        case numeric
        case categorical
    }

    /// Texts with a bin of their own, unless said otherwise.
    package static let standardCategories = 10
    /// Texts that are remembered; a column with more is a name, not a category.
    package static let mostCategories = 1_000
    private static let quantiles = 10

    package let kind: Kind
    /// Upper ends of all numeric bins but the last, ascending.
    package let edges: [Double]
    /// A value for each numeric bin, ascending, for ``Divergence/wasserstein(_:_:centres:)``.
    package let centres: [Double]
    /// The texts that have bins, the commonest first.
    package let categories: [String]
    /// The other texts of the reference, sorted.
    package let rareCategories: [String]
    /// What the reference had in each bin.
    package let counts: [Int]

    private let categoryBins: [String: Int]

    /// Draws the bins of a numeric column; nil without a single finite number.
    ///
    /// - Parameters:
    ///   - numbers: In any order; NaN and infinities count as missing.
    ///   - missing: Further rows without a value.
    package init?(numbers: [Double], missing: Int) {
        let sorted = numbers.filter(\.isFinite).sorted()
        guard let least = sorted.first, let greatest = sorted.last else { return nil }
        let edges = Self.edges(sorted)
        var counts = Array(repeating: 0, count: edges.count + 2)
        var middles: [Double] = []
        var start = 0
        for (bin, edge) in (edges + [.infinity]).enumerated() {
            let end = Self.firstAbove(edge, in: sorted, from: start)
            counts[bin] = end - start
            let outer = bin == 0 ? least : greatest
            let empty = bin < edges.count ? min(edges[bin], greatest) : outer
            middles.append(end > start ? sorted[start + (end - start) / 2] : empty)
            start = end
        }
        counts[edges.count + 1] = (numbers.count - sorted.count).addingSaturated(max(missing, 0))
        self.init(.numeric, edges: edges, centres: middles, categories: [], rare: [], counts: counts)
    }

    /// Draws the bins of a categorical column; nil without a text, or with more than ``mostCategories``.
    ///
    /// - Parameters:
    ///   - texts: How often each was seen; those not above 0 are passed over.
    ///   - missing: Further rows without a value.
    ///   - most: How many get a bin of their own, ≥ 1.
    ///   - unseen: Rows with texts that are not to be remembered, and so are expected among the unseen.
    package init?(
        texts: [String: Int],
        missing: Int,
        most: Int = standardCategories,
        unseen: Int = 0
    ) {
        let seen = texts.filter { $0.value > 0 }
            .sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
        guard !seen.isEmpty, seen.count <= Self.mostCategories, most >= 1 else { return nil }
        let rare = seen.dropFirst(most)
        let others = rare.reduce(0) { $0.addingSaturated($1.value) }
        self.init(
            .categorical,
            edges: [],
            centres: [],
            categories: seen.prefix(most).map(\.key),
            rare: rare.map(\.key).sorted(),
            counts: seen.prefix(most).map(\.value) + [others, max(unseen, 0), max(missing, 0)]
        )
    }

    private init(
        _ kind: Kind,
        edges: [Double],
        centres: [Double],
        categories: [String],
        rare: [String],
        counts: [Int]
    ) {
        self.kind = kind
        self.edges = edges
        self.centres = centres
        self.categories = categories
        rareCategories = rare
        self.counts = counts
        var bins: [String: Int] = [:]
        for (bin, text) in categories.enumerated() { bins[text] = bin }
        for text in rare { bins[text] = categories.count }
        categoryBins = bins
    }

    /// All bins, those for what is rare, unseen and missing included.
    package var count: Int { counts.count }

    /// The last bin.
    package var missingBin: Int { counts.count - 1 }

    /// The bin of texts that the reference did not have; nil for a numeric column.
    package var unseenBin: Int? { kind == .categorical ? counts.count - 2 : nil }

    /// What each bin is expected to receive.
    package var shares: Shares? { Shares(counts: counts) }

    /// The bin of a number.
    ///
    /// Nil, NaN and infinities are missing. In a categorical column every number is unseen.
    package func bin(of number: Double?) -> Int {
        guard let number, number.isFinite else { return missingBin }
        if let unseenBin { return unseenBin }
        var (low, high) = (0, edges.count)
        while low < high {
            let middle = (low + high) / 2
            if edges[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The bin of a text.
    ///
    /// Nil is missing. In a numeric column every text is missing: it is no number.
    package func bin(of text: String?) -> Int {
        guard let text, let unseenBin else { return missingBin }
        return categoryBins[text] ?? unseenBin
    }
}

extension ReferenceBins {
    /// The tenths of sorted numbers; around a value that is two or more of them, both its sides.
    private static func edges(_ sorted: [Double]) -> [Double] {
        var edges: [Double] = []
        for tenth in 1..<quantiles {
            let rank = (tenth * sorted.count + quantiles - 1) / quantiles
            let value = sorted[max(rank - 1, 0)]
            if let last = edges.last, last == value {
                let below = value.nextDown
                if below.isFinite, edges.count < 2 || edges[edges.count - 2] < below {
                    edges.insert(below, at: edges.count - 1)
                }
            } else {
                edges.append(value)
            }
        }
        return edges
    }

    private static func firstAbove(_ edge: Double, in sorted: [Double], from start: Int) -> Int {
        var (low, high) = (start, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] <= edge { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension ReferenceBins: Codable {
    private enum CodingKeys: String, CodingKey {
        case kind, edges, centres, categories, rareCategories, counts
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try values.decode(Kind.self, forKey: .kind),
            edges: try values.decode([Double].self, forKey: .edges),
            centres: try values.decode([Double].self, forKey: .centres),
            categories: try values.decode([String].self, forKey: .categories),
            rare: try values.decode([String].self, forKey: .rareCategories),
            counts: try values.decode([Int].self, forKey: .counts)
        )
        let bins = kind == .numeric ? edges.count + 2 : categories.count + 3
        let ascends = zip(edges, edges.dropFirst()).allSatisfy { $0 < $1 }
        guard counts.count == bins, counts.count <= Shares.mostBins, counts.allSatisfy({ $0 >= 0 }), ascends,
            centres.count == (kind == .numeric ? edges.count + 1 : 0), centres.allSatisfy(\.isFinite),
            categories.count + rareCategories.count <= Self.mostCategories
        else { throw DecodingError.invalid("not the bins of a column", from: decoder) }
    }
}
