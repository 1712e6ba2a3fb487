import BelayControl
import BelayCore
import BelayInference

/// Where routes read what is so: one consistent picture of state, readiness and the newest reports.
struct Desk: Sendable {
    let conductor: Conductor
    let pool: InstancePool
    let now: @Sendable () -> Timestamp
    let draining = Draining()

    func snapshot() async -> Snapshot {
        let picture = await conductor.picture
        return Snapshot(
            state: picture.state,
            now: now(),
            loaded: pool.loaded,
            reports: picture.reports,
            standbys: picture.standbys,
            fenced: picture.fenced,
            suspended: picture.suspended
        )
    }
}
