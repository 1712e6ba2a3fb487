import BelayCore
import BelayInference
import Testing

@Suite("Redaction")
struct RedactionTests {
    static let json = #"""
        {"id":"r","parameters":{"user":"Ann","n":1},"inputs":[
         {"name":"age","shape":[1],"datatype":"INT8","data":[41],"parameters":{"note":"x"}},
         {"data":[["Bob"]],"name":"driver","shape":[1,1],"datatype":"BYTES"}],"outputs":[{"name":"age"}]}
        """#

    func redacted(_ body: String, _ pointers: String...) -> String {
        let result = Redaction(pointers: pointers).redacted(Array(body.utf8), headerLength: nil)
        #expect(result.headerLength == nil)
        return String(decoding: result.bytes, as: UTF8.self)
    }

    @Test func whatAPointerNamesIsTakenOutAndNothingElse() {
        let json = Self.json
        let cases = [
            (["/inputs/age"], json.replacing("[41]", with: #""[redacted]""#)),
            (["/inputs/driver"], json.replacing(#"[["Bob"]]"#, with: #""[redacted]""#)),
            (["/inputs/1/data/0/0"], json.replacing(#"[["Bob"]]"#, with: #""[redacted]""#)),
            (["/parameters/user"], json.replacing(#""Ann""#, with: #""[redacted]""#)),
            (["/parameters"], json.replacing(#"{"user":"Ann","n":1}"#, with: #""[redacted]""#)),
            (
                ["/parameters", "/parameters/n"],
                json.replacing(#"{"user":"Ann","n":1}"#, with: #""[redacted]""#)
            ),
            (
                ["/inputs/age/parameters/note", "/inputs/0", "/id"],
                json.replacing("[41]", with: #""[redacted]""#).replacing(#""x""#, with: #""[redacted]""#)
                    .replacing(#""id":"r""#, with: #""id":"[redacted]""#)
            ),
            (["/absent", "/inputs/other", "/outputs/age", "/id/deeper"], json), ([], json),
            ([""], #""[redacted]""#),
        ]
        for (pointers, expected) in cases {
            let result = Redaction(pointers: pointers).redacted(Array(json.utf8), headerLength: nil)
            #expect(String(decoding: result.bytes, as: UTF8.self) == expected, "\(pointers)")
        }
        #expect(redacted(json, "/inputs").contains(#""inputs":"[redacted]","outputs""#))
    }

    @Test func binaryBytesBecomeZerosAndTheBodyCanStillBeRead() throws {
        let (header, tail) = (BinaryTensorTests.header, BinaryTensorTests.tail)
        for (pointers, zeroed) in [
            (["/inputs/s"], 2..<13), (["/inputs/b"], 0..<2), (["/inputs/h/data"], 13..<15),
            (["/inputs/x"], 0..<0),
            (["/inputs"], 0..<15), ([""], 0..<15), (["/parameters/p"], 0..<0),
        ] {
            let body = Redaction(pointers: pointers).redacted(header + tail, headerLength: header.count)
            let length = try known(body.headerLength)
            var expected = tail
            for index in zeroed { expected[index] = 0 }
            #expect(Array(body.bytes[length...]) == expected, "\(pointers)")
        }
        let body = Redaction(pointers: ["/id"]).redacted(header + tail, headerLength: header.count)
        let request = try OIPRequest(
            decoding: body.bytes,
            headerLength: body.headerLength,
            limits: .standard
        )
        #expect(request.id == Redaction.mark)
    }

    @Test func aRawBodyIsTheInput() {
        let bytes: [UInt8] = [1, 2, 3]
        #expect(Redaction(pointers: ["/inputs/x"]).redacted(bytes, headerLength: 0).bytes == [0, 0, 0])
        #expect(Redaction(pointers: ["/id"]).redacted(bytes, headerLength: 0).bytes == bytes)
    }

    @Test func answersAreRedactedTheSameWay() throws {
        let outputs = [
            NamedTensor(name: "score", tensor: try floats([0.5])),
            NamedTensor(name: "y", tensor: try integers([1])),
        ]
        let request = OIPRequest(
            id: nil,
            inputs: [],
            outputs: [RequestedOutput(name: "y", isBinary: true)]
        )
        let body = try OIPResponse.encode(model: "m", version: "1", request: request, outputs: outputs)
        let length = try known(body.headerLength)
        let result = Redaction(pointers: ["/outputs/score", "/outputs/y"])
            .redacted(body.bytes, headerLength: length)
        let text = String(decoding: result.bytes, as: UTF8.self)
        #expect(text.contains(#""data":"[redacted]""#) && !text.contains("0.5"))
        #expect(result.bytes.suffix(8).allSatisfy { $0 == 0 })
        for (pointer, left) in [("/outputs/score", "y"), ("/outputs/y", "score")] {
            let kept = Redaction(pointers: [pointer]).redacted(body.bytes, headerLength: length)
            let answer = try OIPResponse.decode(
                kept.bytes,
                headerLength: kept.headerLength,
                limits: .standard
            )
            #expect(answer.outputs == outputs.filter { $0.name == left })
        }
    }

    @Test func aScoringBodyLosesAllItsDataToOneNamedInput() {
        #expect(
            redacted(#"{"dataframe_split":{"data":[[1]]},"params":{"a":1}}"#, "/inputs/x")
                == #"{"dataframe_split":"[redacted]","params":{"a":1}}"#
        )
        #expect(redacted(#"{"instances":[[1]]}"#, "/inputs/x") == #"{"instances":"[redacted]"}"#)
        #expect(redacted(#"{"inputs":{"y":[1]}}"#, "/inputs/x") == #"{"inputs":"[redacted]"}"#)
        #expect(
            redacted(#"{"inputs":[[1],{"name":"Ann","x":1}]}"#, "/inputs/x")
                == #"{"inputs":["[redacted]","[redacted]"]}"#
        )
        #expect(redacted(#"{"predictions":[1]}"#, "/outputs/y") == #"{"predictions":"[redacted]"}"#)
        #expect(
            redacted(#"{"instances":[{"a":1,"b":2}]}"#, "/instances/0/a")
                == #"{"instances":[{"a":"[redacted]","b":2}]}"#
        )
    }

    @Test(arguments: ["/parameters/ssn", "/params/ssn"])
    func whatOneProtocolCallsParametersTheOtherCallsParams(pointer: String) {
        #expect(
            redacted(#"{"instances":[[1]],"params":{"ssn":"078-05-1120","n":1}}"#, pointer)
                == #"{"instances":[[1]],"params":{"ssn":"[redacted]","n":1}}"#
        )
        #expect(
            redacted(#"{"parameters":{"ssn":["078-05-1120"]},"inputs":[]}"#, pointer)
                == #"{"parameters":{"ssn":"[redacted]"},"inputs":[]}"#
        )
        #expect(redacted(#"{"params":{"a":1},"x":2}"#, "/parameters") == #"{"params":"[redacted]","x":2}"#)
    }

    @Test(arguments: [
        "", "x", "a,b\n1,2\n", "[1]", #"{"inputs":[}"#, #"{"a":1,"a":2}"#, #"{"inputs":[]} x"#,
        #"{"inputs":[{"name":"x","shape":[1],"datatype":"INT8","parameters":{"binary_data_size":1}}]}"#,
        #"{"a":"\#u{1}"}"#, #"{"a":NaN}"#,
    ])
    func whatCannotBeReadIsTakenOutWhole(body: String) {
        #expect(redacted(body, "/inputs/x") == #""[redacted]""#)
    }

    @Test func cutAtEveryByteNothingSlipsThrough() {
        let secret = Array(Self.json.utf8)
        let redaction = Redaction(pointers: ["/inputs/driver", "/parameters/user"])
        for length in secret.indices {
            let result = redaction.redacted(Array(secret[..<length]), headerLength: nil)
            let text = String(decoding: result.bytes, as: UTF8.self)
            #expect(!text.contains("Bob") && !text.contains("Ann"))
        }
        let mixed = BinaryTensorTests.header + BinaryTensorTests.tail
        for length in 0...mixed.count + 1 where length != BinaryTensorTests.header.count {
            let result = Redaction(pointers: ["/inputs/s"]).redacted(mixed, headerLength: length)
            #expect(result.bytes.suffix(2) != mixed.suffix(2))
        }
    }

    @Test func aRedactedInputIsNoInput() {
        let body = redacted(Self.json, "/inputs/age")
        let error = #expect(throws: InferenceError.self) {
            try OIPRequest(decoding: Array(body.utf8), limits: .standard)
        }
        #expect(error == .requestMismatch("The input 'age' is redacted."))
    }

    @Test func aPointerThatCannotBeUnderstoodTakesEverythingOut() {
        #expect(redacted("{}", "inputs/x") == #""[redacted]""#)
        #expect(redacted("{}", "/a", "/~9") == #""[redacted]""#)
    }
}
