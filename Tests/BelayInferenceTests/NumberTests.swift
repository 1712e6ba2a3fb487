import BelayCore
import BelayInference
import Testing

/// What numbers become as text and back, held to the standard library's printing and parsing.
@Suite("Numbers in JSON")
struct NumberTests {
    /// The same in every run.
    struct Bits {
        private var state: UInt64

        init(seed: UInt64) { state = seed }

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state ^ state >> 31) &* 0x9e37_79b9_7f4a_7c15
        }
    }

    /// The numbers as a response has them.
    func written(_ tensor: Tensor) throws -> [Substring] {
        let outputs = [NamedTensor(name: "y", tensor: tensor)]
        let request = OIPRequest(id: nil, inputs: [], outputs: [])
        let answer = try OIPResponse.encode(model: "m", version: nil, request: request, outputs: outputs)
        let body = String(decoding: answer.bytes, as: UTF8.self)
        let data = try known(body.split(separator: "\"data\":[").last).dropLast(4)
        return data.split(separator: ",")
    }

    func doubles(_ values: [Double]) throws -> Tensor {
        let bytes = values.flatMap { littleEndian($0.bitPattern) }
        return try Tensor(type: .fp64, shape: [values.count], storage: .packed(bytes))
    }

    func read(_ texts: [String], as type: TensorType) throws -> Tensor {
        let head =
            #"{"inputs":[{"name":"x","datatype":"\#(type.rawValue)","shape":[\#(texts.count)],"data":["#
        let body = Array((head + texts.joined(separator: ",") + "]}]}").utf8)
        return try known(OIPRequest(decoding: body, limits: .standard).inputs.first).tensor
    }

    /// Values of all sizes, of the usual sizes, of few digits, powers of two, and neighbours of each.
    func values(_ count: Int) -> [Double] {
        var bits = Bits(seed: 7)
        var values: [Double] = []
        for _ in 0..<count / 8 {
            let any = bits.next()
            let unit = Double(any >> 11) / 0x1p53
            let few = Double(any % 100_000) / [1, 10, 100, 1_000, 10_000, 100_000][Int(any >> 32 % 6)]
            let power = Double(sign: .plus, exponent: Int(any >> 40 % 120) - 60, significand: 1)
            let around = [unit * 1e5, few, power]
            values += [Double(bitPattern: any), unit] + around + around.map(\.nextDown)
        }
        return values.filter(\.isFinite)
    }

    @Test func floatsAreWrittenAsTheStandardLibraryWritesThem() throws {
        let singles = values(4_000).map { Float($0) }.filter(\.isFinite)
        for (text, value) in zip(try written(try floats(singles)), singles) where text != value.description {
            Issue.record("\(text) was written for \(value)")
        }
        let wide = values(4_000)
        for (text, value) in zip(try written(try doubles(wide)), wide) where text != value.description {
            Issue.record("\(text) was written for \(value)")
        }
    }

    /// The float nearest to a power of ten may lie on either side of it.
    @Test func powersOfTenAndTheirNeighboursAreWrittenAsTheStandardLibraryWritesThem() throws {
        let powers = (-8...20).flatMap { exponent in
            (1...9).compactMap { Double("\($0)e\(exponent)") }
        }
        let wide = powers.flatMap { [$0, $0.nextUp, $0.nextDown, -$0] }
        #expect(try written(try doubles(wide)).map(String.init) == wide.map(\.description))
        let singles = powers.map { Float($0) }.flatMap { [$0, $0.nextUp, $0.nextDown, -$0] }
        #expect(try written(try floats(singles)).map(String.init) == singles.map(\.description))
    }

    @Test(
        arguments: [
            0, -0.0, 1, -1, 0.5, 10, 100, 0.1, 0.3, 1e-4, 0.00010000000000000002, 9.999999999999999e-05,
            16_777_215,
            16_777_216, 9_007_199_254_740_991, 9_007_199_254_740_992, 9.5, 99.5, 0.999999999999999,
            123_456_789,
            0x1p-1074, 1.7976931348623157e308, 2.2250738585072014e-308, 4.35, 2.5e15, 1e15,
            123_456_789_012_345.6,
        ] as [Double]
    )
    func hardDoublesAreWrittenAndReadBack(value: Double) throws {
        for value in [value, -value] {
            let text = try known(written(try doubles([value])).first)
            #expect(text == value.description)
            #expect(try read([String(text)], as: .fp64).doubles.first?.bitPattern == value.bitPattern)
        }
    }

    @Test func everyFloatThatIsWrittenIsReadBack() throws {
        let wide = values(4_000)
        #expect(try read(try written(try doubles(wide)).map(String.init), as: .fp64) == doubles(wide))
        let singles = wide.map { Float($0) }.filter(\.isFinite)
        #expect(try read(try written(try floats(singles)).map(String.init), as: .fp32) == floats(singles))
    }

    @Test func everyHalfFloatIsWrittenAndReadBack() throws {
        let halves = (UInt16.min...UInt16.max).map { Float16(bitPattern: $0) }.filter(\.isFinite)
        let bytes = halves.flatMap { littleEndian($0.bitPattern) }
        let tensor = try Tensor(type: .fp16, shape: [halves.count], storage: .packed(bytes))
        let texts = try written(tensor).map(String.init)
        #expect(texts == halves.map { Float($0).description })
        #expect(try read(texts, as: .fp16) == tensor)
    }

    @Test func integersOfEveryLengthAreWrittenAndReadBack() throws {
        let powers = (0..<19).map { length in (0..<length).reduce(Int64(1)) { power, _ in power * 10 } }
        let values = powers.flatMap { [$0, $0 - 1, -$0, 1 - $0] } + [.max, .min]
        let texts = try written(try integers(values))
        #expect(texts.map(String.init) == values.map(\.description))
        #expect(try read(texts.map(String.init), as: .int64) == integers(values))
    }

    /// Digits around the length of a word and of 64 bits, with the point and the end at every place.
    @Test func aNumberIsReadRightlyWhereverItIsCut() throws {
        let digits = "1234567890123456789012345"
        var texts: [String] = []
        for length in 1...digits.count {
            for point in 1...length {
                let (whole, fraction) = (digits.prefix(point), digits.prefix(length).dropFirst(point))
                let number = fraction.isEmpty ? String(whole) : "\(whole).\(fraction)"
                texts += [number, "-\(number)e-7", "\(number)E+9", "0.\(digits.prefix(length))"]
            }
        }
        for (value, text) in zip(try read(texts, as: .fp64).doubles, texts) where value != Double(text) {
            Issue.record("\(text) was read as \(value)")
        }
        // The word that is read at once may reach to the last byte of the document, not beyond.
        for length in 1...24 {
            let body = Array(digits.utf8.prefix(length))
            #expect(throws: InferenceError.self) { try OIPRequest(decoding: body, limits: .standard) }
        }
    }

    /// Whatever stands between two commas is a number of JSON and read as the standard library reads it, or
    /// is refused; characters beside the digits in their code, and at every place of a word.
    @Test func nothingElseIsTakenForANumber() throws {
        let grammar = /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/
        let characters = Array("0123456789012345678901234567890123456789......---++eE:/ ".utf8)
        var bits = Bits(seed: 11)
        for _ in 0..<20_000 {
            let length = Int(bits.next() % 22) + 1
            let text = String(
                decoding: (0..<length).map { _ in characters[Int(bits.next() >> 20) % characters.count] },
                as: UTF8.self
            )
            for type in [TensorType.fp64, .fp32] {
                // Others follow it, so that it is read in words.
                let values = try? read([text] + Array(repeating: "1.25", count: 9), as: type).doubles
                let trimmed = text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
                let number = String(trimmed)
                var wanted: Double?
                if number.wholeMatch(of: grammar) != nil, let double = Double(number) {
                    wanted = type == .fp32 ? Double(Float(double)) : double
                }
                if wanted?.isFinite != true { wanted = nil }
                guard values?.first?.bitPattern != wanted?.bitPattern else { continue }
                Issue.record("\"\(text)\" was read as \(values?.first?.description ?? "nothing") (\(type))")
            }
        }
    }

    @Test(
        arguments: [
            // Halfway between two doubles, a bit less and a bit more; the least and the greatest; long ones.
            ("9007199254740993", 9_007_199_254_740_992),
            ("9007199254740992.9999999999999", 9_007_199_254_740_992),
            ("9007199254740993.0000000001", 9_007_199_254_740_994),
            ("9007199254740995", 9_007_199_254_740_996),
            ("4.9406564584124654e-324", 0x1p-1074), ("2.4703282292062327e-324", 0),
            ("2.4703282292062328e-324", 0x1p-1074), ("1.7976931348623157e308", .greatestFiniteMagnitude),
            ("1.7976931348623158e308", .greatestFiniteMagnitude), ("2.2250738585072012e-308", 0x1p-1022),
            ("2.2250738585072011e-308", 0x1p-1022.nextDown), ("0.000000000000000000000000000001", 1e-30),
            ("7.2057594037927933e16", 72_057_594_037_927_936), ("1e22", 1e22), ("1e23", 1e23),
            ("8.5e22", 8.5e22), ("123456789012345678e-17", 1.23456789012345678),
            ("0.1000000000000000055511151231257827021181583404541015625", 0.1),
        ] as [(String, Double)]
    )
    func hardTextsAreRoundedToTheNearest(text: String, value: Double) throws {
        #expect(try read([text], as: .fp64).doubles.first?.bitPattern == value.bitPattern)
    }

    @Test func aCharacterAmongDigitsIsNeverTakenForOne() {
        let innocent = Set("0123456789.eE-+ \t\n\r".utf8)
        for place in 0..<9 {
            for byte in UInt8.min...UInt8.max where !innocent.contains(byte) {
                var body = Array(#"{"inputs":[{"name":"x","datatype":"INT64","shape":[1],"data":["#.utf8)
                let start = body.count
                body += Array("123456789]}]}".utf8)
                body[start + place] = byte
                #expect(throws: InferenceError.self) { try OIPRequest(decoding: body, limits: .standard) }
            }
        }
    }
}
