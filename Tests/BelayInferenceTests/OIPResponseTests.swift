import BelayCore
import BelayInference
import Testing

@Suite("OIPResponse")
struct OIPResponseTests {
    let outputs: [NamedTensor]
    let plain = OIPRequest(id: nil, inputs: [], outputs: [])

    init() throws {
        outputs = [
            NamedTensor(name: "label", tensor: try integers([-1, .max])),
            NamedTensor(name: "p", tensor: try floats([1e-5, 5, -0.1, 3e38])),
            NamedTensor(name: "s", tensor: try strings(["q\"\\\n\u{1f}", "zür"])),
            NamedTensor(name: "b", tensor: try Tensor(type: .bool, shape: [2], storage: .packed([1, 0]))),
        ]
    }

    @Test func itIsWhatTheProtocolSays() throws {
        let bytes = try OIPResponse.encode(
            model: "fraud",
            version: "2",
            request: OIPRequest(id: "r\"1", inputs: [], outputs: []),
            outputs: [outputs[1], outputs[3]]
        ).bytes
        #expect(
            String(decoding: bytes, as: UTF8.self) == #"""
                {"model_name":"fraud","model_version":"2","id":"r\"1","outputs":[\#
                {"name":"p","datatype":"FP32","shape":[4],"data":[1e-05,5.0,-0.1,3e+38]},\#
                {"name":"b","datatype":"BOOL","shape":[2],"data":[true,false]}]}
                """#
        )
    }

    @Test func decodingGivesBackWhatWasEncoded() throws {
        let response = OIPResponse(model: "m", version: "3", id: nil, outputs: outputs)
        let bytes = try OIPResponse.encode(model: "m", version: "3", request: plain, outputs: outputs).bytes
        #expect(try OIPResponse.decode(bytes, limits: .standard) == response)
        for length in bytes.indices {
            #expect(throws: InferenceError.self) {
                try OIPResponse.decode(Array(bytes[..<length]), limits: .standard)
            }
        }
    }

    @Test func eachTypeGoesThereAndBack() throws {
        for (name, model) in try Expectations.load().models where name == "all-types" {
            let tensors = try model.cases?.first?.inputs.map { try $0.named() } ?? []
            #expect(tensors.count == 12)
            let bytes = try OIPResponse.encode(model: "m", version: nil, request: plain, outputs: tensors)
                .bytes
            #expect(try OIPResponse.decode(bytes, limits: .standard).outputs == tensors)
        }
    }

    @Test func whatJSONCannotSayIsNotAnswered() throws {
        let raw = try Tensor(type: .bytes, shape: [1], storage: .strings([[0xff]]))
        // Bytes are no never-event: the caller may have sent them, and they can be told as they are.
        let (never, error) = ("inference.invalid-output", "inference.run-failed")
        for (tensor, code) in [
            (try floats([1, .nan]), never), (try floats([.infinity]), never), (raw, error),
        ] {
            let error = #expect(throws: InferenceError.self) {
                try OIPResponse.encode(
                    model: "m",
                    version: "1",
                    request: plain,
                    outputs: [NamedTensor(name: "y", tensor: tensor)]
                )
            }
            #expect(error?.explanation.code == code)
        }
    }

    @Test func aResponseWithoutItsPartsIsRefused() {
        for body in ["{}", #"{"model_name":"m"}"#, #"{"outputs":[]}"#, #"{"error":"no"}"#] {
            #expect(throws: InferenceError.self) {
                try OIPResponse.decode(Array(body.utf8), limits: .standard)
            }
        }
    }
}

@Suite("JSONPointer")
struct JSONPointerTests {
    static let document = Array(
        #"""
        {"parameters":{"account_id":"a-1","n":42,"a/b":1,"m~n":2,"":3,"deep":{"list":[10,[20],null,true]}},
         "numbers":[42.0,4.2e1,-7,1.5,18446744073709551615,1e30,"4\u0032"],"inputs":[{"data":[1,2]}]}
        """#.utf8
    )

    @Test func parametersAreMLflowsParamsToo() throws {
        let pointer = try known(JSONPointer("/parameters/user"))
        #expect(pointer.scalar(in: Array(#"{"params": {"user": "ann"}}"#.utf8)) == "ann")
        let both = #"{"params": {"user": "ann"}, "parameters": {"user": "bob"}}"#
        #expect(pointer.scalar(in: Array(both.utf8)) == "bob")
    }

    @Test(arguments: [
        ("/parameters/account_id", "a-1"), ("/parameters/n", "42"), ("/parameters/a~1b", "1"),
        ("/parameters/m~0n", "2"), ("/parameters/", "3"), ("/parameters/deep/list/0", "10"),
        ("/parameters/deep/list/1/0", "20"), ("/parameters/deep/list/3", "true"), ("/numbers/0", "42"),
        ("/numbers/1", "42"), ("/numbers/2", "-7"), ("/numbers/3", "1.5"),
        ("/numbers/4", "18446744073709551615"), ("/numbers/5", "1e+30"), ("/numbers/6", "42"),
    ])
    func itFindsTheScalar(pointer: String, value: String) throws {
        #expect(try known(JSONPointer(pointer)).scalar(in: Self.document) == value)
    }

    @Test(arguments: [
        "12345678901234567890123", "12345678901234567890124", "-12345678901234567890123",
        "18446744073709551616", "-9223372036854775809", "100000000000000000000000",
    ])
    func aLongWholeNumberIsItsOwnText(digits: String) throws {
        let pointer = try known(JSONPointer("/n"))
        #expect(pointer.scalar(in: Array("{\"n\":\(digits) }".utf8)) == digits)
        #expect(pointer.scalar(in: Array("{\"n\":\"\(digits)\"}".utf8)) == digits)
    }

    @Test(arguments: [
        "", "/parameters", "/absent", "/parameters/deep/list", "/parameters/deep/list/2",
        "/parameters/deep/list/9",
        "/parameters/deep/list/01", "/parameters/deep/list/-1", "/parameters/deep/list/-", "/parameters/n/0",
    ])
    func whereThereIsNoScalarItIsNil(pointer: String) throws {
        #expect(try known(JSONPointer(pointer)).scalar(in: Self.document) == nil)
    }

    @Test(arguments: ["a", "a/b", "/a~2", "/a~", "/1/2/3/4/5/6/7/8/9"])
    func aBrokenPointerIsNotBuilt(text: String) {
        #expect(JSONPointer(text) == nil)
    }

    @Test func aCutDocumentNeverTraps() throws {
        let pointer = try known(JSONPointer("/inputs/0/data/1"))
        #expect(pointer.scalar(in: Self.document) == "2")
        for length in Self.document.indices { _ = pointer.scalar(in: Array(Self.document[..<length])) }
        #expect(pointer.scalar(in: Array(#"{"a":NaN,"inputs":[{"data":[1,2]}]}"#.utf8)) == nil)
    }

    @Test func onlyTheHeaderOfAMixedBodyIsRead() throws {
        let pointer = try known(JSONPointer("/parameters/n"))
        let length = Self.document.count
        #expect(pointer.scalar(in: Self.document + [0xff, 0], headerLength: length) == "42")
        #expect(pointer.scalar(in: Self.document, headerLength: length) == "42")
        for broken in [0, 10, -1, length + 1] {
            #expect(pointer.scalar(in: Self.document, headerLength: broken) == nil)
        }
    }

    @Test func theWholeDocumentMayBeTheScalar() throws {
        #expect(try known(JSONPointer("")).scalar(in: Array(#" "x" "#.utf8)) == "x")
    }
}
