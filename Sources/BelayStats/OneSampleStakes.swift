/// The five stakes against a fixed limit, and what outcomes make of them.
///
/// ``OneSampleBet`` and ``ChangeDetector`` differ only in where their capital comes from.
struct OneSampleStakes {
    let limit: Double
    private let stakes: PerBettor

    /// The deviation of a rate at the limit is the largest that any outcome in 0 … 1 with that mean can have.
    init(limit: Double) {
        self.limit = limit
        let deviation = (limit * (1 - limit)).squareRoot()
        stakes = Mixture.stakes(deviation: deviation, limit: Mixture.largestLoss / limit)
    }

    /// For each bettor the logarithm of the factor of one outcome.
    func growth(_ value: Double) -> PerBettor {
        var growth = PerBettor(repeating: 0)
        for index in PerBettor.indices {
            growth[index] = logarithmOfOnePlus(stakes[index] * (value - limit))
        }
        return growth
    }

    /// For each bettor the sum of the logarithms of a tick's factors.
    func growth(_ outcomes: Outcomes) -> PerBettor {
        var sum = PerBettor(repeating: 0)
        for outcome in outcomes.cells {
            let growth = growth(outcome.value)
            for index in PerBettor.indices { sum[index] += Double(outcome.count) * growth[index] }
        }
        return sum
    }

    /// The outcomes of a tick, sorted by value, so that the order of delivery does not change a bit of the
    /// result.
    struct Outcomes {
        private(set) var cells: [(value: Double, count: Int)] = []
        private(set) var total = 0

        init(bad: Int, good: Int) {
            add(0, max(good, 0))
            add(1, max(bad, 0))
        }

        init(_ cells: [OneSampleBet.Cell]) {
            for cell in cells.sorted(by: { $0.value < $1.value }) { add(cell.value, cell.count) }
        }

        private mutating func add(_ value: Double, _ count: Int) {
            if let last = cells.last, last.value == value {
                cells[cells.count - 1].count = last.count.addingSaturated(count)
            } else {
                cells.append((value, count))
            }
            total = total.addingSaturated(count)
        }
    }
}
