import BelayStats

/// A bet on events that are seen only when they happen: flags, and answers that came.
struct CountedBet: Equatable {
    private enum Wager: Equatable {
        case count(CountBet)
        /// Flags against all answers, whichever of them they speak of.
        case limit(OneSampleBet)
        /// The margin is one of points, and stable's own rate is not known yet.
        case gathering(flags: Int, answers: Int)
    }

    private let metric: Metric
    private let limit: Guard.Limit
    private let direction: CountBet.Direction
    private let isProof: Bool
    private var wager: Wager

    init(_ guarded: Guard, isProof: Bool, profile: StableProfile?) {
        metric = guarded.metric
        limit = guarded.limit
        self.isProof = isProof
        // Too many flags harm, and so do too few answers; the proof that there is no harm bets otherwise.
        direction = (metric == .flagRate) == !isProof ? .more : .fewer
        wager = .gathering(flags: 0, answers: 0)
        begin(stable: profile?.means[metric.rawValue])
    }

    var hasBegun: Bool { if case .gathering = wager { false } else { true } }

    var logEvidence: Double {
        switch wager {
        case .count(let bet): bet.logEvidence
        case .limit(let bet): bet.logEvidence
        case .gathering: 0
        }
    }

    /// - Parameter stable: Flags an answer of stable gets, if that is known.
    private mutating func begin(stable: Double?) {
        if case .absolute(let max) = limit {
            if let bet = OneSampleBet(limit: max) { wager = .limit(bet) }
        } else if let ratio = ratio(stable: stable),
            let bet = CountBet(direction, ratio: ratio, drip: !isProof)
        {
            wager = .count(bet)
        }
    }

    /// The candidate's rate over stable's at the edge of what the guard allows.
    private func ratio(stable: Double?) -> Double? {
        let margin: Double
        switch limit {
        case .relativeToStable(let part): margin = part
        case .againstStable(0): margin = 0
        case .againstStable(let points):
            guard let stable, stable > 0 else { return nil }
            margin = points / stable
        default: return nil
        }
        let granted = margin > 0 || !isProof ? margin : 0.5
        return metric == .flagRate ? 1 + granted : 1 - min(granted, 0.99)
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
        case .gathering(let flags, let answered):
            let newFlags = outcomes.filter { !$0.candidate && $0.code == 1 }.total
            let (flags, answered) = (
                flags.addingSaturated(newFlags),
                answered.addingSaturated(answers.filter { !$0.candidate }.total)
            )
            wager = .gathering(flags: flags, answers: answered)
            guard answered >= Terms.fewestOutcomes else { return }
            begin(stable: Double(flags.addingSaturated(1)) / Double(answered.addingSaturated(1)))
        }
    }
}
