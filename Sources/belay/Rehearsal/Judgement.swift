import BelayStats

/// What the rows of a table are judged by, and what came of it.
///
/// The bets are the server's; only the rows' origin differs. A tick takes so many rows of the table, whether
/// or not they bear on the question, and what is left at the end is a shorter tick.
struct Judgement {
    struct Checkpoint: Equatable, Encodable {
        let row: Int
        let logEvidence: Double

        private enum CodingKeys: String, CodingKey {
            case row
            case logEvidence = "log_e"
        }
    }

    /// The evidence that decides, in nats.
    let threshold: Double
    /// Rows between two checkpoints.
    let every: Int
    private(set) var question: Question
    private(set) var checkpoints: [Checkpoint] = []
    /// The row at the end of the first tick with enough evidence.
    private(set) var crossedAtRow: Int?
    /// The same for the statistic of a change.
    private(set) var changedAtRow: Int?
    /// Rows passed over because their unit had had an outcome.
    private(set) var repeated = 0

    /// Two arms compared, or one held against a limit.
    enum Question {
        case comparison(AllocationBet)
        case limit(OneSampleBet, ChangeDetector)

        var logEvidence: Double {
            switch self {
            case .comparison(let bet): bet.logEvidence
            case .limit(let bet, _): bet.logEvidence
            }
        }

        var observations: Int {
            switch self {
            case .comparison(let bet): bet.observations
            case .limit(let bet, _): bet.observations
            }
        }

        var isComparison: Bool {
            if case .comparison = self { true } else { false }
        }
    }

    static let mostCheckpoints = 1_000_000

    init(_ question: Question, threshold: Double, every: Int) {
        self.question = question
        self.threshold = threshold
        self.every = every
    }

    /// Reads all rows, `tick` at a time.
    mutating func take(_ rows: inout RecordedRows, tick: Int) throws {
        var pending: [RecordedRows.Row] = []
        var inTick = 0
        reading: while true {
            switch try rows.next() {
            case .end: break reading
            case .repeated: repeated += 1
            case .row(let row): pending.append(row)
            }
            inTick += 1
            if inTick == tick {
                settle(pending, at: rows.count)
                pending.removeAll(keepingCapacity: true)
                inTick = 0
            }
            if rows.count.isMultiple(of: every) { try mark(rows) }
        }
        settle(pending, at: rows.count)
    }

    private mutating func mark(_ rows: RecordedRows) throws {
        guard checkpoints.count < Self.mostCheckpoints else {
            throw rows.problem(.tooLarge("more than \(Self.mostCheckpoints) checkpoints; raise --every"))
        }
        checkpoints.append(Checkpoint(row: rows.count, logEvidence: question.logEvidence))
    }

    private mutating func settle(_ rows: [RecordedRows.Row], at row: Int) {
        switch question {
        case .comparison(var bet):
            let cells = rows.compactMap { row in
                row.share.flatMap {
                    AllocationBet.Cell(candidate: row.candidate, value: row.value, share: $0, count: 1)
                }
            }
            if cells.count == 1 { bet.settle(cells[0]) } else { bet.settle(cells) }
            question = .comparison(bet)
        case .limit(var bet, var detector):
            let cells = rows.compactMap { $0.candidate ? OneSampleBet.Cell(value: $0.value, count: 1) : nil }
            if cells.count == 1 {
                bet.settle(cells[0].value)
                detector.settle(cells[0].value)
            } else {
                bet.settle(cells)
                detector.settle(cells)
            }
            if changedAtRow == nil, detector.hasAlarmed { changedAtRow = row }
            question = .limit(bet, detector)
        }
        if crossedAtRow == nil, question.logEvidence >= threshold { crossedAtRow = row }
    }
}

extension Judgement: Encodable {
    private enum CodingKeys: String, CodingKey {
        case observations
        case logEvidence = "log_e"
        case crossedAtRow = "crossed_at_row"
        case checkpoints, repeated
        case logStatistic = "log_sr"
        case changedAtRow = "sr_alarm_at_row"
    }

    /// Null where it never happened: who reads it need not ask whether a key is there.
    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(question.observations, forKey: .observations)
        try values.encode(question.logEvidence, forKey: .logEvidence)
        try values.encode(crossedAtRow, forKey: .crossedAtRow)
        try values.encode(checkpoints, forKey: .checkpoints)
        if repeated > 0 { try values.encode(repeated, forKey: .repeated) }
        if case .limit(_, let detector) = question {
            let statistic = detector.logStatistic
            try values.encode(statistic.isFinite ? statistic : nil, forKey: .logStatistic)
            try values.encode(changedAtRow, forKey: .changedAtRow)
        }
    }
}
