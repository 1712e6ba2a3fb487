/// What the judge permits or demands at one moment; every case carries the reports it rests on.
package enum Ruling: Equatable, Sendable {
    /// Not yet: something is undecided or blind, or the step has not lasted long enough.
    case wait([GuardReport])
    /// Every guard passes and the step has done its time.
    case advance([GuardReport])
    /// A guard that only holds has been breached.
    case hold(String, [GuardReport])
    /// Harm is proven; the named guard contributed most.
    case rollback(String, [GuardReport])

    package var reports: [GuardReport] {
        switch self {
        case .wait(let reports), .advance(let reports), .hold(_, let reports), .rollback(_, let reports):
            reports
        }
    }
}

/// What was counted for one release between two looks; stored, so that any decision can be made again.
package struct EvidenceTick: Equatable, Sendable {
    package let release: ReleaseID
    package let at: Timestamp
    /// The canary step during which it was collected.
    package let step: Int
    /// Of this release alone.
    package let counts: EvidenceCounts

    /// Counts of other releases are left out.
    package init(release: ReleaseID, at: Timestamp, step: Int, counts: EvidenceCounts) {
        self.release = release
        self.at = at
        self.step = step
        self.counts = counts.of(release)
    }
}

extension EvidenceTick: Codable {
    private struct Count: Codable {
        let metric: Metric
        let arm: Arm
        let share: Share
        let bad: Bool
        let n: Int

        /// Equal evidence is written as equal bytes, whatever the order of a dictionary.
        var order: String { "\(metric.rawValue) \(arm.rawValue) \(share.partsPerMillion) \(bad)" }
    }

    enum CodingKeys: String, CodingKey {
        case release, at, step, counts
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let release = try container.decode(ReleaseID.self, forKey: .release)
        var counts = EvidenceCounts()
        for count in try container.decode([Count].self, forKey: .counts) {
            guard count.n >= 0 else {
                throw DecodingError.dataCorruptedError(
                    forKey: .counts,
                    in: container,
                    debugDescription: "a count is negative"
                )
            }
            let key = EvidenceKey(
                release: release,
                metric: count.metric,
                arm: count.arm,
                share: count.share,
                bad: count.bad
            )
            counts.add(key, count.n)
        }
        self.init(
            release: release,
            at: try container.decode(Timestamp.self, forKey: .at),
            step: try container.decode(Int.self, forKey: .step),
            counts: counts
        )
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(release, forKey: .release)
        try container.encode(at, forKey: .at)
        try container.encode(step, forKey: .step)
        let sorted = counts.counts.map { key, number in
            Count(metric: key.metric, arm: key.arm, share: key.share, bad: key.bad, n: number)
        }.sorted { $0.order < $1.order }
        try container.encode(sorted, forKey: .counts)
    }
}

extension Ruling {
    /// Why, in one sentence, for the record; nil while nothing follows.
    package var sentence: String? {
        switch self {
        case .wait: nil
        case .advance: "every guard passes and the step has done its time"
        case .hold(let name, _): "guard \(name) was breached"
        case .rollback(let name, _): "guard \(name) proved harm"
        }
    }
}
