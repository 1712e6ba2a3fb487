import BelayStats

/// A later table, watched column by column against a reference.
struct DriftStudy {
    struct Settings {
        /// See ``DriftBet/tolerance``.
        let tolerance: Double
        /// Rows between two false alarms of all columns together, at least, on average.
        let averageRunLength: Double
    }

    /// A rate of the reference, and whether the later rows still keep it.
    struct RateWatch {
        let reference: Double
        private var detector: ChangeDetector?
        private(set) var bad = 0
        private(set) var seen = 0
        private(set) var alarmedAtRow: Int?

        /// The rate that is still acceptable; nil if none is too high.
        var limit: Double? { detector?.limit }
        var later: Double? { seen > 0 ? Double(bad) / Double(seen) : nil }

        init(rate: Double, rows: Int, averageRunLength: Double) {
            reference = rate
            detector = ChangeDetector.tolerance(rate: rate, observations: rows).flatMap {
                ChangeDetector(limit: rate + $0, averageRunLength: averageRunLength)
            }
        }

        mutating func take(_ isBad: Bool, row: Int) {
            seen += 1
            if isBad { bad += 1 }
            guard alarmedAtRow == nil else { return }
            detector?.settle(isBad ? 1 : 0)
            if detector?.hasAlarmed == true { alarmedAtRow = row }
        }
    }

    private(set) var columns: [Column]
    private(set) var errors: RateWatch?
    /// Rows of the later table so far.
    private(set) var rows = 0
    private let labelPlace: Int?
    private let predictionPlace: Int?

    /// - Parameters:
    ///   - reference: Read to its end.
    ///   - errorRate: Of the reference, and on how many rows; nil where there are no labels.
    ///   - later: Has the reference's columns, in any order.
    ///   - roles: The columns of the label and of the prediction.
    ///   - settings: How sensitive the watch is.
    /// - Throws: ``TableProblem`` for a column that is not there.
    init(
        reference: ReferenceColumns,
        errorRate: (rate: Double, rows: Int)?,
        later: CSVReader,
        roles: DriftRoles,
        settings: Settings
    ) throws {
        columns = try reference.columns.map { column in
            Column(
                column,
                place: try later.column(column.name),
                rows: reference.rows,
                settings: settings,
                features: reference.columns.count
            )
        }
        errors = errorRate.map {
            RateWatch(rate: $0.rate, rows: $0.rows, averageRunLength: settings.averageRunLength)
        }
        labelPlace = try roles.label.map { try later.column($0) }
        predictionPlace = try roles.prediction.map { try later.column($0) }
    }

    /// The statistic of a column that is an alarm, in nats; nil if no column has bins.
    var threshold: Double? { columns.lazy.compactMap(\.threshold).first }

    /// Takes in the current row.
    mutating func take(_ reader: CSVReader) {
        rows += 1
        for index in columns.indices { columns[index].take(reader[columns[index].place], row: rows) }
        guard let labelPlace, let predictionPlace,
            let isWrong = differ(reader[labelPlace], reader[predictionPlace])
        else { return }
        errors?.take(isWrong, row: rows)
    }
}

/// The columns that are not only features.
struct DriftRoles {
    let label: String?
    let prediction: String?
}

/// Whether a prediction is wrong; nil where either is missing.
///
/// `1` and `1.0` are equal.
func differ(_ label: ArraySlice<UInt8>, _ prediction: ArraySlice<UInt8>) -> Bool? {
    guard !isMissing(label), !isMissing(prediction) else { return nil }
    if label.elementsEqual(prediction) { return false }
    guard let first = finiteNumber(label), let second = finiteNumber(prediction) else { return true }
    return first != second
}
