/// Ledgers of 0.1 know only canary steps, and promotion after them. What is as usual is not written.
extension Plan.Step: Codable {
    enum CodingKeys: String, CodingKey {
        case kind, share, advance
        case dwellMilliseconds = "dwell_ms"
        case minSamples = "min_samples"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .kind)
        try container.encode(share, forKey: .share)
        try container.encode(dwellMilliseconds, forKey: .dwellMilliseconds)
        try container.encode(minSamples, forKey: .minSamples)
        if advance != .noHarm { try container.encode(advance, forKey: .advance) }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        kind = try container.decodeIfPresent(Kind.self, forKey: .kind) ?? .canary
        share = try container.decode(Share.self, forKey: .share)
        dwellMilliseconds = try container.decode(Int64.self, forKey: .dwellMilliseconds)
        minSamples = try container.decode(Int.self, forKey: .minSamples)
        advance = try container.decodeIfPresent(Plan.Advance.self, forKey: .advance) ?? .noHarm
    }
}

extension Plan: Codable {
    enum CodingKeys: String, CodingKey {
        case steps, ending, holdback, exposure
        case watchMilliseconds = "watch_ms"
        case deadlineMilliseconds = "deadline_ms"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let steps = try container.decode([Step].self, forKey: .steps)
        let watch = try container.decode(Int64.self, forKey: .watchMilliseconds)
        let ending = try container.decodeIfPresent(Ending.self, forKey: .ending) ?? .promote
        let plan = Plan(
            steps: steps,
            ending: ending,
            watchMilliseconds: watch,
            holdback: try container.decodeIfPresent(Share.self, forKey: .holdback) ?? .none,
            deadlineMilliseconds: try container.decodeIfPresent(Int64.self, forKey: .deadlineMilliseconds),
            exposure: try container.decodeIfPresent(Exposure.self, forKey: .exposure)
        )
        guard let plan else {
            throw DecodingError.dataCorruptedError(
                forKey: .steps,
                in: container,
                debugDescription: "the shares do not rise, or a number is out of range"
            )
        }
        self = plan
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(steps, forKey: .steps)
        try container.encode(ending, forKey: .ending)
        try container.encode(watchMilliseconds, forKey: .watchMilliseconds)
        if holdback > .none { try container.encode(holdback, forKey: .holdback) }
        try container.encodeIfPresent(deadlineMilliseconds, forKey: .deadlineMilliseconds)
        try container.encodeIfPresent(exposure, forKey: .exposure)
    }
}
