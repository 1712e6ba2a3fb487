import BelayCore
import Testing

@testable import BelayInference

@Suite struct TensorColumnTests {
    private let inputs = [
        TensorSpec(name: "age", type: .int32, shape: [nil]),
        TensorSpec(name: "country", type: .bytes, shape: [nil, 1]),
        TensorSpec(name: "x", type: .fp32, shape: [nil, 3]),
        TensorSpec(name: "image", type: .fp32, shape: [nil, 3, 8, 8]),
        TensorSpec(name: "open", type: .fp32, shape: [nil, nil]),
    ]

    private func tensors() throws -> [NamedTensor] {
        [
            NamedTensor(
                name: "age",
                tensor: try Tensor(type: .int32, shape: [2], storage: .packed([41, 0, 0, 0, 9, 0, 0, 0]))
            ),
            NamedTensor(
                name: "country",
                tensor: try Tensor(
                    type: .bytes,
                    shape: [2, 1],
                    storage: .strings([Array("NO".utf8), Array("SE".utf8)])
                )
            ),
            NamedTensor(name: "x", tensor: try floats([0.5, .nan, 2, 9, 9, 9], shape: [2, 3])),
        ]
    }

    private func floats(_ values: [Float], shape: [Int]) throws -> Tensor {
        let bytes = values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
        }
        return try Tensor(type: .fp32, shape: shape, storage: .packed(bytes))
    }

    @Test(arguments: [
        ("age", TensorColumn.Value.number(41)), ("country", .text(Array("NO".utf8))), ("x[0]", .number(0.5)),
        ("x[1]", .missing), ("x[2]", .number(2)),
    ])
    func theFirstRowIsRead(feature: String, value: TensorColumn.Value) throws {
        let column = try #require(TensorColumn(feature: feature, of: inputs))
        #expect(column.value(in: try tensors()) == value)
        #expect(column.value(in: try tensors().reversed()) == value)
        #expect(column.value(in: []) == .missing)
    }

    @Test(arguments: [
        "", "x", "x[3]", "x[-1]", "x[", "x[]", "[0]", "image", "open", "open[0]", "nobody", "age[0",
    ])
    func whatIsNoColumnIsNone(feature: String) {
        #expect(TensorColumn(feature: feature, of: inputs) == nil)
    }

    @Test func anEmptyTextAndAnEmptyTensorAreMissing() throws {
        let column = try #require(TensorColumn(feature: "country", of: inputs))
        for texts in [[[]], []] as [[[UInt8]]] {
            let tensor = try Tensor(type: .bytes, shape: [texts.count, 1], storage: .strings(texts))
            #expect(column.value(in: [NamedTensor(name: "country", tensor: tensor)]) == .missing)
        }
    }

    @Test func aPredictionIsItsValueOrTheClassWithTheGreatest() throws {
        let outputs = [
            TensorSpec(name: "label", type: .fp32, shape: [nil]),
            TensorSpec(name: "probabilities", type: .fp32, shape: [nil, 3]),
            TensorSpec(name: "text", type: .bytes, shape: [nil, 3]),
        ]
        let answered = [
            NamedTensor(name: "label", tensor: try floats([7], shape: [1])),
            NamedTensor(name: "probabilities", tensor: try floats([0.1, 0.7, 0.2], shape: [1, 3])),
        ]
        #expect(TensorColumn(prediction: "label", of: outputs)?.value(in: answered) == .number(7))
        #expect(TensorColumn(prediction: "probabilities", of: outputs)?.value(in: answered) == .number(1))
        #expect(TensorColumn(prediction: "text", of: outputs) == nil)
        #expect(TensorColumn(prediction: "nobody", of: outputs) == nil)
    }

    @Test func featuresAreListedUpToABound() {
        #expect(TensorColumn.features(of: inputs, most: 9) == ["age", "country", "x[0]", "x[1]", "x[2]"])
        #expect(TensorColumn.features(of: inputs, most: 3) == ["age", "country", "x[0]"])
        #expect(TensorColumn.features(of: [], most: 3).isEmpty)
    }

    @Test func everyNumberIsReadAsTheNearestDouble() throws {
        let bits: [(TensorType, [UInt8], Double)] = [
            (.bool, [1], 1), (.uint8, [200], 200), (.int8, [200], -56), (.int16, [0, 128], -32768),
            (.uint16, [0, 128], 32768), (.uint32, [255, 255, 255, 255], 4_294_967_295),
            (.int64, [255, 255, 255, 255, 255, 255, 255, 127], 9_223_372_036_854_775_808),
            (.fp16, [0, 0x3c], 1), (.fp64, [0, 0, 0, 0, 0, 0, 0xf0, 0x3f], 1),
        ]
        for (type, bytes, value) in bits {
            let tensor = try Tensor(type: type, shape: [1], storage: .packed(bytes))
            #expect(tensor.number(at: 0) == value)
            #expect(tensor.number(at: 1) == nil)
            #expect(tensor.number(at: -1) == nil)
        }
    }
}

@Suite struct GrowingBytesTests {
    /// A request may claim much in each of thousands of tensors.
    @Test func whatIsWrittenIsNotKeptInMuchMore() {
        var claimed = GrowingBytes()
        claimed.reserve(100_000)
        claimed.append(UInt32(7))
        let bytes = claimed.bytes
        #expect(bytes == [7, 0, 0, 0])
        #expect(bytes.capacity < 2_000)
        var used = GrowingBytes()
        used.reserve(4_000)
        for number in 0..<1_000 { used.append(UInt32(number)) }
        #expect(used.bytes.count == 4_000)
    }
}
