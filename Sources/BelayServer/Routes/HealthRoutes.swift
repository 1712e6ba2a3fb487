import BelayCore
import Hummingbird

/// `/livez` and `/readyz`: the first depends on nothing, the second tells the truth.
struct HealthRoutes: Sendable {
    let desk: Desk

    func register(on router: Router<CallContext>) {
        router.get("livez") { _, _ in Response(status: .ok, body: .init(byteBuffer: .init(string: "ok\n"))) }
        router.get("readyz") { _, _ in
            let snapshot = await desk.snapshot()
            let missing = snapshot.state.endpoints.values.compactMap { endpoint -> VersionID? in
                let id = endpoint.stable.map { VersionID(endpoint.id.model, $0.version) }
                return id.flatMap { snapshot.loaded.contains($0) ? nil : $0 }
            }
            let text =
                missing.isEmpty
                ? "ready\n" : "not loaded: \(missing.sorted().map(\.description).joined(separator: ", "))\n"
            return Response(
                status: missing.isEmpty ? .ok : .serviceUnavailable,
                body: .init(byteBuffer: .init(string: text))
            )
        }
    }
}
