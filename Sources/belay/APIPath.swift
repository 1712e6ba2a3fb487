import BelayCore
import Foundation

/// A place in the control API.
///
/// Made only from identities whose alphabets are safe in a URL, so nothing has to be escaped.
struct APIPath: Equatable {
    let text: String

    private init(_ text: String) { self.text = text }

    static let models = APIPath("/v1/models")
    static let releases = APIPath("/v1/releases")
    static let status = APIPath("/v1/status")
    static let feedback = APIPath("/v1/feedback")
    static let info = APIPath("/v1/info")
    static let verification = APIPath("/v1/ledger/verify")

    static func coverage(_ model: ModelName, days: Int) -> APIPath {
        APIPath("/v1/labels/coverage?model=\(model)&days=\(days)")
    }

    /// A source may hold any character, and is escaped to letters, digits and `%`.
    static func labels(_ model: ModelName, kind: String?, source: String?) -> APIPath {
        var text = "/v1/labels?model=\(model)"
        if let kind { text += "&kind=\(escaped(kind))" }
        if let source { text += "&source=\(escaped(source))" }
        return APIPath(text)
    }

    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
                || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
            let digits = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + digits
        }.joined()
    }

    static func artifact(_ digest: Digest) -> APIPath { APIPath("/v1/artifacts/\(digest)") }
    static func versions(_ model: ModelName) -> APIPath { APIPath("/v1/models/\(model)/versions") }

    static func clear(_ version: VersionArgument) -> APIPath {
        APIPath("/v1/models/\(version.model)/versions/\(version.reference)/clear")
    }

    static func alias(_ alias: AliasName, of model: ModelName) -> APIPath {
        APIPath("/v1/models/\(model)/aliases/\(alias)")
    }

    static func endpoint(_ model: ModelName) -> APIPath { APIPath("/v1/endpoints/\(model)") }
    static func startRelease(_ model: ModelName) -> APIPath { APIPath("/v1/endpoints/\(model)/releases") }
    static func rollback(_ model: ModelName) -> APIPath { APIPath("/v1/endpoints/\(model)/rollback") }
    static func why(_ model: ModelName) -> APIPath { APIPath("/v1/endpoints/\(model)/why") }
    static func automatic(_ model: ModelName) -> APIPath { APIPath("/v1/endpoints/\(model)/automatic") }
    static func shadow(_ model: ModelName) -> APIPath { APIPath("/v1/endpoints/\(model)/shadow") }
    static func policy(_ model: ModelName) -> APIPath { APIPath("/v1/endpoints/\(model)/policy") }
    static func forecast(_ model: ModelName) -> APIPath { APIPath("/v1/endpoints/\(model)/forecast") }
    static func releases(of model: ModelName) -> APIPath { APIPath("/v1/releases?model=\(model)") }

    static func testNotices(_ model: ModelName) -> APIPath {
        APIPath("/v1/endpoints/\(model)/notify/test")
    }

    static func deliveries(_ model: ModelName?, state: String) -> APIPath {
        APIPath("/v1/deliveries?state=\(state)" + (model.map { "&model=\($0)" } ?? ""))
    }

    static func resend(_ delivery: DeliveryArgument) -> APIPath {
        APIPath("/v1/deliveries/\(delivery.id)/resend")
    }

    static func erasures(_ model: ModelName) -> APIPath { APIPath("/v1/models/\(model)/erasures") }
    /// A page from a hash on.
    static func subjects(_ id: ReleaseID, from: String) -> APIPath {
        APIPath("/v1/releases/\(id)/subjects?limit=20000&from=\(from)")
    }

    static func predictions(_ model: ModelName, _ query: AnswerQuery) -> APIPath {
        APIPath("/v1/models/\(model)/predictions?\(query.text)")
    }

    static func answers(_ id: ReleaseID, _ query: AnswerQuery) -> APIPath {
        APIPath("/v1/releases/\(id)/answers?\(query.text)")
    }

    static func release(_ id: ReleaseID) -> APIPath { APIPath("/v1/releases/\(id)") }
    static func why(_ id: ReleaseID) -> APIPath { APIPath("/v1/releases/\(id)/why") }
    static func replay(_ id: ReleaseID) -> APIPath { APIPath("/v1/releases/\(id)/replay") }
    static func waive(_ id: ReleaseID) -> APIPath { APIPath("/v1/releases/\(id)/waive") }
    static let incidents = APIPath("/v1/incidents")
    static func incidents(of model: ModelName) -> APIPath { APIPath("/v1/incidents?model=\(model)") }
    static func closeIncident(_ id: IncidentID) -> APIPath { APIPath("/v1/incidents/\(id)/close") }
    static func hold(_ id: ReleaseID) -> APIPath { APIPath("/v1/releases/\(id)/hold") }
    static func resume(_ id: ReleaseID) -> APIPath { APIPath("/v1/releases/\(id)/resume") }
    static func promote(_ id: ReleaseID) -> APIPath { APIPath("/v1/releases/\(id)/promote") }
}

/// Which answers are asked for, and the page of them; a version's label has an alphabet safe in a URL too.
struct AnswerQuery {
    private static let pageAnswers = 5000

    let form: String
    let from: Int
    var since: Timestamp?
    var version: String?
    var release: ReleaseID?
    var shadows = false

    fileprivate var text: String {
        var parts = ["format=\(form)", "from=\(from)", "limit=\(Self.pageAnswers)"]
        if let since { parts.append("since=\(since)") }
        if let version { parts.append("version=\(version)") }
        if let release { parts.append("release=\(release)") }
        if shadows { parts.append("shadows=true") }
        return parts.joined(separator: "&")
    }
}

/// Where a server's control API is: `http://127.0.0.1:7700`.
struct ServerAddress: Equatable, Sendable, CustomStringConvertible {
    static let standard = "http://127.0.0.1:7700"

    private let base: URL

    /// Returns nil unless `text` is an http or https URL with a host and without a path, query or user.
    init?(_ text: String) {
        guard let parts = URLComponents(string: text), ["http", "https"].contains(parts.scheme),
            let host = parts.host, !host.isEmpty, parts.path.isEmpty || parts.path == "/",
            parts.query == nil, parts.fragment == nil, parts.user == nil, let base = parts.url
        else { return nil }
        self.base = base
    }

    func url(_ path: APIPath) -> URL { URL(string: path.text, relativeTo: base)?.absoluteURL ?? base }

    var host: String { base.host ?? "" }
    var isLocal: Bool { ["127.0.0.1", "localhost", "::1", "[::1]"].contains(host) }

    var description: String {
        let text = base.absoluteString
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}
