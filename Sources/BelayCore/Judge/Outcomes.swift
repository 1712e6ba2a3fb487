import BelayStats

/// One cell of what a tick counted of a series.
struct Outcome: Equatable {
    let candidate: Bool
    let share: Share
    let code: Int
    let count: Int

    /// Whether a coin decided which version got it.
    var isTossed: Bool { share > .none && share < .all }
}

/// A tick's counts by series and slice, in an order of their own, without those of pinned requests.
///
/// Sorted once for all guards: sums of floating numbers that people see must not depend on a dictionary.
struct TickOutcomes {
    private struct Part: Hashable {
        let series: Series
        let slice: RequestSlice?
    }

    private var parts: [Part: [Outcome]] = [:]

    init(_ counts: EvidenceCounts) {
        for (key, count) in counts.counts where key.arm != .pinned {
            let outcome = Outcome(
                candidate: key.arm == .candidate,
                share: key.share,
                code: key.code,
                count: count
            )
            parts[Part(series: key.series, slice: key.slice), default: []].append(outcome)
        }
        for part in parts.keys { parts[part]?.sort(by: Self.precedes) }
    }

    func of(_ series: Series, in slice: RequestSlice?) -> [Outcome] {
        parts[Part(series: series, slice: slice)] ?? []
    }

    /// The slices of these features that the series was seen in, in alphabetical order.
    func slices(of series: Series, by features: [String]) -> [RequestSlice] {
        guard !features.isEmpty else { return [] }
        return parts.keys.filter { $0.series == series }.compactMap(\.slice)
            .filter { features.contains($0.feature) }
            .sorted { $0.description < $1.description }
    }

    private static func precedes(_ one: Outcome, _ other: Outcome) -> Bool {
        (one.share.partsPerMillion, one.candidate ? 1 : 0, one.code)
            < (other.share.partsPerMillion, other.candidate ? 1 : 0, other.code)
    }
}

extension [Outcome] {
    /// What each arm got, share by share, of the outcomes that a coin decided.
    func tallies(where isCounted: (Int) -> Bool = { _ in true }) -> [SplitCheck.Tally] {
        compactMap { outcome in
            guard outcome.isTossed, isCounted(outcome.code) else { return nil }
            return SplitCheck.Tally(
                share: outcome.share.fraction,
                candidate: outcome.candidate ? outcome.count : 0,
                stable: outcome.candidate ? 0 : outcome.count
            )
        }
    }

    var total: Int { reduce(0) { $0.addingSaturated($1.count) } }
}

/// How often each code was seen in one arm, and when last.
struct CodeTally: Equatable {
    private(set) var counts: [Int: Int] = [:]
    private(set) var total = 0
    private(set) var last: Timestamp?

    mutating func add(_ outcome: Outcome, at time: Timestamp) {
        counts[outcome.code] = counts[outcome.code, default: 0].addingSaturated(outcome.count)
        total = total.addingSaturated(outcome.count)
        last = time
    }

    /// Codes in ascending order, so that sums over them come out the same to the last bit.
    var cells: [(code: Int, count: Int)] {
        counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    subscript(code: Int) -> Int { counts[code] ?? 0 }

    /// Mean and variance of what the codes are worth; outcomes without a worth are left out.
    func moments(_ worth: (Int) -> Double?) -> Moments? {
        var moments = Moments()
        for (code, count) in cells {
            if let value = worth(code) { moments.add(value, count) }
        }
        return moments.count > 0 ? moments : nil
    }

    /// The code that this part of the outcomes does not exceed.
    func quantile(_ fraction: Double) -> Int? {
        let rank = Swift.max((fraction * Double(total)).rounded(.up), 1)
        var seen = 0
        for (code, count) in cells {
            seen = seen.addingSaturated(count)
            if Double(seen) >= rank { return code }
        }
        return nil
    }
}

/// Sums over graded outcomes.
struct Moments: Equatable {
    private(set) var count = 0
    /// Outcomes of any badness at all.
    private(set) var events = 0
    private var sum = 0.0
    private var sumOfSquares = 0.0

    mutating func add(_ value: Double, _ number: Int) {
        count = count.addingSaturated(number)
        if value > 0 { events = events.addingSaturated(number) }
        sum += value * Double(number)
        sumOfSquares += value * value * Double(number)
    }

    var mean: Double { count > 0 ? sum / Double(count) : 0 }

    var variance: Double {
        count > 0 ? Swift.max(sumOfSquares / Double(count) - mean * mean, 0) : 0
    }

    /// Nil unless all lies in 0 … 1.
    var summary: ArmSummary? {
        guard count > 0 else { return nil }
        return ArmSummary(count: count, mean: min(mean, 1), variance: min(variance, 1), events: events)
    }

    /// With one good and one bad outcome more, so that "always" and "never" have a spread.
    var smoothed: ArmSummary? {
        var more = self
        more.add(0, 1)
        more.add(1, 1)
        return more.summary
    }
}

/// How many outcomes came of how many units, where units stick to their arm.
///
/// A unit's outcomes resemble each other, so a sample of them tells as much as its units do, not as its
/// outcomes: an interval that took them for independent would exclude the truth far too often (STATS 4.4).
/// Taking each unit's outcomes as equal (a design effect of outcomes by units) errs towards caution where
/// units ask alike, and is still too narrow where a few units ask most.
struct UnitTally: Equatable {
    private var outcomes = 0
    /// Tosses: each unit's first outcome in an epoch of evidence, and in a step that tosses it again.
    private var units = 0

    mutating func add(_ outcome: Outcome) {
        outcomes = outcomes.addingSaturated(outcome.count)
        if outcome.isTossed { units = units.addingSaturated(outcome.count) }
    }

    /// The same sample, counted in units.
    func inUnits(_ summary: ArmSummary) -> ArmSummary? {
        guard outcomes > 0 else { return summary }
        let part = Double(units) / Double(outcomes)
        let whole = { (number: Int) in Int(exactly: (Double(number) * part).rounded(.down)) ?? 0 }
        return ArmSummary(
            count: whole(summary.count),
            mean: summary.mean,
            variance: summary.variance,
            events: whole(summary.events)
        )
    }
}

/// What both arms showed.
struct ArmTallies: Equatable {
    var stable = CodeTally()
    var candidate = CodeTally()
    /// Answers over the probability with which their requests came to their arm.
    ///
    /// It is what each would answer of all requests, for ``Series/answers``; a failure is no answer.
    private(set) var weightOfStable = 0.0
    private(set) var weightOfCandidate = 0.0

    mutating func add(_ outcomes: [Outcome], at time: Timestamp) {
        for outcome in outcomes {
            let isAnswer = outcome.isTossed && outcome.code == 0
            if outcome.candidate {
                candidate.add(outcome, at: time)
                if isAnswer { weightOfCandidate += Double(outcome.count) / outcome.share.fraction }
            } else {
                stable.add(outcome, at: time)
                if isAnswer { weightOfStable += Double(outcome.count) / (1 - outcome.share.fraction) }
            }
        }
    }
}
