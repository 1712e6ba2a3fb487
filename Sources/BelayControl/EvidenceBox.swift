package import BelayCore
import Synchronization

/// Evidence that does not come from the data plane, such as labels and monitors, until control collects it.
package final class EvidenceBox: EvidenceSource {
    private let counts = Mutex(EvidenceCounts())

    /// Readings of one release that wait, at most; the oldest give way.
    static let mostReadings = 1000

    private let readings = Mutex<[ReleaseID: [EvidenceTick.Reading]]>([:])

    package init() {}

    package func add(_ new: [ReleaseID: [EvidenceTick.Reading]]) {
        readings.withLock { readings in
            for (release, more) in new {
                readings[release] = Array((readings[release, default: []] + more).suffix(Self.mostReadings))
            }
        }
    }

    package func collectReadings() async -> [ReleaseID: [EvidenceTick.Reading]] {
        readings.withLock { readings in
            defer { readings = [:] }
            return readings
        }
    }

    package func add(_ key: EvidenceKey, _ number: Int) { counts.withLock { $0.add(key, number) } }

    package func collect() async -> EvidenceCounts {
        counts.withLock { counts in
            defer { counts = EvidenceCounts() }
            return counts
        }
    }
}
