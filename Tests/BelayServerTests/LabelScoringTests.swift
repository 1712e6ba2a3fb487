import BelayCore
import BelayInference
import BelayInferenceLog
import BelayStats
import Foundation
import Testing

@testable import BelayServer

/// What one label shows of one recorded answer.
@Suite("What a label shows")
struct LabelScoringTests {
    private let model = ModelName("fraud")
    private let version = VersionNumber(1)

    private func answer(_ outputs: String, request: String = "{}") throws -> AnswerRecord {
        AnswerRecord(
            id: "a",
            at: Timestamp(milliseconds: 0),
            model: try #require(model),
            version: try #require(version),
            release: ReleaseID(1),
            arm: .candidate,
            share: .all,
            unit: nil,
            latencyMicroseconds: 1,
            status: 200,
            fallback: nil,
            request: Array(request.utf8),
            response: Array("{\"model_name\":\"fraud\",\"outputs\":[\(outputs)]}".utf8)
        )
    }

    private func scoring(
        _ labels: Policy.Labels,
        outputs: [(String, TensorType)] = [("label", .int64), ("probabilities", .fp32)],
        guards: [Guard] = []
    ) throws -> LabelScoring {
        let standard = Policy.standard(for: try #require(model))
        let policy = Policy(
            model: standard.model,
            serving: standard.serving,
            plan: standard.plan,
            guards: guards,
            labels: labels,
            rollback: standard.rollback
        )
        let signature = Signature(
            inputs: [],
            outputs: outputs.map { TensorSpec(name: $0.0, type: $0.1, shape: [nil]) }
        )
        return LabelScoring(policy: try #require(policy), signature: try #require(signature))
    }

    private static let one = #"{"name":"label","shape":[1],"datatype":"INT64","data":[1]}"#
    private static let likely =
        one + #",{"name":"probabilities","shape":[1,2],"datatype":"FP32","data":[0.25,0.75]}"#

    private func codes(_ shown: LabelScoring.Shown) -> [Series: Int] {
        Dictionary(shown.outcomes.map { ($0.series, $0.code) }) { first, _ in first }
    }

    @Test func withoutNamedClassesALabelIsRightOrWrong() throws {
        let scoring = try scoring(Policy.Labels(output: nil))
        let right = try scoring.truth(.number(1), isTabular: false, answer: answer(Self.one))
        #expect(codes(right) == [.labels: 0] && right.wrong == false)
        let wrong = try scoring.truth(.number(0), isTabular: false, answer: answer(Self.one))
        #expect(codes(wrong) == [.labels: 1] && wrong.wrong == true)
    }

    @Test(
        arguments: [
            (LabelValue.number(1), 0, 0), (.number(0), 0, nil), (.bool(true), 0, 0), (.bool(false), 0, nil),
        ] as [(LabelValue, Int?, Int?)]
    )
    func aPositiveClassMakesAConfusionTable(value: LabelValue, prediction: Int?, truth: Int?) throws {
        let scoring = try scoring(Policy.Labels(output: nil, positive: "1"))
        let shown = try scoring.truth(value, isTabular: false, answer: answer(Self.one))
        let cell = try #require(LabelCell(code: codes(shown)[.labels] ?? -1, classes: 1))
        #expect(cell.prediction == prediction && cell.label == truth)
    }

    /// The score 0.7 is none that a 32-bit float can hold, and is at the threshold all the same.
    @Test(
        arguments: [
            ("[1]", "[0.7]", ["1"], LabelValue.number(1), 0), ("[1]", "[0.7]", ["1"], .number(0), 1),
            ("[1]", "[0.69]", ["1"], .number(1), 2), ("[1]", "[0.69]", ["1"], .bool(false), 3),
            ("[1,2]", "[0.1,0.9]", ["1"], .number(1), 0), ("[1,2]", "[0.9,0.1]", ["1", "0"], .number(1), 0),
            ("[1]", "[0.2]", ["0", "1"], .number(1), 1), ("[1]", "[0.9]", ["0", "1"], .number(0), 2),
        ] as [(String, String, [String], LabelValue, Int)]
    )
    func aThresholdMakesAClassOfAScore(
        shape: String,
        data: String,
        classes: [String],
        value: LabelValue,
        expected: Int
    ) throws {
        let labels = Policy.Labels(
            output: nil,
            positive: "1",
            threshold: 0.7,
            classes: classes.count == 1 ? [] : classes
        )
        let scoring = try scoring(labels, outputs: [("score", .fp32)])
        let said = try answer(answerOfScores(shape, data))
        let shown = try scoring.truth(value, isTabular: false, answer: said)
        let width = classes.count == 1 ? 2 : 3
        #expect(codes(shown) == [.labels: expected / 2 * width + expected % 2])
        #expect(shown.wrong == (expected / 2 != expected % 2))
    }

    @Test func aBatchOfScoresIsRightWhenEveryRowIs() throws {
        let scoring = try scoring(
            Policy.Labels(output: nil, positive: "1", threshold: 0.5),
            outputs: [("score", .fp32)]
        )
        let said = answerOfScores("[3,1]", "[0.2,0.8,0.5]")
        func wrong(_ labels: [Double]) throws -> Bool? {
            let value = LabelValue.list(labels.map { .number($0) })
            return try scoring.truth(value, isTabular: false, answer: answer(said)).wrong
        }
        #expect(try wrong([0, 1, 1]) == false)
        #expect(try wrong([0, 1, 0]) == true)
        #expect(throws: LabelFault.self) { try wrong([0, 1]) }
    }

    @Test func whatAThresholdCannotDecideIsSaid() throws {
        let labels = Policy.Labels(output: nil, positive: "1", threshold: 0.5, classes: ["0", "1"])
        let scores = try scoring(labels, outputs: [("score", .fp32)])
        #expect(throws: LabelFault.notComparable("The label is neither '1' nor one of 0, 1.")) {
            try scores.truth(.number(2), isTabular: false, answer: answer(answerOfScores("[1]", "[0.2]")))
        }
        let texts = try scoring(labels, outputs: [("label", .bytes)])
        let said = #"{"name":"label","shape":[1],"datatype":"BYTES","data":["a"]}"#
        #expect(throws: LabelFault.self) {
            try texts.truth(.number(1), isTabular: false, answer: answer(said))
        }
    }

    private func answerOfScores(_ shape: String, _ data: String) -> String {
        "{\"name\":\"score\",\"shape\":\(shape),\"datatype\":\"FP32\",\"data\":\(data)}"
    }

    @Test func classesAreNamedByTheirTexts() throws {
        let scoring = try scoring(
            Policy.Labels(output: nil, kind: .multiclass, classes: ["cat", "dog", "cow"]),
            outputs: [("label", .bytes), ("probabilities", .fp64)]
        )
        let said =
            #"{"name":"label","shape":[1],"datatype":"BYTES","data":["dog"]},"#
            + #"{"name":"probabilities","shape":[1,3],"datatype":"FP64","data":[0.2,0.5,0.3]}"#
        let shown = try scoring.truth(.text("cow"), isTabular: false, answer: answer(said))
        let cell = try #require(LabelCell(code: codes(shown)[.labels] ?? -1, classes: 3))
        #expect(cell.prediction == 1 && cell.label == 2 && !cell.agrees)
        #expect(codes(shown)[.loss(.logLoss)] == Magnitude.code(of: -log(0.3)))
        let brier = (0.04 + 0.25 + 0.49) / 2
        #expect(codes(shown)[.loss(.brier)] == Magnitude.code(of: brier))
        let unknown = try scoring.truth(.text("eel"), isTabular: false, answer: answer(said))
        #expect(LabelCell(code: codes(unknown)[.labels] ?? -1, classes: 3)?.label == nil)
        #expect(codes(unknown)[.loss(.logLoss)] == nil, "no probability is that of a class nobody named")
    }

    @Test func probabilitiesOfTwoClassesGiveTheUsualLosses() throws {
        let scoring = try scoring(Policy.Labels(output: "label", kind: .binary, positive: "1"))
        let right = try codes(scoring.truth(.number(1), isTabular: false, answer: answer(Self.likely)))
        #expect(right[.loss(.logLoss)] == Magnitude.code(of: -log(0.75)))
        #expect(right[.loss(.brier)] == Magnitude.code(of: 0.0625))
        let wrong = try codes(scoring.truth(.number(0), isTabular: false, answer: answer(Self.likely)))
        #expect(wrong[.loss(.logLoss)] == Magnitude.code(of: -log(0.25)))
        #expect(wrong[.loss(.brier)] == Magnitude.code(of: 0.5625))
    }

    @Test func aProbabilityOfZeroCostsABoundedAmount() throws {
        let scoring = try scoring(Policy.Labels(output: "label", probability: "p"))
        let sure = Self.one + #",{"name":"p","shape":[1],"datatype":"FP32","data":[1]}"#
        let shown = try codes(scoring.truth(.number(0), isTabular: false, answer: answer(sure)))
        #expect(shown[.loss(.logLoss)] == Magnitude.code(of: -log(1e-4)))
    }

    @Test(arguments: ["[1.5,-0.5]", "[0.1,0.2,0.7]", "[null,1]"])
    func whatIsNoProbabilityHasNoLoss(data: String) throws {
        let scoring = try scoring(Policy.Labels(output: "label", positive: "1", classes: ["0", "1"]))
        let shape = data.split(separator: ",").count
        let odd =
            Self.one + #",{"name":"probabilities","shape":[1,\#(shape)],"datatype":"FP32","data":\#(data)}"#
        let shown = try? scoring.truth(.number(1), isTabular: false, answer: answer(odd))
        #expect(shown.map { codes($0)[.loss(.brier)] == nil } ?? true)
    }

    @Test func aQuantityHasErrorsAndNoRightOrWrong() throws {
        let scoring = try scoring(
            Policy.Labels(output: nil, kind: .regression),
            outputs: [("price", .fp64)]
        )
        let said = #"{"name":"price","shape":[2],"datatype":"FP64","data":[10,20]}"#
        let label = LabelValue.list([.number(11), .number(17)])
        let shown = try scoring.truth(label, isTabular: false, answer: answer(said))
        #expect(
            codes(shown) == [
                .loss(.absoluteError): Magnitude.code(of: 2), .loss(.squaredError): Magnitude.code(of: 5),
            ]
        )
        #expect(shown.wrong == nil)
        let fault = #expect(throws: LabelFault.self) {
            try scoring.truth(.number(11), isTabular: false, answer: answer(said))
        }
        #expect(fault?.code == "label.not-comparable")
    }

    @Test func aTablesTextIsReadAsThePredictionIsWritten() throws {
        let numbers = try scoring(Policy.Labels(output: nil))
        #expect(try numbers.truth(.text("1"), isTabular: true, answer: answer(Self.one)).wrong == false)
        #expect(throws: LabelFault.self) {
            try numbers.truth(.text("1"), isTabular: false, answer: answer(Self.one))
        }
        let texts = try scoring(Policy.Labels(output: nil), outputs: [("label", .bytes)])
        let said = #"{"name":"label","shape":[1],"datatype":"BYTES","data":["1"]}"#
        #expect(try texts.truth(.text("1"), isTabular: true, answer: answer(said)).wrong == false)
    }

    @Test func anObjectNamesOutputs() throws {
        let two = Self.one + #",{"name":"rank","shape":[1],"datatype":"INT64","data":[3]}"#
        let outputs: [(String, TensorType)] = [("label", .int64), ("rank", .int64)]
        let chosen = try scoring(Policy.Labels(output: "rank"), outputs: outputs)
        let value = LabelValue.outputs(["label": .number(9), "rank": .number(3)])
        #expect(try chosen.truth(value, isTabular: false, answer: answer(two)).wrong == false)
        let every = try scoring(
            Policy.Labels(output: "neither"),
            outputs: outputs
        )
        #expect(try every.truth(value, isTabular: false, answer: answer(two)).wrong == true)
        #expect(throws: LabelFault.noPrediction) {
            try every.truth(.number(1), isTabular: false, answer: answer(two))
        }
    }

    @Test(
        arguments: [
            (LabelValue.bool(true), false, Series.flags, 0), (.bool(false), false, .flags, 1),
            (.text("down"), false, .flags, 1), (.text("Yes"), false, .flags, 0),
            (.number(0), false, .flags, 1),
            (.number(1), false, .flags, 0), (.number(0), true, .score, 0),
            (.number(4), false, .score, Magnitude.code(of: 4)),
            (.text("4"), false, .score, Magnitude.code(of: 4)),
        ] as [(LabelValue, Bool, Series, Int?)]
    )
    func anOpinionIsAThumbOrAScore(value: LabelValue, isScore: Bool, series: Series, code: Int?) throws {
        let shown = try LabelScoring.opinion(value, isScore: isScore)
        #expect(shown.outcomes.map(\.series) == [series] && shown.outcomes.map(\.code) == [code])
    }

    @Test(arguments: [LabelValue.number(-1), .text("meh"), .list([]), .text("nan"), .outputs([:])])
    func whatIsNoOpinionIsRefused(value: LabelValue) {
        #expect(throws: LabelFault.badFeedback) { try LabelScoring.opinion(value, isScore: false) }
    }

    @Test func slicesAreReadFromTheRequestForTheGuardsThatAskForThem() throws {
        let focus = Guard.Focus(sliceBy: ["country", "vip"])
        let guarded = try #require(
            Guard(
                name: "accuracy",
                metric: .accuracy,
                limit: .againstStable(margin: 0.02),
                minSamples: nil,
                reaction: .rollback,
                focus: focus
            )
        )
        let scoring = try scoring(Policy.Labels(output: nil, positive: "1"), guards: [guarded])
        let signature = try #require(
            Signature(
                inputs: [
                    TensorSpec(name: "country", type: .bytes, shape: [1]),
                    TensorSpec(name: "vip", type: .bool, shape: [1]),
                ],
                outputs: [TensorSpec(name: "label", type: .int64, shape: [1])]
            )
        )
        let asked =
            #"{"inputs":[{"name":"country","shape":[1],"datatype":"BYTES","data":["DE"]},"#
            + #"{"name":"vip","shape":[1],"datatype":"BOOL","data":[true]}]}"#
        let record = try answer(Self.likely, request: asked)
        let shown = try scoring.truth(.number(1), isTabular: false, answer: record)
        let outcomes = LabelSlicing(policy: scoring.policy, signature: signature).outcomes(shown, of: record)
        let labels = try #require(outcomes.first { $0.series == .labels })
        #expect(labels.slices.map(\.description) == ["country=DE", "vip=true"])
        #expect(outcomes.filter { $0.series != .labels }.allSatisfy { $0.slices.isEmpty })
    }
}
