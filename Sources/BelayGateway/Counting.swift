import BelayCore
import BelayInference
import BelayStats
import Synchronization

/// What is counted for one release, its series and slices known by small numbers.
///
/// Made with a table and carried over to the next while nothing in it changes; shared by all loops and by the
/// versions' threads.
final class Counting: Sendable {
    /// Numbers of the series that every release may have; those of columns follow.
    enum Numbered {
        static let answers = 0
        static let latency = 1
        static let schema = 2
        static let firstColumn = 3
    }

    let epoch: EvidenceEpoch
    let plan: CountingPlan
    let kind: Kind

    enum Kind: Equatable {
        /// Two versions are compared.
        case trial
        /// The one that serves is watched; whether its release goes on, and one never-event still ends it.
        case watch(isJudged: Bool)
    }
    /// By number.
    let series: [Series]
    /// For the series of each number, the slicings of the plan that split it.
    let splits: [[Int]]
    let isSliced: Bool
    let columns: Int
    let predictionColumn: Int?
    /// The bin of an answer that predicted nothing.
    let missingPrediction: Int
    /// For each slicing, the slice of a request that nobody read.
    let unknownSlices: [UInt16]
    /// For each slicing, its values by their number.
    private let values: [SliceValues]

    init(_ epoch: EvidenceEpoch, plan: CountingPlan, _ kind: Kind) {
        self.epoch = epoch
        self.kind = kind
        self.plan = plan
        let series = [.answers, .latency, .schema] + plan.columns.map(\.series)
        self.series = series
        splits = series.map { series in
            plan.slicings.indices.filter { plan.slicings[$0].series.contains(series) }
        }
        isSliced = !plan.slicings.isEmpty
        columns = plan.columns.count
        predictionColumn = plan.columns.firstIndex { $0.series == .prediction }
        missingPrediction = predictionColumn.map { plan.columns[$0].bins.missingBin } ?? 0
        values = plan.slicings.map { _ in SliceValues() }
        unknownSlices = plan.slicings.indices.map {
            UInt16(clamping: Self.firstSlice(of: $0) + CountingPlan.mostValues)
        }
    }

    /// Whether requests and answers have to be looked into.
    var needsObservation: Bool { !plan.columns.isEmpty || !plan.slicings.isEmpty }

    /// Whether the same is counted of the same.
    func isLike(_ other: Counting) -> Bool {
        epoch == other.epoch && kind == other.kind && plan == other.plan
    }

    // MARK: - Slices

    /// The number of the whole; slices have others.
    static let whole = 0

    private static func firstSlice(of slicing: Int) -> Int { 1 + slicing * (CountingPlan.mostValues + 1) }

    /// The number of a slice; values beyond the bound, and what is missing, are among the others.
    func slice(_ value: TensorColumn.Value, of slicing: Int) -> Int {
        Self.firstSlice(of: slicing) + values[slicing].number(of: value)
    }

    /// The slice of a number; nil for the whole.
    func slice(_ number: Int) -> RequestSlice? {
        guard number != Self.whole else { return nil }
        let (slicing, value) = (number - 1).quotientAndRemainder(dividingBy: CountingPlan.mostValues + 1)
        guard slicing < plan.slicings.count else { return nil }
        let texts = values[slicing].texts
        return RequestSlice(
            feature: plan.slicings[slicing].feature,
            value: value < texts.count ? texts[value] : RequestSlice.others
        )
    }
}
