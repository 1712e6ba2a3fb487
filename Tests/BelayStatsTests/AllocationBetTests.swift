import Testing

@testable import BelayStats

@Suite("AllocationBet")
struct AllocationBetTests {
    /// One row of the table that `Scripts/reference/allocation_bet.py` prints.
    struct Row: Sendable, CustomTestStringConvertible {
        let traffic: String
        let direction: AllocationBet.Direction
        let margin: AllocationBet.Margin
        let drip: Bool
        /// log E after 1, 10 and 40 ticks, and the largest.
        let expected: [Double]

        var testDescription: String { "\(traffic), \(direction), \(margin), drip \(drip)" }
    }

    static let table: [Row] = [
        Row(
            traffic: "rates",
            direction: .rollback,
            margin: .none,
            drip: true,
            expected: [0.5754565162508232, 5.130931950767657, 21.912767835373547, 23.34783537583923]
        ),
        Row(
            traffic: "rates",
            direction: .rollback,
            margin: .none,
            drip: false,
            expected: [0.7841104473890143, 5.314162780677332, 22.099542821125006, 23.534372751907252]
        ),
        Row(
            traffic: "rates",
            direction: .rollback,
            margin: .absolute(0.005),
            drip: true,
            expected: [0.45076519860209235, 3.5427755789508844, 17.824785287654525, 18.060836573028727]
        ),
        Row(
            traffic: "rates",
            direction: .rollback,
            margin: .relative(0.25),
            drip: true,
            expected: [0.28807635080853944, 4.018671003479493, 17.463772756309815, 18.01965482779071]
        ),
        Row(
            traffic: "rates",
            direction: .advance,
            margin: .absolute(0.02),
            drip: false,
            expected: [-1.1347951414823412, -3.2459136356354894, -8.123719460196831, 0.0]
        ),
        Row(
            traffic: "rates",
            direction: .advance,
            margin: .relative(0.5),
            drip: false,
            expected: [-0.8409881380096845, -3.303686835919323, -9.18932932781162, 0.0]
        ),
        Row(
            traffic: "grades",
            direction: .rollback,
            margin: .none,
            drip: true,
            expected: [
                -0.4520229854011167, -1.1039190812030888, -1.562451595810557, -0.22314355131420976,
            ]
        ),
        Row(
            traffic: "grades",
            direction: .advance,
            margin: .absolute(0.1),
            drip: false,
            expected: [0.4943410583654273, 4.4968461173786665, 19.328338702585064, 19.328338702585064]
        ),
        Row(
            traffic: "singles",
            direction: .rollback,
            margin: .none,
            drip: true,
            expected: [
                0.26764664257697174, 0.028240270612134074, -0.36699136249666686, 0.32698770103133556,
            ]
        ),
    ]

    @Test(arguments: table)
    func agreesWithTheReferenceInDecimalArithmetic(_ row: Row) throws {
        let graded = row.traffic == "grades"
        let settings = try #require(
            AllocationBet.Settings(
                margin: row.margin,
                direction: row.direction,
                priorMean: graded ? 0.5 : 0.05,
                priorVariance: graded ? 0.08 : 0.05 * (1 - 0.05),
                priorWeight: graded ? 100 : 20,
                drip: row.drip
            )
        )
        var bet = AllocationBet(settings)
        var measured: [Double] = []
        for tick in 0..<40 {
            bet.settle(try Traffic.named(row.traffic, tick))
            if [0, 9, 39].contains(tick) { measured.append(bet.logEvidence) }
        }
        measured.append(bet.maximumLogEvidence)
        for (value, expected) in zip(measured, row.expected) {
            #expect(agree(value, expected), "\(value) for \(expected)")
        }
    }

    @Test func aNewBetHoldsTheCapitalThatHasNotToDrip() throws {
        let plain = AllocationBet(.rate(margin: .none, direction: .advance))
        #expect(abs(plain.logEvidence) < 1e-15)
        #expect(agree(AllocationBet(.rate(margin: .none)).logEvidence, -0.2231435513142097))
    }

    @Test func theOrderOfTheCellsDoesNotChangeABit() throws {
        var generator = SplitMix64(seed: 11)
        var (sorted, shuffled) = (AllocationBet(.rate(margin: .none)), AllocationBet(.rate(margin: .none)))
        for tick in 0..<20 {
            let cells = try Traffic.rates(tick) + Traffic.grades(tick)
            sorted.settle(cells)
            shuffled.settle(cells.shuffled(using: &generator))
        }
        #expect(sorted == shuffled)
    }

    @Test func countsFromSeveralCountersEqualTheirSum() throws {
        var (whole, parts) = (AllocationBet(.rate(margin: .none)), AllocationBet(.rate(margin: .none)))
        for tick in 0..<20 {
            let cells = try Traffic.rates(tick)
            whole.settle(cells)
            let halves = try cells.map {
                try Traffic.cell($0.candidate, $0.value, $0.share, $0.count / 2)
            }
            let rests = try cells.map {
                try Traffic.cell($0.candidate, $0.value, $0.share, $0.count - $0.count / 2)
            }
            parts.settle(halves + rests)
        }
        #expect(whole == parts)
        #expect(whole.observations == parts.observations)
    }

    @Test(arguments: [AllocationBet.Direction.rollback, .advance])
    func noOutcomeTakesMoreThanNineTenths(of direction: AllocationBet.Direction) throws {
        let edges = [0, .leastNonzeroMagnitude, 1e-9, 1e-3, 0.1, 0.5, 0.9, 1 - 1e-9, 1]
        let margins: [AllocationBet.Margin] = [
            .none, .absolute(1e-3), .absolute(0.5), .absolute(1), .relative(0.25), .relative(1e300),
        ]
        for margin in margins {
            let bet = AllocationBet(.rate(margin: margin, direction: direction))
            for (share, mean) in edges.flatMap({ share in edges.map { (share, $0) } }) where share < 1 {
                let centre = min(max(mean, 1e-6), 1 - 1e-6)
                let stakes = bet.stakes(share: share, mean: centre, deviation: 1e-6)
                for (candidate, value) in [(true, 0.0), (true, 1), (false, 0), (false, 1)] {
                    let granted = candidate ? value / (1 + margin.relative) - margin.absolute : value
                    let sign: Double = direction == .rollback ? 1 : -1
                    let x = sign * ((candidate ? 1 : 0) - share) * (granted - centre)
                    #expect(stakes.numbers.allSatisfy { 1 + $0 * x >= 0.1 - 1e-12 })
                }
            }
        }
    }

    @Test(arguments: [
        AllocationBet.Settings.rate(margin: .none), .rate(margin: .absolute(0.005)),
        .rate(margin: .relative(0.25), direction: .advance),
        .rate(margin: .absolute(0.1), direction: .advance),
    ])
    func aRowAloneIsATickOfOneRow(settings: AllocationBet.Settings) throws {
        var (rows, ticks) = (AllocationBet(settings), AllocationBet(settings))
        for t in 0..<600 {
            let cell = try Traffic.cell(t % 4 == 0, Double(t % 5) / 4, [0.1, 0.5, 1][t % 3], 1)
            rows.settle(cell)
            ticks.settle([cell])
        }
        #expect(rows == ticks)
        #expect(rows.observations == 400)
    }

    @Test func requestsThatNoCoinWasTossedForCarryNoInformation() throws {
        var bet = AllocationBet(.rate(margin: .none))
        bet.settle(try Traffic.rates(0))
        let before = bet
        bet.settle([try Traffic.cell(true, 1, 1, 1_000), try Traffic.cell(false, 0, 0, 1_000)])
        bet.settle([])
        #expect(bet == before)
    }

    @Test func aTickBetsOnEarlierTicksOnly() throws {
        let cells = try Traffic.rates(3)
        var once = AllocationBet(.rate(margin: .none))
        once.settle(cells)
        var cellByCell = AllocationBet(.rate(margin: .none))
        for cell in cells { cellByCell.settle([cell]) }
        #expect(once.observations == cellByCell.observations)
        #expect(once.logEvidence != cellByCell.logEvidence)
    }

    @Test func hostileCountsNeitherTrapNorTurnIntoNonsense() throws {
        var bet = AllocationBet(.rate(margin: .none))
        for share in [.leastNonzeroMagnitude, 0.1, 1 - 1e-16] {
            for value in [0, .leastNonzeroMagnitude, 1] {
                bet.settle([
                    try Traffic.cell(true, value, share, .max), try Traffic.cell(false, value, share, .max),
                    try Traffic.cell(true, value, share, .max), try Traffic.cell(true, 0, share, 1),
                ])
                #expect(bet.logEvidence.isFinite)
            }
        }
        #expect(bet.observations == .max)
    }

    @Test(arguments: [
        (Double.nan, 0.1, 1), (0, .nan, 1), (-0.1, 0.1, 1), (1.1, 0.1, 1), (0, -0.1, 1), (0, 1.1, 1),
        (.infinity, 0.1, 1), (0, 0.1, -1),
    ])
    func aCellRefusesNumbersOutOfRange(value: Double, share: Double, count: Int) {
        #expect(AllocationBet.Cell(candidate: true, value: value, share: share, count: count) == nil)
    }

    @Test(arguments: [
        (AllocationBet.Margin.absolute(-0.1), 0.5, 0.1, 20.0), (.absolute(.nan), 0.5, 0.1, 20),
        (.absolute(1.1), 0.5, 0.1, 20), (.relative(-1), 0.5, 0.1, 20), (.relative(.infinity), 0.5, 0.1, 20),
        (.none, .nan, 0.1, 20), (.none, 1.5, 0.1, 20), (.none, 0.5, .nan, 20), (.none, 0.5, -1, 20),
        (.none, 0.5, 0.1, 0), (.none, 0.5, 0.1, .nan), (.none, 0.5, 0.1, .infinity),
    ])
    func settingsRefuseNumbersOutOfRange(
        margin: AllocationBet.Margin,
        mean: Double,
        variance: Double,
        weight: Double
    ) {
        let settings = AllocationBet.Settings(
            margin: margin,
            direction: .rollback,
            priorMean: mean,
            priorVariance: variance,
            priorWeight: weight,
            drip: true
        )
        #expect(settings == nil)
    }

    @Test func anInvalidMarginOfARateCountsAsNone() {
        #expect(AllocationBet.Settings.rate(margin: .absolute(.nan)) == .rate(margin: .none))
        #expect(AllocationBet.Settings.rate(margin: .relative(-1)) == .rate(margin: .none))
    }

    @Test func dripsAFifthOfTheCapitalAndNoMore() {
        #expect(agree(Mixture.capitalDripped(from: 0, to: 2_000), 0.1))
        #expect(agree(Mixture.capitalDripped(from: 0, to: .max), 0.2))
        let steps = stride(from: 0, to: 10_000, by: 7)
        let sum = steps.reduce(0) { $0 + Mixture.capitalDripped(from: $1, to: $1 + 7) }
        #expect(agree(sum, Mixture.capitalDripped(from: 0, to: 10_003)))
        #expect(Mixture.capitalDripped(from: .max, to: .max) == 0)
    }
}
