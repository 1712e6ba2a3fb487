import BelayStats

/// Made-up traffic, as cells of counts.
enum Traffic {
    /// Nil where a cell refuses its numbers, so that a typing error in a table cannot go unnoticed.
    static func cell(_ candidate: Bool, _ value: Double, _ share: Double, _ count: Int) throws
        -> AllocationBet.Cell
    {
        guard let cell = AllocationBet.Cell(candidate: candidate, value: value, share: share, count: count)
        else { throw Refused() }
        return cell
    }

    struct Refused: Error {}

    /// Bad and good outcomes of both arms, while the share climbs from 1 % to 10 % to 50 %.
    static func rates(_ tick: Int) throws -> [AllocationBet.Cell] {
        let share = [0.01, 0.1, 0.5][min(tick / 14, 2)]
        return [
            try cell(true, 1, share, (7 * tick + 3) % 4),
            try cell(true, 0, share, 20 + 5 * tick % 11),
            try cell(false, 1, share, (5 * tick + 1) % 3),
            try cell(false, 0, share, 100 + 13 * tick % 37),
        ]
    }

    /// Nine grades of badness at a share of 30 %.
    static func grades(_ tick: Int) throws -> [AllocationBet.Cell] {
        try (0...8).map { try cell(true, Double($0) / 8, 0.3, (tick + 2 * $0) % 5) }
            + (0...8).map { try cell(false, Double($0) / 8, 0.3, (3 * tick + $0) % 7) }
    }

    /// One request at a time.
    static func singles(_ tick: Int) throws -> [AllocationBet.Cell] {
        [try cell(tick % 4 == 0, tick % 5 == 0 ? 1 : 0, 0.25, 1)]
    }

    static func named(_ name: String, _ tick: Int) throws -> [AllocationBet.Cell] {
        switch name {
        case "rates": try rates(tick)
        case "grades": try grades(tick)
        case "singles": try singles(tick)
        default: throw Refused()
        }
    }
}

/// Whether two numbers agree to 1e-12, relative for numbers beyond 1.
func agree(_ first: Double, _ second: Double) -> Bool {
    abs(first - second) <= 1e-12 * max(1, abs(second))
}
