import BelayStats

/// A bet on events that are seen only when they happen: flags, and answers that came.
struct CountedBet: Equatable {
    private enum Wager: Equatable {
        /// The margin is a part of stable's rate, which need not be known.
        case count(CountBet)
        /// Flags against all answers, whichever of them they speak of.
        case limit(OneSampleBet)
        /// The margin is one of points.
        case rise(RiseBet)
        /// A proof that a margin in points is kept, held against stable's rate as it is known before a tick;
        /// no bet while it is not.
        case proof(points: Double, Rate, CountBet?)
    }

    /// Flags an answer of stable, so far.
    private struct Rate: Equatable {
        /// Of the past that was measured when the release was proposed.
        let known: Double?
        var flags = 0
        var answers = 0

        /// What it may well be: flags that are still on their way make what was counted too low, so it is the
        /// past's when that is more.
        var upper: Double? {
            guard answers >= Terms.fewestOutcomes else { return known }
            let counted = Double(flags) + 1
            return max((counted + 2 * counted.squareRoot()) / Double(answers), known ?? 0)
        }
    }

    private let metric: Metric
    private var wager: Wager?

    init(_ guarded: Guard, isProof: Bool, profile: StableProfile?) {
        metric = guarded.metric
        // Too many flags harm, and so do too few answers; the proof that there is no harm bets otherwise.
        let direction: CountBet.Direction = (metric == .flagRate) == !isProof ? .more : .fewer
        switch guarded.limit {
        case .absolute(let max): wager = OneSampleBet(limit: max).map(Wager.limit)
        case .againstStable(let points) where points > 0 && isProof:
            let rate = Rate(known: profile?.means[metric.rawValue].flatMap { $0 > 0 ? $0 : nil })
            wager = .proof(points: points, rate, nil)
        case .againstStable(let points) where points > 0: wager = RiseBet(margin: points).map(Wager.rise)
        case .relativeToStable(let margin), .againstStable(let margin):
            let granted = margin > 0 || !isProof ? margin : 0.5
            let ratio = metric == .flagRate ? 1 + granted : 1 - min(granted, 0.99)
            wager = CountBet(direction, ratio: ratio, drip: !isProof).map(Wager.count)
        case .atLeast, .withinOfStable, .never: wager = nil
        }
    }

    var hasBegun: Bool { wager != nil }

    var logEvidence: Double {
        switch wager {
        case .count(let bet): bet.logEvidence
        case .limit(let bet): bet.logEvidence
        case .rise(let bet): bet.logEvidence
        case .proof(_, _, let bet): bet?.logEvidence ?? 0
        case nil: 0
        }
    }

    /// - Parameters:
    ///   - outcomes: Of the metric's own series.
    ///   - answers: What was answered meanwhile.
    mutating func settle(_ outcomes: [Outcome], answers: [Outcome]) {
        switch wager {
        case .count(var bet):
            let event = metric == .flagRate ? 1 : 0
            bet.settle(outcomes.tallies { $0 == event })
            wager = .count(bet)
        case .limit(var bet):
            // A flag comes later than its answer, which was counted as good when it was given. Counting that
            // answer twice favours the candidate by one good outcome.
            let flags = outcomes.filter { $0.candidate && $0.isTossed && $0.code == 1 }.total
            bet.settle(bad: flags, good: answers.filter { $0.candidate && $0.isTossed }.total)
            wager = .limit(bet)
        case .rise(var bet):
            bet.settle(
                requests: answers.tallies(),
                repeats: answers.repeats,
                events: outcomes.tallies { $0 == 1 }
            )
            wager = .rise(bet)
        case .proof(let points, var rate, var bet):
            if let stable = rate.upper {
                let ratio = 1 + points / stable
                if bet == nil { bet = CountBet(.fewer, ratio: ratio, drip: false) }
                bet?.settle(outcomes.tallies { $0 == 1 }, against: ratio)
            }
            rate.flags = rate.flags.addingSaturated(outcomes.filter { !$0.candidate && $0.code == 1 }.total)
            rate.answers = rate.answers.addingSaturated(answers.filter { !$0.candidate }.total)
            wager = .proof(points: points, rate, bet)
        case nil: break
        }
    }
}

extension [Outcome] {
    /// Outcomes of units that had been tossed before.
    ///
    /// What serves after its trial is counted as the candidate with all requests, too, and had no opponent.
    fileprivate var repeats: Int {
        contains { !$0.candidate } ? filter { !$0.isTossed }.total : 0
    }
}
