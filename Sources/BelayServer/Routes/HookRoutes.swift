import BelayCore
import BelayNotices
import Foundation
import Hummingbird

/// `/hooks`: where monitors outside pull the rope.
struct HookRoutes: Sendable {
    private struct Message: Decodable {
        let version: String?
        let alerts: [OutsideAlert]
    }

    private static let mostBytes = 1 << 20
    private static let mostAlerts = 500

    let rope: Rope
    /// What callers must show, where the server was told so.
    let secret: NotifyTarget.Secret?
    let secrets: SecretReader
    /// Whether only this machine can call.
    let isLoopback: Bool

    func register(on router: Router<CallContext>) {
        router.post("hooks/alertmanager", use: alertmanager)
    }

    @Sendable
    private func alertmanager(_ request: Request, context: CallContext) async throws -> Response {
        try authenticate(request)
        let buffer = try await request.body.collect(upTo: Self.mostBytes)
        let message: Message
        do {
            message = try JSONDecoder().decode(Message.self, from: Data(buffer.readableBytesView))
        } catch let error as DecodingError {
            throw NoticeError.unreadableAlerts(error.sentence)
        }
        guard message.version ?? "4" == "4" else {
            throw NoticeError.unreadableAlerts("its version is not 4")
        }
        guard message.alerts.count <= Self.mostAlerts else {
            throw NoticeError.unreadableAlerts("it holds more than \(Self.mostAlerts) alerts")
        }
        var results: [PullView] = []
        for alert in message.alerts { results.append(try await rope.pull(alert)) }
        return try jsonResponse(PullList(results: results))
    }

    /// Without a secret only this machine may call, as the whole API.
    private func authenticate(_ request: Request) throws {
        guard let secret else {
            guard isLoopback else { throw NoticeError.notAllowed }
            return
        }
        let prefix = "Bearer "
        guard let expected = secrets(secret), let shown = request.headers[.authorization],
            shown.hasPrefix(prefix), isSame(String(shown.dropFirst(prefix.count)), expected)
        else { throw NoticeError.notAllowed }
    }

    /// Takes equally long for every text of the same length.
    private func isSame(_ one: String, _ other: String) -> Bool {
        let (one, other) = (Array(one.utf8), Array(other.utf8))
        guard one.count == other.count else { return false }
        return zip(one, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
