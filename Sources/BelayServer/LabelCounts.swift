import BelayCore
import Synchronization

/// What became of labels since the process started.
final class LabelCounts: Sendable {
    /// Labels of one model that were refused.
    struct Refusals: Equatable, Sendable {
        var count = 0
        /// Of the newest one.
        var newest = ""
        var at = Timestamp(milliseconds: 0)
        /// They could not be read far enough to say which model they are of.
        var isUnknown = false
    }

    /// Nil for a label that could not be read far enough to say whose it is.
    private typealias Owner = ModelName?

    private struct Counted {
        var kept: [VersionID: Int] = [:]
        var refused: [Owner: Refusals] = [:]
        var codes: [String: Int] = [:]
    }

    private let counted = Mutex(Counted())

    /// Those that were kept, by the version whose answer they speak of.
    var all: [VersionID: Int] { counted.withLock { $0.kept } }

    /// Those that were not, by the code that says why.
    var refused: [String: Int] { counted.withLock { $0.codes } }

    func add(_ version: VersionID) { counted.withLock { $0.kept[version, default: 0] += 1 } }

    /// The model is one that exists, so that strangers cannot make this grow.
    func refuse(_ fault: LabelsView.Rejected, of model: ModelName?, at time: Timestamp) {
        counted.withLock { counted in
            counted.codes[fault.code, default: 0] += 1
            var refusals = counted.refused[model] ?? Refusals()
            refusals.count += 1
            (refusals.newest, refusals.at, refusals.isUnknown) = (fault.detail, time, model == nil)
            counted.refused[model] = refusals
        }
    }

    /// Those of this model; where there are none, those that nobody could read, which may have been its own.
    func refusals(of model: ModelName) -> Refusals? {
        counted.withLock { $0.refused[model] ?? $0.refused[nil] }
    }
}
