extension Metric {
    /// What a metric is measured in, and so how its bounds are written and its figures are shown.
    package enum Unit: Hashable, Sendable {
        /// A part of one that should be small: `error_rate`.
        case rate
        /// A part of one that should be great; counted as what is missing to all: `accuracy`.
        case goodRate
        /// Microseconds.
        case time
        /// Answers per second, which should be many.
        case throughput
        /// A number from 0 on that should be small: `brier`.
        case loss
        /// A number up to ``Guard/Focus/most`` that should be great; counted as what is missing to that.
        case score
        /// A population stability index.
        case stabilityIndex
        /// Something that must not happen once.
        case event
        /// Whatever a query answers.
        case number
    }

    package var unit: Unit {
        switch self {
        case .errorRate, .flagRate, .disagreement, .shadowError, .missingRate, .unseenRate, .schemaErrors:
            .rate
        case .accuracy, .precision, .recall, .f1: .goodRate
        case .latencyP50, .latencyP95, .latencyP99: .time
        case .throughput: .throughput
        case .logLoss, .brier, .mae, .rmse: .loss
        case .feedbackScore: .score
        case .predictionDrift, .featureDrift: .stabilityIndex
        case .invalidOutput, .circuitBreaker: .event
        case .query: .number
        }
    }

    /// Whether people say how good it must be, so that what falls short is counted.
    package var isGood: Bool { unit == .goodRate || unit == .score || unit == .throughput }

    /// Whether it is about one input, which a guard has to name; drift may be watched in all of them at once.
    package var isOfFeature: Bool {
        switch self {
        case .featureDrift, .missingRate, .unseenRate: true
        default: false
        }
    }

    /// Whether a true class belongs to it, and which.
    package var isOfClass: Bool {
        switch self {
        case .precision, .recall, .f1: true
        default: false
        }
    }

    /// Whether one of its bounds looks back over a time instead of counting a whole release.
    ///
    /// A bet has no window: forgetting what spoke for the candidate would spend its level again.
    package var hasWindow: Bool { self == .throughput || self == .query }

    /// Whether the requests can be split by the values of their features.
    package var canBeSliced: Bool {
        switch self {
        case .throughput, .query, .schemaErrors, .invalidOutput, .circuitBreaker, .disagreement, .shadowError:
            false
        default: true
        }
    }

    /// Whether single values are bounded by ``Guard/Focus/most``.
    package var hasMost: Bool {
        switch self {
        case .logLoss, .mae, .rmse, .feedbackScore: true
        default: false
        }
    }
}
