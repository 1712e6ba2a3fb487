import BelayCore
import BelayGateway
import Hummingbird

/// `POST /v1/labels`, the same on either port.
struct LabelRoutes: Sendable {
    let intake: LabelIntake

    func register(on router: RouterGroup<CallContext>) {
        router.post("labels") { request, _ in
            let buffer = try await request.body.collect(upTo: LabelIntake.mostBytes)
            let view = try await intake.accept(Array(buffer.readableBytesView))
            return try jsonResponse(view, status: .accepted)
        }
    }
}

extension LabelIntake {
    /// The answer for the inference port, whose errors have the Open Inference Protocol's shape.
    func reply(to body: [UInt8]) async -> LabelReply {
        do {
            return LabelReply(status: 202, json: try jsonBytes(try await accept(body)))
        } catch {
            let known = error as? any Explainable
            let text = known.map { "\($0.explanation.summary) \($0.explanation.remedy)" }
            let json = try? jsonBytes(["error": text ?? "The labels could not be kept."])
            return LabelReply(status: known?.category.status.code ?? 500, json: json ?? Array("{}".utf8))
        }
    }
}
