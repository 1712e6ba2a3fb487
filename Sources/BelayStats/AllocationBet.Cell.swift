extension AllocationBet {
    /// How often one outcome was seen in one tick, for one arm at one share.
    ///
    /// Counts add, so event loops and gateways can count apart and be merged without order.
    package struct Cell: Equatable, Sendable {
        package let candidate: Bool
        /// Badness of the outcome, 0 … 1: for a rate 0 or 1, otherwise the value that stands for a bin.
        package let value: Double
        /// Probability, 0 … 1, with which the request was sent to the candidate, as it was when routed.
        package let share: Double
        package let count: Int

        /// Returns nil for a value or share outside 0 … 1, NaN included, or a negative count.
        package init?(candidate: Bool, value: Double, share: Double, count: Int) {
            guard (0...1).contains(value), (0...1).contains(share), count >= 0 else { return nil }
            self.init(accepting: candidate, value: value, share: share, count: count)
        }

        private init(accepting candidate: Bool, value: Double, share: Double, count: Int) {
            self.candidate = candidate
            self.value = value
            self.share = share
            self.count = count
        }
    }
}

extension AllocationBet.Cell {
    /// Whether a coin was tossed, and anything seen.
    var isInformative: Bool { share > 0 && share < 1 && count > 0 }

    /// A − w: how far the coin's fall lies from its mean.
    var coin: Double { candidate ? 1 - share : -share }

    /// One cell for each combination of arm, value and share, in an order of their own.
    static func merged(_ cells: [Self]) -> [Self] {
        var merged: [Self] = []
        for cell in cells.sorted(by: precedes) {
            guard let last = merged.last, !precedes(last, cell) else {
                merged.append(cell)
                continue
            }
            let count = last.count.addingSaturated(cell.count)
            merged[merged.count - 1] =
                Self(accepting: last.candidate, value: last.value, share: last.share, count: count)
        }
        return merged
    }

    private static func precedes(_ first: Self, _ second: Self) -> Bool {
        guard first.share == second.share else { return first.share < second.share }
        guard first.candidate == second.candidate else { return second.candidate }
        return first.value < second.value
    }
}

extension AllocationBet.Cell: Codable {
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let cell = AllocationBet.Cell(
            candidate: try values.decode(Bool.self, forKey: .candidate),
            value: try values.decode(Double.self, forKey: .value),
            share: try values.decode(Double.self, forKey: .share),
            count: try values.decode(Int.self, forKey: .count)
        )
        guard let cell else {
            throw DecodingError.invalid("a number of the cell is out of range", from: decoder)
        }
        self = cell
    }
}
