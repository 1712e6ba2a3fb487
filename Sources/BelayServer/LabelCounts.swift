import BelayCore
import Synchronization

/// Labels that were kept since the process started, by the version whose answer they speak of.
final class LabelCounts: Sendable {
    private let counts = Mutex<[VersionID: Int]>([:])

    var all: [VersionID: Int] { counts.withLock { $0 } }

    func add(_ version: VersionID) { counts.withLock { $0[version, default: 0] += 1 } }
}
