import BelayCore

/// What one event loop has counted since control last collected.
///
/// Outcomes are handed over by the time at which their requests were routed, not at which they ended: a
/// cohort leaves when all of its requests have. Were they handed over as they end, the first ticks after a
/// change of share would hold the faster arm's outcomes only, and a version that is merely slower would look
/// like one that is worse. The wait is bounded by the endpoint's timeout.
///
/// Confined to its loop, so counting takes no lock.
struct LoopTally {
    /// The requests routed between two collections.
    private struct Cohort {
        var open = 0
        var counts = EvidenceCounts()
    }

    /// Oldest first; the last one takes the requests that are routed now.
    private var cohorts = [Cohort()]
    private var numberOfFirst = 0
    /// What waits for no cohort.
    private var neverEvents = EvidenceCounts()

    /// Notes that a request has been routed, and says to which cohort it belongs.
    mutating func admit() -> Int {
        cohorts[cohorts.count - 1].open += 1
        return numberOfFirst + cohorts.count - 1
    }

    /// Notes that a request of this cohort has been answered, however it was.
    mutating func leave(_ cohort: Int) { cohorts[cohort - numberOfFirst].open -= 1 }

    /// Counts one outcome, where it is evidence.
    ///
    /// A sticky unit is tossed once at each share. Its other outcomes are counted with the share that says
    /// what is known of it by then, all or none: samples they are, but no bet can be made on them. The
    /// never-event waits for no cohort and knows no repetition: it is not compared with anything, and a unit
    /// that was fine before must not hide it.
    ///
    /// A request whose caller hurries (`isHurried`) compares nothing either: which of its outcomes come in
    /// time depends on the arm.
    mutating func count(
        _ charge: Charge,
        of assignment: Assignment,
        in cohort: Int,
        isHurried: Bool,
        seen: SeenUnits
    ) {
        guard let trial = assignment.trial, trial.isCounted else { return }
        if charge.arm == .candidate, case .bad(.invalidOutput) = charge.verdict {
            neverEvents.add(key(.invalidOutput, trial, charge, share: trial.share, bad: true), 1)
        }
        guard !isHurried else { return }
        let chance = assignment.stickyUnit.map {
            seen.chance(of: $0, on: charge.arm, at: trial.share, in: trial.release)
        }
        let outcome = key(
            .errorRate,
            trial,
            charge,
            share: chance ?? trial.share,
            bad: charge.verdict != .good
        )
        cohorts[cohort - numberOfFirst].counts.add(outcome, 1)
    }

    /// Counts that the candidate's circuit breaker opened twice within a minute: an event that waits for
    /// nothing, like every never-event.
    mutating func countRelapse(of assignment: Assignment) {
        guard let trial = assignment.trial else { return }
        let charge = Charge(arm: .candidate, verdict: .bad(.tripped))
        neverEvents.add(key(.circuitBreaker, trial, charge, share: trial.share, bad: true), 1)
    }

    /// Counts what a shadow said of one copied request.
    ///
    /// No coin decided who answers, so these are pairs and samples, never a comparison of arms.
    mutating func count(_ outcome: ShadowOutcome, in release: ReleaseID) {
        func add(_ metric: Metric, bad: Bool) {
            let key = EvidenceKey(release: release, metric: metric, arm: .candidate, share: .all, bad: bad)
            neverEvents.add(key, 1)
        }
        add(.shadowError, bad: outcome.isFailure)
        if outcome == .invalid { add(.invalidOutput, bad: true) }
        if !outcome.isFailure { add(.disagreement, bad: outcome == .differed) }
    }

    /// Hands over the cohorts that are complete; requests routed from now on belong to the next one.
    mutating func take() -> EvidenceCounts {
        var ready = neverEvents
        neverEvents = EvidenceCounts()
        cohorts.append(Cohort())
        while cohorts.count > 1, cohorts[0].open == 0 {
            ready.merge(cohorts.removeFirst().counts)
            numberOfFirst += 1
        }
        return ready
    }

    private func key(
        _ metric: Metric,
        _ trial: Assignment.Trial,
        _ charge: Charge,
        share: Share,
        bad: Bool
    ) -> EvidenceKey {
        EvidenceKey(release: trial.release, metric: metric, arm: charge.arm, share: share, bad: bad)
    }
}
