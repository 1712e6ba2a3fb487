/// One kind of outcome: equal keys share one factor of the bet, so only their number matters.
package struct EvidenceKey: Hashable, Sendable {
    package let release: ReleaseID
    package let series: Series
    /// Nil counts all requests; else only those of one slice, which are counted in the whole too.
    package let slice: RequestSlice?
    package let arm: Arm
    /// The candidate's probability at the moment the request was routed, given what was known of its unit:
    /// none or all for a unit that had been tossed before, whose outcome is a sample but no evidence.
    package let share: Share
    /// What happened, in the code of its ``Series``.
    package let code: Int

    package init(
        release: ReleaseID,
        series: Series,
        slice: RequestSlice?,
        arm: Arm,
        share: Share,
        code: Int
    ) {
        self.release = release
        self.series = series
        self.slice = slice
        self.arm = arm
        self.share = share
        self.code = code
    }

    /// One outcome that is either good or bad.
    package init(release: ReleaseID, metric: Metric, arm: Arm, share: Share, bad: Bool) {
        self.init(
            release: release,
            series: metric.series(of: nil),
            slice: nil,
            arm: arm,
            share: share,
            code: bad ? 1 : 0
        )
    }

    /// In a series whose outcomes are good or bad: whether this one is bad.
    package var isBad: Bool { code == 1 }
}

/// Counts of coded outcomes.
///
/// Adding is commutative, so loops, gateways and restarts merge in any order.
package struct EvidenceCounts: Equatable, Sendable {
    package private(set) var counts: [EvidenceKey: Int] = [:]

    package init() {}

    package var isEmpty: Bool { counts.isEmpty }

    /// Adds `number` outcomes; a sum that would overflow stays at its maximum.
    package mutating func add(_ key: EvidenceKey, _ number: Int) {
        guard number > 0 else { return }
        counts[key] = counts[key, default: 0].addingSaturated(number)
    }

    package mutating func merge(_ other: EvidenceCounts) {
        for (key, number) in other.counts { add(key, number) }
    }

    /// The counts of each release that has any.
    package var byRelease: [ReleaseID: EvidenceCounts] {
        var parts: [ReleaseID: EvidenceCounts] = [:]
        for (key, number) in counts { parts[key.release, default: EvidenceCounts()].counts[key] = number }
        return parts
    }

    /// The counts of one release.
    package func of(_ release: ReleaseID) -> EvidenceCounts {
        var part = EvidenceCounts()
        part.counts = counts.filter { $0.key.release == release }
        return part
    }
}

extension Int {
    /// The sum of two counts, held at the maximum instead of trapping.
    func addingSaturated(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
