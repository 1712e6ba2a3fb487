import BelayControl
import BelayCore
import BelayNotices
import Foundation
import Hummingbird

/// `/v1/deliveries`: whether those who are to be told have been told.
struct NoticeRoutes: Sendable {
    private static let mostListed = 1000

    let herald: Herald
    let outbox: Outbox
    let desk: Desk

    func register(on router: RouterGroup<CallContext>) {
        router.get("deliveries", use: list)
        router.post("deliveries/:delivery/resend", use: resend)
        router.post("endpoints/:model/notify/test", use: test)
    }

    @Sendable
    private func list(_ request: Request, context: CallContext) async throws -> Response {
        let query = request.uri.queryParameters
        let model = try query["model"].map { text in
            guard let name = ModelName(String(text)) else {
                throw RequestError.badName(what: "model name", text: String(text))
            }
            return name
        }
        let models = await desk.conductor.state.models
        if let model, models[model] == nil {
            throw Refusal.unknownModel(model, near: nearest(model, among: models.keys))
        }
        let states: Set<Delivery.State> =
            switch query["state"] {
            case nil, "all": Set(Delivery.State.allCases)
            case "undelivered": [.waiting, .failed, .dropped]
            case .some(let text):
                try [
                    Delivery.State(rawValue: String(text)).orThrow(
                        RequestError.badBody(
                            "'state' is all, undelivered, waiting, delivered, failed or dropped"
                        )
                    )
                ]
            }
        let limit = try query["limit"].map { text in
            try Int(text).flatMap { (1...Self.mostListed).contains($0) ? $0 : nil }.orThrow(
                RequestError.badBody("'limit' must be a number from 1 to \(Self.mostListed)")
            )
        }
        let found = try await outbox.deliveries(
            in: states,
            model: model,
            notice: query["notice"].map(String.init),
            limit: limit ?? 100
        )
        return try jsonResponse(DeliveryList(deliveries: found.map(DeliveryView.init)))
    }

    @Sendable
    private func resend(_ request: Request, context: CallContext) async throws -> Response {
        let id = try context.parameters.require("delivery")
        guard let delivery = try await outbox.resend(id, now: wallClock()) else {
            throw NoticeError.unknownDelivery(id)
        }
        return try jsonResponse(DeliveryView(delivery), status: .accepted)
    }

    @Sendable
    private func test(_ request: Request, context: CallContext) async throws -> Response {
        let model = try context.model()
        let state = await desk.conductor.state
        guard state.models[model] != nil else {
            throw Refusal.unknownModel(model, near: nearest(model, among: state.models.keys))
        }
        let deliveries = try await herald.test(EndpointID(model, in: .prod), by: request.actor)
        guard !deliveries.isEmpty else { throw NoticeError.nobodyToTell(model) }
        return try jsonResponse(
            DeliveryList(deliveries: deliveries.map(DeliveryView.init)),
            status: .accepted
        )
    }
}

/// What can be wrong with a question about notices.
enum NoticeError: Error, Equatable, Sendable {
    case unknownDelivery(String)
    case nobodyToTell(ModelName)
    case notAllowed
    case unreadableAlerts(String)
}

extension NoticeError: Explainable {
    var category: FailureCategory {
        switch self {
        case .unknownDelivery: .notFound
        case .nobodyToTell: .conflict
        case .notAllowed: .refused
        case .unreadableAlerts: .invalid
        }
    }

    var explanation: Explanation {
        switch self {
        case .unknownDelivery(let id):
            Explanation(
                code: "notice.unknown-delivery",
                summary: "There is no delivery '\(id.prefix(80))'.",
                remedy: "See `belay deliveries`; records are kept for 30 days."
            )
        case .nobodyToTell(let model):
            Explanation(
                code: "notice.nobody-to-tell",
                summary: "The policy of \(model) names nobody to be told.",
                remedy: "Add a target under `notify:` in belay.yaml and release with it."
            )
        case .notAllowed:
            Explanation(
                code: "hook.not-allowed",
                summary: "The caller did not show the secret of the hooks.",
                remedy: "Send it as `Authorization: Bearer …`; `belay serve --hook-secret` says where it is."
            )
        case .unreadableAlerts(let why):
            Explanation(
                code: "hook.unreadable",
                summary: "The body is no message of Alertmanager's webhook: \(why).",
                remedy: "Point a `webhook_configs` receiver of Alertmanager here."
            )
        }
    }
}

extension DeliveryView {
    init(_ delivery: Delivery) {
        self.init(
            id: delivery.id,
            type: delivery.notice.kind.rawValue,
            model: delivery.notice.endpoint.model.text,
            environment: delivery.notice.endpoint.environment.text,
            release: delivery.notice.release?.description,
            summary: delivery.notice.summary,
            at: delivery.notice.at.description,
            via: delivery.target.via.rawValue,
            target: delivery.target.place,
            act: delivery.act.rawValue,
            state: delivery.state.rawValue,
            tries: delivery.tries,
            dueAt: delivery.state == .waiting ? delivery.dueAt.description : nil,
            endedAt: delivery.endedAt?.description,
            status: delivery.status,
            error: delivery.error
        )
    }
}

extension NotifyTarget {
    /// Whom it means, without what might be a secret: of an address no more than its host.
    fileprivate var place: String {
        switch url {
        case .plain(let url): URLComponents(string: url)?.host ?? "an address"
        case .secret(let secret): secret.name
        case nil: "events.pagerduty.com"
        }
    }
}

extension Optional {
    /// The value, or the error that says why there should be one.
    fileprivate func orThrow(_ error: @autoclosure () -> any Error) throws -> Wrapped {
        guard let self else { throw error() }
        return self
    }
}
