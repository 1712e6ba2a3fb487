import BelayStats

/// Whether what is counted can be compared at all.
///
/// Every comparison rests on the router's coin. If the arms do not get requests as the coin says, or labels
/// for the same part of them, their difference says nothing of the versions. What has once been found broken
/// stays so for the release: its evidence cannot be told apart from the rest any more.
struct Trust: Equatable {
    /// log(1000): a check that is wrong makes a healthy release wait, so it is wrong seldom.
    private static let threshold = 6.907_755_278_982_137

    private var split = SplitCheck()
    private var coverage = SplitCheck()
    private var scoring = SplitCheck()
    private(set) var isSplitBroken = false
    private(set) var isCoverageBroken = false
    /// The arms did not get people's scores for the same part of their answers.
    ///
    /// A mean of scores rests on that. Flags do not: that more answers of one arm are flagged is what they
    /// are for.
    private(set) var isScoringBroken = false

    /// Evidence that the arms do not compare, 0 and more, in the scale of logarithms.
    ///
    /// What looks like harm may be that: a bet is believed only as far as it goes beyond it. It is hardly
    /// ever more than nothing while requests and labels come as the coin says.
    var splitDoubt: Double { max(split.logEvidence, 0) }
    var coverageDoubt: Double { max(coverage.logEvidence, 0) }
    var scoringDoubt: Double { max(scoring.logEvidence, 0) }

    mutating func settle(_ outcomes: TickOutcomes) {
        split.settle(outcomes.of(.answers, in: nil).tallies())
        coverage.settle(outcomes.of(.labelled, in: nil).tallies())
        scoring.settle(outcomes.of(.score, in: nil).tallies())
        if split.logEvidence >= Self.threshold { isSplitBroken = true }
        if coverage.logEvidence >= Self.threshold { isCoverageBroken = true }
        if scoring.logEvidence >= Self.threshold { isScoringBroken = true }
    }
}
