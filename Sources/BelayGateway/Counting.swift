import BelayCore
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
    /// For each slicing of the plan, whether it splits the series of each number.
    let splits: [[Bool]]
    let predictionColumn: Int?
    /// For each slicing, its values by their number, in the order in which they were first seen.
    private let values: Mutex<[Values]>

    private struct Values: Sendable {
        var numbers: [String: Int] = [:]
        var texts: [String] = []
    }

    init(_ epoch: EvidenceEpoch, plan: CountingPlan, _ kind: Kind) {
        self.epoch = epoch
        self.kind = kind
        self.plan = plan
        let series = [.answers, .latency, .schema] + plan.columns.map(\.series)
        self.series = series
        splits = plan.slicings.map { slicing in series.map(slicing.series.contains) }
        predictionColumn = plan.columns.firstIndex { $0.series == .prediction }
        values = Mutex(Array(repeating: Values(), count: plan.slicings.count))
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

    /// The number of a slice; values beyond the bound, and nil, are among the others.
    func slice(_ value: String?, of slicing: Int) -> Int {
        let first = 1 + slicing * (CountingPlan.mostValues + 1)
        guard let value, value.utf8.count <= CountingPlan.mostValueBytes else {
            return first + CountingPlan.mostValues
        }
        return first
            + values.withLock { values in
                if let known = values[slicing].numbers[value] { return known }
                let next = values[slicing].texts.count
                guard next < CountingPlan.mostValues else { return CountingPlan.mostValues }
                values[slicing].numbers[value] = next
                values[slicing].texts.append(value)
                return next
            }
    }

    /// The slice of a number; nil for the whole.
    func slice(_ number: Int) -> RequestSlice? {
        guard number != Self.whole else { return nil }
        let (slicing, value) = (number - 1).quotientAndRemainder(dividingBy: CountingPlan.mostValues + 1)
        guard slicing < plan.slicings.count else { return nil }
        let texts = values.withLock { $0[slicing].texts }
        return RequestSlice(
            feature: plan.slicings[slicing].feature,
            value: value < texts.count ? texts[value] : RequestSlice.others
        )
    }
}
