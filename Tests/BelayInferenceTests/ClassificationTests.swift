import BelayCore
import BelayInference
import Testing

@Suite("Classification")
struct ClassificationTests {
    func classified(_ tensor: Tensor, _ classes: Int) throws -> Tensor {
        let asked = RequestedOutput(name: "p", isBinary: nil, classes: classes)
        let request = OIPRequest(id: nil, inputs: [], outputs: [asked])
        let outputs = [NamedTensor(name: "p", tensor: tensor)]
        let body = try OIPResponse.encode(model: "m", version: nil, request: request, outputs: outputs)
        let response = try OIPResponse.decode(body.bytes, limits: .standard)
        return try known(response.outputs.first).tensor
    }

    func matrix(_ values: [Float], _ shape: [Int]) throws -> Tensor {
        try Tensor(type: .fp32, shape: shape, storage: floats(values).storage)
    }

    func texts(_ tensor: Tensor) -> [String] {
        guard case .strings(let strings) = tensor.storage else { return [] }
        return strings.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func eachRowIsOrderedFromTheHighest() throws {
        let tensor = try classified(matrix([0.1, 0.7, 0.2, 1e-9, -1, 3], [2, 3]), 2)
        #expect(tensor.shape == [2, 2])
        #expect(tensor.type == .bytes)
        #expect(texts(tensor) == ["0.7:1", "0.2:2", "3.0:2", "1e-09:0"])
    }

    @Test func moreClassesThanThereAreMeansAll() throws {
        #expect(texts(try classified(floats([1, 2]), .max)) == ["2.0:1", "1.0:0"])
        #expect(try classified(matrix([1, 2, 3, 4], [1, 2, 2]), 9).shape == [1, 4])
    }

    @Test func equalValuesStandInTheirOwnOrder() throws {
        #expect(texts(try classified(floats([5, 7, 5, 7]), 4)) == ["7.0:1", "7.0:3", "5.0:0", "5.0:2"])
    }

    @Test func integersAreComparedExactly() throws {
        let tensor = try integers([9_007_199_254_740_992, 9_007_199_254_740_993, -1])
        #expect(texts(try classified(tensor, 1)) == ["9007199254740993:1"])
    }

    @Test func anEmptyTensorHasNoClasses() throws {
        #expect(try classified(matrix([], [0, 3]), 2).shape == [0, 2])
        #expect(try classified(matrix([], [0, 3]), 9).shape == [0, 3])
        #expect(try classified(matrix([], [2, 0]), 2).shape == [2, 0])
        #expect(try classified(floats([]), 2).shape == [0])
    }

    @Test(arguments: [TensorType.bytes, .bool]) func whatHasNoOrderIsRefusedBeforeTheModelRuns(
        type: TensorType
    ) throws {
        let spec = TensorSpec(name: "p", type: type, shape: [1])
        let signature = try known(Signature(inputs: [], outputs: [spec]))
        let asked = OIPRequest(
            id: nil,
            inputs: [],
            outputs: [RequestedOutput(name: "p", isBinary: nil, classes: 1)]
        )
        #expect(throws: InferenceError.self) { try asked.completed(by: signature) }
    }

    @Test func aClassificationMayBeBinary() throws {
        let asked = RequestedOutput(name: "p", isBinary: true, classes: 1)
        let request = OIPRequest(id: nil, inputs: [], outputs: [asked])
        let outputs = [NamedTensor(name: "p", tensor: try integers([3, 4]))]
        let body = try OIPResponse.encode(model: "m", version: nil, request: request, outputs: outputs)
        #expect(body.bytes.suffix(7) == [3, 0, 0, 0] + Array("4:1".utf8))
    }
}

@Suite("The fallback answer")
struct FixedAnswerTests {
    func signature(_ outputs: [(String, TensorType, [Int?])]) throws -> Signature {
        let specs = outputs.map { TensorSpec(name: $0.0, type: $0.1, shape: $0.2) }
        let input = TensorSpec(name: "x", type: .fp32, shape: [nil, 2])
        return try known(Signature(inputs: [input], outputs: specs))
    }

    @Test func oneRowOfValuesIsRepeated() throws {
        let signature = try signature([
            ("label", .int64, [nil]), ("p", .fp32, [nil, 2]), ("s", .bytes, [nil, nil]), ("b", .bool, [1]),
        ])
        let answer = StaticAnswer(outputs: [
            "label": [.number(1)], "p": [.number(0.25), .number(0.75)], "s": [.text("ü")],
            "b": [.boolean(true)],
        ])
        let outputs = try OIPResponse.fixed(answer, rows: 2, signature: signature)
        #expect(outputs.map(\.name) == ["label", "p", "s", "b"])
        #expect(outputs.map(\.tensor.shape) == [[2], [2, 2], [2, 1], [1]])
        #expect(outputs[0].tensor == (try integers([1, 1])))
        #expect(outputs[1].tensor.doubles == [0.25, 0.75, 0.25, 0.75])
        #expect(outputs[2].tensor.storage == .strings([Array("ü".utf8), Array("ü".utf8)]))
        #expect(try OIPResponse.fixed(answer, rows: 0, signature: signature)[1].tensor.shape == [0, 2])
    }

    @Test func theRowsAreThoseOfTheRequest() throws {
        let signature = try signature([("y", .int64, [nil])])
        let tensor = try Tensor(
            type: .fp32,
            shape: [3, 2],
            storage: .packed([UInt8](repeating: 0, count: 24))
        )
        #expect(signature.rows(of: [NamedTensor(name: "x", tensor: tensor)]) == 3)
        #expect(signature.rows(of: [NamedTensor(name: "x", tensor: try floats([]))]) == 0)
        #expect(signature.rows(of: []) == 1)
    }

    @Test(
        arguments: [
            (.int8, [nil], [.number(128)]), (.uint64, [nil], [.number(-1)]), (.int64, [nil], [.number(0.5)]),
            (.int64, [nil], [.number(.infinity)]), (.fp32, [nil], [.number(1e39)]),
            (.fp16, [nil], [.number(7e4)]),
            (.fp64, [nil], [.number(.nan)]), (.fp32, [nil], [.text("1")]), (.bytes, [nil], [.number(1)]),
            (.bool, [nil], [.number(1)]), (.int64, [nil], [.boolean(true)]), (.int64, [nil], []),
            (.int64, [nil, 2], [.number(1)]), (.int64, [2], [.number(1)]),
            (.int64, [nil], [.number(1), .number(2)]),
            (.int64, [nil, 9_999_999], [.number(1)]),
        ] as [(TensorType, [Int?], [StaticAnswer.Value])]
    )
    func valuesThatAreNotTheOutputsAreRefused(type: TensorType, shape: [Int?], values: [StaticAnswer.Value])
        throws
    {
        let signature = try signature([("y", type, shape)])
        let error = #expect(throws: InferenceError.self) {
            try OIPResponse.fixed(StaticAnswer(outputs: ["y": values]), rows: 2, signature: signature)
        }
        #expect(error?.explanation.code == "inference.invalid-output")
    }

    @Test func everyOutputMustBeNamedAndNoOther() throws {
        let signature = try signature([("y", .int64, [nil]), ("z", .int64, [nil])])
        for names in [["y"], ["y", "z", "other"], []] {
            let answer = StaticAnswer(
                outputs: Dictionary(uniqueKeysWithValues: names.map { ($0, [.number(1)]) })
            )
            #expect(throws: InferenceError.self) {
                try OIPResponse.fixed(answer, rows: 1, signature: signature)
            }
        }
    }
}

@Suite("AnswerComparison")
struct AnswerComparisonTests {
    func answer(_ tensors: (String, Tensor)...) -> [NamedTensor] {
        tensors.map { NamedTensor(name: $0.0, tensor: $0.1) }
    }

    @Test func theDecisionAloneSaysWhetherTheyDiffer() throws {
        let served = answer(("label", try integers([1])), ("p", try floats([0.9, 0.1])))
        let shadow = answer(("p", try floats([0.6, 0.4])), ("label", try integers([1])))
        let comparison = AnswerComparison(served, shadow, prediction: "label")
        #expect(!comparison.differs)
        #expect(abs((comparison.distance ?? 0) - 0.3) < 1e-6)
        #expect(AnswerComparison(served, shadow, prediction: nil).differs)
        #expect(AnswerComparison(served, shadow, prediction: "absent").differs)
        let other = answer(("label", try integers([0])), ("p", try floats([0.9, 0.1])))
        #expect(
            AnswerComparison(served, other, prediction: "label")
                == AnswerComparison(other, served, prediction: "label")
        )
        #expect(AnswerComparison(served, other, prediction: "label").differs)
        #expect(AnswerComparison(served, other, prediction: "label").distance == 0)
    }

    @Test func lastDigitsOfFloatsDoNotCount() throws {
        let near = AnswerComparison(
            answer(("y", try floats([1_000, 0.1]))),
            answer(("y", try floats([1_000.001, 0.1]))),
            prediction: "y"
        )
        #expect(!near.differs)
        #expect(near.distance ?? 0 > 0)
        let far = AnswerComparison(
            answer(("y", try floats([1_000]))),
            answer(("y", try floats([1_001]))),
            prediction: nil
        )
        #expect(
            far
                == AnswerComparison(
                    answer(("y", try floats([1_001]))),
                    answer(("y", try floats([1_000]))),
                    prediction: nil
                )
        )
        #expect(far.differs && far.distance == 1)
        let broken = AnswerComparison(
            answer(("y", try floats([1]))),
            answer(("y", try floats([.nan]))),
            prediction: nil
        )
        #expect(broken.differs && broken.distance == .infinity)
    }

    @Test func anotherShapeTypeOrAMissingOutputDiffers() throws {
        let served = answer(("y", try floats([1])))
        for shadow in [
            answer(("y", try floats([1, 1]))), answer(("y", try integers([1]))), answer(),
            answer(("z", try floats([1]))),
        ] {
            let comparison = AnswerComparison(served, shadow, prediction: nil)
            #expect(comparison.differs && comparison.distance == nil)
        }
        let more = answer(("y", try floats([1])), ("z", try strings(["a"])))
        #expect(!AnswerComparison(served, more, prediction: nil).differs)
        #expect(AnswerComparison(more, served, prediction: nil).differs)
    }

    @Test func textAndIntegersMustBeEqual() throws {
        let one = answer(("s", try strings(["a"])), ("n", try integers([.max])))
        let two = answer(("s", try strings(["a"])), ("n", try integers([.max - 1])))
        #expect(!AnswerComparison(one, one, prediction: nil).differs)
        #expect(AnswerComparison(one, two, prediction: nil) == AnswerComparison(two, one, prediction: nil))
        #expect(AnswerComparison(one, two, prediction: nil).differs)
        #expect(AnswerComparison(one, two, prediction: nil).distance == nil)
    }
}
