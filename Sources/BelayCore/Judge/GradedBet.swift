import BelayStats

/// A bet on graded outcomes: against stable, or against a limit.
///
/// Until its terms are known it learns from stable's outcomes and bets on nothing.
struct GradedBet: Equatable {
    private enum Wager: Equatable {
        case comparison(AllocationBet)
        case limit(OneSampleBet)
    }

    private let terms: Terms
    /// Stable's outcomes before the bet began.
    private var past = CodeTally()
    private(set) var grading: Grading?
    private var wager: Wager?

    init(_ terms: Terms) {
        self.terms = terms
        begin()
    }

    var hasBegun: Bool { wager != nil }

    var logEvidence: Double {
        switch wager {
        case .comparison(let bet): bet.logEvidence
        case .limit(let bet): bet.logEvidence
        case nil: 0
        }
    }

    /// What the candidate is granted, in badness; nil for a limit, and before the bet has begun.
    var margin: AllocationBet.Margin? {
        if case .comparison(let bet) = wager { bet.settings.margin } else { nil }
    }

    /// The limit in badness; nil for a comparison, and before the bet has begun.
    var limit: Double? {
        if case .limit(let bet) = wager { bet.limit } else { nil }
    }

    private mutating func begin() {
        switch terms.limit {
        case .absolute(let max):
            guard let (grading, bet) = terms.absolute(max: max, after: past) else { return }
            (self.grading, wager) = (grading, .limit(bet))
        case .againstStable, .relativeToStable:
            guard let (grading, bet) = terms.comparison(after: past) else { return }
            (self.grading, wager) = (grading, .comparison(bet))
        case .atLeast, .withinOfStable, .never: return
        }
        past = CodeTally()
    }

    mutating func settle(_ outcomes: [Outcome], at time: Timestamp) {
        guard let grading else {
            // Everything that stable shows is past to the ticks that follow, repetitions included.
            for outcome in outcomes where !outcome.candidate { past.add(outcome, at: time) }
            return begin()
        }
        switch wager {
        case .comparison(var bet):
            bet.settle(Self.cells(outcomes, grading))
            wager = .comparison(bet)
        case .limit(var bet):
            // Units that were tossed before repeat themselves; a bet on them would count one coin twice. Each
            // pair of a shadow is a sample of its own.
            let fresh = outcomes.filter { $0.candidate && ($0.isTossed || terms.metric.isOfShadows) }
            bet.settle(
                Self.graded(fresh, grading).compactMap { value, outcome in
                    OneSampleBet.Cell(value: value, count: outcome.count)
                }
            )
            wager = .limit(bet)
        case nil: break
        }
    }

    private static func cells(_ outcomes: [Outcome], _ grading: Grading) -> [AllocationBet.Cell] {
        graded(outcomes, grading).compactMap { value, outcome in
            AllocationBet.Cell(
                candidate: outcome.candidate,
                value: value,
                share: outcome.share.fraction,
                count: outcome.count
            )
        }
    }

    private static func graded(_ outcomes: [Outcome], _ grading: Grading) -> [(Double, Outcome)] {
        outcomes.compactMap { outcome in
            grading.badness(of: outcome.code, candidate: outcome.candidate).map { ($0, outcome) }
        }
    }
}
