import BelayCore
import Testing

@Suite("Addresses that may be called")
struct AddressRuleTests {
    /// The bytes of `10.0.0.1`, or of sixteen hexadecimal pairs with `:` wherever one likes.
    private func bytes(_ text: String) -> [UInt8] {
        if text.contains(".") { return text.split(separator: ".").compactMap { UInt8($0) } }
        let digits = Array(text.filter { $0 != ":" })
        return stride(from: 0, to: digits.count, by: 2).compactMap { index in
            UInt8(String(digits[index..<(index + 2)]), radix: 16)
        }
    }

    @Test(arguments: [
        "1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "192.167.1.1", "192.169.1.1", "100.63.1.1",
        "100.128.0.1", "169.253.1.1", "169.255.1.1", "126.255.255.255", "128.0.0.1", "223.255.255.254",
        "198.17.1.1", "198.20.1.1", "2606:4700:4700:0000:0000:0000:0000:1111",
        "0064:ff9b:0000:0000:0000:0000:0808:0808", "2002:0808:0808:0000:0000:0000:0000:0001",
    ])
    func publicAddressesPass(address: String) {
        #expect(AddressRule.refusal(of: bytes(address), allowsPrivate: false) == nil)
        #expect(AddressRule.refusal(of: bytes(address), allowsPrivate: true) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1", AddressRule.Refused.loopback), ("127.255.1.2", .loopback),
        ("10.1.2.3", .privateNetwork),
        ("172.16.0.1", .privateNetwork), ("172.31.255.255", .privateNetwork),
        ("192.168.0.1", .privateNetwork),
        ("100.64.0.1", .sharedCarrier), ("100.127.255.255", .sharedCarrier),
        ("0000:0000:0000:0000:0000:0000:0000:0001", .loopback),
        ("fc00:0000:0000:0000:0000:0000:0000:0001", .privateNetwork),
        ("fd12:3456:0000:0000:0000:0000:0000:0001", .privateNetwork),
        ("0000:0000:0000:0000:0000:ffff:0a00:0001", .embedded),
        ("0000:0000:0000:0000:0000:ffff:7f00:0001", .embedded),
        ("0000:0000:0000:0000:0000:0000:7f00:0001", .embedded),
        ("0064:ff9b:0000:0000:0000:0000:0a00:0001", .embedded),
        ("2002:0a00:0001:0000:0000:0000:0000:0001", .embedded),
    ])
    func addressesInThisHousePassOnlyWhenThePolicySaysSo(address: String, why: AddressRule.Refused) {
        #expect(AddressRule.refusal(of: bytes(address), allowsPrivate: false) == why)
        #expect(AddressRule.refusal(of: bytes(address), allowsPrivate: true) == nil)
    }

    @Test(arguments: [
        ("169.254.169.254", AddressRule.Refused.linkLocal), ("0.0.0.0", .unspecified),
        ("0.1.2.3", .unspecified),
        ("224.0.0.1", .multicast), ("255.255.255.255", .reserved), ("192.0.2.1", .reserved),
        ("198.18.0.1", .reserved), ("203.0.113.9", .reserved), ("240.0.0.1", .reserved),
        ("fe80:0000:0000:0000:0000:0000:0000:0001", .linkLocal),
        ("ff02:0000:0000:0000:0000:0000:0000:0001", .multicast),
        ("0000:0000:0000:0000:0000:ffff:a9fe:a9fe", .embedded),
        ("0064:ff9b:0000:0000:0000:0000:a9fe:a9fe", .embedded),
        ("0064:ff9b:0001:0000:0000:0000:0a00:0001", .reserved),
        ("2002:a9fe:a9fe:0000:0000:0000:0000:0001", .embedded),
        ("0000:0000:0000:0000:0000:0000:0000:0000", .unspecified),
        ("2001:0db8:0000:0000:0000:0000:0000:0001", .reserved),
        ("2001:0000:0000:0000:0000:0000:0000:0001", .reserved), ("7f", .malformed), ("", .malformed),
    ])
    func someAddressesNeverPass(address: String, why: AddressRule.Refused) {
        #expect(AddressRule.refusal(of: bytes(address), allowsPrivate: false) == why)
        #expect(AddressRule.refusal(of: bytes(address), allowsPrivate: true) == why)
    }

    @Test func everyFirstPairOfOctetsIsJudgedWithoutATrap() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                let refused = AddressRule.refusal(of: [first, second, 1, 1], allowsPrivate: false)
                #expect((refused == nil) == (1...223 ~= first && !Self.isInside(first, second)))
            }
        }
    }

    private static func isInside(_ first: UInt8, _ second: UInt8) -> Bool {
        switch (first, second) {
        case (10, _), (127, _), (100, 64...127), (169, 254), (172, 16...31), (192, 168), (198, 18...19): true
        default: false
        }
    }
}
