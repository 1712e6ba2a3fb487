import BelayCore
import BelayInference
import BelayInferenceLog

/// Says to which slices a recorded request belongs, for the guards that look at slices.
struct LabelSlicing {
    private static let longestValue = 64

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
        let inputs = isSliced ? inputs(of: answer) : [:]
        return shown.outcomes.map { series, code in
            let slices = (features[series] ?? []).compactMap { slice($0, inputs) }
            return LabelOutcome(series: series, code: code, slices: slices)
        }
    }

    private func slice(_ feature: String, _ inputs: [String: Tensor]) -> RequestSlice? {
        guard let tensor = inputs[feature], tensor.count == 1 else { return nil }
        let text: String
        if let word = tensor.text(at: 0) {
            text = word
        } else if let number = tensor.number(at: 0) {
            text = tensor.type == .bool ? (number == 0 ? "false" : "true") : shortDecimal(number)
        } else {
            return nil
        }
        return RequestSlice(
            feature: feature,
            value: text.utf8.count <= Self.longestValue ? text : RequestSlice.others
        )
    }

    /// The inputs of a request in either protocol; none when it cannot be read any more.
    private func inputs(of answer: AnswerRecord) -> [String: Tensor] {
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
        let inputs = request?.inputs ?? []
        return Dictionary(inputs.map { ($0.name, $0.tensor) }) { first, _ in first }
    }
}
