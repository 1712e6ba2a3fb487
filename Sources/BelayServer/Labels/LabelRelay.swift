import BelayGateway
import Synchronization

/// Breaks a circle: the gateway takes labels for an intake that needs control, which needs the gateway.
final class LabelRelay: Sendable {
    private let intake = Mutex<LabelIntake?>(nil)

    func connect(_ intake: LabelIntake) { self.intake.withLock { $0 = intake } }

    func reply(to delivery: LabelDelivery) async -> LabelReply {
        guard let intake = intake.withLock({ $0 }) else {
            return LabelReply(status: 503, json: Array(#"{"error": "the server is starting"}"#.utf8))
        }
        return await intake.reply(to: delivery)
    }
}
