import BelayCore
import BelayStats

/// What labels say of the version that serves: its badness by metric, and where its losses end.
struct LabelMeans: Equatable {
    /// The part of losses and scores that is no outlier.
    private static let ordinary = 0.999
    /// Labels below which nothing is said.
    static let fewest = 30

    /// By metric's name; of what should be high (accuracy, precision, recall, F1), what is missing to one.
    private(set) var means: [String: Double] = [:]
    /// By metric's name.
    private(set) var most: [String: Double] = [:]

    /// - Parameters:
    ///   - counts: Those of the release that brought the version, whose candidate it was.
    ///   - classes: How many classes that release's policy names.
    init(_ counts: EvidenceCounts, classes: Int) {
        var codes: [Series: [Int: Int]] = [:]
        for (key, number) in counts.counts where key.arm == .candidate && key.slice == nil {
            codes[key.series, default: [:]][key.code, default: 0] += number
        }
        note(cells: codes[.labels] ?? [:], classes: classes)
        for (metric, loss) in [(.logLoss, .logLoss), (.brier, .brier), (.mae, .absoluteError)]
            as [(Metric, Series.Loss)]
        {
            note(magnitudes: codes[.loss(loss)] ?? [:], of: metric)
        }
        note(magnitudes: codes[.loss(.squaredError)] ?? [:], of: .rmse)
        note(magnitudes: codes[.score] ?? [:], of: .feedbackScore)
        let flags = codes[.flags] ?? [:]
        let said = flags.values.reduce(0, +)
        if said >= Self.fewest { means[Metric.flagRate.rawValue] = Double(flags[1] ?? 0) / Double(said) }
    }

    /// Of one named class, which is the positive one, and of all answers.
    private mutating func note(cells: [Int: Int], classes: Int) {
        let known = cells.compactMap { code, number in
            LabelCell(code: code, classes: classes).map { ($0, number) }
        }
        let all = known.reduce(0) { $0 + $1.1 }
        guard all >= Self.fewest else { return }
        let wrong = known.filter { !$0.0.agrees }.reduce(0) { $0 + $1.1 }
        means[Metric.accuracy.rawValue] = Double(wrong) / Double(all)
        guard classes == 1 else { return }
        func number(predicted: Bool, true isTrue: Bool) -> Double {
            Double(
                known.filter { ($0.0.prediction == 0) == predicted && ($0.0.label == 0) == isTrue }
                    .reduce(0) { $0 + $1.1 }
            )
        }
        let hits = number(predicted: true, true: true)
        let (alarms, misses) = (number(predicted: true, true: false), number(predicted: false, true: true))
        if hits + alarms > 0 { means[Metric.precision.rawValue] = alarms / (hits + alarms) }
        if hits + misses > 0 { means[Metric.recall.rawValue] = misses / (hits + misses) }
        let marked = 2 * hits + alarms + misses
        if marked > 0 { means[Metric.f1.rawValue] = (alarms + misses) / marked }
    }

    private mutating func note(magnitudes: [Int: Int], of metric: Metric) {
        let all = magnitudes.values.reduce(0, +)
        guard all >= Self.fewest else { return }
        var (seen, sum): (Int, Double) = (0, 0)
        var end: Double?
        for (code, number) in magnitudes.sorted(by: { $0.key < $1.key }) {
            seen += number
            sum += Magnitude.value(of: code) * Double(number)
            if end == nil, Double(seen) >= Self.ordinary * Double(all) { end = Magnitude.value(of: code) }
        }
        most[metric.rawValue] = end
        // What a score is missing to depends on the best one, which the policy knows.
        if metric != .feedbackScore { means[metric.rawValue] = sum / Double(all) }
    }
}
