import BelayCore
import BelayInference
import BelayInferenceLog

@testable import BelayServer

private let contentTypes = [nil, "application/json", "application/x-ndjson", "text/csv"]

private let policies = [
    Policy.Labels(output: "label", positive: "1"),
    Policy.Labels(output: "score", positive: "1", threshold: 0.5, classes: ["0", "1"]),
    Policy.Labels(output: "score", kind: .regression),
    Policy.Labels(output: nil, probability: "probabilities", classes: ["1", "2", "x"]),
]

/// Labels and feedback, and what they show of an answer: the first byte says how they come.
func tryLabels(_ input: [UInt8]) {
    guard let first = input.first, let answer, !scorings.isEmpty else { return }
    let delivery = LabelDelivery(
        body: Array(input.dropFirst()),
        contentType: contentTypes[Int(first & 3)],
        isFeedback: first & 4 != 0
    )
    guard let labels = try? delivery.labels() else { return }
    precondition(labels.count <= LabelDelivery.mostLabels, "more labels than are taken")
    for case .success(let label) in labels.prefix(64) {
        _ = try? LabelScoring.opinion(label.value, isScore: label.isScore)
        for scoring in scorings {
            let shown = try? scoring.truth(label.value, isTabular: label.isTabular, answer: answer)
            precondition(shown?.outcomes.allSatisfy { $0.code >= 0 } ?? true, "an outcome without a code")
        }
    }
}

private let answer: AnswerRecord? = {
    guard let model = ModelName("m"), let version = VersionNumber(1) else { return nil }
    let response = """
        {"model_name":"m","outputs":[{"name":"label","shape":[1],"datatype":"INT64","data":[1]},\
        {"name":"score","shape":[2,1],"datatype":"FP32","data":[0.25,0.75]},\
        {"name":"probabilities","shape":[1,3],"datatype":"FP64","data":[0.2,0.5,0.3]}]}
        """
    return AnswerRecord(
        id: "a",
        at: Timestamp(milliseconds: 0),
        model: model,
        version: version,
        release: ReleaseID(1),
        arm: .candidate,
        share: .all,
        unit: nil,
        latencyMicroseconds: 1,
        status: 200,
        fallback: nil,
        request: [],
        response: Array(response.utf8)
    )
}()

private let scorings: [LabelScoring] = {
    let outputs: [(String, TensorType)] = [("label", .int64), ("score", .fp32), ("probabilities", .fp64)]
    let signature = Signature(
        inputs: [],
        outputs: outputs.map { TensorSpec(name: $0.0, type: $0.1, shape: [nil]) }
    )
    guard let signature, let model = ModelName("m") else { return [] }
    let standard = Policy.standard(for: model)
    return policies.compactMap { labels in
        Policy(
            model: model,
            serving: standard.serving,
            plan: standard.plan,
            guards: [],
            labels: labels,
            rollback: standard.rollback
        )
        .map { LabelScoring(policy: $0, signature: signature) }
    }
}()
