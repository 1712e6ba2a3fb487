import Testing

@testable import BelayStats

@Suite("SplitCheck")
struct SplitCheckTests {
    @Test(arguments: Reference.splits)
    func agreesWithTheReference(drip: Bool, expected: [Double]) throws {
        var check = SplitCheck(drip: drip)
        var measured: [Double] = []
        for t in 0..<50 {
            check.settle([
                try tally(0.3, 20 + t % 5, 40 + t % 7), try tally(0.01, t % 3, 90 + t),
            ])
            if [0, 9, 49].contains(t) { measured.append(check.logEvidence) }
        }
        for (value, number) in zip(measured, expected) { #expect(agree(value, number)) }
    }

    private func tally(_ share: Double, _ candidate: Int, _ stable: Int) throws -> SplitCheck.Tally {
        try #require(SplitCheck.Tally(share: share, candidate: candidate, stable: stable))
    }

    /// The mean of two bets with Y = 1 and m ≈ 0 is what the check is said to be.
    @Test func isTheMeanOfTwoCountBets() throws {
        var check = SplitCheck(drip: false)
        check.settle([try tally(0.2, 30, 70)])
        var sum = 0.0
        for sign in [1.0, -1] {
            for boldness in [1.0 / 32, 1.0 / 16, 1.0 / 8, 1.0 / 4, 1.0 / 2] {
                sum += exponential(
                    30 * logarithm(1 + sign * boldness * 0.8) + 70 * logarithm(1 - sign * boldness * 0.2)
                )
            }
        }
        #expect(agree(check.logEvidence, logarithm(sum / 10)))
    }

    @Test func findsABrokenSplitOnEitherSide() throws {
        for (candidate, favours) in [(150, true), (60, false)] {
            var check = SplitCheck()
            for _ in 0..<20 { check.settle([try tally(0.1, candidate, 1_000 - candidate)]) }
            #expect(check.logEvidence > 10)
            #expect(check.favoursCandidate == favours)
        }
        var sound = SplitCheck()
        for t in 0..<500 { sound.settle([try tally(0.1, 95 + t % 11, 905 - t % 11)]) }
        #expect(sound.logEvidence < 0)
        #expect(sound.observations == 500_000)
    }

    @Test func theOrderAndNumberOfCountersDoNotChangeABit() throws {
        var (whole, parts) = (SplitCheck(), SplitCheck())
        for t in 0..<30 {
            whole.settle([try tally(0.1, 8 + t, 100), try tally(0.5, 7, 9)])
            parts.settle([
                try tally(0.5, 3, 9), try tally(0.1, 8, 40), try tally(0.5, 4, 0), try tally(0.1, t, 60),
            ])
        }
        #expect(whole == parts)
    }

    @Test func whatTellsNothingIsPassedOver() throws {
        var check = SplitCheck()
        check.settle([try tally(0, 0, 100), try tally(1, 100, 0), try tally(0.5, 0, 0)])
        check.settle([])
        #expect(check == SplitCheck())
        for (share, candidate, stable) in [
            (-0.1, 1, 1), (1.1, 1, 1), (.nan, 1, 1), (0.5, -1, 1), (0.5, 1, -1),
        ] {
            #expect(SplitCheck.Tally(share: share, candidate: candidate, stable: stable) == nil)
        }
        for share in [Double.leastNonzeroMagnitude, 0.5, 1 - 1e-16] {
            check.settle([try tally(share, .max, .max), try tally(share, .max, 0)])
            #expect(check.logEvidence.isFinite)
        }
        #expect(check.observations == .max)
    }
}
