import BelayControl
import BelayCore
import Hummingbird

/// `/metrics`: what Prometheus reads, in its own format or as OpenMetrics.
struct MetricsRoutes: Sendable {
    let desk: Desk
    let figures: @Sendable () async -> GatewayFigures
    /// What became of answers on their way to the inference log, by result.
    let logged: @Sendable () -> [String: Int]
    let surroundings: @Sendable () async -> Surroundings
    /// Bytes of disk space that are kept free for rollbacks.
    let reserve: @Sendable () -> Int

    func register(on router: Router<CallContext>) {
        router.get("metrics") { request, _ in
            let format = MetricsText.Format(accept: request.headers[.accept])
            let metrics = Metrics(
                snapshot: await desk.snapshot(),
                tallies: await desk.conductor.picture.tallies,
                figures: await figures(),
                logged: logged(),
                reserve: reserve(),
                belayVersion: belayVersion,
                surroundings: await surroundings(),
                drifts: await desk.conductor.stabilityIndices
            )
            return Response(
                status: .ok,
                headers: [.contentType: format.contentType, .vary: "Accept"],
                body: .init(byteBuffer: .init(string: metrics.written(as: format).text))
            )
        }
    }
}
