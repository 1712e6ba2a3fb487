import BelayStats

extension DriftStudy {
    /// One column of the later table.
    struct Column {
        /// Rows for each bin in the window that people are shown.
        static let windowPerBin = 100

        let name: String
        let kind: String
        let place: Int
        let bins: ReferenceBins?
        private(set) var missing: RateWatch
        private(set) var unseen: RateWatch
        private(set) var alarmedAtRow: Int?
        /// The largest statistic so far, in nats; nil before the first row, or without bins.
        private(set) var largest: Double?
        /// Of the last full window, for display.
        private(set) var index: Double?
        private var detector: DriftDetector?
        private let shares: Shares?
        private var window: [Int]
        private var inWindow = 0

        init(
            _ column: ReferenceColumns.Column,
            place: Int,
            rows: Int,
            settings: Settings,
            features: Int
        ) {
            name = column.name
            self.place = place
            bins = column.bins
            kind = bins?.kind.rawValue ?? (column.kind == nil ? "empty" : "names")
            shares = bins?.shares
            detector = shares.flatMap {
                DriftDetector(
                    reference: $0,
                    tolerance: settings.tolerance,
                    averageRunLength: settings.averageRunLength,
                    features: features
                )
            }
            window = Array(repeating: 0, count: bins?.count ?? 0)
            let runLength = settings.averageRunLength * Double(max(features, 1))
            let present = max(rows - column.missing, 0)
            missing = RateWatch(
                rate: rows > 0 ? Double(column.missing) / Double(rows) : 0,
                rows: rows,
                averageRunLength: runLength
            )
            unseen = RateWatch(rate: column.unseenRate, rows: present, averageRunLength: runLength)
        }

        /// The statistic that is an alarm, in nats; nil without bins.
        var threshold: Double? { detector?.threshold }

        var windowLength: Int { Self.windowPerBin * window.count }

        mutating func take(_ field: ArraySlice<UInt8>, row: Int) {
            let nothing = isMissing(field)
            missing.take(nothing, row: row)
            guard let bins else { return }
            let bin: Int
            switch bins.kind {
            case .numeric:
                let number = nothing ? nil : finiteNumber(field)
                bin = bins.bin(of: number)
                if !nothing { unseen.take(number == nil, row: row) }
            case .categorical:
                bin = bins.bin(of: nothing ? nil : String(decoding: field, as: UTF8.self))
                if !nothing { unseen.take(bin == bins.unseenBin, row: row) }
            }
            detector?.settle(bin: bin)
            if let statistic = detector?.logStatistic { largest = max(largest ?? statistic, statistic) }
            if alarmedAtRow == nil, detector?.hasAlarmed == true { alarmedAtRow = row }
            show(bin)
        }

        private mutating func show(_ bin: Int) {
            window[bin] += 1
            inWindow += 1
            guard inWindow == windowLength, let shares, let now = Shares(counts: window) else { return }
            index = Divergence.populationStabilityIndex(now, shares)
            window = Array(repeating: 0, count: window.count)
            inWindow = 0
        }
    }
}
