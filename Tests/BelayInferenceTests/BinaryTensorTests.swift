import BelayCore
import BelayInference
import Testing

@Suite("Binary tensors")
struct BinaryTensorTests {
    /// A mixed body: `x` in JSON, then `b`, `s` and `h` in binary.
    static let header = Array(
        #"""
        {"id":"r","inputs":[{"name":"x","shape":[2],"datatype":"INT8","data":[1,-1]},
         {"name":"b","shape":[2],"datatype":"BOOL","parameters":{"binary_data_size":2}},
         {"parameters":{"binary_data_size":11,"p":1},"datatype":"BYTES","shape":[2],"name":"s"},
         {"name":"h","shape":[1],"datatype":"FP16","parameters":{"binary_data_size":2}}],
         "outputs":[{"name":"y","parameters":{"binary_data":false}},{"name":"z"}],
         "parameters":{"binary_data_output":true}}
        """#.utf8
    )
    static let tail: [UInt8] = [1, 0] + [1, 0, 0, 0, 0x61, 2, 0, 0, 0, 0xff, 0] + [0x66, 0x2e]

    func decode(_ body: [UInt8], _ headerLength: Int?, limits: OIPLimits = .standard)
        throws(InferenceError) -> OIPRequest
    {
        try OIPRequest(decoding: body, headerLength: headerLength, limits: limits)
    }

    /// One binary input.
    func one(_ type: String, _ shape: String, _ bytes: [UInt8], size: String? = nil, more: String = "")
        throws(InferenceError) -> Tensor
    {
        let header = Array(
            """
            {"inputs":[{"name":"x","shape":\(shape),"datatype":"\(type)"\(more),\
            "parameters":{"binary_data_size":\(size ?? String(bytes.count))}}]}
            """.utf8
        )
        guard let input = try decode(header + bytes, header.count).inputs.first else {
            throw .requestMismatch("no input")
        }
        return input.tensor
    }

    func complaint(_ body: () throws(InferenceError) -> Void) -> String {
        do {
            try body()
            return "accepted"
        } catch {
            return "\(error.explanation.code): \(error.explanation.summary)"
        }
    }

    @Test func jsonAndBinaryInputsMayStandTogether() throws {
        let request = try decode(Self.header + Self.tail, Self.header.count)
        #expect(request.inputs.map(\.name) == ["x", "b", "s", "h"])
        #expect(request.inputs[0].tensor.storage == .packed([1, 0xff]))
        #expect(request.inputs[1].tensor.storage == .packed([1, 0]))
        #expect(request.inputs[2].tensor.storage == .strings([[0x61], [0xff, 0]]))
        #expect(request.inputs[3].tensor.doubles == [Double(Float16(0.1))])
        #expect(request.outputs == [RequestedOutput(name: "y", isBinary: false), RequestedOutput(name: "z")])
        #expect(request.binaryOutput)
    }

    @Test func cutAtEveryByteItIsAnErrorAndNothingWorse() {
        let body = Self.header + Self.tail
        for length in 0..<body.count {
            #expect(throws: InferenceError.self) { try decode(Array(body[..<length]), Self.header.count) }
        }
        for headerLength in 1..<body.count where headerLength != Self.header.count {
            #expect(throws: InferenceError.self) { try decode(body, headerLength) }
        }
    }

    @Test func withAnyByteChangedItNeverTraps() {
        let body = Self.header + Self.tail
        for index in body.indices {
            for byte: UInt8 in [0, 0x22, 0x2d, 0x30, 0x39, 0x5b, 0x7b, 0x7f, 0xff] {
                var changed = body
                changed[index] = byte
                _ = try? decode(changed, Self.header.count)
            }
        }
    }

    @Test func everyTypeGoesThereAndBack() throws {
        for (name, model) in try Expectations.load().models where name == "all-types" {
            let tensors = try model.cases?.first?.inputs.map { try $0.named() } ?? []
            let text = NamedTensor(name: "text", tensor: try strings(["", "zür", "\0"]))
            let request = OIPRequest(id: "i", inputs: [], outputs: [], binaryOutput: true)
            let body = try OIPResponse.encode(
                model: "m",
                version: "1",
                request: request,
                outputs: tensors + [text]
            )
            #expect(body.contentType == "application/octet-stream")
            let response = try OIPResponse.decode(
                body.bytes,
                headerLength: body.headerLength,
                limits: .standard
            )
            #expect(response.outputs == tensors + [text])
            #expect(response.id == "i")
        }
    }

    @Test func eachOutputHasTheFormThatWasAskedFor() throws {
        let outputs = [
            NamedTensor(name: "y", tensor: try integers([7])),
            NamedTensor(name: "p", tensor: try floats([0.5])),
            NamedTensor(name: "s", tensor: try strings(["a"])),
        ]
        var request = OIPRequest(
            id: nil,
            inputs: [],
            outputs: [
                RequestedOutput(name: "y", isBinary: false), RequestedOutput(name: "s", isBinary: true),
            ],
            binaryOutput: true
        )
        let mixed = try OIPResponse.encode(model: "m", version: "1", request: request, outputs: outputs)
        let json = #"""
            {"model_name":"m","model_version":"1","outputs":[\#
            {"name":"y","datatype":"INT64","shape":[1],"data":[7]},\#
            {"name":"p","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}},\#
            {"name":"s","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}}]}
            """#
        #expect(mixed.headerLength == json.utf8.count)
        #expect(mixed.bytes == Array(json.utf8) + [0, 0, 0, 0x3f] + [1, 0, 0, 0, 0x61])
        request.binaryOutput = false
        request.outputs = []
        let plain = try OIPResponse.encode(model: "m", version: "1", request: request, outputs: outputs)
        #expect(plain.headerLength == nil)
        #expect(plain.contentType == "application/json")
    }

    @Test func whatJSONCannotSayPassesInBinary() throws {
        let request = OIPRequest(id: nil, inputs: [], outputs: [], binaryOutput: true)
        let raw = try Tensor(type: .bytes, shape: [1], storage: .strings([[0xff]]))
        let body = try OIPResponse.encode(
            model: "m",
            version: nil,
            request: request,
            outputs: [NamedTensor(name: "y", tensor: raw)]
        )
        #expect(body.bytes.suffix(5) == [1, 0, 0, 0, 0xff])
    }

    @Test(
        arguments: [
            ("FP32", "[2]", [0, 0, 0, 0], "'binary_data_size' is 4, but FP32 [2] takes 8 bytes"),
            ("FP32", "[]", [0, 0, 0, 0, 0], "takes 4 bytes"),
            ("BOOL", "[2]", [1, 2], "element 1 is 2; a BOOL is 0 or 1"),
            ("FP32", "[1]", [0, 0, 0xc0, 0x7f], "element 0 is NaN or infinite"),
            ("FP64", "[1]", [0, 0, 0, 0, 0, 0, 0xf0, 0xff], "element 0 is NaN or infinite"),
            ("FP16", "[2]", [0, 0, 0, 0x7c], "element 1 is NaN or infinite"),
            ("BF16", "[1]", [0, 0], "BF16 is not spoken here"),
            ("BYTES", "[1]", [1, 0, 0], "its string 0 is cut off"),
            ("BYTES", "[1]", [2, 0, 0, 0, 0x61], "its string 0 is cut off"),
            ("BYTES", "[1]", [0xff, 0xff, 0xff, 0xff], "its string 0 is cut off"),
            ("BYTES", "[1]", [0, 0, 0, 0, 0, 0, 0, 0], "more than 1 strings"),
            ("BYTES", "[2]", [0, 0, 0, 0], "Shape [2] has 2 elements, but there are 1"),
            ("INT8", "[-1]", [1], "a dimension"), ("INT8", "[9223372036854775807,3]", [1], "elements"),
            ("INT64", "[16777216,0]", [1], "takes 0 bytes"),
        ] as [(String, String, [UInt8], String)]
    )
    func bytesThatDoNotFitAreRefused(type: String, shape: String, bytes: [UInt8], sentence: String) {
        let said = complaint { () throws(InferenceError) in _ = try one(type, shape, bytes) }
        #expect(said.contains(sentence), "\(said)")
    }

    @Test func sizesAndHeadersThatDisagreeAreRefused() {
        let (whole, length) = (Self.header + Self.tail, Self.header.count)
        let cases: [(String, () throws(InferenceError) -> Void)] = [
            ("no header Inference-Header", { () throws(InferenceError) in _ = try decode(Self.header, nil) }),
            ("expected the end", { () throws(InferenceError) in _ = try decode(whole, nil) }),
            ("but the body has", { () throws(InferenceError) in _ = try decode(whole, whole.count + 1) }),
            ("but the body has", { () throws(InferenceError) in _ = try decode(whole, -1) }),
            ("but the body has", { () throws(InferenceError) in _ = try decode(whole, .max) }),
            ("1 bytes follow", { () throws(InferenceError) in _ = try decode(whole + [0], length) }),
            (
                "1 of its 2 bytes are missing",
                { () throws(InferenceError) in _ = try decode(whole.dropLast(), length) }
            ),
            (
                "both 'data' and",
                { () throws(InferenceError) in
                    _ = try one("INT8", "[1]", [1], more: #","data":[1]"#)
                }
            ),
            (
                "a number of bytes",
                { () throws(InferenceError) in _ = try one("INT8", "[1]", [1], size: "-1") }
            ),
            (
                "a number of bytes",
                { () throws(InferenceError) in _ = try one("INT8", "[1]", [1], size: "0.5") }
            ),
            (
                "'binary_data_size' is 9223372036854775807",
                { () throws(InferenceError) in
                    _ = try one("INT8", "[1]", [1], size: "9223372036854775807")
                }
            ),
            (
                "bytes are missing",
                { () throws(InferenceError) in
                    _ = try one("BYTES", "[1]", [1], size: "9223372036854775807")
                }
            ),
        ]
        for (sentence, body) in cases {
            let said = complaint(body)
            #expect(said.contains(sentence), "\(said)")
        }
        let neither = #"{"inputs":[{"name":"x","shape":[1],"datatype":"INT8","parameters":{}}]}"#
        #expect(
            complaint { () throws(InferenceError) in _ = try decode(Array(neither.utf8), nil) }
                .contains("neither 'data' nor 'binary_data_size'")
        )
    }

    @Test func limitsHoldForBinaryTensorsToo() {
        let limits = OIPLimits(
            mostInputs: 4,
            mostElements: 1,
            mostStrings: 9,
            mostStringBytes: 1,
            mostDepth: 8
        )
        for limits in [
            limits,
            OIPLimits(mostInputs: 4, mostElements: 2, mostStrings: 1, mostStringBytes: 9, mostDepth: 8),
            OIPLimits(mostInputs: 4, mostElements: 2, mostStrings: 2, mostStringBytes: 1, mostDepth: 8),
            OIPLimits(mostInputs: 3, mostElements: 2, mostStrings: 2, mostStringBytes: 9, mostDepth: 8),
        ] {
            let error = #expect(throws: InferenceError.self) {
                try decode(Self.header + Self.tail, Self.header.count, limits: limits)
            }
            #expect(error?.category == .tooLarge)
        }
    }

    @Test(
        arguments: [
            ([], nil), (["12"], 12), (["0"], 0), (["007"], 7),
        ] as [([String], Int?)]
    )
    func theLengthOfTheHeaderIsRead(values: [String], length: Int?) throws {
        #expect(try OIPRequest.headerLength(values) == length)
    }

    @Test(arguments: [
        [""], ["-1"], ["+1"], ["1.0"], ["0x10"], ["a"], [" 1"], ["1", "1"], ["99999999999999999999"], ["١"],
    ])
    func aLengthThatIsNoNumberIsRefused(values: [String]) {
        #expect(throws: InferenceError.self) { try OIPRequest.headerLength(values) }
    }
}

@Suite("Raw bodies")
struct RawBodyTests {
    func completed(_ body: [UInt8], _ type: TensorType, _ shape: [Int?]) throws(InferenceError) -> Tensor? {
        let output = TensorSpec(name: "y", type: .fp32, shape: [nil])
        let input = TensorSpec(name: "x", type: type, shape: shape)
        guard let signature = Signature(inputs: [input], outputs: [output]) else { return nil }
        let request = try OIPRequest(decoding: body, headerLength: 0, limits: .standard)
        return try request.completed(by: signature).inputs.first?.tensor
    }

    @Test func theShapeIsWorkedOutFromTheBytes() throws {
        let rows = try completed([UInt8](repeating: 0, count: 24), .fp32, [nil, 3])
        #expect(rows?.shape == [2, 3])
        #expect(try completed([1, 2, 3, 4], .int16, [1, 2])?.shape == [1, 2])
        #expect(try completed([7], .uint8, [])?.shape == [])
    }

    @Test func aStringIsTheWholeBody() throws {
        #expect(try completed([0xff, 0], .bytes, [nil, 1])?.storage == .strings([[0xff, 0]]))
        #expect(try completed([], .bytes, [1])?.storage == .strings([[]]))
    }

    @Test(
        arguments: [
            ([0, 0, 0], .fp32, [nil]), ([], .fp32, [nil]), ([0, 0], .int8, [nil, nil]), ([0, 0], .int8, [1]),
            ([2], .bool, [1]), ([0, 0, 0xc0, 0x7f], .fp32, [1]), ([0], .bytes, [2]), ([0], .int8, [0, nil]),
            ([0], .int8, [.max, .max]),
        ] as [([UInt8], TensorType, [Int?])]
    )
    func whatCannotBeTheInputIsRefused(body: [UInt8], type: TensorType, shape: [Int?]) {
        #expect(throws: InferenceError.self) { try completed(body, type, shape) }
    }

    @Test func theAnswerIsBinaryAndOtherRequestsAreLeftAlone() throws {
        let raw = try OIPRequest(decoding: [1], headerLength: 0, limits: .standard)
        #expect(raw.binaryOutput && raw.outputs.isEmpty && raw.raw == [1])
        let specs = ["a", "b"].map { TensorSpec(name: $0, type: .int8, shape: [1]) }
        let signature = try known(Signature(inputs: specs, outputs: specs))
        #expect(throws: InferenceError.self) { try raw.completed(by: signature) }
        let other = OIPRequest(id: "i", inputs: [], outputs: [])
        #expect(try other.completed(by: signature) == other)
    }
}
