import BelayCore
import BelayInference
import Testing

@Suite("OIPRequest")
struct OIPRequestTests {
    static let whole = #"""
        {"id":"r-1","parameters":{"account_id":"a\u00fc","n":1,"flag":true},"inputs":[
         {"name":"x","shape":[2,2],"datatype":"FP32","data":[[1,2.5],[-3e-4,0]],"parameters":{"p":1}},
         {"data":["a\"b","\ud83d\ude00",""],"name":"s","shape":[3],"datatype":"BYTES"},
         {"name":"b","shape":[2],"datatype":"BOOL","data":[true,false]}],
         "outputs":[{"name":"y","parameters":{"binary_data":false}}],"other":{"a":[null,{}]}}
        """#

    func decode(_ text: String) throws(InferenceError) -> OIPRequest {
        try OIPRequest(decoding: Array(text.utf8), limits: .standard)
    }

    /// The code and the sentence of the error that one input with this data and shape gives.
    func complaint(_ datatype: String, _ data: String, shape: String = "[1]") -> String {
        do {
            _ = try one(datatype, data, shape: shape)
            return "accepted"
        } catch {
            return "\(error.explanation.code): \(error.explanation.summary)"
        }
    }

    func one(_ datatype: String, _ data: String, shape: String = "[1]") throws(InferenceError) -> Tensor {
        let body = #"{"inputs":[{"name":"x","shape":\#(shape),"datatype":"\#(datatype)","data":\#(data)}]}"#
        guard let input = try decode(body).inputs.first else { throw .requestMismatch("no input") }
        return input.tensor
    }

    @Test func aWholeRequestIsRead() throws {
        let request = try decode(Self.whole)
        #expect(request.id == "r-1")
        #expect(request.outputNames == ["y"])
        #expect(request.inputs.map(\.name) == ["x", "s", "b"])
        #expect(request.inputs[0].tensor.doubles == [1, 2.5, Double(Float(-3e-4)), 0])
        #expect(request.inputs[0].tensor.shape == [2, 2])
        #expect(request.inputs[1].tensor == (try strings(["a\"b", "😀", ""])))
        #expect(request.inputs[2].tensor.storage == .packed([1, 0]))
    }

    @Test func cutAtEveryByteItIsAnErrorAndNothingWorse() {
        let body = Array(Self.whole.utf8)
        for length in 0..<body.count {
            #expect(throws: InferenceError.self) {
                try OIPRequest(decoding: Array(body[..<length]), limits: .standard)
            }
        }
    }

    @Test func withAnyByteChangedItNeverTraps() {
        let body = Array(Self.whole.utf8)
        for index in body.indices {
            for byte: UInt8 in [0, 0x22, 0x2d, 0x5b, 0x5d, 0x7b, 0x7d, 0x65, 0x39, 0xff] {
                var changed = body
                changed[index] = byte
                _ = try? OIPRequest(decoding: changed, limits: .standard)
            }
        }
    }

    @Test func encodingAndDecodingGiveTheSameRequest() throws {
        let request = try decode(Self.whole)
        #expect(try OIPRequest(decoding: request.encode(), limits: .standard) == request)
    }

    @Test func keysMayComeInAnyOrder() throws {
        let body = #"{"inputs":[{"data":[1,2],"datatype":"INT8","shape":[2],"name":"x"}]}"#
        #expect(try decode(body).inputs.first?.tensor.storage == .packed([1, 2]))
    }

    @Test(arguments: [
        #"{"inputs":[],"inputs":[]}"#, #"{"id":"a","\u0069d":"b","inputs":[]}"#,
        #"{"inputs":[{"name":"x","name":"y","shape":[1],"datatype":"INT8","data":[1]}]}"#,
        #"{"inputs":[],"other":{"a":1,"a":2}}"#,
    ])
    func aKeyThatStandsTwiceIsRefused(body: String) {
        let error = #expect(throws: InferenceError.self) { try decode(body) }
        #expect(error?.explanation.code == "inference.malformed-json")
    }

    @Test(arguments: [
        "", " ", "null", "[]", "7", "\"x\"", "{}", "{} x", #"{"inputs":{}}"#, #"{"inputs":[7]}"#,
        #"{"inputs":[{}]}"#,
        #"{"inputs":[,]}"#, #"{"inputs":[],}"#, #"{"id":7,"inputs":[]}"#, #"{inputs:[]}"#,
        #"{"inputs":[]}{}"#,
        #"{"inputs":[{"name":"x","shape":[1],"datatype":"INT8"}]}"#,
        #"{"inputs":[{"name":"x","shape":[1],"datatype":"BF16","data":[1]}]}"#,
        #"{"inputs":[{"name":"x","shape":[-1],"datatype":"INT8","data":[1]}]}"#,
        #"{"inputs":[{"name":"x","shape":[0.5],"datatype":"INT8","data":[1]}]}"#,
        #"{"inputs":[{"name":"x","shape":1,"datatype":"INT8","data":[1]}]}"#,
        #"{"inputs":[],"parameters":{"a":[]}}"#, "{\"inputs\":[],\"a\":\"\u{1}\"}", #"{"inputs":[],"a":01}"#,
        #"{"inputs":[],"a":1.}"#, #"{"inputs":[],"a":.5}"#, #"{"inputs":[],"a":+1}"#,
        #"{"inputs":[],"a":1e}"#,
        #"{"inputs":[],"a":--1}"#, #"{"inputs":[],"a":tru}"#, #"{"inputs":[],"a":"\x"}"#,
    ])
    func whatIsNotARequestIsAnErrorOfTheCaller(body: String) {
        let error = #expect(throws: InferenceError.self) { try decode(body) }
        #expect(error?.category == .invalid)
    }

    @Test func integersAreReadAtTheEndsOfTheirRange() throws {
        let ranges = [
            ("INT8", "-128", "127"), ("INT16", "-32768", "32767"), ("INT32", "-2147483648", "2147483647"),
            ("INT64", "-9223372036854775808", "9223372036854775807"), ("UINT8", "0", "255"),
            ("UINT16", "0", "65535"), ("UINT32", "0", "4294967295"), ("UINT64", "0", "18446744073709551615"),
        ]
        for (type, least, most) in ranges {
            let tensor = try one(type, "[\(least),\(most)]", shape: "[2]")
            let body = try OIPRequest(id: nil, inputs: [NamedTensor(name: "x", tensor: tensor)], outputs: [])
                .encode()
            #expect(String(decoding: body, as: UTF8.self).contains("[\(least),\(most)]"), "\(type)")
            #expect(complaint(type, "[\(most)0]").hasPrefix("inference.malformed-json"), "\(type)")
            let below = least == "0" ? "-1" : "\(least)0"
            #expect(complaint(type, "[\(below)]").hasPrefix("inference.malformed-json"), "\(type)")
        }
        #expect(complaint("INT64", "[9223372036854775808]") != "accepted")
        #expect(complaint("INT64", "[-9223372036854775809]") != "accepted")
        #expect(complaint("UINT64", "[18446744073709551616]") != "accepted")
    }

    @Test(
        arguments: [
            ("1e3", 1_000), ("1.0", 1), ("-1.50e1", -15), ("100e-2", 1), ("-0", 0), ("0e999999999999", 0),
            ("0.0", 0),
            ("92233720368547758070e-1", 9_223_372_036_854_775_807),
        ] as [(String, Int64)]
    )
    func anIntegerMayBeWrittenWithPointAndExponent(text: String, value: Int64) throws {
        #expect(try one("INT64", "[\(text)]") == integers([value]))
    }

    @Test(arguments: [
        "1.5", "1e-1", "1e19", "1e999999999999", "\"1\"", "true", "null", "1.0000000000000000000000001",
    ])
    func whatIsNotAWholeNumberIsRefusedForIntegers(text: String) {
        #expect(complaint("INT64", "[\(text)]").hasPrefix("inference.malformed-json"))
    }

    @Test func floatsAreRoundedAsPythonRounds() throws {
        // Halfway cases and next to them, subnormals, long digits. The double is what strtod gives, the
        // float is that double's.
        let texts = [
            "0.1", "1e23", "9007199254740993", "2.2250738585072011e-308", "5e-324", "2e-324", "1e-400",
            "1.7976931348623157e308", "0.1000000000000000055511151231257827021181583404541015625", "-0.0",
            "123456789012345678901234567890", "11903269467608971155e-17",
            "188771406758245476e-15", "9268388395335674801e-17", "11071845510038289149e-16",
            "1.00000005960464477540", "3.4028235e38", "4.35e-45",
        ]
        for text in texts {
            let exact = try known(Double(text))
            #expect(try one("FP64", "[\(text)]").doubles.first?.bitPattern == exact.bitPattern, "\(text)")
            guard Float(exact).isFinite else { continue }
            #expect(try one("FP32", "[\(text)]").doubles.first == Double(Float(exact)), "\(text)")
        }
    }

    /// The same numbers in every run.
    func numbers(_ count: Int) -> [UInt64] {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
    }

    @Test func digitsOfEveryLengthAreRoundedAsStrtodRounds() throws {
        let texts = numbers(6_000).enumerated().map { index, bits in
            "\(index % 2 == 0 ? "-" : "")\(bits >> UInt64(bits % 37))e\(Int(bits >> 7 % 64) - 32)"
        }
        let halves = (1...27).map { "\(1 << 53 | 1)\(String(repeating: "0", count: $0 % 4))5e-\($0)" }
        for text in texts + halves {
            #expect(try one("FP64", "[\(text)]").doubles.first == Double(text), "\(text)")
        }
    }

    @Test func everyFloatComesBackAsItWas() throws {
        let bits = numbers(5_000)
        let doubles = bits.map { Double(bitPattern: $0) }.filter(\.isFinite)
        let singles = bits.map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }.filter(\.isFinite)
        let wide = try Tensor(
            type: .fp64,
            shape: [doubles.count],
            storage: .packed(doubles.flatMap { littleEndian($0.bitPattern) })
        )
        let inputs = [
            NamedTensor(name: "d", tensor: wide), NamedTensor(name: "f", tensor: try floats(singles)),
        ]
        let request = OIPRequest(id: nil, inputs: inputs, outputs: [])
        #expect(try OIPRequest(decoding: request.encode(), limits: .standard) == request)
    }

    @Test(arguments: [
        ("FP16", "65520"), ("FP32", "3.5e38"), ("FP64", "1e400"), ("FP64", "-1e999999999999999999"),
    ])
    func whatWouldBecomeInfiniteIsRefused(type: String, text: String) {
        #expect(complaint(type, "[\(text)]").contains("a number in its range for 'x' (\(type))"))
    }

    @Test(arguments: ["NaN", "Infinity", "-Infinity", "-NaN", "nan", "inf"])
    func namesOfNumbersAreRefusedWithASentence(text: String) {
        #expect(complaint("FP32", "[\(text)]").contains("NaN and Infinity are not JSON"))
    }

    @Test func halfFloatsAreTakenAsNumbers() throws {
        #expect(try one("FP16", "[0.1]").doubles == [Double(Float16(0.1))])
    }

    @Test(arguments: ["1", "\"true\"", "null", "tru"])
    func booleansAreOnlyTrueAndFalse(text: String) {
        #expect(complaint("BOOL", "[\(text)]").hasPrefix("inference.malformed-json"))
    }

    @Test(arguments: [
        #""\ud800""#, #""\udc00""#, #""\ud800\u0041""#, #""\ud800x""#, #""\u12""#, #""\ud83d\ud83d""#,
        #""open"#,
        "\"\u{1f}\"", "7", "null",
    ])
    func aBrokenStringIsRefused(text: String) {
        #expect(complaint("BYTES", "[\(text)]").hasPrefix("inference.malformed-json"))
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        for bytes: [UInt8] in [
            [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82],
        ] {
            var body = Array(#"{"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","data":[""#.utf8)
            body += bytes + Array(#""]}]}"#.utf8)
            #expect(throws: InferenceError.self) { try OIPRequest(decoding: body, limits: .standard) }
        }
    }

    @Test func everyEscapeIsResolved() throws {
        let tensor = try one("BYTES", #"["\"\\\/\b\f\n\r\t\u0000\u00e9\uffff\ud834\udd1e"]"#)
        #expect(tensor == (try strings(["\"\\/\u{8}\u{c}\n\r\t\0\u{e9}\u{ffff}\u{1d11e}"])))
    }

    @Test func theCountMustBeTheShapes() {
        #expect(
            complaint("FP32", "[1,2]", shape: "[3]").hasPrefix("inference.request-mismatch: 'x': Shape [3]")
        )
        #expect(complaint("FP32", "[[1],[2]]", shape: "[2,1]") == "accepted")
        #expect(complaint("FP32", "[]", shape: "[0,30]") == "accepted")
        #expect(complaint("FP32", "[7]", shape: "[]") == "accepted")
        #expect(complaint("BYTES", "[]", shape: "[1]").hasPrefix("inference.request-mismatch"))
    }

    @Test(arguments: [
        "[9223372036854775807,2]", "[4294967296,4294967296]", "[99999999999999999999]", "[1e30]",
        "[16777217]",
        "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,9223372036854775807]",
    ])
    func hostileShapesAreErrorsAndNeverTrap(shape: String) {
        #expect(complaint("FP32", "[1]", shape: shape) != "accepted")
    }

    @Test func nestingIsLimited() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(complaint("FP32", deep).hasPrefix("inference.too-large"))
        let objects = String(repeating: #"{"a":"#, count: 100_000)
        #expect(throws: InferenceError.self) { try decode(#"{"inputs":[],"x":\#(objects)"#) }
    }

    @Test func everyLimitHolds() {
        let limits = OIPLimits(
            mostInputs: 2,
            mostElements: 3,
            mostStrings: 2,
            mostStringBytes: 4,
            mostDepth: 8
        )
        let input = { (type: String, data: String) in
            #"{"name":"x","shape":[1],"datatype":"\#(type)","data":\#(data)}"#
        }
        for body in [
            input("INT8", "[1]") + "," + input("INT8", "[1]") + "," + input("INT8", "[1]"),
            input("INT8", "[1,2,3,4]"), input("BYTES", #"["","",""]"#), input("BYTES", #"["12345"]"#),
            input("INT8", "[[[[[[1]]]]]]"),
        ] {
            let error = #expect(throws: InferenceError.self) {
                try OIPRequest(decoding: Array(#"{"inputs":[\#(body)]}"#.utf8), limits: limits)
            }
            #expect(error?.category == .tooLarge, "\(body)")
        }
        #expect(
            complaint("FP32", "[\(String(repeating: "1", count: 1_025))]").hasPrefix("inference.too-large")
        )
    }

    @Test func anErrorSaysWhereAndWhat() {
        let body = #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":["1"]}]}"#
        let error = #expect(throws: InferenceError.self) { try decode(body) }
        #expect(error == .malformedJSON(offset: 61, expected: "a number for 'x' (FP32)"))
    }

    @Test func encodingKeepsWhatIsAskedOfTheOutputs() throws {
        var request = try decode(Self.whole)
        request.outputs = [
            RequestedOutput(name: "y", isBinary: true, classes: 3), RequestedOutput(name: "z"),
        ]
        request.binaryOutput = true
        request.timeoutMicroseconds = 250_000
        #expect(try OIPRequest(decoding: request.encode(), limits: .standard) == request)
    }

    @Test(arguments: [
        (#""parameters":{"a":[1]}"#, "a string, a number or a boolean"),
        (#""parameters":{"a":{}}"#, "a string, a number or a boolean"),
        (#""parameters":{"a":null}"#, "a string, a number or a boolean"),
        (#""parameters":{"triton_x":1}"#, "'triton_x' is reserved"),
        (#""parameters":{"binary_data_output":1}"#, "true or false"),
        (#""parameters":{"timeout":-1}"#, "a timeout"), (#""parameters":{"timeout":"1"}"#, "a timeout"),
        (#""parameters":{"timeout":99999999999999999999}"#, "a timeout"),
        (#""outputs":[{"name":"y","parameters":{"classification":-1}}]"#, "a number of classes"),
        (#""outputs":[{"name":"y","parameters":{"classification":1.5}}]"#, "a number of classes"),
        (#""outputs":[{"name":"y","parameters":{"binary_data":"true"}}]"#, "true or false"),
        (#""outputs":[{"name":"y","parameters":{"shared_memory_region":"r"}}]"#, "shared memory"),
        (#""outputs":[{"parameters":{}}]"#, "has no 'name'"),
    ])
    func parametersThatWouldBeMisunderstoodAreRefused(part: String, sentence: String) {
        let error = #expect(throws: InferenceError.self) { try decode("{\"inputs\":[],\(part)}") }
        #expect(error?.explanation.summary.contains(sentence) == true, "\(error as Any)")
    }

    /// Clients that write out every field write null for those that they leave out.
    @Test func aNullIsAsGoodAsNothing() throws {
        let tensor = #""name":"x","shape":[1],"datatype":"FP32","data":[1]"#
        let written = try decode(
            #"{"id":null,"parameters":null,"outputs":null,"inputs":[{\#(tensor),"parameters":null}]}"#
        )
        #expect(try written == decode("{\"inputs\":[{\(tensor)}]}"))
        let asked = try decode(#"{"inputs":[],"outputs":[{"name":"y","parameters":null}]}"#)
        #expect(asked.outputs == [RequestedOutput(name: "y")])
        #expect(throws: InferenceError.self) { try decode(#"{"inputs":null}"#) }
        #expect(throws: InferenceError.self) { try decode(#"{"inputs":[],"id":nul}"#) }
    }

    @Test func aTimeoutAndAClassificationOfZeroAreNone() throws {
        let request = try decode(
            #"{"inputs":[],"parameters":{"timeout":0},"#
                + #""outputs":[{"name":"y","parameters":{"classification":0}}]}"#
        )
        #expect(request.timeoutMicroseconds == nil)
        #expect(request.outputs == [RequestedOutput(name: "y")])
    }
}
