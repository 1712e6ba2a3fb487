import BelayCore

/// What one event loop has counted since control last collected.
///
/// Confined to its loop, so counting takes no lock.
struct LoopTally {
    private var counts = EvidenceCounts()

    /// Counts one outcome, where it is evidence.
    ///
    /// A sticky unit counts once in a release, with the share of that first time. The never-event does not:
    /// it is not compared with anything, and a unit that was fine before must not hide it.
    mutating func count(_ charge: Charge, of assignment: Assignment, seen: SeenUnits) {
        guard let trial = assignment.trial, trial.isCounted else { return }
        if charge.arm == .candidate, case .bad(.invalidOutput) = charge.verdict {
            counts.add(key(.invalidOutput, trial, charge, bad: true), 1)
        }
        if let unit = assignment.stickyUnit, !seen.isFirst(unit, in: trial.release) { return }
        counts.add(key(.errorRate, trial, charge, bad: charge.verdict != .good), 1)
    }

    /// Hands over what was counted, and starts from nothing.
    mutating func take() -> EvidenceCounts {
        defer { counts = EvidenceCounts() }
        return counts
    }

    private func key(_ metric: Metric, _ trial: Assignment.Trial, _ charge: Charge, bad: Bool) -> EvidenceKey
    {
        EvidenceKey(release: trial.release, metric: metric, arm: charge.arm, share: trial.share, bad: bad)
    }
}
