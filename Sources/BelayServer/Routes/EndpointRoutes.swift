import BelayControl
import BelayCore
import BelayStore
import HTTPTypes
import Hummingbird

/// `/v1/endpoints`, `/v1/releases`, `/v1/status`: what serves, what is tried, and the way back.
struct EndpointRoutes: Sendable {
    /// `POST /v1/endpoints/{model}/releases`.
    struct ReleaseBody: Decodable {
        let version: VersionText
        let reason: String?
        let policy: PolicyNode?
        let origin: ReleaseRequest.Origin?
        let undecidable: Bool?
    }

    let desk: Desk
    let measure: StableMeasure
    /// Draws the salt of a release; the number is recorded with it.
    let random: @Sendable () -> UInt64
    /// Notices that have not arrived, by model.
    let undelivered: @Sendable () async -> [String: Int]

    func register(on router: RouterGroup<CallContext>) {
        router.get("status", use: status)
        router.get("endpoints/:model", use: endpoint)
        router.get("endpoints/:model/policy", use: policy)
        router.put("endpoints/:model/policy", use: changePolicy)
        router.post("endpoints/:model/forecast", use: forecast)
        router.put("endpoints/:model/automatic", use: automatic)
        router.put("endpoints/:model/shadow", use: shadow)
        router.delete("endpoints/:model/shadow", use: endShadow)
        router.post("endpoints/:model/releases", use: release)
        router.post("endpoints/:model/rollback", use: rollback)
        router.get("releases", use: releases)
        router.get("releases/:release", use: showRelease)
        router.get("releases/:release/forecast", use: forecastOfRelease)
        router.post("releases/:release/hold") { try await act(.hold, $0, $1) }
        router.post("releases/:release/resume") { try await act(.resume, $0, $1) }
        router.post("releases/:release/promote") { try await act(.promote, $0, $1) }
        router.post("releases/:release/waive", use: waive)
    }

    @Sendable
    private func status(_ request: Request, context: CallContext) async throws -> Response {
        let snapshot = await desk.snapshot()
        return try jsonResponse(
            StatusView(
                endpoints: snapshot.state.models.keys.sorted().map(snapshot.endpoint),
                undelivered: await undelivered()
            )
        )
    }

    @Sendable
    private func endpoint(_ request: Request, context: CallContext) async throws -> Response {
        let (snapshot, model) = try await desk.known(context)
        return try snapshot.answer(model)
    }

    @Sendable
    private func release(_ request: Request, context: CallContext) async throws -> Response {
        let (snapshot, model) = try await desk.known(context)
        let body = try await request.json(
            ReleaseBody.self,
            keys: ["version", "reason", "policy", "origin", "undecidable"]
        )
        let (endpoint, policy) = (EndpointID(model, in: .prod), try body.policy.map(decodedPolicy))
        let asked = ReleaseRequest(
            endpoint: endpoint,
            candidate: try body.version.reference(),
            policy: policy,
            origin: body.origin ?? .person,
            salt: Salt(random()),
            profile: await measure.profile(of: endpoint, under: policy, in: snapshot.state, now: wallClock()),
            allowsUndecidable: body.undecidable ?? false
        )
        let performed = try await desk.conductor.perform(
            .release(asked),
            by: request.actor,
            reason: body.reason,
            expecting: request.expectation(of: model)
        )
        for case .release(.proposed(let proposal)) in performed.events {
            let snapshot = await desk.snapshot()
            if let release = snapshot.state.releases[proposal.release] {
                return try snapshot.proposed(release)
            }
        }
        throw HTTPError(.internalServerError)
    }

    @Sendable
    private func rollback(_ request: Request, context: CallContext) async throws -> Response {
        let model = try context.model()
        let body = try await request.jsonIfAny(RollbackBody.self, keys: ["to", "reason"])
        let performed = try await desk.conductor.rollback(
            EndpointID(model, in: .prod),
            to: try body?.to?.reference(),
            by: request.actor,
            reason: body?.reason ?? request.reason,
            expecting: request.expectation(of: model)
        )
        let rollbacks = performed.events.compactMap { event -> Rollback? in
            if case .release(.rolledBack(let rollback)) = event { rollback } else { nil }
        }
        if let done = performed.alreadyDone {
            return try jsonResponse(RollbackView(done.rollback, receipt: performed.receipt, doneAt: done.at))
        }
        if let last = rollbacks.last {
            return try jsonResponse(RollbackView(last, receipt: performed.receipt))
        }
        return try jsonResponse(await alreadyServing(model, performed.receipt))
    }

    /// What was asked for is already so: the answer is the same receipt, and says that nothing moved.
    private func alreadyServing(_ model: ModelName, _ receipt: Receipt?) async -> RollbackView {
        let serving = await desk.snapshot().state.endpoints[EndpointID(model, in: .prod)]?.stable?.version
            .value
        return RollbackView(
            model: model.text,
            from: serving ?? 0,
            to: serving,
            cause: "already-serving",
            epoch: receipt?.epoch.value ?? 0,
            acknowledgedInMilliseconds: Double(receipt?.elapsedMicroseconds ?? 0) / 1000,
            replayed: 0,
            drained: 0,
            fence: receipt == nil ? "pending" : "complete"
        )
    }

    @Sendable
    private func releases(_ request: Request, context: CallContext) async throws -> Response {
        let snapshot = await desk.snapshot()
        let model = try request.uri.queryParameters["model"].map { text in
            guard let name = ModelName(String(text)) else {
                throw RequestError.badName(what: "model name", text: String(text))
            }
            guard snapshot.state.models[name] != nil else {
                throw Refusal.unknownModel(name, near: nearest(name, among: snapshot.state.models.keys))
            }
            return name
        }
        let chosen = snapshot.state.releases.values
            .filter { model == nil || $0.proposal.endpoint.model == model }
            .sorted { $0.id > $1.id }
        return try jsonResponse(ReleaseList(releases: chosen.map(snapshot.release)))
    }

    @Sendable
    private func showRelease(_ request: Request, context: CallContext) async throws -> Response {
        let snapshot = await desk.snapshot()
        return try snapshot.answer(try context.release(in: snapshot.state))
    }

    private enum Act {
        case hold, resume, promote

        func command(_ id: ReleaseID) -> Command {
            switch self {
            case .hold: .hold(id)
            case .resume: .resume(id)
            case .promote: .promote(id)
            }
        }
    }

    private func act(_ act: Act, _ request: Request, _ context: CallContext) async throws -> Response {
        let release = try context.release(in: await desk.snapshot().state)
        let body = try await request.json(ReasonBody.self, keys: ["reason"])
        try await desk.conductor.perform(
            act.command(release.id),
            by: request.actor,
            reason: body.reason,
            expecting: request.expectation(of: release.proposal.endpoint.model)
        )
        let snapshot = await desk.snapshot()
        return try snapshot.answer(snapshot.state.releases[release.id] ?? release)
    }

    @Sendable
    private func automatic(_ request: Request, context: CallContext) async throws -> Response {
        let (_, model) = try await desk.known(context)
        let body = try await request.json(AutomaticBody.self, keys: ["allowed", "reason"])
        guard body.allowed else {
            throw RequestError.badBody("automatic releases are switched off by a rollback, not by hand")
        }
        try await desk.conductor.perform(
            .allowAutomatic(EndpointID(model, in: .prod)),
            by: request.actor,
            reason: body.reason,
            expecting: request.expectation(of: model)
        )
        return try await desk.snapshot().answer(model)
    }
}

// MARK: - Standing shadows

extension EndpointRoutes {
    @Sendable
    private func shadow(_ request: Request, context: CallContext) async throws -> Response {
        let (_, model) = try await desk.known(context)
        let body = try await request.json(ShadowBody.self, keys: ["version", "share", "reason"])
        let percent = body.share ?? 100
        guard percent > 0, percent <= 100, let parts = Int(exactly: (percent * 10_000).rounded()),
            parts > 0, let share = Share(partsPerMillion: parts)
        else { throw RequestError.badBody("'share' is a number of per cent above 0 and up to 100") }
        let asked = ShadowRequest(version: try body.version.reference(), share: share)
        return try await changeShadow(of: model, asked, request, reason: body.reason)
    }

    @Sendable
    private func endShadow(_ request: Request, context: CallContext) async throws -> Response {
        let (_, model) = try await desk.known(context)
        let body = try await request.json(ReasonBody.self, keys: ["reason"])
        return try await changeShadow(of: model, nil, request, reason: body.reason)
    }

    private func changeShadow(
        of model: ModelName,
        _ asked: ShadowRequest?,
        _ request: Request,
        reason: String?
    ) async throws -> Response {
        let endpoint = EndpointID(model, in: .prod)
        try await desk.conductor.perform(
            .changeShadow(endpoint, asked),
            by: request.actor,
            reason: reason,
            expecting: request.expectation(of: model)
        )
        return try await desk.snapshot().answer(model)
    }
}

// MARK: - Policies and reasons

extension EndpointRoutes {
    @Sendable
    private func policy(_ request: Request, context: CallContext) async throws -> Response {
        let (snapshot, model) = try await desk.known(context)
        let endpoint = snapshot.state.endpoints[EndpointID(model, in: .prod)]
        let policy = PolicyNode(describing: endpoint?.effectivePolicy ?? .standard(for: model))
        return snapshot.tagged(try jsonResponse(policy), model)
    }

    @Sendable
    private func changePolicy(_ request: Request, context: CallContext) async throws -> Response {
        let (_, model) = try await desk.known(context)
        let policy = try decodedPolicy(try await request.json(PolicyNode.self))
        try await desk.conductor.perform(
            .changePolicy(EndpointID(model, in: .prod), policy),
            by: request.actor,
            reason: nil,
            expecting: request.expectation(of: model)
        )
        return await desk.snapshot().tagged(try jsonResponse(PolicyNode(describing: policy)), model)
    }
}

// MARK: - Waivers

extension EndpointRoutes {
    @Sendable
    private func waive(_ request: Request, context: CallContext) async throws -> Response {
        let release = try context.release(in: await desk.snapshot().state)
        let body = try await request.json(WaiverBody.self, keys: ["guards", "reason"])
        guard !body.guards.isEmpty else { throw RequestError.badBody("'guards' names no guard") }
        try await desk.conductor.perform(
            .waive(release.id, guards: body.guards),
            by: request.actor,
            reason: body.reason,
            expecting: request.expectation(of: release.proposal.endpoint.model)
        )
        let snapshot = await desk.snapshot()
        return try snapshot.answer(snapshot.state.releases[release.id] ?? release)
    }
}

// MARK: - Forecasts

extension EndpointRoutes {
    @Sendable
    private func forecast(_ request: Request, context: CallContext) async throws -> Response {
        let (snapshot, model) = try await desk.known(context)
        let body = try await request.json(ForecastBody.self, keys: ["policy"])
        let endpoint = EndpointID(model, in: .prod)
        let policy =
            try body.policy.map(decodedPolicy) ?? snapshot.state.endpoints[endpoint]?.effectivePolicy
            ?? .standard(for: model)
        guard policy.model == model else {
            throw Refusal.policyForAnotherModel(policy.model, expected: model)
        }
        let profile = await measure.profile(
            of: endpoint,
            under: policy,
            in: snapshot.state,
            now: wallClock()
        )
        return try jsonResponse(ForecastView(policy, profile: profile))
    }

    @Sendable
    private func forecastOfRelease(_ request: Request, context: CallContext) async throws -> Response {
        let proposal = try context.release(in: await desk.snapshot().state).proposal
        return try jsonResponse(ForecastView(proposal.policy, profile: proposal.profile))
    }
}
