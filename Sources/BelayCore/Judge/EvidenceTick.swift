/// What was counted for one release between two looks; stored, so that any decision can be made again.
package struct EvidenceTick: Equatable, Sendable {
    package let release: ReleaseID
    package let at: Timestamp
    /// The step during which it was collected; ``Plan/watchStep`` while the promoted candidate is watched,
    /// and ``Plan/settledStep`` once the release has ended.
    package let step: Int
    /// Of this release alone.
    package let counts: EvidenceCounts
    /// What was asked of monitors elsewhere, for the guards on a `query`.
    package let readings: [Reading]

    /// One answer of a monitor.
    package struct Reading: Hashable, Codable, Sendable {
        /// The name of the guard that asks.
        package let guardName: String
        package let arm: Arm
        /// Nil when there was no answer, or none that is a finite number.
        package let value: Double?
        package let at: Timestamp

        enum CodingKeys: String, CodingKey {
            case guardName = "guard"
            case arm, value, at
        }

        package init(guardName: String, arm: Arm, value: Double?, at: Timestamp) {
            self.guardName = guardName
            self.arm = arm
            self.value = value.flatMap { $0.isFinite ? $0 : nil }
            self.at = at
        }
    }

    /// Counts of other releases are left out.
    package init(
        release: ReleaseID,
        at: Timestamp,
        step: Int,
        counts: EvidenceCounts,
        readings: [Reading] = []
    ) {
        self.release = release
        self.at = at
        self.step = step
        self.counts = counts.of(release)
        self.readings = readings
    }
}

extension EvidenceTick: Codable {
    private struct Count: Codable {
        let series: Series
        let slice: RequestSlice?
        let arm: Arm
        let share: Share
        let code: Int
        let n: Int

        enum CodingKeys: String, CodingKey {
            case series, slice, arm, share, code, n
            /// Of 0.1, which knew only outcomes that are good or bad.
            case metric, bad
        }

        init(_ key: EvidenceKey, _ number: Int) {
            series = key.series
            slice = key.slice
            arm = key.arm
            share = key.share
            code = key.code
            n = number
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            if let metric = try container.decodeIfPresent(Metric.self, forKey: .metric) {
                series = metric.series(of: nil)
                code = try container.decode(Bool.self, forKey: .bad) ? 1 : 0
            } else {
                series = try container.decode(Series.self, forKey: .series)
                code = try container.decode(Int.self, forKey: .code)
            }
            slice = try container.decodeIfPresent(RequestSlice.self, forKey: .slice)
            arm = try container.decode(Arm.self, forKey: .arm)
            share = try container.decode(Share.self, forKey: .share)
            n = try container.decode(Int.self, forKey: .n)
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(series, forKey: .series)
            try container.encodeIfPresent(slice, forKey: .slice)
            try container.encode(arm, forKey: .arm)
            try container.encode(share, forKey: .share)
            try container.encode(code, forKey: .code)
            try container.encode(n, forKey: .n)
        }

        /// Equal evidence is written as equal bytes, whatever the order of a dictionary.
        static func precedes(_ one: Count, _ other: Count) -> Bool {
            (
                one.series.description, one.slice?.description ?? "", one.arm.rawValue,
                one.share.partsPerMillion, one.code
            )
                < (
                    other.series.description, other.slice?.description ?? "", other.arm.rawValue,
                    other.share.partsPerMillion, other.code
                )
        }
    }

    enum CodingKeys: String, CodingKey {
        case release, at, step, counts, readings
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let release = try container.decode(ReleaseID.self, forKey: .release)
        var counts = EvidenceCounts()
        for count in try container.decode([Count].self, forKey: .counts) {
            guard count.n >= 0, count.code >= 0 else {
                throw DecodingError.dataCorruptedError(
                    forKey: .counts,
                    in: container,
                    debugDescription: "a count or a code is negative"
                )
            }
            let key = EvidenceKey(
                release: release,
                series: count.series,
                slice: count.slice,
                arm: count.arm,
                share: count.share,
                code: count.code
            )
            counts.add(key, count.n)
        }
        self.init(
            release: release,
            at: try container.decode(Timestamp.self, forKey: .at),
            step: try container.decode(Int.self, forKey: .step),
            counts: counts,
            readings: try container.decodeIfPresent([Reading].self, forKey: .readings) ?? []
        )
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(release, forKey: .release)
        try container.encode(at, forKey: .at)
        try container.encode(step, forKey: .step)
        try container.encode(counts.counts.map(Count.init).sorted(by: Count.precedes), forKey: .counts)
        if !readings.isEmpty { try container.encode(readings, forKey: .readings) }
    }
}
