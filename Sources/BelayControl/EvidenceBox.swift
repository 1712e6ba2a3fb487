package import BelayCore
import Synchronization

/// Evidence that does not come from the data plane, such as labels, until control collects it.
package final class EvidenceBox: EvidenceSource {
    private let counts = Mutex(EvidenceCounts())

    package init() {}

    package func add(_ key: EvidenceKey, _ number: Int) { counts.withLock { $0.add(key, number) } }

    package func collect() async -> EvidenceCounts {
        counts.withLock { counts in
            defer { counts = EvidenceCounts() }
            return counts
        }
    }
}
