import Testing

@testable import BelayGateway

@Suite("Compression")
struct CompressionTests {
    /// What Python's zlib and gzip make of `abc`.
    static let zlib: [UInt8] = [0x78, 0xda, 0x4b, 0x4c, 0x4a, 0x06, 0x00, 0x02, 0x4d, 0x01, 0x27]
    static let gzip: [UInt8] = [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4b, 0x4c, 0x4a, 0x06, 0x00, 0xc2, 0x41,
        0x24, 0x35, 0x03, 0x00, 0x00, 0x00,
    ]
    static let streams = [(ContentCoding.deflate, zlib), (.gzip, gzip)]

    func complaint(_ bytes: [UInt8], _ coding: ContentCoding, limit: Int = 1_000) -> String {
        do throws(CompressionFault) {
            _ = try Compression.inflated(bytes, from: coding, limit: limit)
            return "accepted"
        } catch {
            return error.sentence
        }
    }

    @Test(arguments: streams) func whatAnotherProgramCompressedIsRead(
        coding: ContentCoding,
        stream: [UInt8]
    ) throws {
        #expect(try Compression.inflated(stream, from: coding, limit: 3) == Array("abc".utf8))
    }

    @Test(arguments: streams) func cutAtEveryByteItIsAnError(coding: ContentCoding, stream: [UInt8]) {
        for length in stream.indices {
            #expect(complaint(Array(stream[..<length]), coding).contains("it ends in the middle"))
        }
    }

    @Test(arguments: streams) func withAnyBitChangedItNeverTraps(coding: ContentCoding, stream: [UInt8]) {
        for index in stream.indices {
            for bit in 0..<8 {
                var changed = stream
                changed[index] ^= 1 << UInt8(bit)
                _ = complaint(changed, coding)
            }
        }
    }

    @Test(arguments: streams) func whatFollowsTheEndIsRefused(coding: ContentCoding, stream: [UInt8]) {
        #expect(complaint(stream + [0], coding).contains("1 bytes follow"))
        #expect(complaint(Self.zlib + stream, .deflate).contains("\(stream.count) bytes follow"))
        #expect(complaint(Self.gzip + Self.zlib, .gzip).contains("\(Self.zlib.count) bytes follow"))
    }

    @Test func aGzipBodyMayHaveSeveralMembers() throws {
        let three = Self.gzip + Self.gzip + Self.gzip
        #expect(try Compression.inflated(three, from: .gzip, limit: 9) == Array("abcabcabc".utf8))
        #expect(complaint(three, .gzip, limit: 8).contains("longer than 8 bytes"))
        #expect(complaint(Array(three.dropLast()), .gzip).contains("it ends in the middle"))
        #expect(complaint(Self.gzip + [0x1f, 0x8b, 0xff, 0xff], .gzip).contains("damaged"))
        #expect(complaint(Self.gzip + [0x1f], .gzip).contains("1 bytes follow"))
    }

    @Test func anotherCodingThanAnnouncedIsRefused() {
        #expect(complaint(Self.zlib, .gzip).contains("of another coding"))
        #expect(complaint(Self.gzip, .deflate).contains("of another coding"))
        #expect(complaint(Array("{}".utf8), .gzip).contains("of another coding"))
        // Deflate data without zlib's wrapping.
        #expect(complaint([0x4b, 0x4c, 0x4a, 0x06, 0x00], .deflate).contains("of another coding"))
    }

    @Test func aDictionaryIsRefused() {
        let stream: [UInt8] = [0x78, 0xf9, 0x08, 0x0c, 0x02, 0x4d, 0x83, 0x23, 0x00, 0x11, 0x3d, 0x03, 0x73]
        #expect(complaint(stream, .deflate).contains("it needs a dictionary"))
    }

    @Test(arguments: ContentCoding.allCases) func aBombIsStoppedAtTheLimit(coding: ContentCoding) throws {
        let zeros = [UInt8](repeating: 0, count: 10_000_000)
        let bomb = try #require(Compression.deflated(zeros, to: coding))
        #expect(bomb.count < 100_000)
        #expect(throws: CompressionFault.tooLarge(limit: 9_999_999)) {
            try Compression.inflated(bomb, from: coding, limit: 9_999_999)
        }
        #expect(throws: CompressionFault.tooLarge(limit: 0)) {
            try Compression.inflated(bomb, from: coding, limit: 0)
        }
        #expect(try Compression.inflated(bomb, from: coding, limit: 10_000_000) == zeros)
    }

    @Test(arguments: ContentCoding.allCases) func whatIsCompressedIsReadAgain(coding: ContentCoding) throws {
        var state: UInt32 = 7
        for count in [0, 1, 100, 65_535, 65_536, 65_537, 200_000] {
            // Noise does not compress: the output is longer than the input.
            let bytes = (0..<count).map { _ in
                state = state &* 1_664_525 &+ 1_013_904_223
                return UInt8(truncatingIfNeeded: state >> 24)
            }
            let compressed = try #require(Compression.deflated(bytes, to: coding))
            #expect(try Compression.inflated(compressed, from: coding, limit: count) == bytes)
        }
    }
}

@Suite("ContentCoding")
struct ContentCodingTests {
    @Test(
        arguments: [
            ([], nil), ([""], nil), (["identity"], nil), (["gzip"], .gzip), (["X-GZip"], .gzip),
            ([" Deflate "], .deflate), (["identity, gzip"], .gzip), (["identity", "deflate"], .deflate),
        ] as [([String], ContentCoding?)]
    )
    func theCodingOfABodyIsRead(values: [String], coding: ContentCoding?) throws {
        #expect(try ContentCoding.applied(values) == coding)
    }

    @Test(arguments: [["br"], ["gzip, gzip"], ["gzip", "deflate"], ["gzip;q=1"], ["zstd"]])
    func anUnknownOneOrSeveralAreRefused(values: [String]) {
        let fault = #expect(throws: CompressionFault.self) { try ContentCoding.applied(values) }
        #expect(fault?.sentence.contains("use gzip, deflate or none") == true)
    }

    @Test(
        arguments: [
            ([], nil), ([""], nil), (["gzip"], .gzip), (["deflate"], .deflate), (["deflate, gzip"], .gzip),
            (["deflate", "gzip"], .gzip), (["gzip;q=0.5, deflate"], .deflate),
            (["gzip;q=0.5, deflate;q=0.501"], .deflate), (["gzip;q=0"], nil), (["gzip;q=0, *"], .deflate),
            (["*"], .gzip), (["*;q=0"], nil), (["identity"], nil), (["identity, gzip;q=0.5"], nil),
            (["identity;q=0.5, gzip;q=0.5"], .gzip), (["identity;q=0, br"], nil), (["br, zstd"], nil),
            (["x-gzip ; Q=1.000"], .gzip), (["gzip;q=1.001"], nil), (["gzip;q=2"], nil), (["gzip;q=-1"], nil),
            (["gzip;q=0.0001"], nil), (["gzip;q="], nil), (["gzip;q=1."], .gzip), (["gzip;level=9"], nil),
            (["gzip;q=1;q=0"], nil), (["gzip;q=nan, deflate;q=0.1"], .deflate), ([",,, ;"], nil),
        ] as [([String], ContentCoding?)]
    )
    func theCodingOfAnAnswerIsWhatTheClientLikesBest(values: [String], coding: ContentCoding?) {
        #expect(ContentCoding.accepted(values) == coding)
    }
}
