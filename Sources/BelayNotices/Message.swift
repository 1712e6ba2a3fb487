package import BelayCore
import Foundation

/// What is needed to write a notice down, besides the notice.
struct Letter: Sendable {
    let delivery: Delivery
    /// Where people reach this server, without a slash at the end.
    let server: String
    /// Of this try.
    let sentAt: Timestamp

    var notice: Notice { delivery.notice }
    var link: String { server + notice.path }
}

/// A request that is ready to go, or why there is none.
enum Posting: Equatable, Sendable {
    case ready(OutgoingRequest)
    /// In words that hold no secret.
    case impossible(String)
}

/// Reads secrets where policies say they are, each time anew, so that one that was changed is used at once.
package struct SecretReader: Sendable {
    private let read: @Sendable (NotifyTarget.Secret) -> String?

    /// - Parameter read: Nil when there is none.
    package init(_ read: @escaping @Sendable (NotifyTarget.Secret) -> String?) { self.read = read }

    /// From the environment of this process and from files of at most 64 KiB.
    package static let system = SecretReader { secret in
        switch secret {
        case .environment(let name): return ProcessInfo.processInfo.environment[name]
        case .file(let path):
            guard let file = FileHandle(forReadingAtPath: path) else { return nil }
            defer { try? file.close() }
            guard let data = try? file.read(upToCount: 65_536) else { return nil }
            return String(bytes: data, encoding: .utf8)
        }
    }

    /// White space around it, such as a file's last line end, is no part of it.
    package func callAsFunction(_ secret: NotifyTarget.Secret) -> String? {
        let text = read(secret)?.trimmingCharacters(in: .whitespacesAndNewlines)
        return text.flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// JSON with its keys in a fixed order: the same notice is the same bytes on every try.
func json(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Numbers that JSON does not have are written as null by those who make the values.
    return (try? encoder.encode(value)).map(Array.init) ?? Array("{}".utf8)
}

extension Double {
    /// Nil for what JSON cannot say.
    var finite: Double? { isFinite ? self : nil }
}
