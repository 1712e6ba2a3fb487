extension AllocationBet {
    /// How much worse the candidate may be before that counts as a regression.
    ///
    /// A margin is either absolute or relative: granting both would leave nobody sure what was promised.
    package enum Margin: Equatable, Sendable {
        case none
        /// In units of badness, 0 … 1: 0.005 allows half a point of error rate more.
        case absolute(Double)
        /// A fraction of stable's mean, ≥ 0: 0.25 allows a quarter more.
        case relative(Double)

        var absolute: Double {
            guard case .absolute(let margin) = self else { return 0 }
            return margin
        }

        var relative: Double {
            guard case .relative(let margin) = self else { return 0 }
            return margin
        }

        var isValid: Bool { (0...1).contains(absolute) && relative >= 0 && relative.isFinite }
    }

    /// What one bet is about, fixed before its first outcome.
    ///
    /// The prior only steers the stakes of the first ticks: a wrong one costs speed, never validity.
    package struct Settings: Equatable, Sendable {
        package let margin: Margin
        package let direction: Direction
        /// Expected mean badness, 0 … 1.
        package let priorMean: Double
        /// Expected variance of one outcome, 0 … 1.
        package let priorVariance: Double
        /// Outcomes that the prior counts for; 20 without history, 100 to 200 with.
        package let priorWeight: Double
        /// Whether a fifth of the capital is held back for regressions that start late.
        package let drip: Bool

        /// Returns nil for a number outside its range above, NaN included, or a prior of no weight.
        package init?(
            margin: Margin,
            direction: Direction,
            priorMean: Double,
            priorVariance: Double,
            priorWeight: Double,
            drip: Bool
        ) {
            guard margin.isValid, (0...1).contains(priorMean), (0...1).contains(priorVariance),
                priorWeight > 0, priorWeight.isFinite
            else { return nil }
            self.init(
                accepting: margin,
                direction: direction,
                prior: (priorMean, priorVariance, priorWeight),
                drip: drip
            )
        }

        private init(
            accepting margin: Margin,
            direction: Direction,
            prior: (mean: Double, variance: Double, weight: Double),
            drip: Bool
        ) {
            self.margin = margin
            self.direction = direction
            priorMean = prior.mean
            priorVariance = prior.variance
            priorWeight = prior.weight
            self.drip = drip
        }

        /// The settings for a rate without history: a prior of 20 outcomes at 5 %.
        ///
        /// Only a rollback bet drips: advancing is not urgent. An invalid margin counts as none, which is the
        /// strictest reading of a rollback bet; use the failable initialiser where it must be refused.
        package static func rate(margin: Margin, direction: Direction = .rollback) -> Settings {
            Settings(
                accepting: margin.isValid ? margin : .none,
                direction: direction,
                prior: (mean: 0.05, variance: 0.05 * (1 - 0.05), weight: 20),
                drip: direction == .rollback
            )
        }
    }
}

/// Stored as `{}`, `{"absolute": 0.005}` or `{"relative": 0.25}`.
extension AllocationBet.Margin: Codable {
    private enum CodingKeys: String, CodingKey { case absolute, relative }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let absolute = try values.decodeIfPresent(Double.self, forKey: .absolute)
        let relative = try values.decodeIfPresent(Double.self, forKey: .relative)
        switch (absolute, relative) {
        case (nil, nil): self = .none
        case (let margin?, nil): self = .absolute(margin)
        case (nil, let margin?): self = .relative(margin)
        case (_?, _?): throw DecodingError.invalid("two margins where one is allowed", from: decoder)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .none: break
        case .absolute(let margin): try values.encode(margin, forKey: .absolute)
        case .relative(let margin): try values.encode(margin, forKey: .relative)
        }
    }
}

extension AllocationBet.Settings: Codable {
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let settings = AllocationBet.Settings(
            margin: try values.decode(AllocationBet.Margin.self, forKey: .margin),
            direction: try values.decode(AllocationBet.Direction.self, forKey: .direction),
            priorMean: try values.decode(Double.self, forKey: .priorMean),
            priorVariance: try values.decode(Double.self, forKey: .priorVariance),
            priorWeight: try values.decode(Double.self, forKey: .priorWeight),
            drip: try values.decode(Bool.self, forKey: .drip)
        )
        guard let settings else {
            throw DecodingError.invalid("a number of the settings is out of range", from: decoder)
        }
        self = settings
    }
}
