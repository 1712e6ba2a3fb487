/// Which network addresses Belay may call when a policy names a host.
///
/// Pure, over the bytes of an address: whoever connects checks the very address it connects to, so that a
/// name which changes its mind between the look-up and the call gains nothing.
package enum AddressRule {
    /// Why an address may not be called.
    package enum Refused: String, Equatable, Sendable, CaseIterable {
        case loopback, unspecified, privateNetwork, linkLocal, sharedCarrier, multicast, reserved
        /// An IPv4 address in IPv6's clothes that is refused itself.
        case embedded
        /// Of neither length.
        case malformed

        /// Whether a policy may say that such an address is meant.
        package var mayBeMeant: Bool {
            self == .loopback || self == .privateNetwork || self == .sharedCarrier
        }

        package var words: String {
            switch self {
            case .loopback: "this machine's own"
            case .unspecified: "unspecified"
            case .privateNetwork: "in a private network"
            case .linkLocal: "link-local, as metadata services are"
            case .sharedCarrier: "in a carrier's shared space"
            case .multicast: "a multicast address"
            case .reserved: "reserved"
            case .embedded: "a private IPv4 address written as IPv6"
            case .malformed: "malformed"
            }
        }
    }

    /// Nil when an address, 4 or 16 bytes in network order, may be called.
    ///
    /// `allowsPrivate` lets loopback and private networks pass; link-local addresses, where clouds keep their
    /// machines' credentials, never pass, nor does what is no host's address.
    package static func refusal(of address: [UInt8], allowsPrivate: Bool) -> Refused? {
        let refused: Refused?
        switch address.count {
        case 4: refused = version4(address)
        case 16: refused = version6(address, allowsPrivate: allowsPrivate)
        default: return .malformed
        }
        switch refused {
        case .loopback, .privateNetwork, .sharedCarrier: return allowsPrivate ? nil : refused
        default: return refused
        }
    }

    private static func version4(_ address: [UInt8]) -> Refused? {
        switch (address[0], address[1]) {
        case (0, _): .unspecified
        case (10, _), (172, 16...31), (192, 168): .privateNetwork
        case (100, 64...127): .sharedCarrier
        case (127, _): .loopback
        case (169, 254): .linkLocal
        case (192, 0) where address[2] == 0 || address[2] == 2: .reserved
        case (192, 88) where address[2] == 99: .reserved
        case (198, 18...19): .reserved
        case (198, 51) where address[2] == 100: .reserved
        case (203, 0) where address[2] == 113: .reserved
        case (224...239, _): .multicast
        case (240...255, _): .reserved
        default: nil
        }
    }

    private static func version6(_ address: [UInt8], allowsPrivate: Bool) -> Refused? {
        if let embedded = embedded(in: address) {
            return refusal(of: embedded, allowsPrivate: allowsPrivate).map { _ in .embedded }
        }
        if address.dropLast().allSatisfy({ $0 == 0 }) {
            switch address[15] {
            case 0: return .unspecified
            case 1: return .loopback
            default: return .reserved
            }
        }
        switch (address[0], address[1]) {
        case (0xfc...0xfd, _): return .privateNetwork
        case (0xfe, 0x80...0xbf): return .linkLocal
        case (0xfe, 0xc0...0xff): return .privateNetwork
        case (0xff, _): return .multicast
        // Documentation, discarded, ORCHID, Teredo and local NAT64: nobody's host, or a way to one inside.
        case (0x20, 0x01) where address[2] == 0x0d && address[3] == 0xb8: return .reserved
        case (0x20, 0x01) where address[2] == 0 || address[2] == 1: return .reserved
        case (0x00, 0x64) where address[2] == 0xff && address[3] == 0x9b: return .reserved
        case (0x01, 0x00): return .reserved
        // Only 2000::/3 is given to hosts.
        case (0x20...0x3f, _): return nil
        default: return .reserved
        }
    }

    /// The IPv4 address inside a mapped, a compatible, a NAT64 or a 6to4 address.
    private static func embedded(in address: [UInt8]) -> [UInt8]? {
        let zeros = { (range: Range<Int>) in address[range].allSatisfy { $0 == 0 } }
        if zeros(0..<10), address[10] == 0xff, address[11] == 0xff { return Array(address[12...]) }
        if zeros(0..<12), !zeros(12..<15) { return Array(address[12...]) }
        if Array(address[0..<4]) == [0x00, 0x64, 0xff, 0x9b], zeros(4..<12) { return Array(address[12...]) }
        if address[0] == 0x20, address[1] == 0x02 { return Array(address[2..<6]) }
        return nil
    }
}
