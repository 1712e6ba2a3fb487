import Foundation
import Glibc
package import NIOCore
import NIOPosix

/// Finds the addresses of a host.
package struct HostLookup: Sendable {
    private let look: @Sendable (String, Int) -> [SocketAddress]

    /// - Parameter look: Called on a thread that may wait, with the host and the port; returns nothing for a
    ///   host that is not known.
    package init(_ look: @escaping @Sendable (String, Int) -> [SocketAddress]) { self.look = look }

    /// By this machine's resolver, which also reads addresses in every way that people write them.
    package static let system = HostLookup(systemAddresses)

    /// Nil when it took too long; the look-up goes on alone then, and nobody hears of it.
    func addresses(
        of host: String,
        port: Int,
        on loop: any EventLoop,
        by deadline: NIODeadline
    ) async -> [SocketAddress]? {
        let found = loop.makePromise(of: [SocketAddress]?.self)
        let alarm = loop.scheduleTask(deadline: deadline) { found.succeed(nil) }
        let look = look
        NIOThreadPool.singleton.submit { state in
            found.succeed(state == .active ? look(host, port) : nil)
        }
        found.futureResult.whenComplete { _ in alarm.cancel() }
        return try? await found.futureResult.get()
    }
}

private func systemAddresses(of host: String, port: Int) -> [SocketAddress] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_protocol = Int32(IPPROTO_TCP)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return [] }
    defer { freeaddrinfo(list) }
    var found: [SocketAddress] = []
    var next = list
    while let info = next?.pointee, found.count < 16 {
        next = info.ai_next
        guard let address = info.ai_addr else { continue }
        switch info.ai_family {
        case AF_INET where info.ai_addrlen >= MemoryLayout<sockaddr_in>.size:
            address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                found.append(SocketAddress($0.pointee))
            }
        case AF_INET6 where info.ai_addrlen >= MemoryLayout<sockaddr_in6>.size:
            address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                found.append(SocketAddress($0.pointee))
            }
        default: continue
        }
    }
    return found
}
