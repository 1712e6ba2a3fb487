import BelayStats

/// What `belay drift` prints: null where something never happened or cannot be said.
struct DriftView: Encodable {
    struct Rate: Encodable {
        let reference: Double
        let limit: Double?
        let later: Double?
        let alarmAtRow: Int?

        private enum CodingKeys: String, CodingKey {
            case reference, limit, later
            case alarmAtRow = "alarm_at_row"
        }

        init(_ watch: DriftStudy.RateWatch) {
            reference = watch.reference
            limit = watch.limit
            later = watch.later
            alarmAtRow = watch.alarmedAtRow
        }

        func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(reference, forKey: .reference)
            try values.encode(limit, forKey: .limit)
            try values.encode(later, forKey: .later)
            try values.encode(alarmAtRow, forKey: .alarmAtRow)
        }
    }

    struct Column: Encodable {
        let column: String
        let kind: String
        let bins: Int
        let alarmAtRow: Int?
        let maximumLogStatistic: Double?
        let psi: Double?
        let psiWindow: Int
        let missing: Rate
        let unseen: Rate

        private enum CodingKeys: String, CodingKey {
            case column, kind, bins, psi, missing, unseen
            case alarmAtRow = "alarm_at_row"
            case maximumLogStatistic = "maximum_log_sr"
            case psiWindow = "psi_window"
        }

        init(_ column: DriftStudy.Column) {
            self.column = column.name
            kind = column.kind
            bins = column.bins?.count ?? 0
            alarmAtRow = column.alarmedAtRow
            maximumLogStatistic = column.largest
            psi = column.index
            psiWindow = column.windowLength
            missing = Rate(column.missing)
            unseen = Rate(column.unseen)
        }

        func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(column, forKey: .column)
            try values.encode(kind, forKey: .kind)
            try values.encode(bins, forKey: .bins)
            try values.encode(alarmAtRow, forKey: .alarmAtRow)
            try values.encode(maximumLogStatistic, forKey: .maximumLogStatistic)
            try values.encode(psi, forKey: .psi)
            try values.encode(psiWindow, forKey: .psiWindow)
            try values.encode(missing, forKey: .missing)
            try values.encode(unseen, forKey: .unseen)
        }
    }

    let rows: Int
    let referenceRows: Int
    /// The statistic that is a column's alarm, in nats; nil if none has bins.
    let threshold: Double?
    let columns: [Column]
    let errorRate: Rate?
    /// Columns of the later table that the reference does not have.
    let ignored: [String]

    private enum CodingKeys: String, CodingKey {
        case rows, threshold, columns, ignored
        case referenceRows = "reference_rows"
        case errorRate = "error_rate"
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(rows, forKey: .rows)
        try values.encode(referenceRows, forKey: .referenceRows)
        try values.encode(threshold, forKey: .threshold)
        try values.encode(columns, forKey: .columns)
        try values.encode(errorRate, forKey: .errorRate)
        try values.encode(ignored, forKey: .ignored)
    }
}
