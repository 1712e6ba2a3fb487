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
            for feature in guarded.focus.sliceBy {
                let known = features[series] ?? []
                guard known.count < CountingPlan.mostSlicings, !known.contains(feature) else { continue }
                features[series] = known + [feature]
            }
        }
        (self.features, self.signature) = (features, signature)
    }

    /// The outcomes with their slices.
    ///
    /// Values are written as gateways write them; a batch, and a request that cannot be read any more, are
    /// among the others.
    func outcomes(_ shown: LabelScoring.Shown, of answer: AnswerRecord) -> [LabelOutcome] {
        let isSliced = shown.outcomes.contains { features[$0.series] != nil }
        let inputs = isSliced ? inputs(of: answer) : []
        return shown.outcomes.map { series, code in
            let slices = (features[series] ?? []).map { slice($0, inputs) }
            return LabelOutcome(series: series, code: code, slices: slices)
        }
    }

    private func slice(_ feature: String, _ inputs: [NamedTensor]) -> RequestSlice {
        let isBatch = inputs.contains { ($0.tensor.shape.first ?? 1) != 1 }
        let column = isBatch ? nil : TensorColumn(feature: feature, of: signature.inputs)
        let text = column?.value(in: inputs).description
        let known = text.flatMap { $0.utf8.count <= CountingPlan.mostValueBytes ? $0 : nil }
        return RequestSlice(feature: feature, value: known ?? RequestSlice.others)
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
            for format in [ScoringFormat.json, .csv] where request == nil {
                request = try? Scoring.request(
                    decoding: body,
                    format: format,
                    signature: signature,
                    limits: .standard
                )
            }
        }
        return request?.inputs ?? []
    }
}
