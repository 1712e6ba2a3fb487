import BelayCore
import BelayInference
import BelayInferenceLog

/// Says to which slices a recorded request belongs, for the guards that look at slices.
struct LabelSlicing {
    /// The features that each series is sliced by.
    private let features: [Series: [String]]
    private let signature: Signature

    init(policy: Policy, signature: Signature) {
        var features: [Series: [String]] = [:]
        for guarded in policy.guards {
            let series = guarded.metric.series(of: guarded.focus.feature)
            for feature in guarded.focus.sliceBy where !features[series, default: []].contains(feature) {
                features[series, default: []].append(feature)
            }
        }
        (self.features, self.signature) = (features, signature)
    }

    /// The outcomes with their slices; a batch of several values has none.
    func outcomes(_ shown: LabelScoring.Shown, of answer: AnswerRecord) -> [LabelOutcome] {
        let isSliced = shown.outcomes.contains { features[$0.series] != nil }
        let inputs = isSliced ? inputs(of: answer) : []
        return shown.outcomes.map { series, code in
            let slices = (features[series] ?? []).compactMap { slice($0, inputs) }
            return LabelOutcome(series: series, code: code, slices: slices)
        }
    }

    private func slice(_ feature: String, _ inputs: [NamedTensor]) -> RequestSlice? {
        let isBatch = inputs.contains { ($0.tensor.shape.first ?? 1) != 1 }
        guard !isBatch, let column = TensorColumn(feature: feature, of: signature.inputs),
            let text = column.value(in: inputs).description
        else { return nil }
        return RequestSlice(
            feature: feature,
            value: text.utf8.count <= CountingPlan.mostValueBytes ? text : RequestSlice.others
        )
    }

    /// The inputs of a request in either protocol; none when it cannot be read any more.
    private func inputs(of answer: AnswerRecord) -> [NamedTensor] {
        let body = answer.request
        var request: OIPRequest?
        do throws(InferenceError) {
            let header = answer.requestHeaderLength
            request = try OIPRequest(decoding: body, headerLength: header, limits: .standard)
                .completed(by: signature)
        } catch {
            request = try? Scoring.request(
                decoding: body,
                format: .json,
                signature: signature,
                limits: .standard
            )
        }
        return request?.inputs ?? []
    }
}
