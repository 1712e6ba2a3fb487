import BelayCore
import BelayGateway
import BelayInferenceLog
import Hummingbird

/// `POST /v1/labels` and `POST /v1/feedback`, the same on either port; and how much is labelled.
///
/// On this port, `?model=`, `?kind=` and `?source=` stand in for what labels do not say themselves.
struct LabelRoutes: Sendable {
    let intake: LabelIntake
    let desk: Desk

    func register(on router: RouterGroup<CallContext>) {
        router.post("labels") { request, _ in try await take(request, as: .outcome) }
        router.post("feedback") { request, _ in try await take(request, as: .feedback) }
        router.get("labels/coverage", use: coverage)
    }

    private func take(_ request: Request, as kind: LabelKind) async throws -> Response {
        var defaults = LabelDelivery.Defaults(kind: kind)
        defaults.model = request.query("model")
        defaults.source = request.query("source").map { String($0.prefix(200)) }
        if let text = request.query("kind") {
            guard let kind = LabelKind(rawValue: text) else {
                throw RequestError.badName(what: "kind of label", text: text)
            }
            defaults.kind = kind
        }
        let buffer = try await request.body.collect(upTo: LabelDelivery.mostBytes)
        let view = try await intake.accept(
            LabelDelivery(
                body: Array(buffer.readableBytesView),
                contentType: request.headers[.contentType],
                defaults: defaults
            )
        )
        return try jsonResponse(view, status: .accepted)
    }

    @Sendable
    private func coverage(_ request: Request, context: CallContext) async throws -> Response {
        guard let text = request.query("model"), let name = ModelName(text) else {
            throw RequestError.badName(what: "model", text: request.query("model") ?? "")
        }
        let snapshot = await desk.snapshot()
        let models = snapshot.state.models
        guard models[name] != nil else {
            throw Refusal.unknownModel(name, near: nearest(name, among: models.keys))
        }
        var days = CoverageReader.standardDays
        if let text = request.query("days") {
            guard let number = Int(text), (1...CoverageReader.mostDays).contains(number) else {
                throw RequestError.badName(what: "number of days (1 to 366)", text: text)
            }
            days = number
        }
        let reader = CoverageReader(log: intake.log, labels: intake.labels)
        let warnings = warnings(of: name, in: snapshot)
        return try jsonResponse(
            try await reader.view(of: name, days: days, now: intake.now(), warnings: warnings)
        )
    }

    /// Says when the judge does not compare the versions of the newest release by labels.
    ///
    /// Its test is of the recorded coins: how much of a whole day is labelled says nothing, for labels are
    /// late and shares rise.
    private func warnings(of model: ModelName, in snapshot: Snapshot) -> [String] {
        let releases = snapshot.state.releases.values.filter { $0.proposal.endpoint.model == model }
        guard let release = releases.max(by: { $0.id < $1.id }) else { return [] }
        let reports = release.phase.finalReports ?? snapshot.reports[release.id] ?? []
        guard reports.contains(where: { $0.reason == .coverage }) else { return [] }
        return [
            "In \(release.id) labels came for another part of the candidate's answers than of stable's: "
                + "what is labelled differs between the arms, and a comparison by labels is not one of the "
                + "versions alone."
        ]
    }
}

extension Request {
    fileprivate func query(_ name: String) -> String? { uri.queryParameters[name[...]].map(String.init) }
}

extension LabelIntake {
    /// The answer for the inference port, whose errors have the Open Inference Protocol's shape.
    func reply(to delivery: LabelDelivery) async -> LabelReply {
        do {
            return LabelReply(status: 202, json: try CompactJSON.bytes(of: try await accept(delivery)))
        } catch {
            let known = error as? any Explainable
            let text = known.map { "\($0.explanation.summary) \($0.explanation.remedy)" }
            let json = try? CompactJSON.bytes(of: ["error": text ?? "The labels could not be kept."])
            return LabelReply(status: known?.category.status.code ?? 500, json: json ?? Array("{}".utf8))
        }
    }
}
