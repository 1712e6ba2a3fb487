/// One stream of coded outcomes: what gateways and labels count, and guards judge.
///
/// Counting coded outcomes instead of keeping values is what lets evidence add up over loops, gateways and
/// restarts. Each series says what its codes mean.
package enum Series: Hashable, Sendable {
    /// 0 answered, 1 failed.
    case answers
    /// The bucket of ``LogHistogram`` of the microseconds from routing to the answer; a request that was not
    /// answered has the highest.
    case latency
    /// 1 for each event.
    case invalidOutput
    case circuitBreaker
    /// 0 equal, 1 different.
    case disagreement
    /// 0 answered, 1 failed.
    case shadowError
    /// The ``LabelCell`` of prediction and label.
    case labels
    /// The ``Magnitude`` of one labelled answer's loss.
    case loss(Loss)
    /// 1 flagged by a person, 0 approved.
    case flags
    /// The ``Magnitude`` of a person's score.
    case score
    /// The bin of the predicted value in the reference of the release's ``StableProfile``.
    case prediction
    /// The bin of an input's value in the same way.
    case feature(String)
    /// 0 fits the signature, 1 does not.
    case schema
    /// 0 for each answer that got its first truth.
    case labelled
    /// Of a request that the version that serves has failed, what the next one said: a code of ``Rescues``.
    case rescue

    package enum Loss: String, Hashable, CaseIterable, Sendable {
        case logLoss = "log_loss"
        case brier
        case absoluteError = "absolute_error"
        case squaredError = "squared_error"
    }
}

/// A part of the requests: those whose feature has this value.
package struct RequestSlice: Hashable, Codable, Sendable, CustomStringConvertible {
    package let feature: String
    /// As text, at most 64 bytes; what is beyond the bound on slices is counted as ``others``.
    package let value: String

    package init(feature: String, value: String) {
        self.feature = feature
        self.value = value
    }

    package static let others = "(others)"
    package var description: String { "\(feature)=\(value)" }
}

extension Series: Codable, CustomStringConvertible {
    /// `answers`, `loss:brier`, `feature:age`.
    package var description: String {
        switch self {
        case .answers: "answers"
        case .latency: "latency"
        case .invalidOutput: "invalid_output"
        case .circuitBreaker: "circuit_breaker"
        case .disagreement: "disagreement"
        case .shadowError: "shadow_error"
        case .labels: "labels"
        case .loss(let loss): "loss:\(loss.rawValue)"
        case .flags: "flags"
        case .score: "score"
        case .prediction: "prediction"
        case .feature(let name): "feature:\(name)"
        case .schema: "schema"
        case .labelled: "labelled"
        case .rescue: "rescue"
        }
    }

    package init?(_ text: String) {
        let plain: [Series] = [
            .answers, .latency, .invalidOutput, .circuitBreaker, .disagreement, .shadowError, .labels, .flags,
            .score, .prediction, .schema, .labelled, .rescue,
        ]
        if let series = plain.first(where: { $0.description == text }) {
            self = series
        } else if text.hasPrefix("loss:"), let loss = Loss(rawValue: String(text.dropFirst(5))) {
            self = .loss(loss)
        } else if text.hasPrefix("feature:") {
            self = .feature(String(text.dropFirst(8)))
        } else {
            return nil
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let series = Series(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no series \(text)")
        }
        self = series
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Metric {
    /// Where a guard on this metric, of this feature, reads its outcomes.
    ///
    /// A `query` is answered by a Prometheus server and has no counts of its own: it reads nothing but how
    /// many requests there were.
    package func series(of feature: String?) -> Series {
        switch self {
        case .errorRate, .throughput, .query: .answers
        case .latencyP50, .latencyP95, .latencyP99: .latency
        case .accuracy, .precision, .recall, .f1: .labels
        case .logLoss: .loss(.logLoss)
        case .brier: .loss(.brier)
        case .mae: .loss(.absoluteError)
        case .rmse: .loss(.squaredError)
        case .flagRate: .flags
        case .feedbackScore: .score
        case .invalidOutput: .invalidOutput
        case .circuitBreaker: .circuitBreaker
        case .disagreement: .disagreement
        case .shadowError: .shadowError
        case .predictionDrift: .prediction
        case .featureDrift, .missingRate, .unseenRate: .feature(feature ?? "")
        case .schemaErrors: .schema
        }
    }
}
