import BelayCore
import Crypto
import Foundation

/// Signs as Standard Webhooks says: HMAC-SHA256 over `id.timestamp.body`, in base64, behind `v1,`.
struct WebhookSigning: Sendable {
    /// So that a secret can be changed without losing a notice: both sign, and the receiver takes either.
    static let mostKeys = 4
    /// In bytes.
    private static let lengths = 16...128

    let keys: [[UInt8]]

    /// The keys in a secret: one, or several during a change, with white space or commas in between.
    ///
    /// Each is `whsec_` and base64. None is returned when any of them is not, for one that silently does not
    /// sign would be noticed when the other is taken away.
    static func keys(in text: String) -> [[UInt8]] {
        let words = text.split { $0 == "," || $0.isWhitespace }
        let keys = words.compactMap { word -> [UInt8]? in
            guard word.hasPrefix("whsec_"), let data = Data(base64Encoded: String(word.dropFirst(6))),
                lengths.contains(data.count)
            else { return nil }
            return Array(data)
        }
        return keys.count == words.count && keys.count <= mostKeys ? keys : []
    }

    /// The headers of one try; without keys there is no signature among them.
    func headers(id: String, at time: Timestamp, body: [UInt8]) -> [OutgoingRequest.Header] {
        let seconds = String(time.milliseconds / 1000)
        let signed = Array("\(id).\(seconds).".utf8) + body
        let signatures = keys.map { key in
            let code = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: key))
            return "v1,\(Data(code).base64EncodedString())"
        }
        let named: [OutgoingRequest.Header] = [.init("webhook-id", id), .init("webhook-timestamp", seconds)]
        return signatures.isEmpty
            ? named : named + [.init("webhook-signature", signatures.joined(separator: " "))]
    }
}
