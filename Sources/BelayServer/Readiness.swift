import BelayControl
import BelayCore

/// Whether this server can be sent requests, and if not, why.
struct Readiness: Equatable, Sendable {
    /// Sentences; empty when it is ready.
    let obstacles: [String]

    /// An endpoint is ready when its stable version is loaded and has not failed its golden request.
    ///
    /// One that answers otherwise than it did is still ready: it is what callers get anyhow, and `status` and
    /// the metrics tell. So is one that has not been asked yet: it has answered while it was loaded.
    /// One whose answers have to be recorded is not while the log's disk takes none: no caller gets any.
    init(_ snapshot: Snapshot, isDraining: Bool, isLogWritable: Bool) {
        var obstacles = isDraining ? ["draining"] : []
        for endpoint in snapshot.state.endpoints.values.sorted(by: { $0.id < $1.id }) {
            guard let stable = endpoint.stable else { continue }
            let id = VersionID(endpoint.id.model, stable.version)
            let health = snapshot.standbys[endpoint.id]?.first { $0.version == id }
            if !isLogWritable, endpoint.effectivePolicy.serving.record.isRequired {
                let model = endpoint.id.model
                obstacles.append("\(model) answers nobody: nothing can be recorded, and it has to be")
            }
            switch health?.standing {
            case .failing(let reason): obstacles.append("\(id) is failing: \(reason)")
            default: if !snapshot.loaded.contains(id) { obstacles.append("\(id) is not loaded") }
            }
        }
        self.obstacles = obstacles
    }

    var isReady: Bool { obstacles.isEmpty }

    var text: String { isReady ? "ready\n" : obstacles.map { "\($0)\n" }.joined() }
}
