import Foundation
import Testing

@testable import BelayCore

/// Much of what a type can ask of a coder.
private struct Sample: Codable, Equatable {
    enum Colour: String, Codable { case red, green }
    enum Shape: Codable, Equatable { case round(radius: Double), square }

    var flag = true
    var text = "a/b \"c\" \\ \u{1}\u{1f}\u{7f}\n\r\t\u{8}\u{c} é 日本 👩‍🚀 e\u{301}"
    var small = Int8.min
    var whole = Int.min
    var largest = UInt64.max
    var double = 1e-7
    var doubles = [0.1, -0.0, 5, 1e16, 1e100, .leastNonzeroMagnitude, 123_456_789.125]
    var float = Float(0.1)
    var nothing: Int?
    var something: Int? = 3
    var empty: [String] = []
    var names = ["b": 1, "a": 2, "10": 3, "9": 4, "é": 5, "Z": 6, "": 7, "a\"b": 8]
    var colour = Colour.green
    var shapes = [Shape.round(radius: 2), .square]
    var nested = [["x": [1, 2]], [:]]
    var optional: [Int?] = [1, nil, 3]
}

private func foundation(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

@Suite("JSON of the ledger")
struct CompactJSONTests {
    @Test func itIsWrittenByteForByteAsFoundationDoes() throws {
        #expect(try CompactJSON.text(of: Sample()) == foundation(Sample()))
        #expect(try CompactJSON.text(of: ["x"]) == foundation(["x"]))
        #expect(try CompactJSON.text(of: "text") == foundation("text"))
        #expect(try CompactJSON.text(of: 7) == "7")
        #expect(try CompactJSON.text(of: Int?.none) == "null")
        #expect(try CompactJSON.text(of: [String: Int]()) == "{}")
    }

    @Test func whatIsWrittenIsReadBack() throws {
        #expect(try CompactJSON.decode(Sample.self, from: CompactJSON.text(of: Sample())) == Sample())
        #expect(try CompactJSON.decode(String.self, from: #" "A\ud83d\ude80\/" "#) == "A🚀/")
    }

    @Test func aLongObjectIsReadLikeAShortOne() throws {
        let long = Dictionary(uniqueKeysWithValues: (0..<1000).map { ("key \($0)", $0) })
        #expect(try CompactJSON.decode([String: Int].self, from: CompactJSON.text(of: long)) == long)
    }

    @Test func ofTwoEqualKeysTheLastCounts() throws {
        #expect(try CompactJSON.decode([String: Int].self, from: #"{"a":1,"a":2}"#) == ["a": 2])
    }

    @Test(arguments: ["5", "5.0", "5e0", "50e-1"])
    func aWholeNumberIsReadInEveryForm(text: String) throws {
        #expect(try CompactJSON.decode(Int.self, from: text) == 5)
    }

    @Test(arguments: ["300", "-1", "1.5", "1e400", "true", "\"1\"", "null", "[]", "{}"])
    func whatIsNoSmallNumberIsRefused(text: String) {
        #expect(throws: DecodingError.self) { try CompactJSON.decode(UInt8.self, from: text) }
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func numbersThatJSONDoesNotHaveAreRefused(number: Double) {
        #expect(throws: EncodingError.self) { try CompactJSON.text(of: [number]) }
    }

    @Test(
        arguments: [
            "", " ", "nul", "tru", "+1", "01", "-", "1.", ".5", "1e", "1e+", "[1,]", "[,1]", "[1 2]",
            "{\"a\"}",
            "{\"a\":}", "{a:1}", "{\"a\":1,}", "{1:1}", "\"", "\"\u{1}\"", #""\x""#, #""\u12""#, #""\ud800""#,
            #""\ud800\u0041""#, #""\udc00""#, #""\"#, "1 2", "[1]]", "nulll", "\u{feff}1",
        ]
    )
    func whatIsNoJSONIsRefused(text: String) {
        #expect(throws: DecodingError.self) { _ = try CompactJSON.decoder(of: text) }
    }

    @Test func aDocumentThatIsCutAnywhereIsRefused() throws {
        let whole = Array(try CompactJSON.text(of: Sample()).utf8)
        for count in whole.indices {
            let cut = String(decoding: whole.prefix(count), as: UTF8.self)
            #expect(throws: DecodingError.self) { _ = try CompactJSON.decoder(of: cut) }
        }
    }

    @Test func nestingIsBounded() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try CompactJSON.decoder(of: nested(CompactJSON.deepest))
        #expect(throws: DecodingError.self) { _ = try CompactJSON.decoder(of: nested(1_000_000)) }
    }

    @Test func whatIsMissingOrNullIsToldApartFromWhatIsWrong() {
        struct Pair: Decodable {
            let a: Int
        }
        #expect { try CompactJSON.decode(Pair.self, from: "{}") } throws: {
            if case DecodingError.keyNotFound = $0 { true } else { false }
        }
        #expect { try CompactJSON.decode(Pair.self, from: #"{"a":null}"#) } throws: {
            if case DecodingError.valueNotFound = $0 { true } else { false }
        }
        #expect { try CompactJSON.decode(Pair.self, from: #"{"a":"1"}"#) } throws: {
            if case DecodingError.typeMismatch = $0 { true } else { false }
        }
    }
}
