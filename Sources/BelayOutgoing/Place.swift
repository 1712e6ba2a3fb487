import Foundation

/// Where a URL leads to, taken apart.
struct Place: Equatable, Sendable {
    let isSecure: Bool
    /// A name or an address, without the brackets of IPv6.
    let host: String
    let port: Int
    /// Path and query as they stand in the request line.
    let target: String
    /// What the `Host` header says.
    let authority: String

    /// Returns nil for anything but an `http` or `https` URL with a host and without a user.
    init?(_ url: String) {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme), parts.user == nil, parts.password == nil,
            let written = parts.percentEncodedHost, !written.isEmpty, written.utf8.count <= 300
        else { return nil }
        let secure = scheme == "https"
        let usual = secure ? 443 : 80
        let port = parts.port ?? usual
        guard (1...65_535).contains(port) else { return nil }
        let bare = written.hasPrefix("[") && written.hasSuffix("]")
        let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        isSecure = secure
        host = bare ? String(written.dropFirst().dropLast()) : written
        self.port = port
        target = path + (parts.percentEncodedQuery.map { "?\($0)" } ?? "")
        authority = port == usual ? written : "\(written):\(port)"
    }

    /// What the certificate must name; nil when the address itself is meant.
    var serverName: String? {
        let isAddress = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
        return isAddress ? nil : host
    }
}
