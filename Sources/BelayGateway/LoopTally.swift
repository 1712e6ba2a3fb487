import BelayCore
import BelayStats

/// What one event loop has counted since control last collected.
///
/// Outcomes are handed over by the time at which their requests were routed, not at which they ended: a
/// cohort leaves when all of its requests have. Were they handed over as they end, the first ticks after a
/// change of share would hold the faster arm's outcomes only, and a version that is merely slower would look
/// like one that is worse. The wait is bounded by the endpoint's timeout.
///
/// Confined to its loop, so counting takes no lock. Keys are small numbers until they are handed over; to
/// hash a series and a slice for each count would cost more than all else here.
struct LoopTally {
    /// Collections between two that hand over what is watched without a trial: it goes on for ever, and ten
    /// seconds are soon enough to see a decay.
    static let watchCadence = 50

    /// The requests routed between two collections.
    private struct Cohort {
        var open = 0
        var pages = Pages()
    }

    /// What was counted, release by release; nearly always there is but one.
    private struct Pages {
        private var all: [(counting: Counting, counts: CountTable)] = []

        var isEmpty: Bool { all.isEmpty }

        mutating func count(by counting: Counting, _ body: (inout CountTable) -> Void) {
            if let index = all.firstIndex(where: { $0.counting === counting }) {
                body(&all[index].counts)
            } else {
                var counts = CountTable()
                body(&counts)
                all.append((counting, counts))
            }
        }

        func add(to counts: inout EvidenceCounts) {
            for page in all {
                page.counts.forEach { key, number in
                    guard let key = CountKey(bits: key).evidence(by: page.counting) else { return }
                    counts.add(key, number)
                }
            }
        }
    }

    /// Oldest first; the last one takes the requests that are routed now.
    private var cohorts = [Cohort()]
    private var numberOfFirst = 0
    /// What waits for no cohort.
    private var neverEvents = EvidenceCounts()
    /// Outcomes without a trial: nothing is compared with them, so they wait for no cohort either.
    private var watched = Pages()
    /// What the next version said of requests that the one that serves has failed; handed over with those.
    private var rescues = EvidenceCounts()
    private var collectionsUntilWatched = 0

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
    /// what is known of it by then, all or none: samples they are, but no bet can be made on them.
    ///
    /// A request whose caller hurries (`isHurried`) compares nothing either: which of its outcomes come in
    /// time depends on the arm.
    mutating func count(
        _ outcome: RequestOutcome,
        of assignment: Assignment,
        by counting: Counting,
        in cohort: Int,
        isHurried: Bool,
        seen: SeenUnits
    ) {
        guard !isHurried, let place = CountKey(outcome.charge.arm, assignment, counting, seen) else { return }
        count(by: counting, in: cohort) { $0.add(outcome, at: place, by: counting) }
    }

    /// Counts a request that was refused because it does not fit the signature, for the arm of its coin.
    mutating func countMisfit(
        of assignment: Assignment,
        by counting: Counting,
        in cohort: Int,
        isHurried: Bool,
        seen: SeenUnits
    ) {
        guard counting.plan.countsSchema, assignment.arm != .pinned, !isHurried,
            let place = CountKey(assignment.arm, assignment, counting, seen)
        else { return }
        count(by: counting, in: cohort) { $0.add(place.counted(1, in: Counting.Numbered.schema)) }
    }

    private mutating func count(
        by counting: Counting,
        in cohort: Int,
        _ body: (inout CountTable) -> Void
    ) {
        if counting.kind == .trial {
            cohorts[cohort - numberOfFirst].pages.count(by: counting, body)
        } else {
            watched.count(by: counting, body)
        }
    }

    /// Counts that the version on this arm answered what is no answer: an event that waits for no cohort and
    /// knows no repetition, for it is not compared with anything, and a unit that was fine before must not
    /// hide it.
    mutating func countInvalidOutput(on arm: Arm, of assignment: Assignment, by counting: Counting) {
        guard assignment.trial?.isCounted ?? true else { return }
        countNeverEvent(.invalidOutput, on: arm, of: assignment, by: counting)
    }

    /// Counts that the circuit breaker of the version on this arm opened twice within a minute: an event that
    /// waits for nothing, like every never-event.
    mutating func countRelapse(on arm: Arm, of assignment: Assignment, by counting: Counting) {
        countNeverEvent(.circuitBreaker, on: arm, of: assignment, by: counting)
    }

    /// Counts what the next version said of a request that the one that serves has failed.
    mutating func countRescue(by version: VersionNumber, hasFailed: Bool, in release: ReleaseID) {
        rescues.add(Rescues.key(of: version, hasFailed: hasFailed, in: release), 1)
    }

    /// Of the version on trial, or of the one that its release has brought and still watches.
    private mutating func countNeverEvent(
        _ metric: Metric,
        on arm: Arm,
        of assignment: Assignment,
        by counting: Counting
    ) {
        let release = counting.epoch.release
        if let trial = assignment.trial {
            guard arm == .candidate else { return }
            neverEvents.add(key(metric, release, share: trial.share, bad: true), 1)
        } else if counting.kind == .watch(isJudged: true), arm == .stable {
            neverEvents.add(key(metric, release, share: .all, bad: true), 1)
        }
    }

    /// Counts what a shadow said of one copied request.
    ///
    /// No coin decided who answers, so these are pairs and samples, never a comparison of arms.
    mutating func count(_ outcome: ShadowOutcome, in release: ReleaseID) {
        neverEvents.add(key(.shadowError, release, share: .all, bad: outcome.isFailure), 1)
        if outcome == .invalid { neverEvents.add(key(.invalidOutput, release, share: .all, bad: true), 1) }
        guard !outcome.isFailure else { return }
        neverEvents.add(key(.disagreement, release, share: .all, bad: outcome == .differed), 1)
    }

    /// Hands over the cohorts that are complete, and now and then what is watched; requests routed from now
    /// on belong to the next cohort.
    mutating func take() -> EvidenceCounts {
        var ready = neverEvents
        neverEvents = EvidenceCounts()
        cohorts.append(Cohort())
        while cohorts.count > 1, cohorts[0].open == 0 {
            cohorts.removeFirst().pages.add(to: &ready)
            numberOfFirst += 1
        }
        collectionsUntilWatched -= 1
        if collectionsUntilWatched <= 0, !watched.isEmpty {
            watched.add(to: &ready)
            watched = Pages()
            ready.merge(rescues)
            rescues = EvidenceCounts()
            collectionsUntilWatched = Self.watchCadence
        }
        return ready
    }

    private func key(_ metric: Metric, _ release: ReleaseID, share: Share, bad: Bool) -> EvidenceKey {
        EvidenceKey(release: release, metric: metric, arm: .candidate, share: share, bad: bad)
    }
}

/// What one request came to, as far as it is counted.
struct RequestOutcome: Equatable {
    let charge: Charge
    /// From routing to the answer of the version that is charged.
    let microseconds: Int64
    /// Nil when the version did not come to read the request, or nothing is looked for.
    let observation: Observation?
}

extension CountTable {
    /// Counts an outcome in every series that its release counts, once for the whole and once for each of its
    /// slices.
    ///
    /// What has no answer was slowest, and predicted nothing. A request that nobody read says nothing of its
    /// features, and is of no known slice.
    fileprivate mutating func add(_ outcome: RequestOutcome, at place: CountKey, by counting: Counting) {
        let isGood = outcome.charge.verdict == .good
        add(isGood ? 0 : 1, in: Counting.Numbered.answers, outcome, place, counting)
        if counting.plan.countsLatency {
            let bucket =
                isGood
                ? LogHistogram.bucket(of: Double(outcome.microseconds)) : LogHistogram.highestBucket
            add(bucket, in: Counting.Numbered.latency, outcome, place, counting)
        }
        if counting.plan.countsSchema { add(0, in: Counting.Numbered.schema, outcome, place, counting) }
        if let observation = outcome.observation {
            for index in 0..<counting.columns {
                let code = observation.bin(ofColumn: index)
                add(code, in: Counting.Numbered.firstColumn + index, outcome, place, counting)
            }
        } else if let index = counting.predictionColumn {
            let series = Counting.Numbered.firstColumn + index
            add(counting.missingPrediction, in: series, outcome, place, counting)
        }
    }

    private mutating func add(
        _ code: Int,
        in series: Int,
        _ outcome: RequestOutcome,
        _ place: CountKey,
        _ counting: Counting
    ) {
        let key = place.counted(code, in: series)
        add(key)
        guard counting.isSliced else { return }
        for slicing in counting.splits[series] {
            let slice =
                outcome.observation?.slice(ofSlicing: slicing, columns: counting.columns)
                ?? Int(counting.unknownSlices[slicing])
            add(key | CountKey.slice(slice))
        }
    }
}
