package import BelayCore
package import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// Calls other servers over HTTP/1.1, each request on a connection of its own.
///
/// The host is looked up once and the connection goes to an address that ``AddressRule`` let pass, so a name
/// cannot change its mind in between. A certificate is checked against the name, not the address. There are
/// no redirects, no proxies and no connections kept: the few calls that Belay makes are worth a handshake.
package struct OutgoingClient: OutgoingHTTP {
    /// So many of a name's addresses are tried before it counts as unreachable.
    private static let mostAddresses = 3
    private static let connectTimeout = TimeAmount.seconds(5)

    private let group: any EventLoopGroup
    private let resolve: HostLookup
    private let authorities: Authorities

    /// - Parameters:
    ///   - group: Where connections live; the caller shuts it down.
    ///   - resolve: Finds a host's addresses.
    ///   - authorities: Whose certificates are believed.
    package init(group: any EventLoopGroup, resolve: HostLookup, authorities: Authorities) {
        self.group = group
        self.resolve = resolve
        self.authorities = authorities
    }

    package func send(_ request: OutgoingRequest) async throws(OutgoingFailure) -> OutgoingAnswer {
        guard let place = Place(request.url) else { throw .badURL }
        let deadline = NIODeadline.now() + request.timeout.amount
        let addresses = try await addresses(of: place, request, by: deadline)
        let context = place.isSecure ? try authorities.context(for: place.host) : nil
        var failure = OutgoingFailure.unreachable(host: place.host, reason: "it has no address")
        for address in addresses.prefix(Self.mostAddresses) {
            let call = Call(request: request, place: place, context: context, deadline: deadline)
            switch await call.made(to: address, on: group.next(), patience: Self.connectTimeout) {
            case .success(let answer): return answer
            // Only what cannot have been seen by anyone is tried at the next address.
            case .failure(.unreachable(let host, let reason)):
                failure = .unreachable(host: host, reason: reason)
            case .failure(let other): throw other
            }
        }
        throw failure
    }

    private func addresses(
        of place: Place,
        _ request: OutgoingRequest,
        by deadline: NIODeadline
    ) async throws(OutgoingFailure) -> [SocketAddress] {
        let found = await resolve.addresses(of: place.host, port: place.port, on: group.next(), by: deadline)
        guard let found else { throw .timedOut(host: place.host) }
        guard !found.isEmpty else { throw .unknownHost(place.host) }
        var refused: AddressRule.Refused?
        let allowed = found.filter { address in
            let why = AddressRule.refusal(of: address.bytes, allowsPrivate: request.allowsPrivate)
            refused = refused ?? why
            return why == nil
        }
        if allowed.isEmpty { throw .forbidden(host: place.host, why: refused ?? .malformed) }
        return allowed
    }
}

/// The certificate authorities that are believed, read from the system when first needed.
package final class Authorities: Sendable {
    private let trust: NIOSSLTrustRoots
    private let made = Mutex<NIOSSLContext?>(nil)

    private init(_ trust: NIOSSLTrustRoots) { self.trust = trust }

    /// Those of this machine.
    package static func system() -> Authorities { Authorities(.default) }

    /// Those in a file of PEM blocks.
    package static func file(_ path: String) -> Authorities { Authorities(.file(path)) }

    func context(for host: String) throws(OutgoingFailure) -> NIOSSLContext {
        do {
            return try made.withLock { made in
                if let made { return made }
                var configuration = TLSConfiguration.makeClientConfiguration()
                configuration.trustRoots = trust
                configuration.minimumTLSVersion = .tlsv12
                let context = try NIOSSLContext(configuration: configuration)
                made = context
                return context
            }
        } catch {
            throw .insecure(host: host, reason: "the certificate authorities could not be read")
        }
    }
}

extension SocketAddress {
    /// The bytes of the host's part in network order; none for what is no internet address.
    fileprivate var bytes: [UInt8] {
        switch self {
        // Where the system's `sockaddr_in` and `sockaddr_in6` have them.
        case .v4(let address): withUnsafeBytes(of: address.address) { Array($0[4..<8]) }
        case .v6(let address): withUnsafeBytes(of: address.address) { Array($0[8..<24]) }
        case .unixDomainSocket: []
        }
    }
}

extension Duration {
    /// Saturates at about a day, which nobody waits for.
    fileprivate var amount: TimeAmount { .milliseconds(min(max(0, wholeMilliseconds), 86_400_000)) }
}
