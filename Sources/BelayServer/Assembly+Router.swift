import BelayCore
import BelayDisk
import BelayGateway
import BelayInferenceLog
import BelayStore
import Hummingbird

extension Assembly {
    /// Every route of the control API.
    func router(_ parts: Parts, inference: ListenAddress) -> Router<CallContext> {
        let router = Router(context: CallContext.self, options: .autoGenerateHeadEndpoints)
        let map = RouteMapBox()
        defer { map.set(RouteMap(of: router)) }
        router.add(middleware: ElsewhereMiddleware())
        router.add(middleware: ProblemMiddleware(logger: logger) { map.methods(at: $0) })
        let names = OwnNames(
            listen: settings.listen,
            publicURL: settings.publicURL,
            others: settings.allowedHosts
        )
        router.add(middleware: OriginMiddleware(names: names))
        router.add(middleware: IdempotencyMiddleware(now: wallClock))
        HealthRoutes(desk: parts.desk, reserve: parts.reserve) { parts.log.counters.trouble == nil }
            .register(on: router)
        DocumentRoutes().register(on: router)
        MetricsRoutes(
            desk: parts.desk,
            figures: { await parts.gateway.figures() },
            logged: { parts.log.results },
            surroundings: { await parts.telling.surroundings(parts) },
            reserve: { parts.reserve.bytes }
        ).register(on: router)
        let v1 = router.group("v1")
        RegistryRoutes(
            artifacts: parts.artifacts,
            registrar: parts.registrar,
            desk: parts.desk,
            uploads: parts.threads.uploads
        ).register(on: v1)
        let measure = StableMeasure(
            log: parts.log,
            labels: parts.intake.labels,
            patience: settings.profilePatience,
            logger: logger
        )
        EndpointRoutes(
            desk: parts.desk,
            measure: measure,
            random: { UInt64.random(in: .min ... .max) },
            undelivered: { await parts.telling.undelivered }
        ).register(on: v1)
        registerHindsight(parts, on: v1)
        parts.telling.register(on: router, v1, desk: parts.desk)
        LabelRoutes(intake: parts.intake, desk: parts.desk).register(on: v1)
        let data = settings.data
        LedgerRoutes(
            ledger: parts.store,
            path: "\(data)/belay.sqlite",
            info: { await parts.info(data: data, inference: inference) },
            verified: { parts.verifications.note(ok: $0, at: wallClock()) }
        ).register(on: v1)
        return router
    }

    /// What reads back what was long ago.
    private func registerHindsight(_ parts: Parts, on v1: RouterGroup<CallContext>) {
        let (intake, store) = (parts.intake, parts.store)
        HindsightRoutes(
            desk: parts.desk,
            ledger: store,
            evidence: store,
            intake: intake,
            readers: parts.threads.readers
        ).register(on: v1)
        AnswerRoutes(
            log: parts.log,
            labels: parts.intake.labels,
            desk: parts.desk,
            readers: parts.threads.readers,
            random: { UInt64.random(in: .min ... .max) }
        ).register(on: v1)
    }
}
