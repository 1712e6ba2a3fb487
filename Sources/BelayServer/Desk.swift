import BelayControl
import BelayCore
import BelayInference

/// Where routes read what is so: one consistent picture of state, readiness and the newest reports.
struct Desk: Sendable {
    let conductor: Conductor
    let pool: InstancePool
    let now: @Sendable () -> Timestamp

    func snapshot() async -> Snapshot {
        let (state, reports) = await conductor.picture
        return Snapshot(state: state, now: now(), loaded: pool.loaded, reports: reports)
    }
}
