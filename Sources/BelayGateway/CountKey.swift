import BelayCore

/// Which arm at which share, what came of it in which series and slice: one key of a ``CountTable``.
///
/// From the lowest bit: 16 of the code, 20 of the share in parts per million, 2 of the arm, 8 of the series,
/// 12 of the slice.
struct CountKey {
    private static let arms: [Arm] = [.stable, .candidate]

    let bits: UInt64

    init(bits: UInt64) { self.bits = bits }

    /// Where the outcomes of one request are counted; nil when they are evidence for nothing.
    ///
    /// Without a trial the version that serves is watched for its own release, to which it has no opponent.
    init?(_ arm: Arm, _ assignment: Assignment, _ counting: Counting, _ seen: SeenUnits) {
        guard let trial = assignment.trial else {
            // The candidate may have been left out of the toss, which makes no watch of its trial.
            guard counting.kind != .trial else { return nil }
            self.init(.candidate, .all)
            return
        }
        guard trial.isCounted, counting.kind == .trial else { return nil }
        let chance = assignment.stickyUnit.map {
            seen.chance(of: $0, on: arm, at: trial.share, in: counting.epoch)
        }
        self.init(arm, chance ?? trial.share)
    }

    private init(_ arm: Arm, _ share: Share) {
        let index: UInt64 = arm == .candidate ? 1 : 0
        bits = index << 36 | UInt64(share.partsPerMillion) << 16
    }

    func counted(_ code: Int, in series: Int) -> UInt64 {
        bits | UInt64(series) << 38 | UInt64(UInt16(clamping: code))
    }

    static func slice(_ number: Int) -> UInt64 { UInt64(number) << 46 }

    func evidence(by counting: Counting) -> EvidenceKey? {
        let series = Int(bits >> 38 & 0xff)
        guard let share = Share(partsPerMillion: Int(bits >> 16 & 0xf_ffff)),
            series < counting.series.count
        else { return nil }
        return EvidenceKey(
            release: counting.epoch.release,
            series: counting.series[series],
            slice: counting.slice(Int(bits >> 46 & 0xfff)),
            arm: Self.arms[Int(bits >> 36 & 1)],
            share: share,
            code: Int(bits & 0xffff)
        )
    }
}
