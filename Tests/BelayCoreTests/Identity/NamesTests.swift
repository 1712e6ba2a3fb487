import BelayCore
import Testing

@Suite("Names")
struct NamesTests {
    static let hostile = [
        "", " ", ".", "..", "-", "_x", ".hidden", "-rf", "a b", "a/b", "../a", "a\\b", "a@b", "a#b", "a:b",
        "a%2f",
        "a\n", "a\0", "\u{0}", "é", "ａ", "a\u{301}", "١", "a\u{202e}b", "<script>",
        "'; DROP TABLE ledger; --",
        String(repeating: "a", count: 65),
    ]

    @Test(arguments: [
        "a", "A", "0", "fraud", "breast-cancer", "a.b_c-D9", "1.5.0", "a..b",
        String(repeating: "z", count: 64),
    ])
    func namesOfTheClosedAlphabetAreLegal(text: String) throws {
        #expect(try #require(ModelName(text)).description == text)
        #expect(try #require(EnvironmentName(text)).description == text)
    }

    @Test(arguments: hostile)
    func anythingElseIsNoName(text: String) {
        #expect(ModelName(text) == nil)
        #expect(EnvironmentName(text) == nil)
        #expect(VersionLabel(text) == nil)
        #expect(VersionReference(text) == nil)
    }

    @Test(arguments: ["7", "007", "0", "99999999999999999999999"])
    func aLabelIsNeverAllDigits(text: String) {
        #expect(VersionLabel(text) == nil)
    }

    @Test(arguments: ["1.5.0", "v7", "2026-11-hotfix", "1e9", "0x7"])
    func aLabelMayHoldDigitsAmongOthers(text: String) throws {
        #expect(try #require(VersionLabel(text)).text == text)
    }

    @Test func aReferenceIsANumberWhereverItCanBeOne() {
        #expect(VersionReference("3") == .number(number(3)))
        #expect(VersionReference("v3") == .label(label("v3")))
        #expect(VersionReference("1.5.0")?.description == "1.5.0")
        #expect(VersionReference("3")?.description == "3")
        for nonsense in ["03", "+3", "-3", "0", "3 ", "1000000001", ""] {
            #expect(VersionReference(nonsense) == nil, "\(nonsense)")
        }
    }

    @Test func anActorReadsBackAsWritten() {
        #expect(Actor("belay") == .belay)
        #expect(Actor(Actor.belay.description) == .belay)
        #expect(Actor("ann") == .person("ann"))
        #expect(Actor("ann").description == "ann")
    }

    @Test(arguments: ["x", "\u{301}"])
    func anOverlongActorIsCutAndStaysTheSameWhenReadAgain(filler: String) {
        let actor = Actor("a" + String(repeating: filler, count: 1_000_000))
        let (length, isStable) = (actor.description.utf8.count, Actor(actor.description) == actor)
        #expect(length <= 512)
        #expect(isStable)
    }

    @Test func namesAreOrderedByTheirText() {
        let names = ["b", "a", "B", "a1"].map { legal(ModelName($0)) }.sorted()
        #expect(names.map(\.text) == ["B", "a", "a1", "b"])
    }

    @Test(arguments: ["fraud@3", "a.b@1", "1@1", "x@1000000000"])
    func aVersionIdReadsBackAsWritten(text: String) throws {
        #expect(try #require(VersionID(text)).description == text)
    }

    @Test(arguments: [
        "fraud", "fraud@", "@3", "fraud@0", "fraud@03", "fraud@-1", "fraud@+1", "fraud@3@4", "fraud@1.5.0",
        "fraud @3", "fraud@3 ", "fr aud@3", "fraud@1000000001", "fraud@9223372036854775808", "fraud@\u{301}3",
    ])
    func anythingElseIsNoVersionId(text: String) {
        #expect(VersionID(text) == nil)
    }

    @Test func anEndpointIdReadsBackAsWritten() throws {
        #expect(try #require(EndpointID("fraud#prod")) == prod)
        #expect(prod.description == "fraud#prod")
        for nonsense in ["fraud", "#prod", "fraud#", "fraud#a#b", "fraud#a b", "fr@ud#prod"] {
            #expect(EndpointID(nonsense) == nil, "\(nonsense)")
        }
    }

    @Test func idsAreOrderedByTheirParts() {
        let other = legal(ModelName("abuse"))
        #expect(VersionID(other, number(9)) < id(1))
        #expect(id(2) < id(10))
        #expect(EndpointID(other, in: .prod) < prod)
        #expect(EndpointID(fraud, in: legal(EnvironmentName("dev"))) < prod)
    }
}

@Suite("Alias")
struct AliasNameTests {
    @Test(arguments: ["champion", "a", "1.5.0", "v2", "Stable", String(repeating: "a", count: 64)])
    func aLegalAliasIsItsText(text: String) {
        #expect(AliasName(text)?.description == text)
    }

    @Test(arguments: [
        "", "7", "007", "stable", "candidate", "a/b", ".a", "a b", "ä", String(repeating: "a", count: 65),
    ])
    func whatIsNoAliasIsRefused(text: String) {
        #expect(AliasName(text) == nil)
    }
}
