import BelayStats

/// One guard with everything counted for it: of all requests, and of each slice that it asks for.
struct GuardCase: Equatable {
    /// log(1/α) for the α of ``Policy/falseRollbackRate``; a test keeps the two together.
    static let threshold = 4.605_170_185_988_091
    /// log(1/β) for β = 5 %, the chance to let a candidate pass that is worse than its margin (STATS 3.12).
    static let proofThreshold = 2.995_732_273_553_991
    /// Slices beyond these are part of the whole only.
    static let mostSlices = 20

    private struct Part: Equatable {
        let slice: RequestSlice
        var track: Track
    }

    let guarded: Guard
    let context: GuardContext
    private(set) var whole: Track
    /// In the order in which they appeared.
    private var parts: [Part] = []
    /// In a step that cannot show its metric, what the last one showed stays.
    private(set) var applies = true
    /// Counts what no guard is on.
    let isObserver: Bool

    init(_ guarded: Guard, in context: GuardContext) {
        self.guarded = guarded
        self.context = context
        whole = Track(guarded, in: context)
        isObserver = false
    }

    /// Counts a metric that no guard is on.
    init?(observing metric: Metric, in context: GuardContext) {
        guard let guarded = Guard.observing(metric) else { return nil }
        self.guarded = guarded
        self.context = context
        whole = Track(guarded, in: context)
        isObserver = true
    }

    private var series: Series { guarded.metric.series(of: guarded.focus.feature) }

    var isBet: Bool { whole.bet.isBet }

    /// What a breach leads to: only evidence that keeps the promised level may roll back, and what a person
    /// asks a monitor of their own.
    var reaction: Guard.Reaction {
        guard guarded.reaction == .rollback else { return guarded.reaction }
        switch whole.bet {
        case .reference, .answers, .samples, .unreferenced: return .hold
        case .never, .graded, .counted, .arms, .query: return .rollback
        }
    }

    var isComparison: Bool {
        switch guarded.limit {
        case .againstStable, .relativeToStable: guarded.metric != .query && !isReferenced
        case .absolute: guarded.metric == .predictionDrift
        case .atLeast, .withinOfStable, .never: false
        }
    }

    /// Whether it is held against a reference from before the release.
    var isReferenced: Bool {
        switch guarded.metric {
        case .featureDrift, .missingRate, .unseenRate: true
        default: false
        }
    }

    var hasHappened: Bool {
        if case .never(let count) = whole.bet { count > 0 } else { false }
    }

    /// Natural logarithm of the evidence that the guard's limit is exceeded.
    ///
    /// Half of the capital is on all requests, the other half on slices in the order in which they appear:
    /// 1/2, 1/6, 1/12 … of it. A slice that nobody has heard of yet has its stake waiting, so a new one costs
    /// the others nothing, and the sum keeps the level of its terms.
    var logEvidence: Double {
        guard !guarded.focus.sliceBy.isEmpty, isBet else { return whole.bet.logEvidence }
        let stakes = parts.enumerated().map { index, part in
            (weight: 0.5 / Double((index + 1) * (index + 2)), logEvidence: part.track.bet.logEvidence)
        }
        return Combination.logWeightedSum([(0.5, whole.bet.logEvidence)] + stakes)
    }

    var logAdvance: Double? { whole.proof?.logEvidence }

    /// The slice whose evidence is the strongest, if it is stronger than that of all requests.
    var worst: (slice: RequestSlice, track: Track)? {
        let worst = parts.max { $0.track.bet.logEvidence < $1.track.bet.logEvidence }
        guard let worst, worst.track.bet.logEvidence > max(whole.bet.logEvidence, 0) else { return nil }
        return (worst.slice, worst.track)
    }

    var tracks: [Track] { [whole] + parts.map(\.track) }

    /// A new step: its samples are counted from zero; the bets go on.
    mutating func enterStep(of kind: Plan.Step.Kind) {
        applies = guarded.metric.applies(to: kind)
        guard applies else { return }
        whole.enterStep()
        for index in parts.indices { parts[index].track.enterStep() }
    }

    /// Takes in a tick; one of an earlier step is evidence all the same, but no sample of this step.
    mutating func settle(_ all: TickOutcomes, of tick: EvidenceTick, isOfThisStep: Bool) {
        whole.settle(input(all, tick, slice: nil, isOfThisStep))
        guard !guarded.focus.sliceBy.isEmpty, isBet else { return }
        for slice in slices(in: all) {
            guard !parts.contains(where: { $0.slice == slice }), parts.count < Self.mostSlices else {
                continue
            }
            parts.append(Part(slice: slice, track: Track(guarded, in: context)))
        }
        for index in parts.indices {
            parts[index].track.settle(input(all, tick, slice: parts[index].slice, isOfThisStep))
        }
    }

    /// Slices to begin with, if they are new.
    ///
    /// Flags are held against the answers of their slice, which must be counted from the beginning; those
    /// whose slice is not known have none.
    private func slices(in all: TickOutcomes) -> [RequestSlice] {
        guard guarded.metric == .flagRate else { return all.slices(of: series, by: guarded.focus.sliceBy) }
        return all.slices(of: .answers, by: guarded.focus.sliceBy).filter { $0.value != RequestSlice.others }
    }

    private func input(
        _ all: TickOutcomes,
        _ tick: EvidenceTick,
        slice: RequestSlice?,
        _ isOfThisStep: Bool
    ) -> TrackInput {
        let outcomes =
            if case .reference(let watch) = whole.bet {
                watch.series.flatMap { all.of($0, in: slice) }
            } else {
                all.of(series, in: slice)
            }
        return TrackInput(
            at: tick.at,
            isOfThisStep: isOfThisStep,
            outcomes: outcomes,
            answers: all.of(.answers, in: slice),
            readings: tick.readings.filter { $0.guardName == guarded.name },
            all: all
        )
    }
}
