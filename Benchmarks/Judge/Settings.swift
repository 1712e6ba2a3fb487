import BelayStats
import Foundation

/// What the bench is asked for.
struct Settings: Sendable {
    /// Runs of a case of 4.1; all other numbers of runs are in proportion.
    var runs = 2_000
    var seed: UInt64 = 1
    /// Sections to run, by number; all if empty.
    var only: [String] = []

    init?(_ arguments: [String]) {
        var rest = arguments[...]
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { return nil }
            switch name {
            case "--runs": runs = max(Int(value) ?? 0, 0)
            case "--seed": seed = UInt64(value) ?? 0
            case "--only": only = value.split(separator: ",").map(String.init)
            default: return nil
            }
        }
        guard runs > 0 else { return nil }
    }

    /// A number of runs that is right where a case of 4.1 has 2,000.
    func scaled(_ count: Int) -> Int { max(count * runs / 2_000, 10) }

    func wants(_ section: String) -> Bool { only.isEmpty || only.contains(section) }

    /// Runs `count` simulations on all processors; the results are in order, and the same on any machine.
    func simulate<Result: Sendable>(
        _ count: Int,
        _ place: Int,
        _ run: @escaping @Sendable (inout Chance) -> Result
    ) async -> [Result] {
        let pieces = min(count, 64)
        let seed = seed
        return await withTaskGroup(of: (Int, [Result]).self) { group in
            for piece in 0..<pieces {
                group.addTask {
                    let runs = stride(from: piece, to: count, by: pieces)
                    return (
                        piece,
                        runs.map { number in
                            var chance = Chance(seed: seed, place, number)
                            return run(&chance)
                        }
                    )
                }
            }
            var results: [(Int, [Result])] = []
            for await result in group { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.flatMap(\.1)
        }
    }
}

/// Where the share stands at a request of a ramp.
struct Ramp: Sendable {
    /// Ends of the steps, in requests, and their shares.
    let steps: [(end: Int, share: Double)]
    let name: String

    static func constant(_ share: Double) -> Ramp { Ramp(steps: [(.max, share)], name: "\(share)") }

    /// 1 % to 10k, 5 % to 20k, 25 % to 30k, then 50 %.
    static let slow = Ramp(
        steps: [(10_000, 0.01), (20_000, 0.05), (30_000, 0.25), (.max, 0.5)],
        name: "ramp"
    )

    /// The same within 20,000 requests.
    static let quick = Ramp(
        steps: [(4_000, 0.01), (8_000, 0.05), (12_000, 0.25), (.max, 0.5)],
        name: "ramp"
    )

    static func thirds(_ shares: [Double], of requests: Int) -> Ramp {
        Ramp(
            steps: shares.enumerated().map { index, share in
                (index + 1 == shares.count ? .max : requests * (index + 1) / shares.count, share)
            },
            name: shares.map { "\($0)" }.joined(separator: "→")
        )
    }

    func step(at request: Int) -> Int {
        var index = 0
        while request >= steps[index].end { index += 1 }
        return index
    }

    func share(at request: Int) -> Double { steps[step(at: request)].share }
}

extension AllocationBet {
    /// The bet of the published simulations: a prior of 20 outcomes at 5 %, without drip unless asked.
    static func standard(
        _ direction: Direction = .rollback,
        margin: Margin = .none,
        mean: Double = 0.05,
        variance: Double? = nil,
        weight: Double = 20,
        drip: Bool = false
    ) -> AllocationBet {
        let settings = Settings(
            margin: margin,
            direction: direction,
            priorMean: mean,
            priorVariance: variance ?? mean * (1 - mean),
            priorWeight: weight,
            drip: drip
        )
        guard let settings else { preconditionFailure("the bench's own numbers are in range") }
        return AllocationBet(settings)
    }

    /// Takes in one outcome.
    mutating func take(_ candidate: Bool, _ value: Double, _ share: Double) {
        guard let cell = Cell(candidate: candidate, value: value, share: share, count: 1) else { return }
        settle(cell)
    }
}
