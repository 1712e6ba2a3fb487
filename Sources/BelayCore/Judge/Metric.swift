/// What a guard looks at.
///
/// What is counted is a ``Series``; several metrics may read the same one.
package enum Metric: String, Codable, CaseIterable, Sendable {
    /// A request that the version failed to answer: it erred, timed out or was overloaded.
    case errorRate = "error_rate"
    /// Time from routing to the answer, at a quantile; a request that was not answered counts as slowest.
    case latencyP50 = "latency_p50"
    case latencyP95 = "latency_p95"
    case latencyP99 = "latency_p99"
    /// Answers per second that the arm would give with all requests.
    case throughput
    /// A labelled answer that agreed with its label; counted as its opposite, wrong answers.
    case accuracy
    /// Of one class, or the mean over all of them.
    case precision
    case recall
    case f1
    /// Losses of labelled answers, averaged.
    case logLoss = "log_loss"
    case brier
    case mae
    case rmse
    /// An answer that a person flagged, as a part of all answers.
    case flagRate = "flag_rate"
    /// The mean of people's scores; counted as its opposite, what is missing to the best score.
    case feedbackScore = "feedback_score"
    /// An answer with NaN, infinity, or another type or shape than the signature promises.
    case invalidOutput = "invalid_output"
    /// The circuit breaker of an instance opened twice within a minute; the gateway counts each such event
    /// once, as bad.
    case circuitBreaker = "circuit_breaker"
    /// A shadow's answer that differs from the one that was served; every compared pair is counted.
    case disagreement
    /// A request that a shadow failed to answer; every request that was copied to it is counted.
    case shadowError = "shadow_error"
    /// How far the candidate's predictions lie from stable's, as a population stability index.
    case predictionDrift = "prediction_drift"
    /// How far one input lies from its reference, as a population stability index.
    case featureDrift = "feature_drift"
    /// A request in which a feature is missing, NaN or empty.
    case missingRate = "missing_rate"
    /// A request with a category that the reference does not have.
    case unseenRate = "unseen_rate"
    /// A request that does not fit the model's signature.
    case schemaErrors = "schema_errors"
    /// A number that a Prometheus server has for each version.
    case query

    /// Whether a single occurrence is one too many.
    package var isNeverEvent: Bool { self == .invalidOutput || self == .circuitBreaker }

    /// Whether shadows count it: for the arm candidate, with the share of all.
    ///
    /// The coin of a shadow decides what is copied, not who answers, so its outcomes are no evidence for a
    /// comparison of the arms. Each pair is a sample of its own.
    package var isOfShadows: Bool { self == .disagreement || self == .shadowError }

    var isOfLatency: Bool {
        switch self {
        case .latencyP50, .latencyP95, .latencyP99: true
        default: false
        }
    }

    /// Whether it is known only once a label or a person's verdict arrives.
    package var isOfLabels: Bool {
        switch self {
        case .accuracy, .precision, .recall, .f1, .logLoss, .brier, .mae, .rmse, .flagRate, .feedbackScore:
            true
        default: false
        }
    }

    /// Whether a step of this kind can show it: errors and labels speak of answers that somebody got.
    package func applies(to kind: Plan.Step.Kind) -> Bool {
        if isNeverEvent { return true }
        return isOfShadows ? kind == .shadow : kind == .canary
    }
}
