import BelayControl
import BelayCore
import Hummingbird

/// `/v1/models/{model}/aliases/{alias}`: names that move.
extension RegistryRoutes {
    @Sendable
    func moveAlias(_ request: Request, context: CallContext) async throws -> Response {
        let body = try await request.json(AliasBody.self, keys: ["version", "reason"])
        return try await move(context, to: try body.version.reference(), request, reason: body.reason)
    }

    @Sendable
    func removeAlias(_ request: Request, context: CallContext) async throws -> Response {
        let body = try await request.json(ReasonBody.self, keys: ["reason"])
        return try await move(context, to: nil, request, reason: body.reason)
    }

    private func move(
        _ context: CallContext,
        to reference: VersionReference?,
        _ request: Request,
        reason: String?
    ) async throws -> Response {
        let model = try context.model()
        let text = try context.parameters.require("alias")
        guard let alias = AliasName(text) else {
            throw RequestError.badName(
                what: "alias (which must not be all digits, `stable` or `candidate`)",
                text: text
            )
        }
        try await desk.conductor.perform(
            .moveAlias(alias, of: model, to: reference),
            by: request.actor,
            reason: reason
        )
        let now = await desk.snapshot().state.models[model]?.aliases[alias]
        return try jsonResponse(AliasView(model: model.text, alias: alias.text, version: now?.value))
    }
}
