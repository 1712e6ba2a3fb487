import BelayCore
import BelayInference
import BelayInferenceLog
import BelayStats

/// What stable is like, gathered answer by answer: a fold over records of the log, newest first.
struct ProfileDraft {
    /// Answers below which nothing is said of latencies and columns.
    static let fewestAnswers = 200
    /// A text that fewer answers had is nobody's category, and may be somebody's name: it is not recorded.
    static let fewestOfText = 5
    /// Texts of one column that are recorded, by their hashes; a column with more is not.
    static let mostTexts = 200
    /// Those of them that get a bin each.
    static let mostNamedTexts = 20
    private static let hour = Duration.seconds(3600)

    /// What is to be looked for.
    struct Wish {
        let stable: VersionNumber
        /// Since when it serves all requests.
        let servesSince: Timestamp
        let signature: Signature
        /// The output that the policy names.
        let prediction: String?
        /// Series of predictions and features that some guard needs.
        let columns: [Series]
    }

    private let wish: Wish
    private let now: Timestamp
    private var columns: [ColumnDraft]
    private var histogram = LogHistogram()
    private var good = 0
    private var bad = 0
    private var misfits = 0
    private var inLastHour = 0
    private var oldest: Timestamp?

    init(_ wish: Wish, now: Timestamp) {
        self.wish = wish
        self.now = now
        columns = wish.columns.compactMap { ColumnDraft($0, wish) }
    }

    /// Takes in an answer; those that say nothing of stable are passed over.
    ///
    /// A request that stable failed is its failure whoever answered it then. One that a candidate failed
    /// before says nothing, for it came late.
    mutating func add(_ record: AnswerRecord) {
        guard record.kind == .served, record.arm != .pinned, let outcome = outcome(of: record) else { return }
        switch outcome {
        case .misfit:
            misfits += 1
            return
        case .bad:
            bad += 1
            histogram.add(bucket: LogHistogram.highestBucket, count: 1)
        case .good:
            good += 1
            histogram.add(Double(record.latencyMicroseconds))
            look(into: record)
        }
        if now.since(record.at) < Self.hour { inLastHour += 1 }
        oldest = min(oldest ?? record.at, record.at)
    }

    private enum Outcome { case good, bad, misfit }

    private func outcome(of record: AnswerRecord) -> Outcome? {
        if let fallback = record.fallback {
            let isStables = fallback.hasPrefix("stable=") && record.at >= wish.servesSince
            let isNobodys = fallback.hasPrefix("stable=withdrawn") || fallback.hasPrefix("stable=deadline")
            return isStables && !isNobodys ? .bad : nil
        }
        guard record.version == wish.stable else { return nil }
        switch record.status {
        case 200: return .good
        case 400: return .misfit
        default: return nil
        }
    }

    /// Answers that were taken in.
    var answers: Int { good + bad }

    /// The profile, as far as answers tell it; `extent` says which part of all answers the log keeps.
    func profile(extent: RecordSettings.Extent) -> StableProfile {
        var means: [String: Double] = [:]
        if answers > 0 { means[Metric.errorRate.rawValue] = Double(bad) / Double(answers) }
        let asked = answers + misfits
        if asked > 0 { means[Metric.schemaErrors.rawValue] = Double(misfits) / Double(asked) }
        let references = columns.compactMap { column in column.bins.map { (column.series.description, $0) } }
        return StableProfile(
            answers: answers,
            latency: latency,
            means: means,
            references: Dictionary(references) { first, _ in first },
            answersPerSecond: rate(extent)
        )
    }

    private var latency: StableProfile.Quantiles? {
        guard answers >= Self.fewestAnswers, let p50 = histogram.quantile(0.5),
            let p95 = histogram.quantile(0.95), let p99 = histogram.quantile(0.99)
        else { return nil }
        return StableProfile.Quantiles(p50: p50, p95: p95, p99: p99)
    }

    /// Of the last hour, or of the time that was looked at when that is less.
    private func rate(_ extent: RecordSettings.Extent) -> Double? {
        let part: Double =
            switch extent {
            case .every: 1
            case .sample(let share): share.fraction
            case .none: 0
            }
        guard let oldest, part > 0 else { return nil }
        let seconds = min(Self.hour, max(.seconds(1), now.since(oldest))).inSeconds
        return Double(inLastHour) / seconds / part
    }

    // MARK: - Columns

    /// Bodies are decoded only where some column is wanted; what cannot be read, or is no longer whole, says
    /// nothing.
    private mutating func look(into record: AnswerRecord) {
        guard !columns.isEmpty, !record.isErased, !record.isTruncated else { return }
        let wantsAnswer = columns.contains { $0.isPrediction }
        let outputs = wantsAnswer ? record.outputs : nil
        let inputs = columns.contains { !$0.isPrediction } ? record.inputs(of: wish.signature) : nil
        for index in columns.indices {
            guard let tensors = columns[index].isPrediction ? outputs : inputs else { continue }
            columns[index].add(from: tensors)
        }
    }
}

/// The values of one column.
private struct ColumnDraft {
    let series: Series
    private let place: TensorColumn
    private var numbers: [Double] = []
    private var texts: [CategoryHash: Int] = [:]
    private var missing = 0

    var isPrediction: Bool { series == .prediction }

    /// Nil when requests or answers have no such column.
    init?(_ series: Series, _ wish: ProfileDraft.Wish) {
        self.series = series
        let place: TensorColumn? =
            switch series {
            case .prediction:
                wish.signature.prediction(chosen: wish.prediction).flatMap {
                    TensorColumn(prediction: $0.name, of: wish.signature.outputs)
                }
            case .feature(let name): TensorColumn(feature: name, of: wish.signature.inputs)
            default: nil
            }
        guard let place else { return nil }
        self.place = place
    }

    mutating func add(from tensors: [NamedTensor]) {
        let value = place.value(in: tensors)
        switch value {
        case .number, .flag: numbers += value.number.map { [$0] } ?? []
        case .missing: missing += 1
        case .text(let bytes):
            let hash = CategoryHash(bytes: bytes)
            // Far above what is recorded, so that what is rare at first may still become common.
            guard texts[hash] != nil || texts.count < 20 * ProfileDraft.mostTexts else { return }
            texts[hash, default: 0] += 1
        }
    }

    /// Whether these are long whole numbers and hardly one of them comes twice: whoever they stand for must
    /// not be the edge of a bin.
    private var isIdentifier: Bool {
        numbers.allSatisfy { abs($0) >= 1e6 && $0 == $0.rounded() }
            && Double(Set(numbers).count) >= 0.95 * Double(numbers.count)
    }

    /// Nil with too few values, too many different texts, or numbers that are names.
    var bins: ReferenceBins? {
        let seen = numbers.count + missing + texts.values.reduce(0, +)
        guard seen >= ProfileDraft.fewestAnswers else { return nil }
        if texts.isEmpty {
            return isIdentifier ? nil : ReferenceBins(numbers: numbers, missing: missing)
        }
        let common = texts.filter { $0.value >= ProfileDraft.fewestOfText }
        guard common.count <= ProfileDraft.mostTexts else { return nil }
        let rare = texts.values.filter { $0 < ProfileDraft.fewestOfText }.reduce(0, +)
        return ReferenceBins(
            texts: Dictionary(common.map { ($0.key.description, $0.value) }) { first, _ in first },
            missing: missing,
            most: ProfileDraft.mostNamedTexts,
            unseen: rare
        )
    }
}

extension AnswerRecord {
    /// What was asked, in whichever protocol; nil when it cannot be read.
    fileprivate func inputs(of signature: Signature) -> [NamedTensor]? {
        let limits = OIPLimits.standard
        if let asked = try? OIPRequest(decoding: request, headerLength: requestHeaderLength, limits: limits)
            .completed(by: signature)
        {
            return asked.inputs
        }
        for format in [ScoringFormat.json, .csv] {
            let asked = try? Scoring.request(
                decoding: request,
                format: format,
                signature: signature,
                limits: limits
            )
            if let asked { return asked.inputs }
        }
        return nil
    }

    fileprivate var outputs: [NamedTensor]? {
        try? OIPResponse.decode(response, headerLength: responseHeaderLength, limits: .standard).outputs
    }
}

extension Duration {
    fileprivate var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
