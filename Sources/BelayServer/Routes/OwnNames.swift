import Foundation

/// The names under which the control API is asked by those who mean it.
///
/// A web page may have its own name resolve to 127.0.0.1 and so be of the same origin as this API, whatever
/// it asks. It cannot keep the browser from telling that name.
package struct OwnNames: Sendable {
    private let others: Set<String>

    /// Besides loopback: where the server listens, where people reach it, and what it was told.
    init(listen: ListenAddress, publicURL: String?, others: [String]) {
        let reached = publicURL.flatMap { URLComponents(string: $0)?.encodedHost }
        let named = ([reached].compactMap { $0 } + others).compactMap(Self.host)
        self.others = Set([listen.host.lowercased()] + named)
    }

    /// Whether `authority`, a host with or without a port, is one of them.
    func contain(_ authority: String) -> Bool {
        guard let host = Self.host(of: authority) else { return false }
        return ListenAddress(host: host, port: 0).isLoopback || others.contains(host)
    }

    /// The host of `authority`, without brackets; nil when it is none.
    package static func host(of authority: String) -> String? {
        let authority = authority.lowercased()
        let isLiteral = authority.hasPrefix("[")
        let end = isLiteral ? authority.firstIndex(of: "]") : authority.firstIndex(of: ":")
        guard let end else { return isLiteral ? nil : relative(authority) }
        let port = authority[end...].dropFirst(isLiteral ? 1 : 0)
        guard port.isEmpty || port.first == ":",
            port.dropFirst().utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return relative(String(authority[..<end].dropFirst(isLiteral ? 1 : 0)))
    }

    /// A name as most write it, without the dot of the root.
    private static func relative(_ host: String) -> String {
        host.hasSuffix(".") ? String(host.dropLast()) : host
    }
}
