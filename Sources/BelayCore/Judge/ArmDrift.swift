import BelayStats

/// Whether the candidate predicts otherwise than stable does.
///
/// The bet proves that there is a difference, however small; the index says whether it is one that matters.
/// Evidence counts only while both do, which keeps it an e-value: it is never above the bet's own.
struct ArmDrift: Equatable {
    /// Below this many predictions of each arm an index says little (STATS 4.6).
    static let fewestValues = 500

    private let most: Double
    private let bins: Int
    private var bet: ArmDriftBet
    private var stable: [Int]
    private var candidate: [Int]

    /// Nil without bins.
    init?(max: Double, reference: ReferenceBins?) {
        guard let prior = reference?.shares else { return nil }
        most = max
        bins = prior.count
        bet = ArmDriftBet(prior: prior)
        stable = Array(repeating: 0, count: prior.count)
        candidate = stable
    }

    var isConclusive: Bool {
        min(stable.reduce(0) { $0.addingSaturated($1) }, candidate.reduce(0) { $0.addingSaturated($1) })
            >= Self.fewestValues
    }

    /// Between the arms, over the whole release; nil below ``fewestValues``.
    var index: Double? {
        guard isConclusive, let stable = Shares(counts: stable), let candidate = Shares(counts: candidate)
        else { return nil }
        return Divergence.populationStabilityIndex(candidate, stable)
    }

    /// −∞ while the index does not exceed the limit.
    var logEvidence: Double { (index ?? 0) > most ? bet.logEvidence : -.infinity }

    mutating func settle(_ outcomes: [Outcome]) {
        let tossed = outcomes.filter { $0.isTossed && (0..<bins).contains($0.code) }
        for outcome in tossed {
            if outcome.candidate {
                candidate[outcome.code] = candidate[outcome.code].addingSaturated(outcome.count)
            } else {
                stable[outcome.code] = stable[outcome.code].addingSaturated(outcome.count)
            }
        }
        bet.settle(
            tossed.compactMap { outcome in
                ArmDriftBet.Cell(
                    candidate: outcome.candidate,
                    bin: outcome.code,
                    share: outcome.share.fraction,
                    count: outcome.count
                )
            }
        )
    }
}
