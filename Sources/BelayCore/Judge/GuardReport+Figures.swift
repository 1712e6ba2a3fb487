extension GuardReport {
    /// What the figures of a report are.
    package enum Versus: String, Hashable, Codable, CaseIterable, Sendable {
        /// The candidate's own.
        case none
        /// Its difference from stable's.
        case stable
        /// That difference as a part of stable's.
        case relative = "stable_relative"
        /// How bad its outcomes are, from 0 to 1: which part is wrong, too slow, or of the worst there is.
        case badness

        /// What the figures of a guard with this limit are.
        package init(_ limit: Guard.Limit) {
            switch limit {
            case .againstStable: self = .stable
            case .relativeToStable, .withinOfStable: self = .relative
            case .absolute, .atLeast, .never: self = .none
            }
        }
    }

    /// What the figures are; a report that was recorded before reports said so has those of its guard.
    package func versus(under guarded: Guard? = nil) -> Versus {
        versus ?? guarded.map { Versus($0.limit) } ?? (stableSamples > 0 ? .stable : .none)
    }
}

extension Metric {
    /// The name of what a report's figures are in, for machines: times are told in milliseconds.
    package func unitName(_ versus: GuardReport.Versus) -> String {
        guard versus == .none || versus == .stable else { return "fraction" }
        return switch unit {
        case .rate, .goodRate: "fraction"
        case .time: "ms"
        case .throughput: "per_second"
        case .stabilityIndex: "psi"
        case .event: "events"
        case .loss, .score, .number: "number"
        }
    }

    /// By what a report's figures are multiplied to be in that unit: times are kept in microseconds.
    package func unitScale(_ versus: GuardReport.Versus) -> Double {
        unit == .time && (versus == .none || versus == .stable) ? 0.001 : 1
    }

    /// What an outcome that is bad by this metric is called: `31% wrong`.
    package var badWord: String {
        if isOfLatency { return "too slow" }
        return self == .accuracy || self == .errorRate ? "wrong" : "of the worst"
    }
}
