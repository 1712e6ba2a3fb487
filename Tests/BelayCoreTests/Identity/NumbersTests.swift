import BelayCore
import Testing

@Suite("Numbers")
struct NumbersTests {
    @Test func aVersionNumberLiesBetweenOneAndABillion() {
        #expect(VersionNumber(1)?.value == 1)
        #expect(VersionNumber(1_000_000_000)?.value == 1_000_000_000)
        for illegal in [0, -1, 1_000_000_001, .max, .min] { #expect(VersionNumber(illegal) == nil) }
        #expect(VersionNumber.first.next == number(2))
    }

    @Test(arguments: ["", "0", "-1", "+1", "01", "1.0", "1e3", " 1", "1 ", "١", "9223372036854775808", "0x1"])
    func onlyPlainDecimalsAreVersionNumbers(text: String) {
        #expect(VersionNumber(text) == nil)
    }

    @Test func aReleaseIdIsReadWithAndWithoutItsLetter() {
        #expect(ReleaseID("r142") == ReleaseID(142))
        #expect(ReleaseID("142") == ReleaseID(142))
        #expect(ReleaseID(142).description == "r142")
    }

    @Test(arguments: [
        "", "r", "r0", "0", "r-1", "-1", "r+1", "r01", "rr1", "R1", "r1 ", "r1.0", "r9223372036854775808",
    ])
    func anythingElseIsNoReleaseId(text: String) {
        #expect(ReleaseID(text) == nil)
    }

    @Test func noReleaseIdThatCanBeReadIsWithoutASuccessor() throws {
        #expect(ReleaseID("r9223372036854775807") == nil)
        let highest = try #require(ReleaseID("r1000000000"))
        #expect(highest.value + 1 > highest.value)
    }

    @Test func aShareLiesBetweenNothingAndAll() {
        #expect(Share(partsPerMillion: 0) == Share.none)
        #expect(Share(partsPerMillion: 1_000_000) == .all)
        for illegal in [-1, 1_000_001, .max, .min] { #expect(Share(partsPerMillion: illegal) == nil) }
    }

    @Test(arguments: [(0, "0%"), (10_000, "1%"), (25_000, "2.5%"), (1, "0.0001%"), (1_000_000, "100%")])
    func aShareIsWrittenInPerCent(parts: Int, text: String) {
        #expect(legal(Share(partsPerMillion: parts)).description == text)
    }

    @Test func sharesConvertExactly() {
        #expect(share(percent: 25).fraction == 0.25)
        #expect(share(percent: 25).percent == 25)
        #expect(share(percent: 1) < share(percent: 5))
    }

    @Test(arguments: [
        (10.0, "10"), (2.5, "2.5"), (-3, "-3"), (.infinity, "inf"), (.nan, "nan"), (1e300, "1e+300"),
    ])
    func shortDecimalsNeverTrap(value: Double, text: String) {
        #expect(shortDecimal(value) == text)
    }
}

@Suite("Digest")
struct DigestTests {
    private static let hex = "00ff10a0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f5061728394a5b6c"

    @Test func isReadWithAndWithoutItsPrefix() throws {
        let digest = try #require(Digest(Self.hex))
        #expect(Digest("sha256:" + Self.hex) == digest)
        #expect(digest.hex == Self.hex)
        #expect(digest.description == "sha256:" + Self.hex)
        #expect(digest.short == "00ff10a0b1c2")
        #expect(Digest(bytes: digest.bytes) == digest)
    }

    @Test(arguments: [
        "", "sha256:", hex.uppercased(), String(hex.dropLast()), hex + "0", "g" + hex.dropFirst(),
        "sha512:" + hex,
        "sha256:sha256:" + hex, " " + hex.dropFirst(), hex.dropLast() + "é",
    ])
    func anythingElseIsNoDigest(text: String) {
        #expect(Digest(text) == nil)
    }

    @Test(arguments: [0, 31, 33])
    func hasThirtyTwoBytes(count: Int) {
        #expect(Digest(bytes: [UInt8](repeating: 7, count: count)) == nil)
    }

    @Test func isOrderedAsItsHexadecimalForm() {
        let digests = (0..<50).map(digest)
        #expect(digests.sorted().map(\.hex) == digests.map(\.hex).sorted())
    }
}
