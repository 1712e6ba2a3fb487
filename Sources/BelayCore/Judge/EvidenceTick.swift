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
        /// Why there is no number; at most ``longestProblem`` characters.
        package let problem: String?

        private static let longestProblem = 200

        enum CodingKeys: String, CodingKey {
            case guardName = "guard"
            case arm, value, at, problem
        }

        package init(guardName: String, arm: Arm, value: Double?, at: Timestamp, problem: String? = nil) {
            self.guardName = guardName
            self.arm = arm
            self.value = value.flatMap { $0.isFinite ? $0 : nil }
            self.at = at
            self.problem = problem.map { String($0.prefix(Self.longestProblem)) }
        }

        /// The same, taken at another time.
        package func taken(at time: Timestamp) -> Reading {
            Reading(guardName: guardName, arm: arm, value: value, at: time, problem: problem)
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
    /// All codes of one series, slice, arm and share: a histogram is written in a few bytes a bucket.
    private struct Counts: Codable {
        let series: Series
        let slice: RequestSlice?
        let arm: Arm
        let share: Share
        /// Code and count in turn, codes ascending.
        var codes: [Int]

        enum CodingKeys: String, CodingKey {
            case series, slice, arm, share, codes
            /// Of 0.1, which knew only outcomes that are good or bad, and each count by itself.
            case metric, bad, n
        }

        init(_ key: EvidenceKey, _ number: Int) {
            series = key.series
            slice = key.slice
            arm = key.arm
            share = key.share
            codes = [key.code, number]
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            if let metric = try container.decodeIfPresent(Metric.self, forKey: .metric) {
                series = metric.series(of: nil)
                let code = try container.decode(Bool.self, forKey: .bad) ? 1 : 0
                codes = [code, try container.decode(Int.self, forKey: .n)]
            } else {
                series = try container.decode(Series.self, forKey: .series)
                codes = try container.decode([Int].self, forKey: .codes)
            }
            guard codes.count.isMultiple(of: 2), codes.allSatisfy({ $0 >= 0 }) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .codes,
                    in: container,
                    debugDescription: "a count or a code is negative, or missing"
                )
            }
            slice = try container.decodeIfPresent(RequestSlice.self, forKey: .slice)
            arm = try container.decode(Arm.self, forKey: .arm)
            share = try container.decode(Share.self, forKey: .share)
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(series, forKey: .series)
            try container.encodeIfPresent(slice, forKey: .slice)
            try container.encode(arm, forKey: .arm)
            try container.encode(share, forKey: .share)
            try container.encode(codes, forKey: .codes)
        }

        func isSameButForCodes(_ other: Counts) -> Bool {
            series == other.series && slice == other.slice && arm == other.arm && share == other.share
        }

        /// Equal evidence is written as equal bytes, whatever the order of a dictionary.
        static func all(_ counts: EvidenceCounts) -> [Counts] {
            let single = counts.counts.map { key, number in
                (
                    order: "\(key.series) \(key.slice?.description ?? "") \(key.arm.rawValue)", key: key,
                    number: number
                )
            }
            let sorted = single.sorted {
                ($0.order, $0.key.share, $0.key.code) < ($1.order, $1.key.share, $1.key.code)
            }
            var all: [Counts] = []
            for (_, key, number) in sorted {
                let next = Counts(key, number)
                if let last = all.last, last.isSameButForCodes(next) {
                    all[all.count - 1].codes += next.codes
                } else {
                    all.append(next)
                }
            }
            return all
        }
    }

    enum CodingKeys: String, CodingKey {
        case release, at, step, counts, readings
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let release = try container.decode(ReleaseID.self, forKey: .release)
        var counts = EvidenceCounts()
        for part in try container.decode([Counts].self, forKey: .counts) {
            for index in stride(from: 0, to: part.codes.count, by: 2) {
                let key = EvidenceKey(
                    release: release,
                    series: part.series,
                    slice: part.slice,
                    arm: part.arm,
                    share: part.share,
                    code: part.codes[index]
                )
                counts.add(key, part.codes[index + 1])
            }
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
        try container.encode(Counts.all(counts), forKey: .counts)
        if !readings.isEmpty { try container.encode(readings, forKey: .readings) }
    }
}
