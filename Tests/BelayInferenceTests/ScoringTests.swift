import BelayCore
import BelayInference
import Testing

/// The bodies of `mlflow models serve` 3.18, and what may be wrong with them.
@Suite("Scoring")
struct ScoringTests {
    static let columns = ["a", "b", "c"]

    func signature(_ inputs: [(String, TensorType, [Int?])]) throws -> Signature {
        let specs = inputs.map { TensorSpec(name: $0.0, type: $0.1, shape: $0.2) }
        return try known(
            Signature(inputs: specs, outputs: [TensorSpec(name: "y", type: .int64, shape: [nil])])
        )
    }

    func matrix() throws -> Signature { try signature([("input", .fp32, [nil, 3])]) }

    func decode(_ body: String, for signature: Signature) throws(InferenceError) -> [NamedTensor] {
        let format = body.hasPrefix("{") ? ScoringFormat.json : .csv
        let request = try Scoring.request(
            decoding: Array(body.utf8),
            format: format,
            signature: signature,
            limits: .standard
        )
        try signature.check(request.inputs, outputs: request.outputNames)
        return request.inputs
    }

    func complaint(_ body: String, for signature: Signature) -> String {
        do {
            _ = try decode(body, for: signature)
            return "accepted"
        } catch {
            return "\(error.explanation.code): \(error.explanation.summary)"
        }
    }

    /// One row of three columns, in every form MLflow has, and with its columns' names where it can.
    static let forms = [
        #"{"dataframe_split":{"columns":["a","b","c"],"data":[[1.0,0.0,-2.5]]}}"#,
        #"{"dataframe_split":{"data":[[1.0,0.0,-2.5]],"index":[0],"columns":["a","b","c"]}}"#,
        #"{"dataframe_records":[{"a":1.0,"b":0.0,"c":-2.5}]}"#,
        #"{"instances":[{"a":1.0,"b":0.0,"c":-2.5}]}"#,
        #"{"inputs":{"a":[1.0],"b":[0.0],"c":[-2.5]}}"#,
        #"{"inputs":{"a":[1.0],"b":[0.0],"c":[-2.5]},"params":{"t":1}}"#,
        #"{"inputs":{"a":1.0,"b":0.0,"c":-2.5}}"#, "a,b,c\n1.0,0.0,-2.5\n",
        "\u{feff}a,b,c\r\n\"1.0\", 0.0 ,-2.5",
    ]

    @Test(arguments: forms) func oneInputTakesTheColumnsAsItsRows(body: String) throws {
        let inputs = try decode(body, for: matrix())
        #expect(inputs.map(\.name) == ["input"])
        #expect(inputs.first?.tensor.shape == [1, 3])
        #expect(inputs.first?.tensor.doubles == [1, 0, -2.5])
    }

    @Test(arguments: forms) func severalInputsTakeTheColumnsOfTheirNames(body: String) throws {
        let inputs = try decode(
            body,
            for: signature([("c", .fp64, [nil, 1]), ("a", .int64, [nil]), ("b", .fp32, [nil])])
        )
        #expect(inputs.map(\.name) == ["c", "a", "b"])
        #expect(inputs.map(\.tensor.shape) == [[1, 1], [1], [1]])
        #expect(inputs[1].tensor == (try integers([1])))
    }

    @Test(arguments: [#"{"instances":[[1,0,-2.5]]}"#, #"{"inputs":[[1,0,-2.5]]}"#])
    func aBareListIsTheOnlyInput(body: String) throws {
        #expect(try decode(body, for: matrix()).first?.tensor.doubles == [1, 0, -2.5])
        #expect(
            complaint(body, for: try signature([("a", .fp32, [nil]), ("b", .fp32, [nil])])).contains(
                "name them"
            )
        )
    }

    @Test func rowsKeepTheirOrderWhateverTheOrderOfTheirKeys() throws {
        let body = #"{"dataframe_records":[{"a":1,"b":2,"c":3},{"c":6,"a":4,"b":5}]}"#
        #expect(try decode(body, for: matrix()).first?.tensor.doubles == [1, 2, 3, 4, 5, 6])
        let columns = #"{"inputs":{"a":[1,4],"b":[2,5],"c":[3,6]}}"#
        #expect(try decode(columns, for: matrix()).first?.tensor.doubles == [1, 2, 3, 4, 5, 6])
        #expect(
            try decode("a,b,c\n1,2,3\n\n4,5,6", for: matrix()).first?.tensor.doubles == [1, 2, 3, 4, 5, 6]
        )
    }

    @Test func cellsMayBeLists() throws {
        let signature = try signature([("v", .fp32, [nil, 2]), ("s", .bytes, [nil])])
        let inputs = try decode(
            #"{"dataframe_records":[{"v":[1,2],"s":"x"},{"v":[3,4],"s":"ü"}]}"#,
            for: signature
        )
        #expect(inputs[0].tensor.shape == [2, 2])
        #expect(inputs[0].tensor.doubles == [1, 2, 3, 4])
        #expect(inputs[1].tensor == (try strings(["x", "ü"])))
        #expect(
            complaint(#"{"dataframe_records":[{"v":[1,2],"s":"x"},{"v":[3],"s":"y"}]}"#, for: signature)
                .contains("differ in shape")
        )
        let only = try self.signature([("input", .fp32, [nil, 3])])
        #expect(
            try decode(#"{"dataframe_split":{"data":[[[1,2,3]]]}}"#, for: only).first?.tensor.doubles == [
                1, 2, 3,
            ]
        )
    }

    @Test func fieldsOfCSVMayBeQuoted() throws {
        let signature = try signature([("s", .bytes, [nil]), ("b", .bool, [nil])])
        let inputs = try decode("\"s\",b\n\"a \"\"b\"\",\nc\",True\n,0\n", for: signature)
        #expect(inputs[0].tensor == (try strings(["a \"b\",\nc", ""])))
        #expect(inputs[1].tensor.storage == .packed([1, 0]))
    }

    @Test func otherColumnsArePassedOver() throws {
        let signature = try signature([("b", .int64, [nil])])
        #expect(
            try decode(#"{"dataframe_split":{"columns":["a","b"],"data":[["x",7]]}}"#, for: signature).first?
                .tensor
                == (try integers([7]))
        )
        #expect(
            complaint("a\n1\n", for: try self.signature([("a", .int64, [nil]), ("b", .int64, [nil])]))
                .contains("Column 'b' is missing")
        )
    }

    @Test(arguments: [
        (#"{"dataframe_split":{"columns":["a","b"],"data":[[1.0,0.0]]}}"#, "must be FP32 [-1, 3]"),
        (
            #"{"dataframe_split":{"columns":["a","b","c"],"data":[["x",0.0,0.0]]}}"#,
            "a number for 'input' (FP32)"
        ),
        (#"{"dataframe_split":{"columns":["a","b","c"],"data":[[null,0,0]]}}"#, "a number"),
        (#"{"dataframe_split":{"columns":["a","b","c"],"data":[[{},0,0]]}}"#, "a number"),
        (#"{"dataframe_split":{"columns":["a","b","c"],"data":[[1,2]]}}"#, "Row 0 has 2 cells"),
        (#"{"dataframe_split":{"columns":["a","a"],"data":[[1,2]]}}"#, "A column stands twice"),
        (#"{"dataframe_split":{"columns":["a"]}}"#, "no 'data'"), (#"{"dataframe_split":[]}"#, "an object"),
        (#"{"dataframe_records":[{"a":1},{"b":1}]}"#, "Record 1 has other columns"),
        (#"{"dataframe_records":[{"a":1},{"a":1,"b":1}]}"#, "Record 1 has other columns"),
        (#"{"dataframe_records":[{"a":1,"b":1},{"a":1}]}"#, "Record 1 has other columns"),
        (#"{"dataframe_records":[{"a":1},7]}"#, "an object by column"),
        (#"{"inputs":{"a":[1],"b":[1,2]}}"#, "not as long as the first"),
        (#"{"inputs":7}"#, "an array, the inputs"),
        (#"{"foo":1}"#, "exactly one of 'instances'"), (#"{"inputs":[],"instances":[]}"#, "it has 2 of them"),
        (#"{"instances":[[1,2,3],[1]]}"#, "not all of one length"),
        (#"{"instances":[[1,2,"3"]]}"#, "a number"),
        (#"{"instances":[[1,2,3]],"params":[]}"#, "the params"), ("{bad", "a key in quotes"),
        (#"{"instances":[[1,2,NaN]]}"#, "NaN and Infinity are not JSON"),
        (#"{"instances":[[1,2,3]]} x"#, "the end"),
        ("", "no line of column names"), ("a,b,c\n1,2\n", "Row 0 of the CSV has 2 fields"),
        ("a,b,c\n1,x,3\n", "Row 0, column 'b' of the CSV is 'x', no FP32"),
        ("a,b,c\n1,,3\n", "is '', no FP32"),
        ("a,b,c\n1,nan,3\n", "no FP32"), ("a,b,c\n1,\"2,3\n", "does not end"),
        ("a,b,c\n1,\"2\"x,3\n", "Text follows"),
        ("a,a\n1,2\n", "stands twice"), ("a,b,c\n1e99,2,3\n", "a number in its range"),
        ("a,b,c\n1 2,2,3\n", "no FP32"),
    ])
    func whatIsNoTableIsRefusedWithASentence(body: String, sentence: String) throws {
        let said = complaint(body, for: try matrix())
        #expect(said.contains(sentence), "\(said)")
    }

    @Test func cutAtEveryByteItNeverTraps() throws {
        let signature = try matrix()
        for body in Self.forms {
            let bytes = Array(body.utf8)
            for length in bytes.indices {
                for format in [ScoringFormat.json, .csv] {
                    _ = try? Scoring.request(
                        decoding: Array(bytes[..<length]),
                        format: format,
                        signature: signature,
                        limits: .standard
                    )
                }
            }
        }
    }

    @Test func cellsAreLimited() throws {
        let limits = OIPLimits(
            mostInputs: 1,
            mostElements: 2,
            mostStrings: 1,
            mostStringBytes: 1,
            mostDepth: 8
        )
        for body in ["a,b,c\n1,2,3", #"{"instances":[[1,2,3]]}"#, #"{"inputs":{"a":[1,2,3]}}"#] {
            let error = #expect(throws: InferenceError.self) {
                try Scoring.request(
                    decoding: Array(body.utf8),
                    format: body.hasPrefix("{") ? .json : .csv,
                    signature: matrix(),
                    limits: limits
                )
            }
            #expect(error?.category == .tooLarge)
        }
    }

    @Test func predictionsAreNestedAsTheyAreShaped() throws {
        let text = { (outputs: [NamedTensor]) in String(decoding: try Scoring.encode(outputs), as: UTF8.self)
        }
        let label = NamedTensor(name: "label", tensor: try integers([1, 0]))
        let table = try Tensor(type: .fp32, shape: [2, 2], storage: floats([0.5, 1, 2, 3]).storage)
        let matrix = NamedTensor(name: "p\"", tensor: table)
        #expect(try text([label]) == #"{"predictions":[1,0]}"#)
        #expect(try text([matrix]) == #"{"predictions":[[0.5,1.0],[2.0,3.0]]}"#)
        #expect(try text([label, matrix]) == #"{"predictions":{"label":[1,0],"p\"":[[0.5,1.0],[2.0,3.0]]}}"#)
        let scalar = try Tensor(type: .bytes, shape: [], storage: .strings([Array("],".utf8)]))
        #expect(try text([NamedTensor(name: "s", tensor: scalar)]) == #"{"predictions":"],"}"#)
        for (shape, written) in [([0], "[]"), ([0, 3], "[]"), ([2, 0], "[[],[]]")] {
            let empty = try Tensor(type: .fp32, shape: shape, storage: .packed([]))
            #expect(try text([NamedTensor(name: "e", tensor: empty)]) == #"{"predictions":\#(written)}"#)
        }
        let nan = NamedTensor(name: "n", tensor: try floats([.nan]))
        #expect(throws: InferenceError.self) { try Scoring.encode([nan]) }
    }

    @Test(
        arguments: [
            (nil, .json), ("application/json", .json), ("Application/JSON; charset=\"UTF-8\"", .json),
            ("text/csv", .csv),
            ("text/plain", nil), ("application/json; charset=latin-1", nil), ("", nil),
            ("application/vnd.apache.parquet", nil), ("application/x-www-form-urlencoded", nil),
        ] as [(String?, ScoringFormat?)]
    )
    func theContentTypeSaysTheFormat(contentType: String?, format: ScoringFormat?) {
        #expect(ScoringFormat(contentType: contentType) == format)
    }

    @Test func anErrorIsWordedAsMLflowWordsIt() {
        let body = String(decoding: Scoring.refusal("It is \"wrong\"."), as: UTF8.self)
        #expect(body == #"{"error_code":"BAD_REQUEST","message":"It is \"wrong\"."}"#)
    }
}
