import BelayCore
import Foundation
import Testing

@Suite("Signature")
struct SignatureTests {
    private typealias Case = (name: String, new: Signature, found: [Signature.Mismatch])

    private static let stable = signature(
        [spec("age", .fp32, [nil, 1]), spec("city", .bytes, [nil, 1])],
        [spec("label", .int64, [nil]), spec("score", .fp32, [nil, 2])]
    )

    private static func changed(
        inputs: [TensorSpec] = stable.inputs,
        outputs: [TensorSpec] = stable.outputs
    ) -> Signature {
        signature(inputs, outputs)
    }

    private static let cases: [Case] = [
        ("the same", stable, []),
        ("another order", changed(inputs: stable.inputs.reversed(), outputs: stable.outputs.reversed()), []),
        ("one more output", changed(outputs: stable.outputs + [spec("why", .bytes, [nil])]), []),
        ("an input accepts more", changed(inputs: [spec("age", .fp32, [nil, nil]), stable.inputs[1]]), []),
        ("an output promises more", changed(outputs: [spec("label", .int64, [1]), stable.outputs[1]]), []),
        ("an input is gone", changed(inputs: [stable.inputs[0]]), [.inputMissing("city")]),
        (
            "an input is new", changed(inputs: stable.inputs + [spec("sex", .bool, [nil])]),
            [.inputAdded("sex")]
        ),
        (
            "an input is renamed", changed(inputs: [spec("Age", .fp32, [nil, 1]), stable.inputs[1]]),
            [.inputMissing("age"), .inputAdded("Age")]
        ),
        (
            "an input's type", changed(inputs: [spec("age", .fp64, [nil, 1]), stable.inputs[1]]),
            [.inputChanged("age")]
        ),
        (
            "an input's rank", changed(inputs: [spec("age", .fp32, [nil]), stable.inputs[1]]),
            [.inputChanged("age")]
        ),
        (
            "an input accepts less", changed(inputs: [spec("age", .fp32, [1, 1]), stable.inputs[1]]),
            [.inputChanged("age")]
        ),
        ("an output is gone", changed(outputs: [stable.outputs[0]]), [.outputMissing("score")]),
        (
            "an output's type", changed(outputs: [spec("label", .bytes, [nil]), stable.outputs[1]]),
            [.outputChanged("label")]
        ),
        (
            "an output promises less",
            changed(outputs: [stable.outputs[0], spec("score", .fp32, [nil, nil])]),
            [.outputChanged("score")]
        ),
        (
            "everything at once", signature([spec("x", .int8, [])], [spec("y", .int8, [])]),
            [
                .inputMissing("age"), .inputMissing("city"), .inputAdded("x"), .outputMissing("label"),
                .outputMissing("score"),
            ]
        ),
    ]

    @Test(arguments: cases.indices)
    func namesEachReasonWhyCallersWouldNotice(index: Int) {
        let (name, new, found) = Self.cases[index]
        #expect(new.mismatches(replacing: Self.stable) == found, "\(name)")
    }

    @Test(arguments: cases.indices)
    func theGateFailsIffThereIsAMismatch(index: Int) {
        let (name, new, found) = Self.cases[index]
        let report = signatureGate(candidate: new, stable: Self.stable)
        #expect(report.outcome == (found.isEmpty ? .pass : .fail), "\(name)")
        #expect(report.detail.isEmpty == found.isEmpty)
        for mismatch in found { #expect(report.detail.contains(mismatch.sentence)) }
    }

    @Test func theGateIsSkippedWhereNothingServes() {
        #expect(signatureGate(candidate: Self.stable, stable: nil).outcome == .skipped)
    }

    @Test func predictionIsChosenThenNamedThenTheOnlyOne() {
        func prediction(_ names: [String], chosen: String? = nil) -> String? {
            signature([], names.map { spec($0, .int64, [nil]) }).prediction(chosen: chosen)?.name
        }
        #expect(prediction(["label", "score"], chosen: "score") == "score")
        #expect(prediction(["label", "score"], chosen: "scores") == nil)
        #expect(prediction(["output_label", "label"]) == "label")
        #expect(prediction(["probabilities", "output_label"]) == "output_label")
        #expect(prediction(["anything"]) == "anything")
        #expect(prediction(["a", "b"]) == nil)
    }

    @Test func aSideNeverHoldsANameTwiceAndThereIsAnOutput() {
        let spec = spec("x", .fp32, [nil])
        #expect(Signature(inputs: [spec], outputs: []) == nil)
        #expect(Signature(inputs: [spec, spec], outputs: [spec]) == nil)
        #expect(Signature(inputs: [spec], outputs: [spec, spec]) == nil)
        #expect(Signature(inputs: [spec], outputs: [spec]) != nil)
    }

    private static let output = #"{"name":"y","type":"INT8","shape":[]}"#
    private static let twice = "{\"inputs\":[],\"outputs\":[\(output),\(output)]}"

    @Test(arguments: [
        #"{"inputs":[],"outputs":[]}"#,
        twice,
        #"{"inputs":[],"outputs":[{"name":"y","type":"FLOAT","shape":[]}]}"#,
        #"{"inputs":[],"outputs":[{"name":"y","type":"FP32","shape":[-2]}]}"#,
    ])
    func noRecordSmugglesInAnIllegalSignature(json: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(Signature.self, from: Data(json.utf8))
        }
    }

    @Test func aTensorFitsIffRankAndFixedDimensionsAgree() {
        let open = spec("x", .fp32, [nil, 30])
        for (shape, fits) in [
            ([1, 30], true), ([0, 30], true), ([30], false), ([1, 29], false), ([], false),
        ] {
            #expect(open.accepts(shape: shape) == fits, "\(shape)")
        }
        #expect(spec("x", .fp32, []).accepts(shape: []))
    }

    @Test func widthsAreThoseOfTheProtocol() {
        let widths = TensorType.allCases.map(\.width)
        #expect(widths == [1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, nil])
        #expect(
            TensorType.allCases.map(\.rawValue).joined(separator: " ")
                == "BOOL INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 FP16 FP32 FP64 BYTES"
        )
    }
}
